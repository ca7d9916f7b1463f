"""Reservations over HTTP."""

from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from booking import listing, store
from booking.cancel import cancel
from booking.etags import IfMatch, VersionNeeded, version_of
from booking.free import free_slots
from booking.model import Reservation, Status
from booking.move import move
from booking.projection import Seen, seen
from booking.reserve import Wish, reserve
from booking.rules.facts import Preparation, for_member
from booking.services import store as store_services
from booking.services.model import ServiceKind
from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Door, Entrance
from coop.interval import Interval
from coop.paging import Paged

router = APIRouter(tags=["booking"])

Slug = Annotated[str, Field(max_length=31, pattern="^[a-z0-9][a-z0-9-]*$")]


class ReservationWanted(Wanted):
    machine_id: str = Field(max_length=31, examples=["cmm-1"])
    starts_at: Moment
    ends_at: Moment
    purpose: str = Field(default="", max_length=500, description="Seen by its person and the operator only.")
    person_id: UUID | None = Field(default=None, description="For whom the office or an operator books.")
    member_id: str | None = Field(default=None, max_length=31, description="For which member, where nobody is named.")
    instructor_id: UUID | None = Field(default=None, description="Who instructs somebody that may not be alone.")
    soaks_from: Moment | None = Field(default=None, description="From when on the part lies in the machine's room.")
    service: ServiceKind = Field(default=ServiceKind.SELF_USE, description="For advice `machine_id` names the person.")
    options: list[Slug] = Field(default=[], max_length=20, description="Optional needs of the service.")
    units: list[Slug] = Field(default=[], max_length=20, description="Which units of pools it must be.")

    def wish(self) -> Wish:
        """What is wanted, as the use cases take it."""
        return Wish(
            self.machine_id,
            Interval(self.starts_at, self.ends_at),
            self.purpose,
            self.person_id,
            self.member_id,
            self.service,
            tuple(self.options),
            tuple(self.units),
            Preparation(self.instructor_id, self.soaks_from),
        )


class SlotWanted(Wanted):
    starts_at: Moment
    ends_at: Moment


class Reason(BaseModel):
    """What a rule says: a stable code, its sentence in the reader's language, and what would be allowed."""

    code: str
    detail: str
    params: dict[str, int | str]


class ReservationView(BaseModel):
    """A reservation. Of another member's only `machine_id`, the times and `taken` are given."""

    machine_id: str
    starts_at: datetime
    ends_at: datetime
    mine: bool
    taken: bool = Field(description="It is another member's: the time is taken, and that is all.")
    id: UUID | None
    uid: str | None = Field(description="The calendar UID; a move keeps it.")
    status: Status | None
    member_id: str | None
    member_name: str | None
    person_id: UUID | None
    person_name: str | None
    purpose: str | None
    version: int | None
    created_at: datetime | None
    service: ServiceKind | None
    expected_at: datetime | None = Field(description="Who comes late said when.")
    warnings: list[Reason] = Field(description="What to consider; said when it is made or moved.")

    @classmethod
    def of(cls, seen: Seen) -> Self:
        values = {name: getattr(seen, name) for name in Seen.__slots__ if name != "when"}
        return cls(starts_at=seen.when.start, ends_at=seen.when.end, taken=seen.id is None, **values)


class FreeView(BaseModel):
    starts_at: datetime
    ends_at: datetime


@router.post("/reservations", status_code=201, response_model=ReservationView)
def create_reservation(body: ReservationWanted, door: Entrance) -> Response:
    """Reserve a machine. 409 names what is in the way and the next three free slots; 422 every rule against it."""
    wish = body.wish()
    here = door.request.url.path
    return door.once(
        lambda conn: _view(door, reserve(conn, door.viewer, wish, door.now)),
        asked=body,
        status=201,
        headers=lambda view: {"Location": f"{here}/{view.id}", "ETag": _etag(view)},
    )


