"""Adjustments: what a closed month should have said otherwise, charged in the next one at the original rate and tax."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import uuid4

from psycopg.types.json import Jsonb

from billing import store
from billing.model import Adjustment, AdjustmentReason, Line, LineKind, Status
from billing.store import first_day
from coop.database import Connection
from coop.errors import Conflict
from coop.identity import Viewer
from coop.money import Yen
from coop.queries import load

SQL = load("billing.periods")


class NothingClosed(Conflict):
    """Only a closed month is adjusted; one that is open is computed anew."""

    code = "billing.nothing_closed"


def next_month(conn: Connection) -> str:
    """The first month after the last closed one, entered if nobody has yet; raises `NothingClosed`."""
    while True:  # a close under way may take the month that we wait for
        row = conn.execute(SQL["next_open"]).fetchone()
        if row is None:
            raise NothingClosed()
        first: date = row[0]
        month = f"{first:%Y-%m}"
        if store.lock_period(conn, month) is not Status.CLOSED:
            return month


def of_line(source_month: str, line: Line, reason: AdjustmentReason, amount_yen: Yen, note: str) -> Adjustment:
    """An adjustment of a line by `amount_yen`, with the line's own rate of tax."""
    source = LineKind(line.explanation.get("source_kind", line.kind))
    return Adjustment(
        uuid4(), source_month, line.n, line.member_id, reason, source, line.machine_id, line.pool_id, 0, amount_yen,
        line.tax_rate, {"was_yen": line.amount_yen}, note,
    )  # fmt: skip


def add(conn: Connection, viewer: Viewer, month: str, adjustments: Iterable[Adjustment], now: datetime) -> None:
    """Write adjustments that `month` charges; a closed month refuses them."""
    for each in adjustments:
        values = {name: getattr(each, name) for name in Adjustment.__slots__}
        values |= {
            "month": first_day(month),
            "source_month": first_day(each.source_month),
            "numbers": Jsonb(dict(each.numbers)),
            "entered_by": viewer.person_id,
            "now": now,
        }
        conn.execute(SQL["add_adjustment"], values)
