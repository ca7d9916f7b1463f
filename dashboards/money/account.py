"""A member's account as a plain ledger: who owes what, and by which statement, payment or credit."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from billing.ledger import account as of
from coop import register
from coop.database import Connection
from coop.door import Entrance
from coop.paging import Slice, cursor_of, key_in
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

LISTED = 50


@router.get("/members/{member_id}/account")
def account(member_id: str, door: Entrance, cursor: Annotated[str, Query(max_length=1000)] = "") -> HTMLResponse:
    """What a member owes, what is owed to it, what is open, and all that moved, newest first."""
    part = Slice(key_in(cursor, date, UUID) if cursor else None, LISTED + 1)

    def ask(conn: Connection) -> dict[str, Any]:
        stands = of.standing(conn, door.viewer, member_id, part)
        last = stands.movements[LISTED - 1] if len(stands.movements) > LISTED else None
        zone = register.cooperative(conn).time_zone
        return {
            "zone": zone,
            "member": register.member(conn, door.viewer, member_id),
            "stands": stands,
            "moved": stands.movements[:LISTED],
            "more": cursor_of(last.on_day, last.id) if last else "",
            "today": door.now.astimezone(zone).date(),
        }

    return page(
        door,
        "money/account.html",
        here="statements",
        **door.run(ask),
    )
