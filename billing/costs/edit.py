"""Enter cost pools, the rules that divide them, and what members are weighed by. Nothing entered is edited.

What holds from a month on is entered once more to change it: the entry made last for the latest month counts.
"""

from datetime import date, datetime
from uuid import UUID, uuid4

from psycopg import errors

from billing import store
from billing.costs.model import Allocation, Hosting, LegalForm, Weight
from billing.model import Pool
from billing.periods.settle import PeriodClosed
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, Invalid, NotFound
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


class MemberUnknown(NotFound):
    """There is no such member."""

    code = "billing.member_unknown"


class NoticeMissing(Invalid):
    """A special charge is notified to members: the notice is printed on their statements."""

    code = "billing.notice_missing"


class OnlyCompared(Invalid):
    """Serial cost sharing shows what another rule would mean; no pool is divided by it."""

    code = "billing.only_compared"


class TiersMissing(Invalid):
    """A division by tiers needs the cost of each tier, rising."""

    code = "billing.tiers_missing"


def begin(conn: Connection, viewer: Viewer, month: str) -> date:
    """Let the office enter what holds from `month` on; its first day. Raises `PeriodClosed`, `MonthInvalid`."""
    viewer.require(Role.OFFICE)
    first = store.first_day(month)
    conn.execute(store.SQL["lock_chain"])
    closed = store.last_closed(conn)
    if closed is not None and month <= closed[0]:
        raise PeriodClosed(month=closed[0])
    return first


def add_pool(conn: Connection, viewer: Viewer, pool: Pool, now: datetime) -> None:
    """Enter a pool, its machines and its first rule; raises `PoolExists`, `MachineUnknown`, `IncomeTaken` and as
    `add_rule`."""
    viewer.require(Role.OFFICE)
    try:
        with conn.transaction():
            values = _rule(pool, _ALWAYS, now)
            conn.execute(SQL["add_pool"], values)
            conn.execute(SQL["add_pool_rule"], values)
            for machine_id in pool.machine_ids:
                conn.execute(SQL["add_pool_machine"], {"pool_id": pool.id, "kind": pool.kind, "machine_id": machine_id})
    except errors.UniqueViolation as violation:
        if violation.diag.constraint_name == "cost_pool_machine_one_income":
            raise IncomeTaken(pool=pool.id) from None
        raise PoolExists(pool=pool.id) from None
    except errors.ForeignKeyViolation:
        raise MachineUnknown(machine=", ".join(pool.machine_ids)) from None
    audit.record(conn, "pool.added", viewer=viewer, subject=f"pool:{pool.id}", now=now)


def add_rule(conn: Connection, viewer: Viewer, month: str, pool: Pool, now: datetime) -> UUID:
    """Let a pool be divided as `pool` says from a month on; the id of the rule.

    Raises `PoolUnknown`, `NoticeMissing`, `TiersMissing`, `PeriodClosed`, `MonthInvalid`.
    """
    values = _rule(pool, begin(conn, viewer, month), now)
    try:
        with conn.transaction():
            conn.execute(SQL["add_pool_rule"], values)
    except errors.ForeignKeyViolation:
        raise PoolUnknown(pool=pool.id) from None
    detail: dict[str, object] = {"month": month, "resolution": pool.resolution}
    audit.record(conn, "pool.ruled", viewer=viewer, subject=f"pool:{pool.id}", now=now, detail=detail)
    return UUID(str(values["rule_id"]))


def add_weight(conn: Connection, viewer: Viewer, month: str, weight: Weight, resolution: str, now: datetime) -> UUID:
    """Weigh a member from a month on; raises `MemberUnknown`, `PoolUnknown`, `PeriodClosed`, `MonthInvalid`."""
    first, identifier = begin(conn, viewer, month), uuid4()
    said = {name: getattr(weight, name) for name in Weight.__slots__}
    try:
        with conn.transaction():
            conn.execute(
                SQL["add_weight"], said | {"id": identifier, "month": first, "resolution": resolution, "now": now}
            )
    except errors.ForeignKeyViolation as violation:
        if violation.diag.constraint_name == "weight_pool_exists":
            raise PoolUnknown(pool=weight.pool_id) from None
        raise MemberUnknown(member=weight.member_id) from None
    detail: dict[str, object] = {"measure": weight.measure, "month": month, "value": str(weight.value)}
    audit.record(conn, "weight.added", viewer=viewer, subject=f"member:{weight.member_id}", now=now, detail=detail)
    return identifier


def add_hosting(
    conn: Connection, viewer: Viewer, month: str, hosting: Hosting, now: datetime, *, ends: bool = False
) -> None:
    """Let a machine be a member's own from a month on, or (`ends`) the cooperative's again.

    Raises `MachineUnknown`, `MemberUnknown`, `PeriodClosed`, `MonthInvalid`.
    """
    first = begin(conn, viewer, month)
    said = {name: getattr(hosting, name) for name in Hosting.__slots__} | {"month": first, "now": now}
    try:
        with conn.transaction():
            conn.execute(SQL["add_hosting"], said | ({"member_id": None} if ends else {}))
    except errors.ForeignKeyViolation as violation:
        if violation.diag.constraint_name == "hosting_member_exists":
            raise MemberUnknown(member=hosting.member_id) from None
        raise MachineUnknown(machine=hosting.machine_id) from None
    subject, detail = f"machine:{hosting.machine_id}", {"month": month, "member": None if ends else hosting.member_id}
    audit.record(conn, "hosting.added", viewer=viewer, subject=subject, now=now, detail=dict(detail))


def _rule(pool: Pool, month: date, now: datetime) -> dict[str, object]:
    """The rule of a pool as its statement takes it, checked; raises `NoticeMissing`, `OnlyCompared`, `TiersMissing`."""
    if Allocation.SERIAL in (pool.allocation, pool.rest_by):
        raise OnlyCompared(pool=pool.id)
    if pool.legal_form is LegalForm.SPECIAL_CHARGE and not (pool.notice_ja and pool.notice_en):
        raise NoticeMissing(pool=pool.id)
    tiers = list(pool.tier_costs_yen)
    if Allocation.TIERS in (pool.allocation, pool.rest_by) and (
        not tiers or tiers != sorted(set(tiers)) or tiers[0] <= 0
    ):
        raise TiersMissing(pool=pool.id)
    said = {name: getattr(pool, name) for name in Pool.__slots__}
    said |= {"tier_costs_yen": tiers, "variable_kinds": list(pool.variable_kinds)}
    return said | {"rule_id": uuid4(), "month": month, "now": now}
