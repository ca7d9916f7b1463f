"""Import a table: every error by row and column first, then all of it or nothing; twice is as good as once."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any

from booking.tables.forms import Column, Form, Kind, form
from booking.tables.registering import ENTER, Change, Entered, Values, lock_reservations
from coop import register, tables
from coop.cells import CellMissing
from coop.database import Connection
from coop.errors import Invalid, MoyaiError
from coop.identity import Role, Viewer
from coop.messages import translate
from coop.tables import Row


class ColumnUnknown(Invalid):
    """A column that this kind of table does not have, or has already."""

    code = "booking.column_unknown"


class ColumnMissing(Invalid):
    """A column that this kind of table needs."""

    code = "booking.column_missing"


class RowTwice(Invalid):
    """Two rows of a table are about the same thing."""

    code = "booking.row_twice"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a row, or with one of its cells: the name of the column, as far as it can be said."""

    row: int
    column: str | None
    code: str
    params: dict[str, Any] = field(default_factory=dict)


class ImportRefused(Invalid):
    """The file has errors, so nothing of it was entered. `findings` of the problem document names each of them."""

    code = "booking.import_refused"

    def __init__(self, findings: Sequence[Finding], locale: str) -> None:
        super().__init__(count=len(findings), extra={"findings": [said(each, locale) for each in findings]})
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Record:
    """A row that could be read; its place in the file is that which a person sees."""

    row: int
    values: Values


@dataclass(frozen=True, slots=True)
class Imported:
    """How many rows were added, changed and left as they were, or would be; each of them by its place in the file; and
    what is wrong with the others."""

    counts: Counter[Change]
    findings: Sequence[Finding]
    rows: Sequence[tuple[int, Entered]] = ()


def import_table(
    conn: Connection, viewer: Viewer, kind: Kind, content: bytes, now: datetime, *, dry_run: bool
) -> Imported:
    """Enter the table of `kind` in the file `content`; a dry run says what would become of it and keeps nothing.

    Raises `FileUnreadable` or `FileTooLarge`, and `ImportRefused` if a row is wrong and it is no dry run.
    """
    return import_rows(conn, viewer, kind, tables.read(content), now, dry_run=dry_run)


def import_rows(
    conn: Connection, viewer: Viewer, kind: Kind, rows: Sequence[Row], now: datetime, *, dry_run: bool
) -> Imported:
    """Enter rows of a table of `kind`, the first of which names the columns; as `import_table`."""
    viewer.require(Role.OFFICE)
    records, findings = check(form(kind, register.cooperative(conn).time_zone), rows)
    if kind is Kind.RESERVATIONS:
        lock_reservations(conn, [record.values for record in records])
    return enter_all(conn, viewer, ENTER[kind], records, findings, now, dry_run=dry_run)


def enter_all(
    conn: Connection,
    viewer: Viewer,
    enter: Callable[[Connection, Viewer, Values, datetime], Entered],
    records: Sequence[Record],
    findings: Sequence[Finding],
    now: datetime,
    *,
    dry_run: bool,
) -> Imported:
    """Enter `records`, each as if it were alone; what is wrong with them comes after the `findings` of reading them."""
    entered: list[tuple[int, Entered]] = []
    found = list(findings)
    with conn.transaction(force_rollback=dry_run):
        for record in records:
            try:
                with conn.transaction():
                    entered.append((record.row, enter(conn, viewer, record.values, now)))
            except MoyaiError as refused:
                found += _why(record, refused)
        found.sort(key=lambda each: each.row)
        if found and not dry_run:
            raise ImportRefused(found, viewer.locale)
    return Imported(Counter(each.change for _, each in entered), found, entered)


def check(form: Form, rows: Sequence[Row]) -> tuple[list[Record], list[Finding]]:
    """The rows below the header that can be read, and what is wrong with the others, by row and column."""
    head, body = (rows[0], rows[1:]) if rows else (Row(1, ()), [])
    columns, findings = _columns(form, head)
    if findings:
        return [], findings
    records: list[Record] = []
    first: dict[tuple[str, ...], int] = {}
    for row in body:
        values, wrong = _read(row, columns)
        findings += wrong
        if wrong:
            continue
        key = form.key(values)
        if first.setdefault(key, row.number) == row.number:
            records.append(Record(row.number, values))
        else:
            findings.append(Finding(row.number, None, RowTwice.code, {"row": first[key]}))
    return records, findings


def said(finding: Finding, locale: str) -> dict[str, Any]:
    """A finding, JSON-ready, in the reader's language."""
    key = f"booking.column.{finding.column}"
    header = translate(key, locale)
    return {
        "row": finding.row,
        "column": finding.column if header == key else header,
        "code": finding.code,
        "detail": translate(finding.code, locale, **finding.params),
        "params": finding.params,
    }


def _columns(form: Form, head: Row) -> tuple[list[Column | None], list[Finding]]:
    """The column of each cell of the header, and what is wrong with it."""
    columns: list[Column | None] = []
    findings = []
    for cell in head.cells:
        column = form.called(str(cell)) if cell is not None else None
        if cell not in {None, ""} and (column is None or column in columns):
            findings.append(Finding(head.number, str(cell)[:50], ColumnUnknown.code))
        columns.append(column)
    missing = [column for column in form.columns if column.needed and column not in columns]
    return columns, findings + [Finding(head.number, column.name, ColumnMissing.code) for column in missing]


def _read(row: Row, columns: Sequence[Column | None]) -> tuple[dict[str, Any], list[Finding]]:
    """What the cells of a row mean, and which of them mean nothing."""
    values: dict[str, Any] = {}
    wrong = []
    for cell, column in zip_longest(row.cells, columns):
        blank = cell is None or not str(cell).strip()
        if column is None:
            if not blank:
                wrong.append(Finding(row.number, str(cell)[:50], ColumnUnknown.code))
        elif blank and column.needed:
            wrong.append(Finding(row.number, column.name, CellMissing.code))
        else:
            try:
                values[column.name] = column.blank if blank else column.read(cell)
            except MoyaiError as refused:
                wrong.append(Finding(row.number, column.name, refused.code, refused.params))
    return values, wrong


def _why(record: Record, refused: MoyaiError) -> list[Finding]:
    """Each reason why a row was refused, with the column that it is about."""
    column = _ABOUT.get(refused.code)
    reasons = refused.extra.get("reasons", [])
    if not reasons:
        return [Finding(record.row, column, refused.code, refused.params)]
    return [Finding(record.row, column, each["code"], each["params"]) for each in reasons]


_ABOUT = {
    "booking.slot_taken": "starts_at",
    "booking.denied": "starts_at",
    "coop.empty_interval": "ends_at",
    "booking.holder_unknown": "person_email",
    "booking.member_unknown": "member_id",
    "booking.reservation_fixed": "machine_id",
    "coop.machine_unknown": "machine_id",
    "coop.cell_missing": "member_id",
    "coop.leaves_before_joining": "left_on",
}
"""Which column an error of a whole row is about."""
