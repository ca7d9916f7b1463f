"""The change-over from a spreadsheet: opening balances, past settlements, and months that run beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid5

from billing.ledger import moves, store
from billing.ledger.entries import LEVY_RECEIVABLE, PAYABLE, RECEIVABLE
from billing.store import first_day
from booking.tables.forms import Column, Form
from booking.tables.importing import Imported, check, enter_all
from booking.tables.registering import UNCHANGED, Change, Entered, MemberUnknown, Values
from coop import audit, cells, tables
from coop.database import Connection
from coop.errors import Conflict
from coop.identity import Role, Viewer
from coop.interval import parse_month
from coop.money import Yen
from coop.tables import Cell

_NAMESPACE = UUID("5c0d4c58-65a3-4d1b-9f1b-0b8f3c6a9e11")


class Table(StrEnum):
    """What is brought over."""

    OPENING = "opening-balances"
    PAST = "past-settlements"


class OpeningDiffers(Conflict):
    """This balance was entered before with another amount: reverse that entry first."""

    code = "billing.opening_differs"


@dataclass(frozen=True, slots=True)
class Beside:
    """What a member pays for a month by the calculation before and by ours; None: nothing by that one."""

    member_id: str
    before_yen: Yen | None
    ours_yen: Yen | None

    @property
    def difference_yen(self) -> Yen:
        """Ours less the one before."""
        return (self.ours_yen or 0) - (self.before_yen or 0)


def import_table(
    conn: Connection, viewer: Viewer, table: Table, content: bytes, now: datetime, *, dry_run: bool
) -> Imported:
    """Enter the file's opening balances or past settlements, all or none; a dry run says what would become of it.

    Raises `FileUnreadable`, `FileTooLarge`, and `ImportRefused` with every error by row and column.
    """
    viewer.require(Role.OFFICE)
    records, findings = check(FORMS[table], tables.read(content))
    enter: Callable[[Connection, Viewer, Values, datetime], Entered] = _opening if table is Table.OPENING else _past
    imported = enter_all(conn, viewer, enter, records, findings, now, dry_run=dry_run)
    if not dry_run:
        detail: dict[str, object] = {change.value: imported.counts[change] for change in Change}
        audit.record(conn, "changeover.imported", viewer=viewer, subject=f"table:{table}", now=now, detail=detail)
    return imported


def beside(conn: Connection, viewer: Viewer, month: str) -> list[Beside]:
    """Each member's total of a month by the calculation before and by ours; raises `MonthInvalid`."""
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    return [Beside(*row) for row in conn.execute(store.SQL["beside"], {"month": first_day(month)})]


def _opening(conn: Connection, viewer: Viewer, values: Values, now: datetime) -> Entered:
    """Post a balance as it stood before; the same row again posts nothing."""
    member_id, on_day, account = values["member_id"], values["on_day"], values.get("account") or RECEIVABLE
    amount = -values["amount_yen"] if account == PAYABLE else values["amount_yen"]
    identifier = uuid5(_NAMESPACE, f"{member_id} {on_day} {account} {values.get('reference') or ''}")
    if not store.lock_member(conn, member_id):
        raise MemberUnknown(member=member_id)
    before = store.entry(conn, identifier)
    if before is not None:
        if before[2][0].amount_yen != amount:
            raise OpeningDiffers(member=member_id)
        return UNCHANGED
    store.book(conn, viewer, moves.opening(identifier, member_id, account, amount, on_day, values.get("due_on")), now)
    return Entered(Change.ADDED)


def _past(conn: Connection, _viewer: Viewer, values: Values, _now: datetime) -> Entered:
    """Keep what a member paid for a month; a corrected spreadsheet replaces it."""
    first = first_day(values["month"])
    key = {"month": first, "member_id": values["member_id"]}
    if not store.lock_member(conn, values["member_id"]):
        raise MemberUnknown(member=values["member_id"])
    before = conn.execute(store.SQL["past_amount"], key).fetchone()
    if before is not None and before[0] == values["total_yen"]:
        return UNCHANGED
    conn.execute(store.SQL["put_past_amount"], key | {"total_yen": values["total_yen"]})
    if before is None:
        return Entered(Change.ADDED)
    return Entered(Change.CHANGED, {"total_yen": (before[0], values["total_yen"])})


def _month(cell: Cell) -> str:
    """A month as people write it: 2026-10, 2026/10, or a date in it."""
    if isinstance(cell, date):
        return f"{cell:%Y-%m}"
    written = cells.plain(cell).replace("/", "-").replace("年", "-").removesuffix("月")
    year, _, month = written.partition("-")
    found = f"{year}-{month.zfill(2)}"
    parse_month(found)
    return found


def _yen(cell: Cell) -> Yen:
    """Whole yen, negative ones too."""
    found = cells.number()(cell)
    if found != int(found):
        raise cells.CellNotNumber()
    return int(found)


def _moving_yen(cell: Cell) -> Yen:
    found = _yen(cell)
    if found == 0:
        raise cells.CellNotNumber()
    return found


_ACCOUNTS = {name: name for name in (RECEIVABLE, LEVY_RECEIVABLE, PAYABLE)}
_ACCOUNTS |= {"売掛金": RECEIVABLE, "未収賦課金": LEVY_RECEIVABLE, "未払金": PAYABLE}

FORMS = {
    Table.OPENING: Form(
        Table.OPENING,
        (("member_id", "on_day", "account", "reference"),),
        (
            Column("member_id", cells.key, needed=True),
            Column("on_day", cells.day, needed=True),
            Column("amount_yen", _moving_yen, needed=True),
            Column("account", cells.one_of(_ACCOUNTS), blank=RECEIVABLE),
            Column("due_on", cells.day),
            Column("reference", cells.text(100), blank=""),
        ),
    ),
    Table.PAST: Form(
        Table.PAST,
        (("month", "member_id"),),
        (
            Column("month", _month, needed=True),
            Column("member_id", cells.key, needed=True),
            Column("total_yen", _yen, needed=True),
        ),
    ),
}
"""The columns of each table."""
