"""The register of documents as pages: found by date, amount and whom in any combination, corrected, returned from."""

from collections import defaultdict
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import HTMLResponse

from billing.documents import correct, store
from billing.documents.model import Document, Kind
from billing.documents.store import Search
from billing.documents.views import Reason, ReturnWanted
from billing.store import first_day
from coop import cells, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Invalid
from coop.identity import SEES_MONEY, Role
from coop.messages import translate
from coop.paging import Slice, cursor_of, key_in
from coop.problems import locale_of
from dashboards.forms import FieldInvalid, Refusal, read, refusal, sent
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

LISTED = 50
MOST_YEN = 10**15
Asked = Annotated[str, Query(max_length=200)]
Typed = Annotated[str, Form(max_length=300)]


@router.get("/documents")
def register_page(
    door: Entrance,
    from_date: Asked = "",
    until_date: Asked = "",
    from_yen: Asked = "",
    until_yen: Asked = "",
    counterparty: Asked = "",
    kind: Asked = "",
    month: Asked = "",
    cursor: Annotated[str, Query(max_length=1000)] = "",
) -> HTMLResponse:
    """The register, last number first, by all that is given; what was superseded stays in it."""
    locale = locale_of(door.request)
    typed = {
        "from_date": from_date, "until_date": until_date, "from_yen": from_yen, "until_yen": until_yen,
        "counterparty": counterparty, "kind": kind, "month": month,
    }  # fmt: skip
    refused: Refusal | None = None
    try:
        search = _search(typed, locale)
    except Invalid as wrong:
        search, refused = Search(), refusal(wrong, locale)
    part = Slice(key_in(cursor, int, int) if cursor else None, LISTED + 1)

    def ask(conn: Connection) -> dict[str, Any]:
        found = [] if refused else store.documents(conn, door.viewer, search, part)
        last = found[LISTED - 1] if len(found) > LISTED else None
        return {
            "zone": register.cooperative(conn).time_zone,
            "found": found[:LISTED],
            "more": cursor_of(last.fiscal_year, last.serial) if last else None,
        }

    return page(
        door,
        "money/documents.html",
        here="documents",
        status=refused.status if refused else 200,
        refused=refused.sentence if refused else None,
        typed=typed,
        searched=any(typed.values()),
        kinds=list(Kind),
        may_mend=door.viewer.has(Role.OFFICE),
        **door.run(ask),
    )


@router.get("/documents/{document_id}")
def show(document_id: UUID, door: Entrance, made: bool = False) -> Response:
    """One document: what it says, what it supersedes or was superseded by, who got it."""
    return _page(door, document_id, made=made)


@router.post("/documents/{document_id}/corrections")
def correct_document(document_id: UUID, door: Entrance, reason: Typed = "") -> Response:
    """Issue it anew with names and numbers as they are entered now."""

    def use_case(conn: Connection) -> Document:
        wanted = read(Reason, {"reason": reason.strip()}, "document.field", locale_of(door.request))
        return correct.correct(conn, door.viewer, document_id, wanted.reason, door.now)

    return _made(door, document_id, use_case, {"correct": True, "reason": reason})


@router.post("/documents/{document_id}/returns")
def return_of_document(
    document_id: UUID,
    door: Entrance,
    reason: Typed = "",
    net_yen: Annotated[list[str], Form(max_length=20)] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Issue a return of part of it: an amount without tax for each rate that it charges, in their order."""
    locale = locale_of(door.request)

    def use_case(conn: Connection) -> Document:
        invoice = store.document(conn, door.viewer, document_id)
        amounts = [_yen(each, locale) for each in net_yen]
        returned = [
            {"tax_rate": tax.rate, "net_yen": yen} for tax, yen in zip(invoice.taxes, amounts, strict=False) if yen
        ]
        wanted = read(ReturnWanted, {"reason": reason.strip(), "returned": returned}, "document.field", locale)
        return correct.give_back(conn, door.viewer, document_id, wanted.by_rate(), wanted.reason, door.now)

    return _made(door, document_id, use_case, {"return": True, "reason": reason, "net_yen": net_yen})


def _made(door: Door, document_id: UUID, use_case: Any, typed: dict[str, Any]) -> Response:
    return sent(
        door,
        use_case,
        lambda made: f"/documents/{made.id}?made=true",
        lambda refused: _page(door, document_id, refused=refused, typed=typed),
    )


def _page(
    door: Door,
    document_id: UUID,
    *,
    made: bool = False,
    refused: Refusal | None = None,
    typed: dict[str, Any] | None = None,
) -> HTMLResponse:
    viewer = door.viewer

    def ask(conn: Connection) -> dict[str, Any]:
        found = store.document(conn, viewer, document_id)
        related = {
            name: store.document(conn, viewer, identifier)
            for name in ("supersedes", "superseded_by", "returns")
            if (identifier := getattr(found, name)) is not None
        }
        return {
            "zone": register.cooperative(conn).time_zone,
            "document": found,
            "related": related,
            "mailings": store.mailings(conn, viewer, document_id) if viewer.has(*SEES_MONEY) else None,
        }

    return page(
        door,
        "money/document.html",
        here="documents",
        status=refused.status if refused else 200,
        refused=refused.sentence if refused else None,
        typed=defaultdict(str, typed or {}),
        made=made,
        may_mend=viewer.has(Role.OFFICE),
        first_day=first_day,
        now=door.now,
        **door.run(ask),
    )


def _search(typed: dict[str, str], locale: str) -> Search:
    """What was typed as a search; raises `FieldInvalid` or `MonthInvalid`."""
    if typed["month"]:
        first_day(typed["month"])
    return Search(
        _day(typed["from_date"], "document.from_date", locale),
        _day(typed["until_date"], "document.until_date", locale),
        _whole(typed["from_yen"], "document.from_yen", locale),
        _whole(typed["until_yen"], "document.until_yen", locale),
        typed["counterparty"].strip() or None,
        Kind(typed["kind"]) if typed["kind"] in set(Kind) else None,
        typed["month"] or None,
    )


def _day(text: str, label: str, locale: str) -> date | None:
    if not text.strip():
        return None
    try:
        return cells.day(text)
    except Invalid:
        raise FieldInvalid(field=translate(label, locale)) from None


def _whole(text: str, label: str, locale: str) -> int | None:
    if not text.strip():
        return None
    try:
        return cells.whole(-MOST_YEN)(text.replace("¥", ""))
    except Invalid:
        raise FieldInvalid(field=translate(label, locale)) from None


def _yen(text: str, locale: str) -> int:
    return _whole(text, "document.field.returned", locale) or 0
