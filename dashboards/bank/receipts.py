"""What came in at the bank as a page: whose it is by one key; and what is still owed."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Form, Query, Response, UploadFile
from fastapi.responses import HTMLResponse

from billing.bank import receiving
from billing.bank.api_receipts import AsideWanted, BookingWanted
from billing.ledger import account, payments
from billing.store import first_day
from coop import cells, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Invalid
from coop.identity import Role
from coop.messages import translate
from coop.paging import Slice, cursor_of, key_in
from coop.problems import locale_of
from coop.tables import MOST_BYTES
from dashboards.forms import FieldInvalid, Refusal, read, sent
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

LISTED = 20
OWED = 100
Cursor = Annotated[str, Query(max_length=1000)]
Typed = Annotated[str, Form(max_length=500)]


@router.get("/bank/receipts")
def show(
    door: Entrance,
    cursor: Cursor = "",
    added: int | None = None,
    unchanged: int = 0,
    booked: UUID | None = None,
    aside: bool = False,
    undone: bool = False,
) -> Response:
    """What nobody has said yet whose it is, oldest first, with whose it may be."""
    done = {"added": added, "unchanged": unchanged, "booked": booked, "aside": aside, "undone": undone}
    return _page(door, cursor, done=done)


@router.post("/bank/receipts")
def take(door: Entrance, file: UploadFile | None = None) -> Response:
    """Enter what the bank's file says came in; the same file again adds nothing."""
    content = file.file.read(MOST_BYTES + 1) if file else b""
    return sent(
        door,
        lambda conn: receiving.take(conn, door.viewer, content, door.now),
        lambda taken: f"/bank/receipts?added={taken[0]}&unchanged={taken[1]}",
        lambda refused: _page(door, "", refused=refused),
    )


@router.post("/bank/receipts/{receipt_id}")
def settle(
    receipt_id: UUID,
    door: Entrance,
    whose: Typed = "",
    member_id: Typed = "",
    fee_yen: Typed = "0",
    reason: Typed = "",
) -> Response:
    """Say whose it is: `whose` is a proposal's button (`m01/880`: the member and the fee), else what was typed.

    With a `reason` it is nobody's and set aside.
    """
    locale = locale_of(door.request)
    if whose == "nobody":

        def aside(conn: Connection) -> None:
            wanted = read(AsideWanted, {"reason": reason.strip()}, "bank.field", locale)
            receiving.set_aside(conn, door.viewer, receipt_id, wanted.reason, door.now)

        return sent(
            door,
            aside,
            lambda _: "/bank/receipts?aside=true",
            lambda refused: _page(door, "", refused=refused, typed={"at": receipt_id, "reason": reason}),
        )
    if whose:
        member_id, _, fee_yen = whose.partition("/")

    def use_case(conn: Connection) -> UUID:
        typed = {"member_id": member_id, "fee_yen": _yen(fee_yen or "0", locale)}
        wanted = read(BookingWanted, typed, "bank.field", locale)
        return receiving.book(conn, door.viewer, receipt_id, wanted.member_id, wanted.fee_yen, door.now).id

    typed = {"at": receipt_id, "member_id": member_id, "fee_yen": fee_yen}
    return sent(
        door,
        use_case,
        lambda entry_id: f"/bank/receipts?booked={entry_id}",
        lambda refused: _page(door, "", refused=refused, typed=typed),
    )


@router.post("/bank/bookings/{entry_id}/undo")
def undo(entry_id: UUID, door: Entrance) -> Response:
    """Take a booking back by an entry the other way round; what came in waits again."""
    reason = translate("bank.undo_reason", locale_of(door.request))

    def use_case(conn: Connection) -> object:
        on_day = _today(conn, door)
        return payments.reverse(conn, door.viewer, uuid4(), entry_id, reason, on_day, door.now)

    return sent(
        door, use_case, lambda _: "/bank/receipts?undone=true", lambda refused: _page(door, "", refused=refused)
    )


@router.get("/bank/receivables")
def receivables(door: Entrance, cursor: Cursor = "") -> HTMLResponse:
    """What members owe, what is due longest first."""
    part = Slice(key_in(cursor, date, str, UUID, str) if cursor else None, OWED + 1)

    def ask(conn: Connection) -> dict[str, Any]:
        found = account.receivables(conn, door.viewer, part)
        last = found[OWED - 1] if len(found) > OWED else None
        return {
            "zone": register.cooperative(conn).time_zone,
            "items": found[:OWED],
            "today": _today(conn, door),
            "members": {each.id: each.name for each in register.members(conn, door.viewer)},
            "more": cursor_of(last.due_on, last.member_id, last.entry_id, last.account) if last else None,
        }

    office = door.viewer.has(Role.OFFICE)
    return page(door, "bank/receivables.html", here="bank", first_day=first_day, office=office, **door.run(ask))


def _page(
    door: Door,
    cursor: str,
    *,
    done: dict[str, Any] | None = None,
    refused: Refusal | None = None,
    typed: dict[str, Any] | None = None,
) -> HTMLResponse:
    part = Slice(key_in(cursor, date, UUID) if cursor else None, LISTED + 1)

    def ask(conn: Connection) -> dict[str, Any]:
        found = receiving.waiting(conn, door.viewer, part)
        last = found[LISTED - 1] if len(found) > LISTED else None
        return {
            "zone": register.cooperative(conn).time_zone,
            "receipts": found[:LISTED],
            "members": {each.id: each.name for each in register.members(conn, door.viewer)},
            "more": cursor_of(last.on_day, last.id) if last else None,
        }

    return page(
        door,
        "bank/receipts.html",
        here="bank",
        status=refused.status if refused else 200,
        refused=refused.sentence if refused else None,
        done=done or {},
        typed=typed or {},
        **door.run(ask),
    )


def _yen(text: str, locale: str) -> int:
    try:
        return cells.whole(0)(text)
    except Invalid:
        raise FieldInvalid(field=translate("bank.field.fee_yen", locale)) from None


def _today(conn: Connection, door: Door) -> date:
    return door.now.astimezone(register.cooperative(conn).time_zone).date()
