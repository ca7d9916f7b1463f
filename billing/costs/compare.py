"""The same month by other rules: who would pay what. Nothing is written."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from billing import store
from billing.calculation import Settling
from billing.model import PoolResult, Rules, Settlement, Status
from billing.periods.evidence import MACHINE, RULES, Part, read_machine, read_rules
from billing.periods.gather import gather
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Role, Viewer
from coop.money import Yen


class NotInMonth(NotFound):
    """The month has no such pool or tariff."""

    code = "billing.not_in_month"


@dataclass(frozen=True, slots=True)
class OtherRules:
    """What would be otherwise: fields of pools by pool, weights by member and measure, and a price by machine."""

    pools: Mapping[str, Mapping[str, Any]]
    yen_per_hour: Mapping[str, Yen]


@dataclass(frozen=True, slots=True)
class Compared:
    """One member's month by the rules as they are and by the others, tax included."""

    member_id: str
    as_is_yen: Yen
    what_if_yen: Yen
    fees_yen: tuple[Yen, Yen]
    shares_yen: tuple[Yen, Yen]

    @property
    def difference_yen(self) -> Yen:
        return self.what_if_yen - self.as_is_yen


@dataclass(frozen=True, slots=True)
class Comparison:
    """A month by both: members in their order, and how the pools come out."""

    members: tuple[Compared, ...]
    as_is: tuple[PoolResult, ...]
    what_if: tuple[PoolResult, ...]


def compare(conn: Connection, viewer: Viewer, month: str, other: OtherRules) -> Comparison:
    """Settle a month twice from the same inputs: frozen ones of a closed month, else what is known now.

    Raises `NotInMonth`, `MonthInvalid`.
    """
    viewer.require(Role.OFFICE, Role.DIRECTOR)
    inputs = _inputs(conn, month)
    rules = read_rules(next(inputs).content)
    both = tuple(_Run(each) for each in (rules, with_rules(rules, other)))
    for part in inputs:
        happened = read_machine(part.content)
        for run in both:
            run.add(run.settling.machine(happened))
    first, second = (run.finish() for run in both)
    totals = [{each.member_id: each.total_yen for each in found.statements} for found in (first, second)]
    return Comparison(
        tuple(
            Compared(
                member,
                totals[0].get(member, 0),
                totals[1].get(member, 0),
                (both[0].fees.get(member, 0), both[1].fees.get(member, 0)),
                (both[0].shares.get(member, 0), both[1].shares.get(member, 0)),
            )
            for member in sorted({*totals[0], *totals[1]})
        ),
        first.pools,
        second.pools,
    )


def with_rules(rules: Rules, other: OtherRules) -> Rules:
    """The rules of a month with others in their place; raises `NotInMonth` for what is not there."""
    for what, there in (
        (other.pools, {each.id for each in rules.pools}),
        (other.yen_per_hour, {each.machine_id for each in rules.tariffs}),
    ):
        for missing in sorted(set(what) - there):
            raise NotInMonth(month=rules.month, what=missing)
    return replace(
        rules,
        pools=tuple(replace(each, **other.pools.get(each.id, {})) for each in rules.pools),
        tariffs=tuple(
            replace(each, yen_per_hour=other.yen_per_hour.get(each.machine_id, each.yen_per_hour))
            for each in rules.tariffs
        ),
    )


class _Run:
    """One settlement under way, with what its lines add up to by member."""

    def __init__(self, rules: Rules) -> None:
        self.settling = Settling(rules)
        self.fees: dict[str, Yen] = {}
        self.shares: dict[str, Yen] = {}

    def add(self, lines: list[Any]) -> None:
        for line in lines:
            sums = self.shares if line.pool_id is not None else self.fees
            sums[line.member_id] = sums.get(line.member_id, 0) + line.amount_yen

    def finish(self) -> Settlement:
        lines, settlement = self.settling.finish()
        self.add(lines)
        return settlement


def _inputs(conn: Connection, month: str) -> Iterator[Part]:
    """The inputs of a month, its rules first."""
    if not any(each.status is Status.CLOSED for each in store.periods(conn, month)):
        yield from gather(conn, month)
        return
    names = [name for name in store.evidence_parts(conn, month) if name.startswith(MACHINE)]
    for name in (RULES, *names):
        yield Part(name, zlib.decompress(store.evidence(conn, month, name) or b""))
