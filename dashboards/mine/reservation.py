"""One reservation: what is to be known of it, what it can cost, and what may be done with it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

import booking
from booking import Reservation, Status
from booking.messages.confirmation import confirmation
from booking.series import store as series_store
from booking.series.change import Scope, cancel_series
from booking.series.reserve import find_series
from coop import machines, people, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Invalid, Kind, MoyaiError
from coop.identity import Role
from coop.people import Person
from coop.problems import STATUS, locale_of
from dashboards.mine.rows import names, row
from dashboards.mine.slots import sentence
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

SAID = frozenset({Kind.INVALID, Kind.CONFLICT, Kind.PRECONDITION_FAILED})
"""Refusals that a person can do something about: they are told on the page that they came from."""
LATE_MINUTES = (10, 20, 30, 60)
BOOKS = frozenset({Role.ENGINEER, Role.MEMBER_MANAGER, Role.OPERATOR, Role.OFFICE})

Version = Annotated[int | None, Form(ge=1, lt=2**31)]
UseCase = Callable[[Connection], object]


class NobodyChosen(Invalid):
    """Nobody was chosen to hand the reservation over to."""

    code = "reservation.nobody_chosen"


@router.get("/reservations/{reservation_id}")
def reservation_page(reservation_id: UUID, door: Entrance, done: str = "") -> Response:
    """What is to be known of a reservation that the viewer may know of."""
    return _shown(door, reservation_id, done=done)


@router.post("/reservations/{reservation_id}/cancel")
def cancel(
    reservation_id: UUID, door: Entrance, scope: Annotated[Literal["this", "following", "all"], Form()] = "this"
) -> Response:
    """Cancel it, alone or with those that follow in its series, or with all; the next page offers to undo it."""

    def use_case(conn: Connection) -> list[Reservation]:
        if scope == "this":
            return [booking.cancel(conn, door.viewer, reservation_id, door.now)]
        return cancel_series(conn, door.viewer, reservation_id, Scope(scope), door.now)

    try:
        cancelled = door.run(use_case)
    except MoyaiError as refused:
        if refused.kind not in SAID:
            raise
        return _shown(door, reservation_id, refused=refused)
    more = f"&together={len(cancelled)}" if len(cancelled) > 1 else ""
    return RedirectResponse(f"/reservations?cancelled={reservation_id}{more}", status_code=303)


@router.post("/reservations/{reservation_id}/extend")
def extend(
    reservation_id: UUID, door: Entrance, version: Version = None, minutes: Annotated[int, Form()] = 30
) -> Response:
    """Let it end later."""
    by = timedelta(minutes=max(1, min(minutes, 24 * 60)))
    return _do(
        door,
        reservation_id,
        "extended",
        lambda conn: booking.extend(conn, door.viewer, reservation_id, by, door.now, version=version),
    )


@router.post("/reservations/{reservation_id}/late")
def late(
    reservation_id: UUID, door: Entrance, version: Version = None, minutes: Annotated[int, Form()] = 20
) -> Response:
    """Say that one comes so much later than it begins; it is kept."""

    def use_case(conn: Connection) -> Reservation:
        begins = booking.find(conn, door.viewer, reservation_id).when.start
        comes = max(begins, door.now) + timedelta(minutes=max(1, min(minutes, 24 * 60)))
        return booking.announce_late(conn, door.viewer, reservation_id, comes, door.now, version=version)

    return _do(door, reservation_id, "late", use_case)


@router.post("/reservations/{reservation_id}/swap")
def swap(
    reservation_id: UUID, door: Entrance, version: Version = None, machine_id: Annotated[str, Form(max_length=31)] = ""
) -> Response:
    """Take another machine at the same time."""
    return _do(
        door,
        reservation_id,
        "swapped",
        lambda conn: booking.swap(conn, door.viewer, reservation_id, machine_id, door.now, version=version),
    )


@router.post("/reservations/{reservation_id}/hand-over")
def hand_over(
    reservation_id: UUID, door: Entrance, version: Version = None, person_id: Annotated[str, Form(max_length=36)] = ""
) -> Response:
    """Make it a colleague's."""

    def use_case(conn: Connection) -> Reservation:
        try:
            colleague = UUID(person_id)
        except ValueError:
            raise NobodyChosen() from None
        return booking.hand_over(conn, door.viewer, reservation_id, colleague, door.now, version=version)

    return _do(door, reservation_id, "handed_over", use_case)


def _do(door: Door, reservation_id: UUID, done: str, use_case: UseCase) -> Response:
    """Do it and say so on the reservation's own page, or say there why not."""
    try:
        door.run(use_case)
    except MoyaiError as refused:
        if refused.kind not in SAID:
            raise
        return _shown(door, reservation_id, refused=refused)
    return RedirectResponse(f"/reservations/{reservation_id}?done={done}", status_code=303)


def _shown(door: Door, reservation_id: UUID, *, done: str = "", refused: MoyaiError | None = None) -> Response:
    viewer, locale, now = door.viewer, locale_of(door.request), door.now

    def ask(conn: Connection) -> dict[str, Any]:
        known = booking.seen(booking.find(conn, viewer, reservation_id), viewer)
        of = names(conn, locale)
        about = row(known, of, viewer, now, series_store.series_of(conn, [reservation_id]).get(reservation_id))
        of_member = people.people_of(conn, viewer, about.member_id) if about.may_change else []
        kinds = {each.id: each.kind for each in machines.machines(conn) if each.in_service}
        return {
            "zone": register.cooperative(conn).time_zone,
            "about": about,
            "version": known.version,
            "told": confirmation(conn, viewer, reservation_id, door.request.app.state.quote),
            "series": find_series(conn, viewer, reservation_id)[1] if about.series_id else [],
            "colleagues": [each for each in of_member if _takes_over(each) and each.id != known.person_id],
            "others": [
                (machine_id, of[machine_id])
                for machine_id, kind in kinds.items()
                if machine_id != about.machine_id and kind == kinds.get(about.machine_id)
            ],
        }

    return page(
        door,
        "mine/reservation.html",
        here="reservations",
        status=STATUS[refused.kind].value if refused else 200,
        now=now,
        done=done,
        refused=sentence(refused, locale) if refused else "",
        late_minutes=LATE_MINUTES,
        gone={Status.CANCELLED, Status.RELEASED, Status.DECLINED},
        **door.run(ask),
    )


def _takes_over(person: Person) -> bool:
    return person.active and not person.roles.isdisjoint(BOOKS)
