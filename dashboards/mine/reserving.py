"""The small form that books a machine."""

from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

import booking
from booking import Wish
from coop import machines, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Kind, MoyaiError
from coop.identity import Role
from coop.interval import Interval
from coop.problems import STATUS, locale_of
from coop.register import Member
from dashboards.mine.slots import Typed, instead_of, sentence, slot_of, typed
from dashboards.shell import page
from dashboards.today.model import USUAL, usual
from dashboards.today.store import A_GRANULE, LOOK_AHEAD

router = APIRouter(include_in_schema=False)

FREE_SHOWN = 4


@router.get("/machines/{machine_id}/reserve")
def reserve_page(machine_id: str, door: Entrance, start: str = "", end: str = "") -> Response:
    """The form, filled in with the slot of the address or the next one that is free."""

    def wanted(zone: ZoneInfo, free: list[Interval]) -> Typed:
        if start and end:
            return typed(slot_of(f"{start}/{end}"), zone)
        first = free[0] if free else Interval.of(door.now.replace(minute=0, second=0, microsecond=0), USUAL)
        return typed(usual(first), zone)

    return _form(door, machine_id, wanted)


@router.post("/machines/{machine_id}/reserve")
def reserve(
    machine_id: str,
    door: Entrance,
    day: Annotated[str, Form()] = "",
    start: Annotated[str, Form()] = "",
    end: Annotated[str, Form()] = "",
    purpose: Annotated[str, Form(max_length=200)] = "",
    member_id: Annotated[str, Form()] = "",
    instead: Annotated[str, Form()] = "",
) -> Response:
    """Book; a refusal keeps the form as typed and offers the next free slots as buttons."""
    form = Typed(day, start, end, purpose, member_id)

    def use_case(conn: Connection) -> UUID:
        zone = register.cooperative(conn).time_zone
        slot = slot_of(instead) if instead else form.slot(zone)
        wish = Wish(machine_id, slot, purpose, member_id=member_id or None)
        return booking.reserve(conn, door.viewer, wish, door.now).id

    try:
        made = door.run(use_case)
    except MoyaiError as refused:
        if refused.kind not in {Kind.INVALID, Kind.CONFLICT}:
            raise
        said = refused

        def kept(zone: ZoneInfo, _: list[Interval]) -> Typed:
            return typed(slot_of(instead), zone, purpose, member_id) if instead and not day else form

        return _form(door, machine_id, kept, said)
    return RedirectResponse(f"/reservations?made={made}", status_code=303)


def _form(door: Door, machine_id: str, fill: Any, refused: MoyaiError | None = None) -> Response:
    locale = locale_of(door.request)

    def ask(conn: Connection) -> tuple[ZoneInfo, str, list[Interval], list[Member]]:
        terms = booking.for_member(conn, booking.terms(conn, machine_id), door.viewer.member_id)
        free = booking.free_slots(conn, terms, Interval(door.now - A_GRANULE, door.now + LOOK_AHEAD), door.now)
        members = register.members(conn, door.viewer) if door.viewer.has(Role.OFFICE, Role.OPERATOR) else []
        return terms.zone, machines.machine(conn, machine_id).name(locale), free[:FREE_SHOWN], members

    zone, name, free, members = door.run(ask)
    return page(
        door,
        "mine/reserve.html",
        zone=zone,
        status=STATUS[refused.kind].value if refused else 200,
        machine=name,
        machine_id=machine_id,
        members=members,
        wanted=fill(zone, free),
        refused=sentence(refused, locale) if refused else "",
        free=instead_of(refused) or free if refused else free,
        usual=usual,
        exact=bool(instead_of(refused)) if refused else False,
    )
