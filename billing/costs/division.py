"""Who bears the costs of a pool: fees first where the rule says so, the rest by weight, leftover yen by remainder."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from billing.costs.model import Actual, Allocation, Carry
from billing.costs.weighing import Component, blended, components
from billing.model import Cost, Pool, PoolKind, PoolResult, Rules
from coop.money import Share, Yen, split_by_largest_remainder

FIXED, VARIABLE = "fixed", "variable"


@dataclass(frozen=True, slots=True)
class PoolPart:
    """The fixed or the variable costs of a pool: what fees and the balance brought forward leave of them is divided.

    The shares sum to `divided_yen`, unless nobody weighs anything: then there are none.
    """

    name: str
    cost_yen: Yen
    income_yen: Yen
    brought_yen: Yen
    by_use: bool
    components: tuple[Component, ...]
    shares: Mapping[str, Share]

    @property
    def divided_yen(self) -> Yen:
        return self.cost_yen - self.income_yen - self.brought_yen

    @property
    def finding(self) -> str:
        """What to say where it is divided among nobody."""
        return f"billing.finding.{'no_use' if self.by_use else 'no_weight'}"


@dataclass(frozen=True, slots=True)
class Division:
    """A pool's outcome and its parts; all shares sum to `result.charged_yen`."""

    result: PoolResult
    parts: tuple[PoolPart, ...]


def settle_pool(
    pool: Pool, rules: Rules, costs: Iterable[Cost], income_yen: Yen, used: Mapping[str, Mapping[str, int]]
) -> Division:
    """Divide the month's `costs` of a pool by its rule; `used` are the members' seconds on each of its machines."""
    sums: dict[str, Yen] = defaultdict(int)
    for cost in costs:
        sums[VARIABLE if cost.kind in pool.variable_kinds else FIXED] += cost.amount_yen
    weighed = {}
    if pool.kind is not PoolKind.FEE:
        seconds = {member: sum(by_machine.values()) for member, by_machine in used.items()}
        weighed = {name: components(pool, rules, seconds, variable=name == VARIABLE) for name in (VARIABLE, FIXED)}
    return divide(pool, sums, income_yen, weighed)


def divide(
    pool: Pool, costs: Mapping[str, Yen], income_yen: Yen, weighed: Mapping[str, tuple[Component, ...]]
) -> Division:
    """Settle one pool: `costs` and what they are `weighed` by, of each part; `income_yen` are the fees of its machines.

    - `fee`: the fees cover the cost; the balance is carried and nobody is charged.
    - `share`: the cost is divided; fees have nothing to do with it.
    - `mixed`: fees reduce the cost, the variable one first; what remains is divided, what exceeds is carried.

    A balance brought forward enters if the pool says so: a surplus as fees do, a deficit as a fixed cost. What nobody
    weighs anything for is carried as a deficit.
    """
    income_yen = 0 if pool.kind is PoolKind.SHARE else income_yen
    brought = pool.brought_yen if pool.carry is Carry.DIVIDED else 0
    parts = []
    if pool.kind is not PoolKind.FEE:
        fees, surplus = income_yen, max(brought, 0)
        for name in (VARIABLE, FIXED):
            cost = costs.get(name, 0)
            by_fees = min(fees, cost)
            by_balance = min(surplus, cost - by_fees) + (min(brought, 0) if name == FIXED else 0)
            fees, surplus = fees - by_fees, surplus - max(by_balance, 0)
            by_use = name == VARIABLE or pool.allocation is Allocation.BY_USE
            rest, measures = cost - by_fees - by_balance, weighed.get(name, ())
            shares = split_by_largest_remainder(rest, blended(measures)) if rest and measures else {}
            parts.append(PoolPart(name, cost, by_fees, by_balance, by_use, measures, shares))
    cost_yen = sum(costs.values())
    charged = sum(share.yen for part in parts for share in part.shares.values())
    return Division(
        PoolResult(
            pool.id,
            pool.kind,
            cost_yen,
            income_yen,
            charged,
            income_yen + charged - cost_yen,
            pool.brought_yen,
            {
                part.name: {member: str(weight) for member, weight in sorted(blended(part.components).items())}
                for part in parts
                if part.components and (part.shares or pool.kind is PoolKind.SHARE)
            },
        ),
        tuple(parts),
    )


@dataclass(frozen=True, slots=True)
class Late:
    """What became known of a closed month, divided as that month was; without its weights the pool bears it."""

    actual: Actual
    difference_yen: Yen
    weights: Mapping[str, Fraction]
    shares: Mapping[str, Share]


def divide_late(actual: Actual, difference_yen: Yen) -> Late:
    """A difference by the weights that the closed month kept for the part of the pool which it belonged to."""
    part = VARIABLE if actual.kind in actual.variable_kinds else FIXED
    weights = {member: Fraction(text) for member, text in (actual.weights or {}).get(part, {}).items()}
    shares = split_by_largest_remainder(difference_yen, weights) if weights else {}
    return Late(actual, difference_yen, weights, shares)


def with_late(result: PoolResult, late: Iterable[Late]) -> PoolResult:
    """The outcome of a pool including what became known of closed months."""
    differences = list(late)
    cost = result.cost_yen + sum(each.difference_yen for each in differences)
    charged = result.charged_yen + sum(share.yen for each in differences for share in each.shares.values())
    carried = result.income_yen + charged - cost
    return replace(result, cost_yen=cost, charged_yen=charged, carried_yen=carried)
