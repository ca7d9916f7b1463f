"""A member's page for the office: its entry, its people, what it owes, and how it leaves."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from billing.documents.numbers import registration_is_plausible
from billing.ledger.account import standing
from coop import people, register
from coop.cells import day
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import MoyaiError
from coop.paging import Slice
from coop.problems import STATUS, locale_of
from dashboards.office import entries
from dashboards.office.history import history
from dashboards.office.registers import Register
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

MOVEMENTS = 10


@router.get("/office/members/{member_id}")
def show_member(member_id: str, door: Entrance, *, done: bool = False) -> Response:
    """A member, as a form, with its people, its account and the history."""
    return _page(door, member_id, done=done)


@router.post("/office/members/{member_id}")
def change_member(member_id: str, door: Entrance, typed: entries.Form) -> Response:
    """Change a member's entry, or the day on which it leaves; a refusal keeps what was typed."""
    try:
        door.run(lambda conn: entries.save(conn, door, Register.MEMBERS, _there(conn, door, member_id), typed))
    except MoyaiError as refused:
        return _page(door, member_id, typed=typed, refused=refused)
    return RedirectResponse(f"/office/members/{member_id}?done=true", 303)


def _there(conn: Connection, door: Door, member_id: str) -> str:
    return register.member(conn, door.viewer, member_id).id


def _page(
    door: Door,
    member_id: str,
    *,
    typed: entries.Typed | None = None,
    refused: MoyaiError | None = None,
    done: bool = False,
) -> Response:
    locale = locale_of(door.request)
    told, wrong = entries.refusal(refused, locale) if refused else ("", {})

    def ask(conn: Connection) -> dict[str, Any]:
        member = register.member(conn, door.viewer, member_id)
        said = entries.values(conn, door, Register.MEMBERS, member_id) | (typed.cells if typed else {})
        first, folded = entries.fields(conn, door, Register.MEMBERS, said, wrong, new=False)
        zone = register.cooperative(conn).time_zone
        return {
            "zone": zone,
            "member": member,
            "first": first,
            "folded": folded,
            "left_on": said["left_on"],
            "seen": typed.seen if typed else entries.version(conn, door, Register.MEMBERS, member_id),
            "doubtful": member.invoice_number is not None and not registration_is_plausible(member.invoice_number),
            "people": people.people_of(conn, door.viewer, member_id),
            "account": standing(conn, door.viewer, member_id, Slice(limit=MOVEMENTS)),
            "has_left": member.left_on is not None and member.left_on <= _today(door.now, zone),
            "history": history(conn, door.viewer, f"member:{member_id}", locale),
        }

    status = STATUS[refused.kind].value if refused else 200
    return page(
        door, "office/member.html", here="members", status=status, refused=told, wrong=wrong, done=done, **door.run(ask)
    )


def _today(now: datetime, zone: Any) -> Any:
    return day(now.astimezone(zone))
