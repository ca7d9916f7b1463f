"""Periods, statements and the ledger in the database, as records and back."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from psycopg.types.json import Jsonb

from billing.calculation import statement_id
from billing.costs.model import OwnerCredit
from billing.model import (
    ControlTotals,
    Finding,
    Line,
    LineKind,
    Metered,
    Period,
    PoolKind,
    PoolResult,
    Settlement,
    Statement,
    Status,
    TaxTotal,
)
from billing.periods.evidence import Part, plain
from coop.database import Connection
from coop.identity import SEES_MONEY, Viewer
from coop.interval import Interval, parse_month
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
            drafted_by=drafted_by,
            draft_hash=draft_hash,
            approved_by=approved_by,
            approved_at=approved_at,
        )
        for (
            first, status, drafted_at, closed_at, closed_by, code_version, previous, evidence_hash, findings, metered,
            control, drafted_by, draft_hash, approved_by, approved_at,
        ) in rows
    ]  # fmt: skip


def pool_results(conn: Connection, month: str) -> tuple[PoolResult, ...]:
    """How the pools of a month came out."""
    rows = conn.execute(SQL["pool_results"], {"month": first_day(month)})
    return tuple(PoolResult(pool_id, PoolKind(kind), *yen) for pool_id, kind, *yen in rows)


def owner_credits(conn: Connection, month: str, member_id: str | None = None) -> tuple[OwnerCredit, ...]:
    """What owners of hosted machines are owed for a month, by machine; all of it, or one member's."""
    rows = conn.execute(SQL["owner_credits"], {"month": first_day(month), "member_id": member_id})
    return tuple(OwnerCredit(*row) for row in rows)


def clear(conn: Connection, month: str) -> None:
    """Forget what an earlier draft of the month wrote."""
    for statement in ("clear_lines", "clear_statements", "clear_pool_results", "clear_owner_credits", "clear_evidence"):
        conn.execute(SQL[statement], {"month": first_day(month)})


def write_lines(conn: Connection, month: str, lines: Iterable[Line]) -> None:
    """Write lines of a draft; their statements follow in the same transaction."""
    copy_rows(
        conn,
        SQL["copy_lines"],
        (
            (
                statement_id(month, each.member_id), each.n, each.kind.value, each.machine_id, each.pool_id,
                each.interval.start if each.interval else None, each.interval.end if each.interval else None,
                each.quantity_seconds, each.amount_yen, each.tax_rate, Jsonb(each.explanation, orjson.dumps),
            )
            for each in lines
        ),
    )  # fmt: skip


def write_settlement(conn: Connection, settlement: Settlement, now: datetime) -> None:
    """Write statements and pools of a draft and what it found; its lines are written."""
    first = first_day(settlement.month)
    copy_rows(
        conn,
        SQL["copy_statements"],
        (
            (each.id, first, each.member_id, each.net_yen, each.tax_yen, each.total_yen, Jsonb(plain(each.taxes)))
            for each in settlement.statements
        ),
    )
    copy_rows(
        conn,
        SQL["copy_pool_results"],
        (
            (
                first, each.pool_id, each.kind, each.cost_yen, each.income_yen, each.charged_yen, each.carried_yen,
                each.brought_yen, Jsonb(each.weights), each.adjusted_yen,
            )
            for each in settlement.pools
        ),
    )  # fmt: skip
    copy_rows(
        conn,
        SQL["copy_owner_credits"],
        (
            (
                first, each.machine_id, each.member_id, each.fee_yen, each.commission_percent, each.commission_yen,
                each.amount_yen, each.tax_rate,
            )
            for each in settlement.credits
        ),
    )  # fmt: skip
    values = {
        "month": first,
        "now": now,
        "findings": Jsonb([asdict(finding) for finding in settlement.findings]),
        "metered": Jsonb(asdict(settlement.metered)),
        "control": Jsonb(asdict(settlement.control)),
    }
    conn.execute(SQL["mark_drafted"], values)


def sign_draft(conn: Connection, month: str, viewer: Viewer, signature: bytes) -> None:
    """Note who drafted the month and the hash of what it says."""
    values = {"month": first_day(month), "drafted_by": viewer.person_id, "draft_hash": signature}
    conn.execute(SQL["sign_draft"], values)


def add_evidence(conn: Connection, month: str, part: Part) -> bytes:
    """Keep one part of the month's evidence, compressed; its hash."""
    digest = part.sha256
    values = {"part": part.name, "sha256": digest, "content_zlib": part.compressed}
    conn.execute(SQL["add_evidence"], {"month": first_day(month), **values})
    return digest


def evidence_parts(conn: Connection, month: str) -> dict[str, bytes]:
    """The stored hash of each part of the month's evidence, by name."""
    return dict(conn.execute(SQL["evidence_parts"], {"month": first_day(month)}).fetchall())


def evidence(conn: Connection, month: str, part: str) -> bytes | None:
    """The compressed content of one part of the month's evidence."""
    row = conn.execute(SQL["evidence"], {"month": first_day(month), "part": part}).fetchone()
    return row[0] if row else None


def evidence_of(conn: Connection, month: str, parts: Sequence[str]) -> list[bytes]:
    """The compressed contents of those of `parts` that the month's evidence has, by name."""
    rows = conn.execute(SQL["evidence_of"], {"month": first_day(month), "parts": list(parts)})
    return [content for (content,) in rows]


def evidence_below(conn: Connection, month: str, prefix: str) -> list[bytes]:
    """The compressed contents of the parts whose names begin with `prefix`, by name."""
    rows = conn.execute(SQL["evidence_below"], {"month": first_day(month), "prefix": prefix})
    return [content for (content,) in rows]


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
        Issued(f"{first:%Y-%m}", Status(status), Statement(identifier, member, net, tax, total, _taxes(taxes)))
        for identifier, first, status, member, net, tax, total, taxes in rows
    ]


def lines(conn: Connection, statement: Statement, n: int | None = None) -> tuple[Line, ...]:
    """The lines of a statement, or its `n`th one alone."""
    rows = conn.execute(SQL["lines"], {"statement_id": statement.id, "n": n})
    return tuple(_line(statement.member_id, *row) for row in rows)


def lines_of(conn: Connection, month: str, machine_id: str | None) -> list[Line]:
    """The lines of a month that are of one machine, or of none, by member."""
    rows = conn.execute(SQL["lines_of"], {"month": first_day(month), "machine_id": machine_id})
    return [_line(*row) for row in rows]


def count_lines(conn: Connection, month: str) -> int:
    """How many lines the statements of a month have."""
    row = conn.execute(SQL["count_lines"], {"month": first_day(month)}).fetchone()
    assert row is not None
    count: int = row[0]
    return count


def _line(member_id: str, n: int, kind: str, *row: Any) -> Line:
    machine_id, pool_id, starts_at, ends_at, *amounts = row
    interval = Interval(starts_at, ends_at) if starts_at else None
    return Line(member_id, n, LineKind(kind), machine_id, pool_id, interval, *amounts)


def _taxes(stored: list[dict[str, Any]]) -> tuple[TaxTotal, ...]:
    return tuple(
        TaxTotal(None if each["rate"] is None else Decimal(each["rate"]), each["net_yen"], each["tax_yen"])
        for each in stored
    )


def copy_rows(conn: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Write rows by a COPY statement."""
    with conn.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
