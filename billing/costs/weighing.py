"""What members are weighed by when a pool is divided: one measure, or two blended by the rule's alpha.

Sources: tiers follow the airport rule (Littlechild & Owen 1973), serial cost sharing Moulin & Shenker (1992).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from billing.costs.model import Allocation, Measure, Weight
from billing.model import Pool, Rules

Exact = Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class Component:
    """One measure of a division: `part` of the amount is divided in proportion to `values`."""

    by: Allocation
    part: Fraction
    values: Exact
    total: Fraction = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", sum(self.values.values(), Fraction(0)))


def components(pool: Pool, rules: Rules, used: Mapping[str, int], *, variable: bool) -> tuple[Component, ...]:
    """What the fixed or the variable costs of a pool are divided by; `used` are the members' seconds on its machines.

    Where one of two measures weighs nobody, the other one divides the whole; where none does, the result is empty.
    """
    wanted = [(Allocation.BY_USE, Fraction(1))]
    if not variable:
        alpha = Fraction(pool.alpha)
        wanted = [(by, part) for by, part in ((pool.allocation, alpha), (pool.rest_by, 1 - alpha)) if part]
    found = [(by, part, _values(by, pool, rules, used)) for by, part in wanted]
    found = [(by, part, values) for by, part, values in found if values]
    whole = sum((part for _, part, _ in found), Fraction(0))
    return tuple(Component(by, part / whole, values) for by, part, values in found)


def blended(parts: Sequence[Component]) -> Exact:
    """The weights of a division as one; those of a single measure as they are."""
    if len(parts) == 1:
        return parts[0].values
    found: dict[str, Fraction] = {}
    for each in parts:
        for member, value in each.values.items():
            found[member] = found.get(member, Fraction(0)) + each.part * value / each.total
    return found


def airport(tier_costs: Sequence[int], needs: Mapping[str, int]) -> dict[str, Fraction]:
    """What each member bears of the dearest tier needed: every increment equally by those who need it.

    `tier_costs` rise; `needs` counts tiers from one. Costs 8, 11, 13, 18, each needed by one: 2, 3, 4, 9.
    """
    borne = dict.fromkeys(needs, Fraction(0))
    for tier, cost in enumerate(tier_costs, 1):
        sharing = [member for member, need in needs.items() if min(need, len(tier_costs)) >= tier]
        for member in sharing:
            borne[member] += Fraction(cost - ([0, *tier_costs][tier - 1]), len(sharing))
    return borne


def serial(demands: Mapping[str, int], cost: Callable[[int], int | Fraction]) -> dict[str, Fraction]:
    """Serial cost sharing: nobody pays for what others demand beyond one's own demand.

    With cost q² and demands 1, 2, 3: 3, 11, 22. With cost F + c·q: F / n + c·qᵢ each.
    """
    paid, before, step = {}, Fraction(0), Fraction(0)
    ordered = sorted(demands.items(), key=lambda each: (each[1], each[0]))
    served = 0
    for n, (member, demand) in enumerate(ordered):
        level = Fraction(cost(served + demand * (len(ordered) - n)))
        step += (level - before) / (len(ordered) - n)
        paid[member], before, served = step, level, served + demand
    return paid


def _values(by: Allocation, pool: Pool, rules: Rules, used: Mapping[str, int]) -> Exact:
    """The members that count, with what each is weighed by; none weighs zero."""
    match by:
        case Allocation.BY_USE:
            found = {member: Fraction(seconds) for member, seconds in used.items()}
        case Allocation.EQUAL:
            found = dict.fromkeys(_participants(pool, rules), Fraction(1))
        case Allocation.BY_COMMITMENT:
            found = stated(Measure.COMMITMENT, pool, rules)
        case Allocation.BY_UNITS:
            units = {each.id: Fraction(each.units) for each in rules.members} | stated(Measure.UNITS, pool, rules)
            found = {member: units.get(member, Fraction(0)) for member in _participants(pool, rules)}
        case Allocation.TIERS:
            needs = {member: int(tier) for member, tier in stated(Measure.TIER, pool, rules).items() if tier}
            found = airport(pool.tier_costs_yen, needs)
        case Allocation.SERIAL:
            degree = 0 if pool.variable_kinds else pool.serial_degree
            found = serial({member: each for member, each in used.items() if each > 0}, lambda q: q**degree)
    return {member: value for member, value in found.items() if value > 0}


def stated(measure: Measure, pool: Pool, rules: Rules) -> dict[str, Fraction]:
    """What members are entered with: for the pool itself before every pool."""
    found: dict[str, Weight] = {}
    for each in sorted(rules.weights, key=lambda each: each.pool_id is not None):
        if each.measure is measure and each.pool_id in (None, pool.id):
            found[each.member_id] = each
    return {member: Fraction(each.value) for member, each in found.items()}


def _participants(pool: Pool, rules: Rules) -> list[str]:
    """Who takes part in a pool: those entered for it, or every member of the cooperative."""
    named = stated(Measure.PARTICIPATION, pool, rules)
    return [member for member, value in named.items() if value] if named else [each.id for each in rules.members]
