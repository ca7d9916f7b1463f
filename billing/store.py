"""Periods, statements and the ledger in the database, as records and back."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from psycopg.types.json import Jsonb

from billing.evidence import Part, plain
from billing.model import (
    ControlTotals,
    Entry,
    Finding,
    Line,
    Metered,
    Period,
    PoolKind,
    PoolResult,
    Posting,
    Settlement,
    Statement,
    Status,
    TaxTotal,
)
from coop.database import Connection
from coop.identity import SEES_MONEY, Viewer
from coop.interval import parse_month
from coop.paging import WHOLE, Slice
from coop.queries import load

SQL = load("billing")


@dataclass(frozen=True, slots=True)
class Issued:
    """A statement with the month it belongs to."""

    month: str
    status: Status
    statement: Statement


def first_day(month: str) -> date:
    """`2026-10` → 2026-10-01; raises `MonthInvalid`."""
    return date(*parse_month(month), 1)


def lock_period(conn: Connection, month: str) -> Status:
    """Take the month for this transaction, entering it if it is new; its status."""
    conn.execute(SQL["open_period"], {"month": first_day(month)})
    row = conn.execute(SQL["lock_period"], {"month": first_day(month)}).fetchone()
    assert row is not None
    return Status(row[0])


def last_closed(conn: Connection) -> tuple[str, bytes] | None:
    """The month closed last and its hash."""
    row = conn.execute(SQL["last_closed"]).fetchone()
    return (f"{row[0]:%Y-%m}", row[1]) if row else None


def periods(conn: Connection, month: str | None = None, part: Slice = WHOLE) -> list[Period]:
    """All periods, newest first, or the one of `month`."""
    rows = conn.execute(SQL["periods"], {"month": month and first_day(month)} | part.values("after_month"))
    return [
        Period(
            month=f"{first:%Y-%m}",
            status=Status(status),
            drafted_at=drafted_at,
            closed_at=closed_at,
            closed_by=closed_by,
            code_version=code_version,
            previous_month=f"{previous:%Y-%m}" if previous else None,
            evidence_hash=evidence_hash,
            findings=tuple(Finding(**finding) for finding in findings),
            metered=Metered(**metered) if metered else None,
            control=ControlTotals(**control) if control else None,
        )
        for (
            first, status, drafted_at, closed_at, closed_by, code_version, previous, evidence_hash, findings, metered,
            control,
        ) in rows
    ]  # fmt: skip


def pool_results(conn: Connection, month: str) -> tuple[PoolResult, ...]:
    """How the pools of a month came out."""
    rows = conn.execute(SQL["pool_results"], {"month": first_day(month)})
    return tuple(PoolResult(pool_id, PoolKind(kind), *yen) for pool_id, kind, *yen in rows)


def clear(conn: Connection, month: str) -> None:
    """Forget what an earlier draft of the month wrote."""
    for statement in ("clear_lines", "clear_statements", "clear_pool_results", "clear_evidence"):
        conn.execute(SQL[statement], {"month": first_day(month)})


def write_settlement(conn: Connection, settlement: Settlement, now: datetime) -> None:
    """Write statements, lines and pools of a draft and what it found."""
    first = first_day(settlement.month)
    _copy(
        conn,
        "copy_statements",
        (
            (each.id, first, each.member_id, each.net_yen, each.tax_yen, each.total_yen, Jsonb(plain(each.taxes)))
            for each in settlement.statements
        ),
    )
    _copy(
        conn,
        "copy_lines",
        (
            (
                statement.id, n, line.kind, line.description_code, Jsonb(line.description, orjson.dumps),
                line.quantity_seconds, line.amount_yen, line.tax_rate, Jsonb(line.explanation, orjson.dumps),
            )
            for statement in settlement.statements
            for n, line in enumerate(statement.lines, 1)
        ),
    )  # fmt: skip
    _copy(
        conn,
        "copy_pool_results",
        (
            (first, each.pool_id, each.kind, each.cost_yen, each.income_yen, each.charged_yen, each.carried_yen)
            for each in settlement.pools
        ),
    )
    values = {
        "month": first,
        "now": now,
        "findings": Jsonb([asdict(finding) for finding in settlement.findings]),
        "metered": Jsonb(asdict(settlement.metered)),
        "control": Jsonb(asdict(settlement.control)),
    }
    conn.execute(SQL["mark_drafted"], values)


def post(conn: Connection, month: str, entries: Iterable[Entry], now: datetime) -> None:
    """Add entries to the ledger; the database refuses one that does not balance when the transaction commits."""
    posted = list(entries)
    _copy(conn, "copy_entries", ((entry.id, first_day(month), now, entry.statement_id) for entry in posted))
    _copy(
        conn,
        "copy_postings",
        (
            (entry.id, n, posting.account, posting.member_id, posting.amount_yen)
            for entry in posted
            for n, posting in enumerate(entry.postings, 1)
        ),
    )


def add_evidence(conn: Connection, month: str, part: Part) -> None:
    """Keep one part of the month's evidence, compressed."""
    values = {"part": part.name, "sha256": part.sha256, "content_zlib": part.compressed}
    conn.execute(SQL["add_evidence"], {"month": first_day(month), **values})


