"""Enter cost pools, and what they cost in a month."""

from datetime import date, datetime
from uuid import uuid4

from psycopg import errors

from billing import store
from billing.model import Cost, Pool, Status
from billing.periods.settle import PeriodClosed
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import Role, Viewer
from coop.machines import MachineUnknown
from coop.queries import load

SQL = load("billing.costs")
_ALWAYS = date(2000, 1, 1)


class PoolExists(Conflict):
    """A pool with this key exists already."""

    code = "billing.pool_exists"


class IncomeTaken(Conflict):
    """A machine's fees are income of another pool already."""

    code = "billing.income_taken"


class PoolUnknown(NotFound):
    """There is no such pool."""

    code = "billing.pool_unknown"


def rule_values(pool: Pool, month: date, now: datetime) -> dict[str, object]:
    """What `add_pool_rule` is told: the rule of a pool, from a month on."""
    said = {name: getattr(pool, name) for name in Pool.__slots__}
    listed = {name: list(said[name]) for name in ("variable_kinds", "tier_costs_yen")}
    return said | listed | {"rule_id": uuid4(), "month": month, "now": now}


def add_pool(conn: Connection, viewer: Viewer, pool: Pool, now: datetime) -> None:
    """Enter a pool and its machines; raises `PoolExists`, `MachineUnknown`, `IncomeTaken`."""
    viewer.require(Role.OFFICE)
    try:
        with conn.transaction():
            values = rule_values(pool, _ALWAYS, now)
            conn.execute(SQL["add_pool"], values)
            conn.execute(SQL["add_pool_rule"], values)
            for machine_id in pool.machine_ids:
                values = {"pool_id": pool.id, "kind": pool.kind, "machine_id": machine_id}
                conn.execute(SQL["add_pool_machine"], values)
    except errors.UniqueViolation as violation:
        if violation.diag.constraint_name == "cost_pool_machine_one_income":
            raise IncomeTaken(pool=pool.id) from None
        raise PoolExists(pool=pool.id) from None
    except errors.ForeignKeyViolation:
        raise MachineUnknown(machine=", ".join(pool.machine_ids)) from None
    audit.record(conn, "pool.added", viewer=viewer, subject=f"pool:{pool.id}", now=now)


def add_cost(conn: Connection, viewer: Viewer, month: str, cost: Cost, now: datetime) -> None:
    """Enter what a pool cost in a month; raises `PoolUnknown`, `PeriodClosed`, `MonthInvalid`."""
    viewer.require(Role.OFFICE)
    if store.lock_period(conn, month) is Status.CLOSED:
        raise PeriodClosed(month=month)
    values = {"month": store.first_day(month)} | {name: getattr(cost, name) for name in Cost.__slots__}
    try:
        with conn.transaction():
            conn.execute(SQL["add_cost"], values)
    except errors.ForeignKeyViolation:
        raise PoolUnknown(pool=cost.pool_id) from None
    detail: dict[str, object] = {"month": month, "amount_yen": cost.amount_yen}
    audit.record(conn, "cost.added", viewer=viewer, subject=f"cost:{cost.id}", now=now, detail=detail)
