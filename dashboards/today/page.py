"""Today: what can be used now."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from coop import register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.identity import Role
from coop.machines import MachineUnknown
from coop.problems import locale_of
from coop.register import Cooperative
from dashboards.shell import page
from dashboards.today.model import Board
from dashboards.today.store import board

router = APIRouter(include_in_schema=False)

BOOKS = (Role.ENGINEER, Role.MEMBER_MANAGER, Role.OPERATOR, Role.OFFICE)


@router.get("/")
def today(door: Entrance, show: str = "all") -> HTMLResponse:
    """What can be used now."""
    cooperative, seen = _board(door)
    return page(door, "today/today.html", zone=cooperative.time_zone, here="today", **_shown(door, seen, show))


@router.get("/today/cards")
def cards(door: Entrance, show: str = "all") -> HTMLResponse:
    """All cards, for a board that may have missed something."""
    cooperative, seen = _board(door)
    return page(door, "today/cards.html", zone=cooperative.time_zone, **_shown(door, seen, show, fragment=True))


@router.get("/today/cards/{machine_id}")
def one_card(machine_id: str, door: Entrance, show: str = "all") -> HTMLResponse:
    """One machine's card, and the answer above the board."""
    cooperative, seen = _board(door)
    card = next((each for each in seen.cards if each.machine_id == machine_id), None)
    if card is None:
        raise MachineUnknown(machine=machine_id)
    values = _shown(door, seen, show, fragment=True)
    return page(door, "today/card_changed.html", zone=cooperative.time_zone, card=card, **values)


def _board(door: Door) -> tuple[Cooperative, Board]:
    locale = locale_of(door.request)

    def ask(conn: Connection) -> tuple[Cooperative, Board]:
        cooperative = register.cooperative(conn)
        return cooperative, board(conn, door.viewer, cooperative.time_zone, door.now, locale)

    return door.run(ask)


def _shown(door: Door, seen: Board, show: str, *, fragment: bool = False) -> dict[str, Any]:
    only_free = show == "free"
    return {
        "board": seen,
        "shown": [card for card in seen.cards if not only_free or card.free_now(seen.now)],
        "only_free": only_free,
        "books": door.viewer.has(*BOOKS),
        "out_of_band": fragment,
    }
