"""Files to the bank as pages: what would go in, what went out, and what became of each line."""

from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response, UploadFile
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from billing.bank import accounts, sending
from billing.bank.accounts import Service, ServiceMissing
from billing.bank.api import ServiceWanted
from billing.bank.files import Client
from billing.bank.sending import BankFile
from coop import register
from coop.cells import day
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Invalid
from coop.paging import Slice, cursor_of, key_in
from coop.problems import locale_of
from coop.tables import MOST_BYTES
from dashboards.forms import FieldInvalid, Refusal, read, sent
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

LISTED = 30
Text = Annotated[str, Query(max_length=40)]
Typed = Annotated[str, Form(max_length=100)]


class Done(StrEnum):
    """What was just done with a file."""

    MADE = "made"
    SETTLED = "settled"
    DROPPED = "dropped"
    SERVICE = "service"


class ServiceTyped(BaseModel):
    """What stands in the form of a service, as typed."""

    model_config = ConfigDict(str_strip_whitespace=True, str_max_length=100)

    client_code: str = ""
    client_kana: str = ""
    bank_code: str = ""
    bank_kana: str = ""
    branch_code: str = ""
    branch_kana: str = ""
    type: str = "1"
    number: str = ""
    line_end: str = "crlf"
    symbols: str = ""


@router.get("/bank")
def show(
    door: Entrance,
    kind: Service = Service.DEBIT,
    on_day: Text = "",
    done: Done | None = None,
    cursor: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """What a file would hold that is made now, and the files that were made."""
    return _page(door, kind, on_day, done=done, cursor=cursor)


@router.post("/bank/files")
def make(door: Entrance, kind: Annotated[Service, Form()], on_day: Typed = "") -> Response:
    """Make the file; it is kept as it is."""
    return sent(
        door,
        lambda conn: sending.make(conn, door.viewer, kind, _on(on_day, conn, door), door.now),
        lambda made: f"/bank/files/{made.id}?done={Done.MADE}",
        lambda refused: _page(door, kind, on_day, refused=refused),
    )


@router.get("/bank/files/{file_id}")
def show_file(file_id: UUID, door: Entrance, done: Done | None = None) -> Response:
    """One file with its lines and what became of them."""
    return _file_page(door, file_id, done=done)


@router.post("/bank/files/{file_id}/transferred")
def transferred(file_id: UUID, door: Entrance) -> Response:
    """The bank has carried the transfers out."""
    return _moved(
        door, file_id, Done.SETTLED, lambda conn: sending.settle_transfers(conn, door.viewer, file_id, door.now)
    )


@router.post("/bank/files/{file_id}/results")
def results(file_id: UUID, door: Entrance, file: UploadFile | None = None) -> Response:
    """The bank's result file of direct debits."""
    content = file.file.read(MOST_BYTES + 1) if file else b""

    def use_case(conn: Connection) -> BankFile:
        return sending.settle_debits(conn, door.viewer, file_id, content, door.now)

    return _moved(door, file_id, Done.SETTLED, use_case)


@router.post("/bank/files/{file_id}/drop")
def drop(file_id: UUID, door: Entrance) -> Response:
    """The file never went to the bank."""
    return _moved(door, file_id, Done.DROPPED, lambda conn: sending.drop(conn, door.viewer, file_id, door.now))


@router.get("/bank/services/{kind}")
def show_service(kind: Service, door: Entrance) -> Response:
    """How the bank knows the cooperative for a service."""

    def ask(conn: Connection) -> dict[str, Any]:
        try:
            found = accounts.service(conn, door.viewer, kind)
        except ServiceMissing:
            return {}
        return {name: getattr(found, name) for name in Client.__slots__}

    return _service_page(door, kind, door.run(ask))


@router.post("/bank/services/{kind}")
def put_service(kind: Service, door: Entrance, form: Annotated[ServiceTyped, Form()]) -> Response:
    """Say how the bank knows the cooperative for a service."""
    typed: dict[str, Any] = form.model_dump() | {"type": int(form.type) if form.type in {"1", "2", "9"} else 0}

    def use_case(conn: Connection) -> None:
        wanted = read(ServiceWanted, typed, "bank.field", locale_of(door.request))
        accounts.put_service(conn, door.viewer, kind, Client(**wanted.model_dump()), door.now)

    return sent(
        door,
        use_case,
        lambda _: f"/bank?kind={kind}&done={Done.SERVICE}",
        lambda refused: _service_page(door, kind, typed, refused),
    )


def _on(text: str, conn: Connection, door: Door) -> date:
    """The day that was typed, today when none was."""
    if not text.strip():
        return door.now.astimezone(register.cooperative(conn).time_zone).date()
    try:
        return day(text)
    except Invalid:
        raise FieldInvalid(field=text) from None


def _page(
    door: Door,
    kind: Service,
    on_day: str,
    *,
    done: Done | None = None,
    cursor: str = "",
    refused: Refusal | None = None,
) -> HTMLResponse:
    part = Slice(key_in(cursor, datetime, UUID) if cursor else None, LISTED + 1)

    def ask(conn: Connection) -> dict[str, Any]:
        try:
            on = _on(on_day, conn, door)
        except FieldInvalid:
            on = _on("", conn, door)
        files = sending.listed(conn, door.viewer, part)
        try:
            known = accounts.service(conn, door.viewer, kind) is not None
        except ServiceMissing:
            known = False
        return {
            "zone": register.cooperative(conn).time_zone,
            "going": sending.going(conn, door.viewer, kind, on),
            "known": known,
            "members": {each.id: each.name for each in register.members(conn, door.viewer)},
            "files": files[:LISTED],
            "more": cursor_of(files[LISTED - 1].made_at, files[LISTED - 1].id) if len(files) > LISTED else None,
        }

    return page(
        door,
        "bank/files.html",
        here="bank",
        status=refused.status if refused else 200,
        refused=refused.sentence if refused else None,
        done=done,
        kinds=list(Service),
        now=door.now,
        **door.run(ask),
    )


def _file_page(door: Door, file_id: UUID, *, done: Done | None = None, refused: Refusal | None = None) -> HTMLResponse:
    def ask(conn: Connection) -> dict[str, Any]:
        file, _ = sending.content(conn, door.viewer, file_id)
        return {
            "zone": register.cooperative(conn).time_zone,
            "file": file,
            "lines": sending.lines(conn, file_id),
            "members": {each.id: each.name for each in register.members(conn, door.viewer)},
        }

    return page(
        door,
        "bank/file.html",
        here="bank",
        status=refused.status if refused else 200,
        refused=refused.sentence if refused else None,
        done=done,
        now=door.now,
        **door.run(ask),
    )


def _service_page(door: Door, kind: Service, typed: dict[str, Any], refused: Refusal | None = None) -> HTMLResponse:
    return page(
        door,
        "bank/service.html",
        here="bank",
        zone=door.run(register.cooperative).time_zone,
        status=refused.status if refused else 200,
        refused=refused.sentence if refused else None,
        kind=kind,
        typed=typed,
    )


def _moved(door: Door, file_id: UUID, done: Done, use_case: Callable[[Connection], BankFile]) -> Response:
    return sent(
        door,
        use_case,
        lambda _: f"/bank/files/{file_id}?done={done}",
        lambda refused: _file_page(door, file_id, refused=refused),
    )
