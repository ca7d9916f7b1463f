"""One tap: take what is free now, take the next free slot, take what was offered. Tapping twice counts once."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

import booking
from booking import Reservation, Wish
from booking.model import Denial
from booking.presence.take import take
from booking.services.model import ServiceKind
from coop import register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Kind, MoyaiError
from coop.messages import translate
from coop.problems import STATUS, locale_of
from dashboards.mine.slots import sentence, slot_of
from dashboards.shell import page
from dashboards.today.asking import NotInThePast, NotRead
from dashboards.today.offers import Answer, answer
from dashboards.today.page import BOOKS, show_today

router = APIRouter(include_in_schema=False)

Ask = Annotated[str, Query(max_length=200)]
MOST_SKIPPED = 200


@router.post("/today/take")
def take_now(door: Entrance, machine_id: Annotated[str, Form(max_length=31)] = "") -> Response:
    """Reserve what is free on a machine now; its own page goes on from there."""
    made = _tried(door, lambda conn: take(conn, door.viewer, machine_id, door.now))
    if isinstance(made, MoyaiError):
        return show_today(door, refused=made)
    return RedirectResponse(f"/m/{machine_id}", 303)


@router.post("/today/reserve")
def reserve_next(
    door: Entrance,
    machine_id: Annotated[str, Form(max_length=31)] = "",
    slot: Annotated[str, Form(max_length=80)] = "",
) -> Response:
    """Reserve the slot of a card; the board says so and offers to undo it."""
    made = _tried(door, lambda conn: _once(conn, door, Wish(machine_id, slot_of(slot))))
    if isinstance(made, MoyaiError):
        return show_today(door, refused=made)
    return RedirectResponse(f"/?made={made.id}", 303)


@router.get("/today/offer")
def show_offer(door: Entrance, ask: Ask = "", skip: Annotated[int, Query(ge=0, le=MOST_SKIPPED)] = 0) -> HTMLResponse:
    """One offer for what was typed, and the way to the next."""
    return _offer(door, ask, skip)


@router.post("/today/offer")
def accept_offer(
    door: Entrance,
    machine_id: Annotated[str, Form(max_length=31)] = "",
    slot: Annotated[str, Form(max_length=80)] = "",
    service: Annotated[str, Form(max_length=20)] = ServiceKind.SELF_USE.value,
    ask: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Reserve what was offered; if it was taken meanwhile, what is free now is offered instead."""

    def accept(conn: Connection) -> Reservation:
        kind = ServiceKind(service) if service in set(ServiceKind) else ServiceKind.SELF_USE
        return _once(conn, door, Wish(machine_id, slot_of(slot), service=kind))

    made = _tried(door, accept)
    if isinstance(made, MoyaiError):
        return _offer(door, ask, 0, made)
    return RedirectResponse(f"/?made={made.id}", 303)


def _once(conn: Connection, door: Door, wish: Wish) -> Reservation:
    """The reservation; the one that this person made of just this before, if they did."""
    try:
        return booking.reserve(conn, door.viewer, wish, door.now)
    except MoyaiError:
        theirs = booking.reservations_of(
            conn, door.viewer, since=wish.when.start, until=wish.when.end, machine_id=wish.machine_id, mine=True
        )
        same: list[UUID] = [each.id for each in theirs.reservations if each.id is not None and each.when == wish.when]
        if not same:
            raise
        return booking.find(conn, door.viewer, same[0])


def _tried(door: Door, use_case: Callable[[Connection], Reservation]) -> Reservation | MoyaiError:
    """What was made, or what a person can be told and do something about."""
    try:
        return door.run(use_case)
    except MoyaiError as refused:
        if refused.kind not in {Kind.INVALID, Kind.CONFLICT, Kind.NOT_FOUND}:
            raise
        return refused


def _offer(door: Door, ask: str, skip: int, refused: MoyaiError | None = None) -> HTMLResponse:
    locale = locale_of(door.request)
    not_read: MoyaiError | None = None
    found: Answer | None = None

    def look(conn: Connection) -> Answer:
        return answer(conn, door.viewer, ask, skip, door.now, locale)

    try:
        found = door.run(look)
    except (NotRead, NotInThePast) as unread:
        not_read = unread
    said: dict[str, Any] = {
        "ask": ask,
        "skip": skip,
        "found": found,
        "offer": found.offer if found else None,
        "not_read": sentence(not_read, locale) if not_read else "",
        "refused": sentence(refused, locale) if refused else "",
        "takes": door.viewer.member_id is not None and door.viewer.has(*BOOKS),
        "why": [(each.machine.name(locale), _why(each.denials or each.reasons, locale)) for each in found.refused]
        if found
        else [],
    }
    status = STATUS[refused.kind].value if refused else 422 if not_read and ask else 200
    zone = door.run(register.cooperative).time_zone
    return page(door, "today/offer.html", zone=zone, here="today", now=door.now, status=status, **said)


def _why(denials: Sequence[Denial], locale: str) -> str:
    return translate(denials[0].code, locale, **denials[0].params) if denials else ""
