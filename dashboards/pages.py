"""The pages: their routers for the application, and what they need besides (assets, error pages)."""

from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from coop import register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.identity import Role
from coop.machines import MachineUnknown
from coop.problems import locale_of
from coop.register import Cooperative
from dashboards import (
    design,
    devices,
    live,
    problem_types,
    problems,
    refused,
    reports,
    reserving,
    signing_in,
    statements,
    thresholds,
)
from dashboards.shell import ASSETS, DIST, page
from dashboards.store import board
from dashboards.today import Board

BOOKS = (Role.ENGINEER, Role.MEMBER_MANAGER, Role.OPERATOR, Role.OFFICE)
pages = APIRouter(include_in_schema=False)
A_YEAR = "public, max-age=31536000, immutable"


class Assets(StaticFiles):
    """Bundled files: their names contain a hash of what is in them, so a browser keeps them."""

    def file_response(self, *args: object, **options: object) -> Response:
        """The file, to be kept for a year."""
        response: Response = super().file_response(*args, **options)  # type: ignore[arg-type]  # handed on as given
        response.headers["Cache-Control"] = A_YEAR
        return response


def install(app: FastAPI) -> None:
    """Add to `app` what the pages in `ROUTERS` need: their assets and error pages. After `problems.install(app)`."""
    app.mount(ASSETS, Assets(directory=DIST, check_dir=False), name="assets")
    refused.install(app)


@pages.get("/")
def today(door: Entrance, show: str = "all") -> HTMLResponse:
    """What can be used now."""
    cooperative, seen = _board(door)
    return page(door, "today.html", zone=cooperative.time_zone, here="today", **_shown(door, seen, show))


@pages.get("/today/cards")
def cards(door: Entrance, show: str = "all") -> HTMLResponse:
    """All cards, for a board that may have missed something."""
    cooperative, seen = _board(door)
    return page(door, "cards.html", zone=cooperative.time_zone, **_shown(door, seen, show, fragment=True))


@pages.get("/today/cards/{machine_id}")
def one_card(machine_id: str, door: Entrance, show: str = "all") -> HTMLResponse:
    """One machine's card, and the answer above the board."""
    cooperative, seen = _board(door)
    card = next((each for each in seen.cards if each.machine_id == machine_id), None)
    if card is None:
        raise MachineUnknown(machine=machine_id)
    values = _shown(door, seen, show, fragment=True)
    return page(door, "card_changed.html", zone=cooperative.time_zone, card=card, **values)


@pages.get("/design")
def design_page(door: Entrance) -> HTMLResponse:
    """The design system, drawn with its own parts."""
    zone = door.run(register.cooperative).time_zone
    samples = design.sample_cards(door.now, zone)
    now = design.sample_now(door.now, zone)
    return page(door, "design.html", zone=zone, cards=samples, now=now, only_free=False, books=True)


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


ROUTERS = (
    pages,
    problem_types.router,
    signing_in.router,
    reserving.router,
    thresholds.router,
    problems.router,
    reports.router,
    statements.router,
    devices.router,
    live.router,
)
"""Every page's routes, side by side: a router inside another would hide its routes from the table of rights."""
