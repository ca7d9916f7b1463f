"""Services over HTTP: the one-call changes of a reservation, requests, commissioned work, loans."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, RootModel

from booking import store
from booking.api import ReservationView, ReservationWanted, Slug
from booking.approval import approve, decline
from booking.etags import IfMatch, VersionNeeded, version_of
from booking.handover import announce_late, hand_over
from booking.listing import find
from booking.model import Reservation
from booking.move import extend, shorten, swap
from booking.projection import seen
from booking.services import commission
from booking.services.any_of import reserve_any
from booking.services.commission import Step, steps, take_step
from booking.services.loan import lend, loans, take_back
from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Door, Entrance
from coop.paging import Paged

router = APIRouter(tags=["booking"])


class Extension(Wanted):
    minutes: int = Field(default=30, ge=1, le=1440)


class Shortening(Wanted):
    ends_at: Moment


class Swap(Wanted):
    machine_id: Slug = Field(examples=["cmm-2"])


class Lateness(Wanted):
    expected_at: Moment


class Handover(Wanted):
    person_id: UUID = Field(description="A colleague of the same member.")


class FromPool(ReservationWanted):
    machine_id: Literal[""] = Field(default="", description="Not to be given: the pool gives a machine.")


class StepWanted(Wanted):
    quote_yen: int | None = Field(default=None, ge=0, le=2_000_000_000, description="Without tax; for the step quoted.")


class StepView(BaseModel):
    step: Step
    at: datetime
    by_id: UUID | None
    quote_yen: int | None


class Steps(RootModel[list[StepView]]):
    """The steps that were taken, in their order."""


class LoanView(BaseModel):
    reservation: ReservationView
    out_at: datetime
    due_at: datetime
    overdue: bool


class ClaimView(BaseModel):
    """What a reservation takes: its machine, where `need` is null, or a unit for a need of its service."""

    need: str | None
    resource_id: str
    starts_at: datetime
    ends_at: datetime


@router.post("/reservations/{reservation_id}/extend", response_model=ReservationView)
def extend_reservation(reservation_id: UUID, body: Extension, door: Entrance, if_match: IfMatch = None) -> Response:
    """Let a reservation end later, by half an hour if nothing is said."""
    by = timedelta(minutes=body.minutes)
    return _change(door, if_match, body, lambda c, v: extend(c, door.viewer, reservation_id, by, door.now, version=v))


@router.post("/reservations/{reservation_id}/shorten", response_model=ReservationView)
def shorten_reservation(reservation_id: UUID, body: Shortening, door: Entrance, if_match: IfMatch = None) -> Response:
    """Let a reservation end earlier; the rest is free for others."""
    end = body.ends_at
    return _change(door, if_match, body, lambda c, v: shorten(c, door.viewer, reservation_id, end, door.now, version=v))


@router.post("/reservations/{reservation_id}/swap", response_model=ReservationView)
def swap_machine(reservation_id: UUID, body: Swap, door: Entrance, if_match: IfMatch = None) -> Response:
    """Take another machine at the same time; if it is refused the reservation keeps the one it has."""
    to = body.machine_id
    return _change(door, if_match, body, lambda c, v: swap(c, door.viewer, reservation_id, to, door.now, version=v))


@router.post("/reservations/{reservation_id}/late", response_model=ReservationView)
def come_late(reservation_id: UUID, body: Lateness, door: Entrance, if_match: IfMatch = None) -> Response:
    """Say that one comes late; the reservation is kept."""
    at = body.expected_at
    return _change(
        door, if_match, body, lambda c, v: announce_late(c, door.viewer, reservation_id, at, door.now, version=v)
    )


@router.post("/reservations/{reservation_id}/hand-over", response_model=ReservationView)
def hand_reservation_over(reservation_id: UUID, body: Handover, door: Entrance, if_match: IfMatch = None) -> Response:
    """Make a reservation a colleague's; they must be allowed to use the machine."""
    to = body.person_id
    return _change(
        door, if_match, body, lambda c, v: hand_over(c, door.viewer, reservation_id, to, door.now, version=v)
    )


@router.post("/reservations/{reservation_id}/approve", response_model=ReservationView)
def approve_request(reservation_id: UUID, door: Entrance, if_match: IfMatch = None) -> Response:
    """Confirm a request. 409 if it was answered already or its time is over."""
    return _change(door, if_match, None, lambda c, v: approve(c, door.viewer, reservation_id, door.now, version=v))


