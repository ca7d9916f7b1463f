"""The random audit of a closed month as a page to print: ten uses by a seed that anybody can draw again."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from billing.explain.draw import draw
from billing.explain.wording import describe, render
from billing.store import first_day
from coop import register
from coop.database import Connection
from coop.door import Entrance
from coop.problems import locale_of
from dashboards.money.statements import picture
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

Seed = Annotated[str, Query(max_length=64, pattern=r"^[\x21-\x7e]*$")]


@router.get("/closing/{month}/audit")
def audit(month: str, door: Entrance, seed: Seed = "") -> HTMLResponse:
    """Ten uses down to what the machine was seen doing; without a seed one is made up and told."""
    locale = locale_of(door.request)
    said = seed or secrets.token_hex(4)

    def ask(conn: Connection) -> dict[str, Any]:
        found = draw(conn, door.viewer, month, said)
        return {
            "zone": register.cooperative(conn).time_zone,
            "found": found,
            "members": {each.id: each.name for each in register.members(conn, door.viewer)},
        }

    values: dict[str, Any] = door.run(ask)
    return page(
        door,
        "closing/lots.html",
        here="closing",
        month=month,
        first=first_day(month),
        describe=lambda of: describe(of.line, of.rules, locale),
        sentences=lambda of: render(of.line, of.rules, of.month, locale),
        picture=picture,
        **values,
    )
