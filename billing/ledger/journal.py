"""The ledger as a bookkeeping package reads it: a table of columns for each package; its sums are the ledger's."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import groupby, zip_longest
from typing import TypeAlias
from uuid import UUID

from billing.ledger import store
from billing.ledger.model import Source
from coop import sheet
from coop.database import Connection
from coop.errors import Invalid
from coop.identity import Role, Viewer
from coop.messages import translate
from coop.money import Yen

Cell: TypeAlias = str | int


class CharacterUnknown(Invalid):
    """A character that the package's encoding does not have; nothing is replaced in silence."""

    code = "billing.character_unknown"


class Package(StrEnum):
    """Who reads the journal."""

    PLAIN = "plain"
    YAYOI = "yayoi"
    MONEYFORWARD = "moneyforward"
    FREEE = "freee"


@dataclass(frozen=True, slots=True)
class Side:
    """One debit or credit: the package's word for the account, its tax category, and the member it concerns."""

    account: str
    tax: str
    member: str
    yen: Yen


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a journal: the `place`th of `size` rows of an entry; a side may be empty."""

    entry_id: UUID
    number: int
    place: int
    size: int
    on_day: date
    debit: Side | None
    credit: Side | None
    note: str


@dataclass(frozen=True, slots=True)
class Journal:
    """A file for a package, with what it adds up to: debits and credits of the ledger are the same."""

    content: bytes
    name: str
    entries: int
    debit_yen: Yen
    credit_yen: Yen


def export(
    conn: Connection, viewer: Viewer, package: Package, since: date, last: date, *, form: str, locale: str = "ja"
) -> Journal:
    """The entries from `since` to `last`, both days in it. `form` (csv or xlsx) is for `Package.PLAIN`.

    Raises `CharacterUnknown` with the column's name.
    """
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    written = rows(conn, since, last, locale)
    debit = sum(each.debit.yen for each in written if each.debit)
    credit = sum(each.credit.yen for each in written if each.credit)
    of_ledger = store.totals(conn, since, last + timedelta(days=1))
    if (debit, credit) != (sum(each.debit_yen for each in of_ledger), sum(each.credit_yen for each in of_ledger)):
        raise AssertionError("the journal does not add up to the ledger")
    content = to_xlsx(written) if (package, form) == (Package.PLAIN, "xlsx") else to_csv(package, written)
    suffix = "xlsx" if content.startswith(b"PK") else "csv"
    name = f"moyai-journal-{package}-{since:%Y%m%d}-{last:%Y%m%d}.{suffix}"
    return Journal(content, name, len({each.entry_id for each in written}), debit, credit)


def rows(conn: Connection, since: date, last: date, locale: str) -> list[Row]:
    """The journal of some days: each entry's debits beside its credits."""
    found = conn.execute(store.SQL["journal"], {"since": since, "until": last + timedelta(days=1)})
    written: list[Row] = []
    for number, (entry_id, group) in enumerate(groupby(found, key=lambda row: row[0]), 1):
        postings = list(group)
        _, on_day, source, month, note, *_ = postings[0]
        sides = [
            (Side(book_name, tax, member or "", abs(yen)), yen > 0)
            for *_, book_name, tax, member, yen in postings
        ]  # fmt: skip
        debits, on_credit = ([side for side, debit in sides if debit is wanted] for wanted in (True, False))
        said = translate(f"billing.source.{Source(source)}", locale, month=f"{month:%Y-%m}" if month else "")
        text = f"{said} {note}".strip()
        pairs = list(zip_longest(debits, on_credit))
        written += [
            Row(entry_id, number, place, len(pairs), on_day, debit, credit, text)
            for place, (debit, credit) in enumerate(pairs, 1)
        ]
    return written


def to_csv(package: Package, rows: Sequence[Row]) -> bytes:
    """The rows in a package's columns; raises `CharacterUnknown`."""
    columns = COLUMNS[package]
    if package is Package.PLAIN:
        return sheet.to_csv([name for name, _ in columns], [[cell(row) for _, cell in columns] for row in rows])
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    if package is not Package.YAYOI:
        writer.writerow([name for name, _ in columns])
    for row in rows:
        writer.writerow([_encodable(name, row, cell(row)) for name, cell in columns])
    return text.getvalue().encode("cp932")


def to_xlsx(rows: Sequence[Row]) -> bytes:
    """The rows in plain columns for a spreadsheet."""
    columns = COLUMNS[Package.PLAIN]
    values = [[cell(row) for _, cell in columns] for row in rows]
    formats = ["#,##0" if "金額" in name else None for name, _ in columns]
    return sheet.to_xlsx("仕訳", [name for name, _ in columns], values, formats)


