"""Series over HTTP: looked at first, then reserved; moved or cancelled from one reservation on, or all of it."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from booking.api import ReservationView, ReservationWanted, SlotWanted
from booking.etags import IfMatch, VersionNeeded, version_of
from booking.model import Reservation
from booking.projection import seen
from booking.series.change import Scope, cancel_series, move_series
from booking.series.outcome import Outcome, preview, said
from booking.series.reserve import Conflicts, find_series, reserve_series
from booking.series.store import Series
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import PreconditionFailed
from coop.identity import Viewer
from coop.interval import Interval

router = APIRouter(tags=["booking"])


class PlanChanged(PreconditionFailed):
    """What can be had is not any more what was shown. `occurrences` of the problem document has it as it is now."""

    code = "booking.plan_changed"


class SeriesWanted(ReservationWanted):
    rule: str = Field(
        max_length=500,
        description="RFC 5545 RRULE by days, weeks, months or years; the slot is its first occurrence. Read in the "
        "cooperative's time zone: the local time stays when clocks change. Without an end it goes to the horizon.",
        examples=["FREQ=WEEKLY;BYDAY=TU;COUNT=10"],
    )
    conflicts: Conflicts = Field(
        default=Conflicts.REFUSE,
        description="If an occurrence cannot be had at its time: refuse all, skip it, or take the nearest free slot.",
    )


class SeriesMove(SlotWanted):
    scope: Scope


class SpanView(BaseModel):
    starts_at: datetime
    ends_at: datetime


class OutcomeView(BaseModel):
    """What becomes of one occurrence."""

    recurrence_id: datetime = Field(description="The start that the rule gives it; it stays when the occurrence moves.")
    outcome: str = Field(description="booked, alternative or skipped")
    wanted: SpanView
    slot: SpanView | None = Field(description="The time it gets.")
    nearest: SpanView | None = Field(description="The free slot next to a time that is refused.")
    reservation_id: UUID | None = Field(description="Nothing is reserved by a preview.")
    refusal: dict[str, Any] | None = Field(description="Why not at its own time: as the problem document of that slot.")


class OutcomesView(BaseModel):
    booked: int
    alternatives: int
    skipped: int
    occurrences: list[OutcomeView]

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], viewer: Viewer, **more: Any) -> Self:
        names = Counter(each.name for each in outcomes)
        return cls(
            booked=names["booked"],
            alternatives=names["alternative"],
            skipped=names["skipped"],
            occurrences=[OutcomeView.model_validate(said(each, viewer)) for each in outcomes],
            **more,
        )


class SeriesMade(OutcomesView):
    id: UUID
    rule: str
    time_zone: str


class OccurrenceView(BaseModel):
    recurrence_id: datetime
    reservation: ReservationView


class SeriesView(BaseModel):
    id: UUID
    rule: str
    time_zone: str
    starts_at: datetime = Field(description="The first slot, from which the rule counts.")
    ends_at: datetime
    occurrences: list[OccurrenceView]

    @classmethod
    def of(cls, series: Series, places: Sequence[tuple[datetime, Reservation]], viewer: Viewer) -> Self:
        return cls(
            id=series.id,
            rule=series.rule,
            time_zone=series.zone.key,
            starts_at=series.first.start,
            ends_at=series.first.end,
            occurrences=[
                OccurrenceView(recurrence_id=place, reservation=ReservationView.of(seen(each, viewer)))
                for place, each in places
            ],
        )


@router.post("/series/preview")
def preview_series(body: SeriesWanted, door: Entrance, response: Response) -> OutcomesView:
    """What would become of each occurrence of a series, with nothing reserved. The `ETag` names this outcome."""
    outcomes = door.run(lambda conn: preview(conn, lambda: _reserve(conn, door, body)[1]))
    response.headers["ETag"] = _plan(outcomes)
    return OutcomesView.of(outcomes, door.viewer)


@router.post("/series", status_code=201, response_model=SeriesMade)
def create_series(body: SeriesWanted, door: Entrance, if_match: IfMatch = None) -> Response:
    """Reserve a series at once. With the preview's `ETag` as `If-Match` exactly what it showed, or 412."""
    here = door.request.url.path

    def made(conn: Connection) -> SeriesMade:
        series, outcomes = _reserve(conn, door, body)
        if if_match not in {None, "*", _plan(outcomes)}:
            raise PlanChanged(extra={"occurrences": [said(each, door.viewer) for each in outcomes]})
        more = {"id": series.id, "rule": series.rule, "time_zone": series.zone.key}
        return SeriesMade.of(outcomes, door.viewer, **more)

    return door.once(made, asked=body, status=201, headers=lambda view: {"Location": f"{here}/{view.id}"})


@router.get("/series/{series_id}")
def get_series(series_id: UUID, door: Entrance) -> SeriesView:
    """A series with its reservations as they are now, those that were cancelled too."""
    return SeriesView.of(*door.run(lambda conn: find_series(conn, door.viewer, series_id)), door.viewer)


@router.get("/reservations/{reservation_id}/series")
def get_series_of(reservation_id: UUID, door: Entrance) -> SeriesView:
    """The series that a reservation belongs to."""
    return get_series(reservation_id, door)


@router.post("/reservations/{reservation_id}/series/preview")
def preview_move(reservation_id: UUID, body: SeriesMove, door: Entrance) -> OutcomesView:
    """What would become of each occurrence if the series moved as this reservation, with nothing moved."""
    outcomes = door.run(lambda conn: preview(conn, lambda: _move(conn, door, reservation_id, body, None)))
    return OutcomesView.of(outcomes, door.viewer)


@router.patch("/reservations/{reservation_id}/series", response_model=OutcomesView)
def move_reservations(reservation_id: UUID, body: SeriesMove, door: Entrance, if_match: IfMatch = None) -> Response:
    """Move a reservation, and with it those that follow in its series, or all: by the same shift, all or none."""
    if if_match is None:
        raise VersionNeeded()
    version = version_of(if_match)
    return door.once(
        lambda conn: OutcomesView.of(_move(conn, door, reservation_id, body, version), door.viewer), asked=body
    )


@router.delete("/reservations/{reservation_id}/series", status_code=204)
def cancel_reservations(
    reservation_id: UUID, door: Entrance, scope: Annotated[Scope, Query()], if_match: IfMatch = None
) -> Response:
    """Cancel a reservation, and with it those that follow in its series, or all that have not begun."""
    version = None if if_match is None else version_of(if_match)
    door.run(lambda conn: cancel_series(conn, door.viewer, reservation_id, scope, door.now, version=version))
    return Response(status_code=204)


def _reserve(conn: Connection, door: Door, body: SeriesWanted) -> tuple[Series, list[Outcome]]:
    return reserve_series(conn, door.viewer, body.wish(), body.rule, body.conflicts, door.now)


def _move(conn: Connection, door: Door, reservation_id: UUID, body: SeriesMove, version: int | None) -> list[Outcome]:
    when = Interval(body.starts_at, body.ends_at)
    return move_series(conn, door.viewer, reservation_id, when, body.scope, door.now, version=version)


def _plan(outcomes: Sequence[Outcome]) -> str:
    """The ETag of what a series would get: the same if each occurrence gets the same slot, or none."""
    told = "\n".join(f"{each.recurrence_id} {each.slot}" for each in outcomes)
    return f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'
