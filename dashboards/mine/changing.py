"""Another time for a reservation, or for its series; what was typed is kept, and free slots are offered."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

import booking
from booking import AlreadyEnded
from booking.series import store as series_store
from booking.series.change import Scope, move_series
from coop import register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Forbidden, MoyaiError
from coop.interval import Interval
from coop.problems import STATUS, locale_of
from dashboards.mine.reservation import SAID, Version
from dashboards.mine.rows import names, row
from dashboards.mine.slots import Typed, instead_of, sentence, slot_of, typed
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

THIS = "this"


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the change was not made, and what stood in the form."""

    error: MoyaiError
    form: Typed | None
    scope: str


@router.get("/reservations/{reservation_id}/change")
def change_page(reservation_id: UUID, door: Entrance) -> Response:
    """The form, filled in with the time that it has."""
    return _form(door, reservation_id)


@router.post("/reservations/{reservation_id}/change")
def change(
    reservation_id: UUID,
    door: Entrance,
    version: Version = None,
    day: Annotated[str, Form()] = "",
    start: Annotated[str, Form()] = "",
    end: Annotated[str, Form()] = "",
    scope: Annotated[str, Form()] = THIS,
    instead: Annotated[str, Form()] = "",
) -> Response:
    """Move it; a refusal leaves it where it is, and the form as it was typed."""
    form = Typed(day, start, end)

    def use_case(conn: Connection) -> None:
        slot = slot_of(instead) if instead else form.slot(register.cooperative(conn).time_zone)
        if scope in set(Scope):
            move_series(conn, door.viewer, reservation_id, slot, Scope(scope), door.now, version=version)
        else:
            booking.move(conn, door.viewer, reservation_id, slot, door.now, version=version)

    try:
        door.run(use_case)
    except MoyaiError as error:
        if error.kind not in SAID:
            raise
        return _form(door, reservation_id, Refused(error, form if day else None, scope))
    return RedirectResponse(f"/reservations/{reservation_id}?done=moved", status_code=303)


def _form(door: Door, reservation_id: UUID, refused: Refused | None = None) -> Response:
    viewer, locale = door.viewer, locale_of(door.request)

    def ask(conn: Connection) -> tuple[ZoneInfo, dict[str, Any]]:
        zone = register.cooperative(conn).time_zone
        known = booking.seen(booking.find(conn, viewer, reservation_id), viewer)
        about = row(known, names(conn, locale), viewer, door.now)
        if not about.may_change and refused is None:
            raise AlreadyEnded() if about.slot.end <= door.now else Forbidden()
        in_series = reservation_id in series_store.series_of(conn, [reservation_id])
        shown = {"about": about, "version": known.version, "in_series": in_series}
        return zone, shown | {"wanted": refused.form if refused and refused.form else typed(known.when, zone)}

    zone, shown = door.run(ask)
    return page(
        door,
        "mine/change.html",
        zone=zone,
        here="reservations",
        status=STATUS[refused.error.kind].value if refused else 200,
        refused=sentence(refused.error, locale) if refused else "",
        instead=instead_of(refused.error) if refused else [],
        clashes=_clashes(refused.error) if refused else [],
        scope=refused.scope if refused else THIS,
        **shown,
    )


def _clashes(error: MoyaiError) -> list[tuple[Interval, str]]:
    """Of a series that could not move: the times that were refused, each with its reason."""
    return [
        (slot_of(f"{each['wanted']['starts_at']}/{each['wanted']['ends_at']}"), each["refusal"]["detail"])
        for each in error.extra.get("occurrences", [])
        if each["refusal"]
    ]
