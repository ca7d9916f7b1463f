"""The bank over HTTP: accounts, and files to it."""

import hashlib
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Response, UploadFile
from pydantic import BaseModel, Field

from billing.bank import accounts, sending
from billing.bank.accounts import Service
from billing.bank.files import BankAccount, Client
from billing.bank.kana import SYMBOLS
from billing.bank.sending import BankFile, FileLine
from billing.ledger.api import Day
from booking.tables.api import Sent
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.paging import Paged
from coop.tables import MOST_BYTES

router = APIRouter(tags=["billing"])

Kana = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f]+$", examples=["ホンテン"])]
Digits4 = Annotated[str, Field(pattern="^[0-9]{4}$", examples=["0128"])]
Digits3 = Annotated[str, Field(pattern="^[0-9]{3}$", examples=["001"])]
Number = Annotated[str, Field(pattern="^[0-9]{1,7}$", examples=["1234567"])]
BYTES: dict[str, Any] = {"content": {"application/octet-stream": {}}, "description": "The file, as it goes to the bank"}


class ServiceWanted(Wanted):
    """How the bank knows the cooperative for one service, and how it wants its files."""

    client_code: str = Field(pattern="^[0-9]{1,10}$", examples=["1234567890"])
    client_kana: Kana
    bank_code: Digits4
    bank_kana: Kana
    branch_code: Digits3
    branch_kana: Kana
    type: Literal[1, 2, 9] = Field(description="1 普通, 2 当座, 9 other")
    number: Number
    line_end: Literal["crlf", "lf", "none"] = "crlf"
    symbols: str = Field(default=SYMBOLS, max_length=20, pattern=r"^[!-/:-@\[-`{-~｡-･\\¥]*$")


class AccountWanted(Wanted):
    """Where a member's money goes and comes from. Kana of any kind; it is written as banks write it."""

    bank_code: Digits4
    bank_kana: Kana
    branch_code: Digits3
    branch_kana: Kana
    type: Literal[1, 2, 4, 9] = Field(description="1 普通, 2 当座, 4 貯蓄, 9 other")
    number: Number
    holder_kana: Kana
    customer_code: str | None = Field(
        default=None, pattern="^[1-9][0-9]{0,19}$", description="The customer number of direct debits; none: no mandate"
    )


class FileWanted(Wanted):
    kind: Service
    on_day: Day = Field(description="A bank day")


class GoingView(BaseModel):
    kind: Service
    on_day: date
    amounts_yen: dict[str, int] = Field(description="By member")
    total_yen: int
    missing: list[str] = Field(description="Members of it whose bank account nobody has entered")


class FileView(BaseModel):
    id: UUID
    kind: Service
    on_day: date
    made_at: datetime
    count: int
    total_yen: int
    settled_at: datetime | None
    dropped_at: datetime | None


class LineView(BaseModel):
    n: int
    member_id: str
    amount_yen: int
    result: str | None = Field(
        description="0 paid, 1 insufficient funds, 2 no account, 3 payer's wish, 4 no mandate, 8 collector's, 9 other"
    )
    entry_id: UUID | None


class FileWithLines(FileView):
    lines: list[LineView]


@router.get("/bank/services/{kind}")
def get_service(kind: Service, door: Entrance) -> ServiceWanted:
    """How the bank knows the cooperative for transfers or for direct debits."""
    found = door.run(lambda conn: accounts.service(conn, door.viewer, kind))
    return ServiceWanted.model_validate({name: getattr(found, name) for name in Client.__slots__})


@router.put("/bank/services/{kind}")
def put_service(kind: Service, body: ServiceWanted, door: Entrance) -> ServiceWanted:
    """Say how the bank knows the cooperative, and which line ends and signs it takes."""
    client = Client(**body.model_dump())
    door.run(lambda conn: accounts.put_service(conn, door.viewer, kind, client, door.now))
    return body


@router.get("/members/{member_id}/bank-account")
def get_bank_account(member_id: Annotated[str, Path(examples=["m01"])], door: Entrance) -> AccountWanted:
    """A member's bank account; that it was read is on the audit trail."""
    found = door.run(lambda conn: accounts.account(conn, door.viewer, member_id, door.now))
    return AccountWanted.model_validate({name: getattr(found, name) for name in BankAccount.__slots__})