@router.get("/reservations")
def list_reservations(
    door: Entrance,
    paging: Paged,
    machine: Annotated[str | None, Query(max_length=31)] = None,
    since: Annotated[Moment | None, Query(alias="from", description="Now, if not given.")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    mine: Annotated[bool, Query(description="Only those for oneself.")] = False,
    member: Annotated[str | None, Query(max_length=31, description="Only those of one member.")] = None,
) -> list[ReservationView]:
    """Reservations that touch `[from, to)`, by start. The `Link` header leads to the next page."""
    since = since or door.now
    page = door.run(
        lambda conn: listing.reservations_of(
            conn,
            door.viewer,
            since=since,
            until=until,
            machine_id=machine,
            mine=mine,
            member_id=member,
            cursor=paging.cursor,
            limit=paging.limit,
        )
    )
    if page.next_cursor:
        paging.lead_to(page.next_cursor, **{"from": since.isoformat()})
    return [ReservationView.of(each) for each in page.reservations]


@router.get("/reservations/{reservation_id}")
def get_reservation(reservation_id: UUID, door: Entrance, response: Response) -> ReservationView:
    """One reservation of one's own member; the `ETag` is what a change must send as `If-Match`."""
    view = _view(door, door.run(lambda conn: listing.find(conn, door.viewer, reservation_id)))
    response.headers["ETag"] = _etag(view)
    return view


@router.patch("/reservations/{reservation_id}", response_model=ReservationView)
def move_reservation(reservation_id: UUID, body: SlotWanted, door: Entrance, if_match: IfMatch = None) -> Response:
    """Move, extend or shorten a reservation. If the new slot is refused it keeps the old one."""
    if if_match is None:
        raise VersionNeeded()
    version, when = version_of(if_match), Interval(body.starts_at, body.ends_at)
    return door.once(
        lambda conn: _view(door, move(conn, door.viewer, reservation_id, when, door.now, version=version)),
        asked=body,
        headers=lambda view: {"ETag": _etag(view)},
    )


@router.delete("/reservations/{reservation_id}", status_code=204)
def cancel_reservation(reservation_id: UUID, door: Entrance, if_match: IfMatch = None) -> Response:
    """Cancel a reservation; a second time changes nothing."""
    version = None if if_match is None else version_of(if_match)
    door.run(lambda conn: cancel(conn, door.viewer, reservation_id, door.now, version=version))
    return Response(status_code=204)


@router.get("/machines/{machine_id}/free")
def get_free(
    machine_id: str,
    door: Entrance,
    since: Annotated[Moment | None, Query(alias="from", description="Now, if not given.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="A week after `from`, if not given.")] = None,
    minutes: Annotated[int, Query(ge=1, le=527_040, description="At least this long.")] = 1,
    service: ServiceKind = ServiceKind.SELF_USE,
    option: Annotated[list[Slug] | None, Query(max_length=20, description="Optional needs of the service.")] = None,
    unit: Annotated[list[Slug] | None, Query(max_length=20, description="Which units of pools it must be.")] = None,
) -> list[FreeView]:
    """The stretches in which a machine can be booked, set-up and tear-down allowed for.

    Where the service needs more than the machine, slots of `minutes` (the shortest, if not given) can start on any grid
    line from the start of a stretch to `minutes` before its end.
    """
    start = since or door.now
    window = Interval(start, until or start + timedelta(days=7))
    length = timedelta(minutes=minutes) if minutes > 1 else None

    def ask(conn: Connection) -> list[Interval]:
        offered = store_services.service(conn, machine_id, service, option or (), unit or ())
        terms = for_member(conn, store.terms(conn, machine_id, offered), door.viewer.member_id)
        return free_slots(conn, terms, window, door.now, length)

    free = door.run(ask)
    return [FreeView(starts_at=each.start, ends_at=each.end) for each in free if each.seconds >= minutes * 60]


def _view(door: Door, reservation: Reservation) -> ReservationView:
    return ReservationView.of(seen(reservation, door.viewer))


def _etag(view: ReservationView) -> str:
    return f'"{view.version}"'