def evidence(conn: Connection, month: str, part: str | None = None) -> dict[str, tuple[bytes, bytes]]:
    """The stored hash and compressed content of the month's evidence by part."""
    rows = conn.execute(SQL["evidence"], {"month": first_day(month), "part": part})
    return {name: (digest, content) for name, digest, content in rows}


def mark_closed(
    conn: Connection,
    month: str,
    *,
    viewer: Viewer,
    now: datetime,
    code_version: str,
    previous: str | None,
    hashed: bytes,
) -> None:
    """Make the month final."""
    values = {
        "month": first_day(month),
        "now": now,
        "closed_by": viewer.person_id,
        "code_version": code_version,
        "previous_month": previous and first_day(previous),
        "evidence_hash": hashed,
    }
    conn.execute(SQL["mark_closed"], values)


def statements(
    conn: Connection,
    viewer: Viewer,
    *,
    month: str | None = None,
    statement_id: UUID | None = None,
    part: Slice = WHOLE,
) -> list[Issued]:
    """Statements without their lines, as far as the viewer may see them: a member its own, of closed months."""
    own_only = not viewer.has(*SEES_MONEY)
    if own_only and not viewer.sees_money_of(viewer.member_id):
        return []
    rows = conn.execute(
        SQL["statements"],
        {
            "month": month and first_day(month),
            "id": statement_id,
            "member_id": viewer.member_id if own_only else None,
            "closed_only": own_only,
            **part.values("after_month", "after_member"),
        },
    )
    return [
        Issued(f"{first:%Y-%m}", Status(status), Statement(identifier, member, net, tax, total, _taxes(taxes), ()))
        for identifier, first, status, member, net, tax, total, taxes in rows
    ]


def lines(conn: Connection, statement: Statement, n: int | None = None) -> tuple[Line, ...]:
    """The lines of a statement, or its `n`th one alone."""
    rows = conn.execute(SQL["lines"], {"statement_id": statement.id, "n": n})
    return tuple(Line(statement.member_id, *row) for row in rows)


def settled_lines(conn: Connection, month: str) -> dict[UUID, list[tuple[Any, ...]]]:
    """The rows of all lines of a month by statement."""
    found: dict[UUID, list[tuple[Any, ...]]] = defaultdict(list)
    for statement_id, *row in conn.execute(SQL["lines_of_month"], {"month": first_day(month)}):
        found[statement_id].append(tuple(row))
    return found


def entries(conn: Connection, month: str) -> tuple[Entry, ...]:
    """What the statements of a month posted, by member."""
    found: dict[tuple[UUID, UUID], list[Posting]] = defaultdict(list)
    for entry_id, statement_id, account, amount, member in conn.execute(
        SQL["postings_of_month"], {"month": first_day(month)}
    ):
        found[(entry_id, statement_id)].append(Posting(account, amount, member))
    return tuple(Entry(*ids, tuple(postings)) for ids, postings in found.items())


def _taxes(stored: list[dict[str, Any]]) -> tuple[TaxTotal, ...]:
    return tuple(
        TaxTotal(None if each["rate"] is None else Decimal(each["rate"]), each["net_yen"], each["tax_yen"])
        for each in stored
    )


def _copy(conn: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with conn.cursor().copy(SQL[statement]) as copy:
        for row in rows:
            copy.write_row(row)