@router.put("/members/{member_id}/bank-account")
def put_bank_account(
    member_id: Annotated[str, Path(examples=["m01"])], body: AccountWanted, door: Entrance
) -> AccountWanted:
    """Say where a member's money goes and comes from."""
    account = BankAccount(**body.model_dump())
    door.run(lambda conn: accounts.put_account(conn, door.viewer, member_id, account, door.now))
    return body


@router.post("/bank/files", status_code=201, response_model=FileWithLines)
def make_file(body: FileWanted, door: Entrance) -> Response:
    """Make a file of all transfers to members, or of all direct debits due by the day. It is kept as it is."""
    return door.once(
        lambda conn: _with_lines(conn, sending.make(conn, door.viewer, body.kind, body.on_day, door.now)),
        asked=body,
        status=201,
    )


@router.get("/bank/going")
def preview_file(kind: Service, on_day: Day, door: Entrance) -> GoingView:
    """What a file for the bank would hold if it were made now. Nothing is written."""
    found = door.run(lambda conn: sending.going(conn, door.viewer, kind, on_day))
    return GoingView(
        kind=kind,
        on_day=on_day,
        amounts_yen=dict(found.amounts),
        total_yen=sum(found.amounts.values()),
        missing=list(found.missing),
    )


@router.get("/bank/files")
def list_files(door: Entrance, paging: Paged) -> list[FileView]:
    """Files for the bank, newest first."""
    part = paging.slice(datetime, UUID)
    found = door.run(lambda conn: sending.listed(conn, door.viewer, part))
    return [FileView(**_fields(each)) for each in paging.page(found, lambda last: (last.made_at, last.id))]


@router.get("/bank/files/{file_id}")
def get_file(file_id: UUID, door: Entrance) -> FileWithLines:
    """A file with its lines and what became of each."""
    return door.run(lambda conn: _with_lines(conn, sending.content(conn, door.viewer, file_id)[0]))


@router.get("/bank/files/{file_id}/content", response_class=Response, responses={200: BYTES})
def get_file_content(file_id: UUID, door: Entrance) -> Response:
    """The bytes for the bank, the same each time."""
    file, content = door.run(lambda conn: sending.content(conn, door.viewer, file_id))
    headers = {"Content-Disposition": f'attachment; filename="moyai-{file.kind}-{file.on_day:%Y%m%d}.txt"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.post("/bank/files/{file_id}/transferred", response_model=FileWithLines)
def settle_file(file_id: UUID, door: Entrance) -> Response:
    """The bank has carried the transfers out: each is posted as a payout."""
    return door.once(lambda conn: _with_lines(conn, sending.settle_transfers(conn, door.viewer, file_id, door.now)))


@router.post("/bank/files/{file_id}/results", response_model=FileWithLines)
def take_results(file_id: UUID, file: UploadFile, door: Entrance) -> Response:
    """The bank's result file of direct debits: what was debited is posted as a payment, the rest stays owed."""
    content = file.file.read(MOST_BYTES + 1)
    asked = Sent(sha256=hashlib.sha256(content).hexdigest(), asked="")
    return door.once(
        lambda conn: _with_lines(conn, sending.settle_debits(conn, door.viewer, file_id, content, door.now)),
        asked=asked,
    )


@router.post("/bank/files/{file_id}/drop", response_model=FileWithLines)
def drop_file(file_id: UUID, door: Entrance) -> Response:
    """The file never went to the bank."""
    return door.once(lambda conn: _with_lines(conn, sending.drop(conn, door.viewer, file_id, door.now)))


def _with_lines(conn: Connection, file: BankFile) -> FileWithLines:
    return FileWithLines(**_fields(file), lines=[_line(each) for each in sending.lines(conn, file.id)])


def _fields(file: BankFile) -> dict[str, Any]:
    return {name: getattr(file, name) for name in BankFile.__slots__}


def _line(line: FileLine) -> LineView:
    return LineView(
        n=line.n,
        member_id=line.member_id,
        amount_yen=line.amount_yen,
        result=line.result,
        entry_id=line.entry_id,
    )