def _encodable(column: str, row: Row, cell: Cell) -> Cell:
    try:
        str(cell).encode("cp932")
    except UnicodeEncodeError as refused:
        raise CharacterUnknown(
            field=column, character=str(cell)[refused.start : refused.end], on_day=f"{row.on_day}", number=row.number
        ) from None
    return cell


Column: TypeAlias = tuple[str, Callable[[Row], Cell]]


def _side(of: str, what: str, empty: Cell = "") -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        side: Side | None = getattr(row, of)
        found: Cell = empty if side is None else getattr(side, what)
        return found

    return cell


def _fixed(value: Cell) -> Callable[[Row], Cell]:
    return lambda _: value


def _day(form: str) -> Callable[[Row], Cell]:
    return lambda row: row.on_day.strftime(form)


def _yayoi_flag(row: Row) -> Cell:
    """2111: a slip of one row; 2110, 2100, 2101: the first, those between, and the last row of a slip."""
    if row.size == 1:
        return "2111"
    return "2110" if row.place == 1 else "2101" if row.place == row.size else "2100"


COLUMNS: dict[Package, tuple[Column, ...]] = {
    Package.PLAIN: (
        ("番号", lambda row: row.number),
        ("日付", _day("%Y-%m-%d")),
        ("借方科目", _side("debit", "account")),
        ("借方組合員", _side("debit", "member")),
        ("借方税区分", _side("debit", "tax")),
        ("借方金額", _side("debit", "yen")),
        ("貸方科目", _side("credit", "account")),
        ("貸方組合員", _side("credit", "member")),
        ("貸方税区分", _side("credit", "tax")),
        ("貸方金額", _side("credit", "yen")),
        ("摘要", lambda row: row.note),
    ),
    # 弥生会計 05 以降: 仕訳データのインポート、25項目、見出しなし
    Package.YAYOI: (
        ("識別フラグ", _yayoi_flag),
        ("伝票No.", _fixed("")),
        ("決算", _fixed("")),
        ("取引日付", _day("%Y/%m/%d")),
        ("借方勘定科目", _side("debit", "account")),
        ("借方補助科目", _side("debit", "member")),
        ("借方部門", _fixed("")),
        ("借方税区分", _side("debit", "tax")),
        ("借方金額", _side("debit", "yen", 0)),
        ("借方税金額", _fixed("")),
        ("貸方勘定科目", _side("credit", "account")),
        ("貸方補助科目", _side("credit", "member")),
        ("貸方部門", _fixed("")),
        ("貸方税区分", _side("credit", "tax")),
        ("貸方金額", _side("credit", "yen", 0)),
        ("貸方税金額", _fixed("")),
        ("摘要", lambda row: row.note),
        ("手形番号", _fixed("")),
        ("手形期日", _fixed("")),
        ("タイプ", _fixed("3")),
        ("生成元", _fixed("")),
        ("仕訳メモ", _fixed("")),
        ("付箋1", _fixed("0")),
        ("付箋2", _fixed("0")),
        ("調整", _fixed("no")),
    ),
    Package.MONEYFORWARD: (
        ("取引No", lambda row: row.number),
        ("取引日", _day("%Y/%m/%d")),
        ("借方勘定科目", _side("debit", "account")),
        ("借方補助科目", _side("debit", "member")),
        ("借方税区分", _side("debit", "tax")),
        ("借方金額(円)", _side("debit", "yen")),
        ("貸方勘定科目", _side("credit", "account")),
        ("貸方補助科目", _side("credit", "member")),
        ("貸方税区分", _side("credit", "tax")),
        ("貸方金額(円)", _side("credit", "yen")),
        ("摘要", lambda row: row.note),
    ),
    Package.FREEE: (
        ("日付", _day("%Y/%m/%d")),
        ("伝票番号", lambda row: row.number),
        ("借方勘定科目", _side("debit", "account")),
        ("借方取引先", _side("debit", "member")),
        ("借方税区分", _side("debit", "tax")),
        ("借方金額", _side("debit", "yen")),
        ("貸方勘定科目", _side("credit", "account")),
        ("貸方取引先", _side("credit", "member")),
        ("貸方税区分", _side("credit", "tax")),
        ("貸方金額", _side("credit", "yen")),
        ("摘要", lambda row: row.note),
    ),
}
"""What each package reads, column by column."""