@router.post("/reservations/{reservation_id}/decline", response_model=ReservationView)
def decline_request(reservation_id: UUID, door: Entrance, if_match: IfMatch = None) -> Response:
    """Refuse a request; its time is free again."""
    return _change(door, if_match, None, lambda c, v: decline(c, door.viewer, reservation_id, door.now, version=v))


@router.post("/reservations/{reservation_id}/lend", response_model=ReservationView)
def lend_tester(reservation_id: UUID, door: Entrance, if_match: IfMatch = None) -> Response:
    """A portable tester leaves the house."""
    return _change(door, if_match, None, lambda c, v: lend(c, door.viewer, reservation_id, door.now, version=v))


@router.post("/reservations/{reservation_id}/take-back", response_model=ReservationView)
def take_tester_back(reservation_id: UUID, door: Entrance, if_match: IfMatch = None) -> Response:
    """A portable tester is back."""
    return _change(door, if_match, None, lambda c, v: take_back(c, door.viewer, reservation_id, door.now, version=v))


@router.get("/loans")
def list_loans(door: Entrance, paging: Paged) -> list[LoanView]:
    """What is out of the house, the earliest due first."""
    part = paging.slice(datetime, UUID)
    found = door.run(lambda conn: loans(conn, door.viewer, part))
    return [
        LoanView(
            reservation=ReservationView.of(seen(loan.reservation, door.viewer)),
            out_at=loan.out_at,
            due_at=loan.reservation.when.end,
            overdue=loan.overdue(door.now),
        )
        for loan in paging.page(found, lambda last: (last.reservation.when.end, last.reservation.id))
    ]


@router.get("/reservations/{reservation_id}/steps")
def list_steps(reservation_id: UUID, door: Entrance) -> list[StepView]:
    """The steps of a commissioned measurement that were taken."""
    return _steps(door.run(lambda conn: steps(conn, door.viewer, reservation_id)))


@router.post("/reservations/{reservation_id}/steps/{step}", response_model=Steps)
def take_next_step(
    reservation_id: UUID, step: Step, body: StepWanted, door: Entrance, if_match: IfMatch = None
) -> Response:
    """Take the next step: received, quoted, measured, delivered, returned. A second time is refused with 409."""
    version = None if if_match is None else version_of(if_match)

    etag = ""

    def take(conn: Connection) -> Steps:
        nonlocal etag
        taken = take_step(conn, door.viewer, reservation_id, step, door.now, quote_yen=body.quote_yen, version=version)
        etag = f'"{find(conn, door.viewer, reservation_id).version}"'
        return Steps(_steps(taken))

    return door.once(take, asked=body, headers=lambda _: {"ETag": etag})


@router.get("/reservations/{reservation_id}/claims")
def list_claims(reservation_id: UUID, door: Entrance) -> list[ClaimView]:
    """What a reservation of one's own member takes, the machine first."""

    def ask(conn: Connection) -> list[ClaimView]:
        find(conn, door.viewer, reservation_id)
        return [
            ClaimView(
                need=claim.need,
                resource_id=claim.resource_id,
                starts_at=claim.blocked.start,
                ends_at=claim.blocked.end,
            )
            for claim in store.claims_of(conn, reservation_id)
        ]

    return door.run(ask)


@router.post("/pools/{pool_id}/reservations", status_code=201, response_model=ReservationView)
def reserve_from_pool(pool_id: Slug, body: FromPool, door: Entrance) -> Response:
    """Reserve any machine of a pool: the first that the rules allow and that is free."""
    wish, base = body.wish(), door.request.url.path.partition("/pools/")[0]
    return door.once(
        lambda conn: _view(door, reserve_any(conn, door.viewer, pool_id, wish, door.now)),
        asked=body,
        status=201,
        headers=lambda view: {"Location": f"{base}/reservations/{view.id}", "ETag": f'"{view.version}"'},
    )


def _change(
    door: Door,
    if_match: str | None,
    body: BaseModel | None,
    use_case: Callable[[Connection, int | None], Reservation],
) -> Response:
    if if_match is None:
        raise VersionNeeded()
    version = version_of(if_match)
    return door.once(
        lambda conn: _view(door, use_case(conn, version)),
        asked=body,
        headers=lambda view: {"ETag": f'"{view.version}"'},
    )


def _view(door: Door, reservation: Reservation) -> ReservationView:
    return ReservationView.of(seen(reservation, door.viewer))


def _steps(taken: list[commission.Taken]) -> list[StepView]:
    return [StepView(step=each.step, at=each.at, by_id=each.by_id, quote_yen=each.quote_yen) for each in taken]
