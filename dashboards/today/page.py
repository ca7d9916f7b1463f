"""Today: what can be used now."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

import booking
from coop import machines, register
from coop.database import Connection
from coop.disclosure import told_sums_only
from coop.door import Door, Entrance
from coop.errors import MoyaiError, NotFound
from coop.identity import Role
from coop.machines import MachineUnknown
from coop.problems import STATUS, locale_of
from coop.register import Cooperative
from dashboards.mine.slots import instead_of, sentence
from dashboards.shell import page
from dashboards.today.model import Board, Shown
from dashboards.today.store import board

router = APIRouter(include_in_schema=False)

BOOKS = (Role.ENGINEER, Role.MEMBER_MANAGER, Role.OPERATOR, Role.OFFICE)
Word = Annotated[str, Query(max_length=100)]


@router.get("/")
def today(door: Entrance, show: Word = "all", kind: Word = "", site: Word = "", made: UUID | None = None) -> Response:
    """What can be used now. The ward, who is told sums only, begins with its reports."""
    if told_sums_only(door.viewer):
        return RedirectResponse("/reports/subsidy", status_code=303)
    return show_today(door, Shown(show == "free", kind, site), made=made)


@router.get("/today/cards")
def cards(door: Entrance, show: Word = "all", kind: Word = "", site: Word = "") -> HTMLResponse:
    """All cards, for a board that may have missed something."""
    cooperative, seen = _board(door)
    values = _shown(door, seen, Shown(show == "free", kind, site), fragment=True)
    return page(door, "today/cards.html", zone=cooperative.time_zone, **values)


@router.get("/today/cards/{machine_id}")
def one_card(machine_id: str, door: Entrance, show: Word = "all", kind: Word = "", site: Word = "") -> HTMLResponse:
    """One machine's card, and the answer above the board."""
    cooperative, seen = _board(door)
    card = next((each for each in seen.cards if each.machine_id == machine_id), None)
    if card is None:
        raise MachineUnknown(machine=machine_id)
    values = _shown(door, seen, Shown(show == "free", kind, site), fragment=True)
    return page(door, "today/card_changed.html", zone=cooperative.time_zone, card=card, **values)


def show_today(
    door: Door, wanted: Shown | None = None, *, made: UUID | None = None, refused: MoyaiError | None = None
) -> HTMLResponse:
    """The whole page, with what was just booked (and the way to undo it) or why not."""
    cooperative, seen = _board(door)
    locale = locale_of(door.request)
    return page(
        door,
        "today/today.html",
        zone=cooperative.time_zone,
        here="today",
        status=STATUS[refused.kind].value if refused else 200,
        made=door.run(lambda conn: _made(conn, door, made, locale)) if made else None,
        refused=sentence(refused, locale) if refused else "",
        instead=instead_of(refused) if refused else [],
        **_shown(door, seen, wanted or Shown()),
    )


def _made(conn: Connection, door: Door, reservation_id: UUID, locale: str) -> dict[str, Any] | None:
    """What was just booked, if it is the reader's to know and still stands."""
    try:
        found = booking.find(conn, door.viewer, reservation_id)
    except NotFound:
        return None
    if found.status not in {booking.Status.CONFIRMED, booking.Status.PENDING}:
        return None
    name = machines.machine(conn, found.machine_id).name(locale)
    return {"id": found.id, "machine": name, "slot": found.when, "pending": found.status is booking.Status.PENDING}


def _board(door: Door) -> tuple[Cooperative, Board]:
    locale = locale_of(door.request)

    def ask(conn: Connection) -> tuple[Cooperative, Board]:
        cooperative = register.cooperative(conn)
        return cooperative, board(conn, door.viewer, cooperative.time_zone, door.now, locale)

    return door.run(ask)


def _shown(door: Door, seen: Board, wanted: Shown, *, fragment: bool = False) -> dict[str, Any]:
    books = door.viewer.has(*BOOKS)
    return {
        "board": seen,
        "wanted": wanted,
        "shown": [card for card in seen.cards if wanted.has(card, seen.now)],
        "books": books,
        "takes": books and door.viewer.member_id is not None,
        "out_of_band": fragment,
    }
