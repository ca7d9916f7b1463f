"""The books over HTTP: accounts, trial balance, journal files, and the change-over from a spreadsheet."""

import hashlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response, UploadFile
from pydantic import BaseModel, Field

from billing.api import Month
from billing.ledger import account, changeover, journal, store
from billing.ledger.api import Day
from billing.ledger.changeover import Table
from billing.ledger.journal import Package
from booking.tables import exporting
from booking.tables.api import FILE, MEDIA_TYPES, DryRun, ImportView, Sent
from coop import audit
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.errors import NotFound
from coop.identity import Role
from coop.problems import locale_of
from coop.tables import MOST_BYTES

router = APIRouter(tags=["billing"])
FileForm = Literal["xlsx", "csv"]
Since = Annotated[Day, Query(alias="from", description="The first day", examples=["2026-10-01"])]
Last = Annotated[Day, Query(alias="to", description="The last day", examples=["2026-10-31"])]


class AccountUnknown(NotFound):
    """There is no such account."""

    code = "billing.account_unknown"


class AccountNameWanted(Wanted):
    book_name: str = Field(min_length=1, max_length=24, examples=["売掛金"])
    book_tax: str = Field(min_length=1, max_length=24, examples=["対象外"])


class AccountNameView(BaseModel):
    id: str
    kind: str
    per_member: bool
    name_ja: str
    name_en: str
    book_name: str = Field(description="What the bookkeeping package calls it")
    book_tax: str = Field(description="Its tax category in the bookkeeping package")


class AccountTotalView(BaseModel):
    account: str
    name_ja: str
    name_en: str
    debit_yen: int
    credit_yen: int
    balance_yen: int = Field(description="At the end of the last day; debit positive")


class TrialBalanceView(BaseModel):
    accounts: list[AccountTotalView]
    debit_yen: int
    credit_yen: int
    balance_yen: int = Field(description="Zero")


class BesideView(BaseModel):
    member_id: str
    before_yen: int | None
    ours_yen: int | None
    difference_yen: int = Field(description="Ours less the one before")


class MonthBesideView(BaseModel):
    members: list[BesideView]
    difference_yen: int = Field(description="Of all members together")
    different: int = Field(description="How many members pay another amount")


@router.get("/accounts")
def list_accounts(door: Entrance) -> list[AccountNameView]:
    """The chart of accounts, with what the bookkeeping package calls each."""
    return door.run(lambda conn: [_account(row) for row in conn.execute(store.SQL["accounts"])])


@router.put("/accounts/{account_id}")
def name_account(account_id: str, body: AccountNameWanted, door: Entrance) -> AccountNameView:
    """Say what the bookkeeping package calls an account, for the journal."""

    def named(conn: Connection) -> AccountNameView:
        door.viewer.require(Role.OFFICE)
        row = conn.execute(store.SQL["name_account"], {"id": account_id, **body.model_dump()}).fetchone()
        if row is None:
            raise AccountUnknown()
        audit.record(conn, "account.named", viewer=door.viewer, subject=f"account:{account_id}", now=door.now)
        return _account(row)

    return door.run(named)


@router.get("/trial-balance")
def get_trial_balance(since: Since, last: Last, door: Entrance) -> TrialBalanceView:
    """What each account was debited and credited in some days, and what stands on it at the end."""
    found = door.run(lambda conn: account.trial_balance(conn, door.viewer, since, last))
    return TrialBalanceView(
        accounts=[AccountTotalView(**{name: getattr(each, name) for name in each.__slots__}) for each in found],
        debit_yen=sum(each.debit_yen for each in found),
        credit_yen=sum(each.credit_yen for each in found),
        balance_yen=sum(each.balance_yen for each in found),
    )


@router.get("/journal.{form}", response_class=Response, responses={200: FILE})
def get_journal(
    form: FileForm,
    since: Since,
    last: Last,
    door: Entrance,
    request: Request,
    package: Annotated[Package, Query(description="Packages read CSV; xlsx is for plain.")] = Package.PLAIN,
) -> Response:
    """The journal of some days for a bookkeeping package. `Moyai-Debit-Yen` is its sum, which is the ledger's."""
    made = door.run(
        lambda conn: journal.export(conn, door.viewer, package, since, last, form=form, locale=locale_of(request))
    )
    headers = {
        "Content-Disposition": f'attachment; filename="{made.name}"',
        "Moyai-Debit-Yen": str(made.debit_yen),
        "Moyai-Entries": str(made.entries),
    }
    return Response(made.content, media_type=MEDIA_TYPES[made.name.rpartition(".")[2]], headers=headers)


@router.post("/changeover/{table}", response_model=ImportView)
def bring_over(table: Table, file: UploadFile, door: Entrance, dry_run: DryRun = False) -> Response:
    """Enter opening balances or past settlements from a table; all or nothing, and twice is as good as once."""
    content = file.file.read(MOST_BYTES + 1)

    def entered(conn: Connection) -> ImportView:
        imported = changeover.import_table(conn, door.viewer, table, content, door.now, dry_run=dry_run)
        return ImportView.of(imported, door.viewer.locale, dry_run=dry_run)

    asked = Sent(sha256=hashlib.sha256(content).hexdigest(), asked=str(door.request.url.query))
    return door.once(entered, asked=asked)


@router.get("/changeover/{table}/template.{form}", response_class=Response, responses={200: FILE})
def get_changeover_template(table: Table, form: FileForm, request: Request) -> Response:
    """An empty table with the columns that are read, in the reader's language."""
    content = exporting.to_file(changeover.FORMS[table], [], form, locale_of(request))
    headers = {"Content-Disposition": f'attachment; filename="moyai-{table}-template.{form}"'}
    return Response(content, media_type=MEDIA_TYPES[form], headers=headers)


@router.get("/periods/{month}/beside")
def compare_with_before(month: Month, door: Entrance) -> MonthBesideView:
    """A month beside the calculation before (a spreadsheet), member by member."""
    found = door.run(lambda conn: changeover.beside(conn, door.viewer, month))
    return MonthBesideView(
        members=[
            BesideView(
                member_id=each.member_id,
                before_yen=each.before_yen,
                ours_yen=each.ours_yen,
                difference_yen=each.difference_yen,
            )
            for each in found
        ],
        difference_yen=sum(each.difference_yen for each in found),
        different=sum(each.difference_yen != 0 for each in found),
    )


def _account(row: tuple[Any, ...]) -> AccountNameView:
    return AccountNameView(**dict(zip(AccountNameView.model_fields, row, strict=True)))
