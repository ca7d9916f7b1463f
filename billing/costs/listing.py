"""What was entered of costs, as the office reads it back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.costs.edit import SQL, PoolUnknown
from billing.costs.model import (
    Actual,
    Allocation,
    Asset,
    Carry,
    Hosting,
    LegalForm,
    Measure,
    Method,
    Recurring,
    Weight,
)
from billing.model import Pool, PoolKind, Tax
from coop.database import Connection
from coop.money import Yen
from coop.paging import WHOLE, Slice


@dataclass(frozen=True, slots=True)
class Ruled:
    """A rule of a pool; its `pool` is the pool as ruled so."""

    id: UUID
    month: str
    pool: Pool


@dataclass(frozen=True, slots=True)
class Since:
    """An entry that holds from a month on, until the first month without it."""

    entry: Recurring | Asset
    month: str
    until_month: str | None


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a member was entered with."""

    id: UUID
    weight: Weight
    month: str
    resolution: str
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What a cost turned out to be, and the month that charges it."""

    actual: Actual
    month: str
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class Hosted:
    """Whose a machine is from a month on; `hosting` None: the cooperative's again."""

    machine_id: str
    month: str
    hosting: Hosting | None


def pools(conn: Connection) -> list[tuple[Pool, Yen]]:
    """All pools as ruled by their latest rule, with the balance of their closed months."""
    return [
        (rules(conn, identifier, (PoolKind(kind), ja, en, tuple(machines)))[0].pool, balance)
        for identifier, kind, ja, en, machines, balance in conn.execute(SQL["pools"]).fetchall()
    ]


def rules(conn: Connection, pool_id: str, of: tuple[PoolKind, str, str, tuple[str, ...]] | None = None) -> list[Ruled]:
    """The rules of a pool, the one that counts last first; raises `PoolUnknown`. `of` spares reading the pool."""
    if of is None:
        found = {row[0]: (PoolKind(row[1]), row[2], row[3], tuple(row[4])) for row in conn.execute(SQL["pools"])}
        if pool_id not in found:
            raise PoolUnknown(pool=pool_id)
        of = found[pool_id]
    rows = conn.execute(SQL["rules"], {"pool_id": pool_id}).fetchall()
    return [
        Ruled(
            identifier,
            f"{month:%Y-%m}",
            Pool(
                pool_id, *of, Allocation(by), Tax(tax), resolution, alpha, Allocation(rest_by), tuple(kinds),
                tuple(tiers), Carry(carry), LegalForm(form), *notices,
            ),
        )
        for identifier, month, by, alpha, rest_by, kinds, tiers, carry, form, *notices, resolution, tax in rows
    ]  # fmt: skip


def weights(conn: Connection, member_id: str | None = None, part: Slice = WHOLE) -> list[Weighed]:
    """What members, or one, are weighed by, the latest entry first."""
    rows = conn.execute(SQL["weights"], {"member_id": member_id} | part.values("after_at", "after_id"))
    return [
        Weighed(identifier, Weight(member, Measure(measure), value, pool_id), f"{month:%Y-%m}", resolution, at)
        for identifier, member, pool_id, measure, month, value, resolution, at in rows
    ]


def actuals(conn: Connection, part: Slice = WHOLE) -> list[Known]:
    """What costs turned out to be, the latest entry first."""
    rows = conn.execute(SQL["actuals"], part.values("after_at", "after_id"))
    return [
        Known(Actual(identifier, cost_id, f"{of:%Y-%m}", pool_id, kind, before, amount, note), f"{month:%Y-%m}", at)
        for identifier, cost_id, of, pool_id, kind, note, before, amount, month, at in rows
    ]


def hostings(conn: Connection) -> list[Hosted]:
    """Whose machines were from when on."""
    return [
        Hosted(
            machine,
            f"{month:%Y-%m}",
            Hosting(identifier, machine, member, percent, tax, resolution) if member else None,
        )
        for identifier, machine, member, month, percent, tax, resolution in conn.execute(SQL["hostings"])
    ]


def recurring(conn: Connection) -> list[Since]:
    """Costs of every month."""
    return [
        Since(Recurring(identifier, pool, kind, yen, note, machine, estimated), *_months(begins, ends))
        for identifier, pool, machine, kind, note, yen, estimated, begins, ends in conn.execute(SQL["recurring"])
    ]


def assets(conn: Connection) -> list[Since]:
    """What is or was written down."""
    rows = conn.execute(SQL["assets"])
    return [
        Since(
            Asset(identifier, pool, ja, en, acquired, cost, Method(method), life, subsidy, first, machine),
            *_months(begins, ends),
        )
        for identifier, pool, machine, ja, en, acquired, cost, subsidy, method, life, first, begins, ends in rows
    ]


def _months(begins: datetime, ends: datetime | None) -> tuple[str, str | None]:
    return f"{begins:%Y-%m}", f"{ends:%Y-%m}" if ends else None
