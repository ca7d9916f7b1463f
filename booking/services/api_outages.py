"""Time in which something cannot be used, over HTTP: entered, listed with whom it affects, ended."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from booking import outages
from booking.api import ReservationView, Slug
from booking.model import Reservation
from booking.outages import Outage, OutageKind
from booking.projection import seen
from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Door, Entrance
from coop.interval import Interval
from coop.paging import Paged

router = APIRouter(tags=["booking"])


class OutageWanted(Wanted):
    resource_id: Slug = Field(examples=["cmm-1"])
    kind: OutageKind
    starts_at: Moment | None = Field(default=None, description="Now, if not given.")
    ends_at: Moment
    reason: str = Field(default="", max_length=200)


class OutageView(BaseModel):
    id: UUID
    resource_id: str
    kind: OutageKind
    starts_at: datetime
    ends_at: datetime
    reason: str
    affected: list[ReservationView] = Field(description="Reservations at that time, as the reader may see them.")


@router.get("/outages")
def list_outages(
    door: Entrance,
    paging: Paged,
    since: Annotated[Moment | None, Query(alias="from", description="Now, if not given.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="30 days after `from`, if not given.")] = None,
    resource: Annotated[str | None, Query(max_length=31)] = None,
) -> list[OutageView]:
    """Outages, maintenance, calibration and absences, with the reservations that they affect."""
    start = since or door.now
    window, part = Interval(start, until or start + timedelta(days=30)), paging.slice(datetime, UUID)
    fixed = {"from": window.start.isoformat(), "to": window.end.isoformat()}

    def ask(conn: Connection) -> list[OutageView]:
        page = paging.page(
            outages.outages(conn, window, resource, part), lambda last: (last.during.start, last.id), **fixed
        )
        return [_outage(door, each, outages.affected(conn, each)) for each in page]

    return door.run(ask)


@router.post("/outages", status_code=201, response_model=OutageView)
def enter_outage(body: OutageWanted, door: Entrance) -> Response:
    """Enter an outage. 409 lists the reservations at that time; only a breakdown is entered over them."""
    during = Interval(body.starts_at or door.now, body.ends_at)

    def enter(conn: Connection) -> OutageView:
        made = outages.close(conn, door.viewer, body.resource_id, body.kind, during, body.reason, door.now)
        return _outage(door, made, outages.affected(conn, made))

    return door.once(enter, asked=body, status=201)


@router.delete("/outages/{outage_id}", status_code=204)
def end_outage(outage_id: UUID, door: Entrance) -> Response:
    """End an outage now; one that has not begun is taken back."""
    door.run(lambda conn: outages.reopen(conn, door.viewer, outage_id, door.now))
    return Response(status_code=204)


def _outage(door: Door, outage: Outage, affected: list[Reservation]) -> OutageView:
    return OutageView(
        id=outage.id,
        resource_id=outage.resource_id,
        kind=outage.kind,
        starts_at=outage.during.start,
        ends_at=outage.during.end,
        reason=outage.reason,
        affected=[ReservationView.of(seen(each, door.viewer)) for each in affected],
    )
