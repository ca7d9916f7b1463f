"""Enter what pools cost: in a month, every month, by writing an asset down, and what a cost turned out to be."""

import zlib
from datetime import datetime
from uuid import UUID, uuid4

from psycopg import errors

from billing import store
from billing.costs.edit import SQL, PoolUnknown, begin
from billing.costs.model import Actual, Asset, Recurring
from billing.costs.monthly import costs_of
from billing.model import Cost, Rules, Status
from billing.periods.evidence import RULES, read_rules
from billing.periods.gather import gather
from billing.periods.settle import PeriodClosed
from coop import audit
from coop.database import Connection
from coop.errors import Invalid, NotFound
from coop.identity import Role, Viewer
from coop.interval import parse_month
from coop.machines import MachineUnknown
from coop.money import Yen

_SEES = (Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)


class CostUnknown(NotFound):
    """The month has no such cost."""

    code = "billing.cost_unknown"


class AcquiredLater(Invalid):
    """An asset is written down from the month in which it was acquired, at the earliest."""

    code = "billing.acquired_later"


class EndsTooEarly(Invalid):
    """A cost ends after it began."""

    code = "billing.ends_too_early"


def add_cost(conn: Connection, viewer: Viewer, month: str, cost: Cost, now: datetime) -> None:
    """Enter what a pool cost in a month; raises `PoolUnknown`, `MachineUnknown`, `PeriodClosed`, `MonthInvalid`."""
    viewer.require(Role.OFFICE)
    if store.lock_period(conn, month) is Status.CLOSED:
        raise PeriodClosed(month=month)
    _insert(conn, "add_cost", cost, {"month": store.first_day(month)})
    detail: dict[str, object] = {"month": month, "amount_yen": cost.amount_yen}
    audit.record(conn, "cost.added", viewer=viewer, subject=f"cost:{cost.id}", now=now, detail=detail)


def add_recurring(conn: Connection, viewer: Viewer, month: str, cost: Recurring, now: datetime) -> None:
    """Enter a cost of every month from one on; raises as `add_cost`."""
    first = begin(conn, viewer, month)
    _insert(conn, "add_recurring", cost, {"month": first})
    detail: dict[str, object] = {"month": month, "yen_per_month": cost.yen_per_month}
    audit.record(conn, "recurring_cost.added", viewer=viewer, subject=f"cost:{cost.id}", now=now, detail=detail)


def add_asset(conn: Connection, viewer: Viewer, month: str, asset: Asset, now: datetime) -> None:
    """Enter an asset that is written down, as a cost from a month on; raises as `add_cost`, and `AcquiredLater`."""
    first = begin(conn, viewer, month)
    if first < asset.acquired_on.replace(day=1):
        raise AcquiredLater(month=month, acquired_on=asset.acquired_on)
    _insert(conn, "add_asset", asset, {"month": first})
    detail: dict[str, object] = {"month": month, "cost_yen": asset.cost_yen, "subsidy_yen": asset.subsidy_yen}
    audit.record(conn, "asset.added", viewer=viewer, subject=f"asset:{asset.id}", now=now, detail=detail)


def end(conn: Connection, viewer: Viewer, what: str, identifier: UUID, month: str, now: datetime) -> None:
    """Let a `recurring` cost or an `asset` be no cost any more from a month on.

    Raises `CostUnknown`, `EndsTooEarly`, `PeriodClosed`, `MonthInvalid`.
    """
    first = begin(conn, viewer, month)
    try:
        with conn.transaction():
            ended = conn.execute(SQL[f"end_{what}"], {"id": identifier, "month": first}).rowcount
    except errors.CheckViolation:
        raise EndsTooEarly(month=month) from None
    if not ended:
        raise CostUnknown()
    audit.record(conn, f"{what}.ended", viewer=viewer, subject=f"cost:{identifier}", now=now, detail={"month": month})


def add_actual(
    conn: Connection, viewer: Viewer, of_month: str, cost_id: UUID, amount_yen: Yen, now: datetime
) -> tuple[Actual, str]:
    """Enter what a cost turned out to be, and the month that charges it: its own while open, else the next open one.

    Raises `CostUnknown`, `MonthInvalid`.
    """
    viewer.require(Role.OFFICE)
    conn.execute(store.SQL["lock_chain"])
    closed = store.last_closed(conn)
    cost = next((each for each in costs_of(rules_of(conn, of_month)) if each.id == cost_id), None)
    if cost is None:
        raise CostUnknown(month=of_month)
    row = conn.execute(SQL["last_actual"], {"cost_id": cost_id}).fetchone()
    before = row[0] if row else cost.amount_yen
    month = of_month if closed is None or of_month > closed[0] else _after(closed[0])
    store.lock_period(conn, month)
    actual = Actual(uuid4(), cost_id, of_month, cost.pool_id, cost.kind, before, amount_yen, cost.note)
    values = {name: getattr(actual, name) for name in Actual.__slots__}
    values |= {"of_month": store.first_day(of_month), "month": store.first_day(month), "now": now}
    conn.execute(SQL["add_actual"], values)
    detail: dict[str, object] = {"month": month, "before_yen": before, "amount_yen": amount_yen}
    audit.record(conn, "cost.turned_out", viewer=viewer, subject=f"cost:{cost_id}", now=now, detail=detail)
    return actual, month


def rules_of(conn: Connection, month: str) -> Rules:
    """What a month is settled by: as it was closed, or as it is now."""
    frozen = store.evidence(conn, month, RULES) if _is_closed(conn, month) else None
    return read_rules(zlib.decompress(frozen) if frozen else next(gather(conn, month)).content)


def costs(conn: Connection, viewer: Viewer, month: str) -> tuple[Cost, ...]:
    """What pools cost in a month, with what returns and what is written down; raises `MonthInvalid`."""
    viewer.require(*_SEES)
    return costs_of(rules_of(conn, month))


def _is_closed(conn: Connection, month: str) -> bool:
    return any(each.status is Status.CLOSED for each in store.periods(conn, month))


def _insert(conn: Connection, statement: str, entry: Cost | Recurring | Asset, more: dict[str, object]) -> None:
    values = {name: getattr(entry, name) for name in type(entry).__slots__} | more
    try:
        with conn.transaction():
            conn.execute(SQL[statement], values)
    except errors.ForeignKeyViolation as violation:
        if "machine" in (violation.diag.constraint_name or ""):
            raise MachineUnknown(machine=entry.machine_id) from None
        raise PoolUnknown(pool=entry.pool_id) from None


def _after(month: str) -> str:
    year, number = parse_month(month)
    return f"{year + number // 12}-{number % 12 + 1:02}"
