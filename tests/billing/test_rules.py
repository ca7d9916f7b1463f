"""Rules that divide costs, as tables that a bookkeeper can check by hand, against published oracles, and properties."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from billing import calculation
from billing.costs.model import (
    Actual,
    Allocation,
    Carry,
    Hosting,
    LegalForm,
    Measure,
    Participant,
    Recurring,
    Weight,
)
from billing.costs.monthly import costs_of
from billing.costs.weighing import airport, serial
from billing.model import Cost, Line, MachineMonth, Pool, PoolKind, Rules, Settlement, Tax
from billing.periods.evidence import canonical, read_rules
from tests.billing.ground import name
from tests.billing.test_settlement import tariff, use

T = TypeVar("T")
A, B, C, D = MEMBERS = ("m01", "m02", "m03", "m04")
POOL = Pool("room", PoolKind.SHARE, "測定室", "Room")


def settled(
    pool: Pool,
    costs: Mapping[str, int],
    hours: Mapping[str, int],
    weighed_by: Mapping[str, Mapping[str, str]] | None = None,
    yen_per_hour: int = 0,
    **more: object,
) -> tuple[Settlement, list[Line]]:
    """A month in which members used cmm-1 for whole hours and are weighed as told: measure → member → value."""
    rules = Rules(
        "2026-10",
        "Asia/Tokyo",
        tariffs=(tariff(yen_per_hour),),
        pools=(pool,),
        costs=tuple(Cost(name("cost", kind), pool.id, kind, yen) for kind, yen in costs.items()),
        members=tuple(Participant(member) for member in MEMBERS),
        weights=tuple(
            Weight(member, Measure(measure), Decimal(value))
            for measure, values in (weighed_by or {}).items()
            for member, value in values.items()
        ),
    )
    rules = replace(rules, **more)  # type: ignore[arg-type]  # the fields are named by the tests
    usages = tuple(
        use(f"10-{n:02} 00:00 {each:02}:00", member) for n, (member, each) in enumerate(hours.items(), 1) if each
    )
    return calculation.settle(read_rules(canonical(rules)), [MachineMonth("cmm-1", usages)])


def shares(outcome: tuple[Settlement, list[Line]]) -> dict[str, int]:
    """What each member bears of pools."""
    settlement, lines = outcome
    assert settlement.control.zero
    found: dict[str, int] = {}
    for line in lines:
        if line.pool_id:
            found[line.member_id] = found.get(line.member_id, 0) + line.amount_yen
    return found


HOURS = {A: 1, B: 3, C: 4}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, {A: 1_000, B: 3_000, C: 4_000}),
        ({"allocation": "equal"}, {A: 2_000, B: 2_000, C: 2_000, D: 2_000}),
        ({"allocation": "by_commitment"}, {A: 2_000, C: 2_000, D: 4_000}),  # D kept away and still bears its 8 hours
        ({"allocation": "by_units"}, {A: 4_000, B: 800, C: 1_600, D: 1_600}),
        ({"allocation": "equal", "alpha": "0.4"}, {A: 1_400, B: 2_600, C: 3_200, D: 800}),
        ({"allocation": "by_units", "alpha": "0.5", "rest_by": "equal"}, {A: 3_000, B: 1_400, C: 1_800, D: 1_800}),
        ({"allocation": "tiers", "tier_costs_yen": (8, 11, 13, 18)}, {A: 889, B: 1_333, C: 1_778, D: 4_000}),
    ],
)
def test_each_rule_divides_8000_yen(rule: dict[str, object], expected: dict[str, int]) -> None:
    weights = {
        "commitment": {A: "4", C: "4", D: "8"},
        "units": {A: "5", C: "2", D: "2"},  # B has one by the register
        "tier": {A: "1", B: "2", C: "3", D: "4"},
    }
    pool = TypeAdapter(Pool).validate_python(asdict(POOL) | rule)
    assert shares(settled(pool, {"rent": 8_000}, HOURS, weights)) == expected


def test_the_airport_rule_as_published() -> None:
    """Needs that cost 8, 11, 13 and 18 bear 2, 3, 4 and 9 (Littlechild & Owen)."""
    assert airport((8, 11, 13, 18), {A: 1, B: 2, C: 3, D: 4}) == {A: 2, B: 3, C: 4, D: 9}
    pool = replace(POOL, allocation=Allocation.TIERS, tier_costs_yen=(8, 11, 13, 18))
    tiers = {"tier": {A: "1", B: "2", C: "3", D: "4"}}
    assert shares(settled(pool, {"depreciation": 18}, {}, tiers)) == {A: 2, B: 3, C: 4, D: 9}


def test_serial_cost_sharing_as_published() -> None:
    """Moulin & Shenker: C = Q², q = 1, 2, 3 → 3, 11, 22; for C = F + cQ everybody bears F / n + c·q."""
    demands = {A: 1, B: 2, C: 3}
    assert serial(demands, lambda q: q**2) == {A: 3, B: 11, C: 22}
    assert serial(demands, lambda q: 90 + 5 * q) == {A: 35, B: 40, C: 45}
    assert shares(settled(replace(POOL, allocation=Allocation.SERIAL, serial_degree=2), {"rent": 36}, demands)) == {
        A: 3,
        B: 11,
        C: 22,
    }
    affine = replace(POOL, allocation=Allocation.SERIAL, variable_kinds=("power",))
    equal = replace(POOL, allocation=Allocation.EQUAL, variable_kinds=("power",))
    named = {"participation": dict.fromkeys(demands, "1")}
    assert shares(settled(affine, {"rent": 90, "power": 30}, demands)) == {A: 35, B: 40, C: 45}
    assert shares(settled(equal, {"rent": 90, "power": 30}, demands, named)) == {A: 35, B: 40, C: 45}


def test_two_parts_fixed_by_weight_and_variable_by_use() -> None:
    """Rent of 4,000 equally among four, power of 800 by use: 100 an hour."""
    pool = replace(POOL, allocation=Allocation.EQUAL, variable_kinds=("power",))
    outcome = settled(pool, {"rent": 4_000, "power": 800}, HOURS)
    assert shares(outcome) == {A: 1_100, B: 1_300, C: 1_400, D: 1_000}
    first = next(line for line in outcome[1] if line.pool_id)
    assert first.explanation["weights"] == [
        {"by": "by_use", "part": "1", "value": "3600", "total": "28800", "members": 3}
    ]


def test_fees_cover_the_variable_cost_first() -> None:
    """8 hours at 250 are 2,000: they pay the power of 800, and 1,200 of the rent of 4,000; 2,800 are divided."""
    pool = replace(POOL, kind=PoolKind.MIXED, allocation=Allocation.EQUAL, variable_kinds=("power",))
    assert shares(settled(pool, {"rent": 4_000, "power": 800}, HOURS, yen_per_hour=250)) == dict.fromkeys(MEMBERS, 700)


def test_who_is_entered_takes_part_and_zero_ends_it() -> None:
    pool = replace(POOL, allocation=Allocation.EQUAL)
    own = (Weight(B, Measure.PARTICIPATION, Decimal(0), "room"),)
    everywhere = tuple(Weight(member, Measure.PARTICIPATION, Decimal(1)) for member in (A, B, C))
    assert shares(settled(pool, {"rent": 100}, HOURS, weights=(*own, *everywhere))) == {A: 50, C: 50}


@pytest.mark.parametrize(
    ("kind", "carry", "brought", "charged", "balance"),
    [
        ("share", "kept", 300, 1_000, 300),
        ("share", "divided", 300, 700, 0),
        ("share", "divided", -300, 1_300, 0),
        ("share", "divided", 1_500, 0, 500),
        ("mixed", "divided", 300, 0, 100),
        ("mixed", "kept", 300, 200, 300),
        ("fee", "divided", 300, 0, 100),
    ],
)
def test_a_balance_is_kept_or_enters_the_division(
    kind: str, carry: str, brought: int, charged: int, balance: int
) -> None:
    """A cost of 1,000; fees of 800 where the pool takes them."""
    pool = replace(POOL, kind=PoolKind(kind), carry=Carry(carry), brought_yen=brought)
    outcome = settled(pool, {"rent": 1_000}, HOURS, yen_per_hour=100)
    (result,) = outcome[0].pools
    assert sum(shares(outcome).values()) == result.charged_yen == charged
    assert result.brought_yen + result.carried_yen == balance


def test_nobody_to_bear_it_is_said_and_carried() -> None:
    pool = replace(POOL, allocation=Allocation.BY_COMMITMENT)
    settlement, lines = settled(pool, {"rent": 500}, {})
    assert (lines, settlement.pools[0].carried_yen) == ([], -500)
    assert [each.code for each in settlement.findings] == ["billing.finding.no_weight"]


def test_a_measure_that_weighs_nobody_leaves_all_to_the_other() -> None:
    pool = replace(POOL, allocation=Allocation.BY_USE, alpha=Decimal("0.5"), rest_by=Allocation.EQUAL)
    assert shares(settled(pool, {"rent": 400}, {})) == dict.fromkeys(MEMBERS, 100)


def test_an_actual_replaces_the_estimate_while_the_month_is_open() -> None:
    power = Recurring(name("power"), "room", "power", 900, estimated=True)
    rules = Rules("2026-10", "Asia/Tokyo", pools=(POOL,), recurring=(power,))
    (estimate,) = costs_of(rules)
    assert (estimate.amount_yen, estimate.estimated) == (900, True)
    known = Actual(name("actual"), estimate.id, "2026-10", "room", "power", 900, 1_000)
    assert [(each.amount_yen, each.estimated) for each in costs_of(replace(rules, actuals=(known,)))] == [
        (1_000, False)
    ]


def test_an_actual_of_a_closed_month_is_divided_as_that_month_was() -> None:
    """September was divided 1 : 2; it cost 100 more (then 100 less) than thought. October's own use does not matter."""
    weights = {"fixed": {A: "1", B: "2"}}
    for amount, expected in ((1_100, {A: 33, B: 67}), (900, {A: -33, B: -67})):
        late = Actual(
            name("late"), name("c"), "2026-09", "room", "rent", 1_000, amount, weights=weights, tax="out_of_scope"
        )
        settlement, lines = settled(POOL, {}, HOURS, actuals=(late,))
        found = {line.member_id: line.amount_yen for line in lines if line.kind == "adjustment"}
        assert found == expected
        assert {line.tax_rate for line in lines if line.kind == "adjustment"} == {None}
        assert settlement.pools[0].carried_yen == 0
        assert settlement.control.zero


def test_an_actual_of_a_pool_that_was_not_divided_stays_in_its_balance() -> None:
    late = Actual(name("late"), name("c"), "2026-09", "room", "rent", 1_000, 1_100)
    settlement, lines = settled(POOL, {}, HOURS, actuals=(late,))
    assert [line for line in lines if line.pool_id] == []
    assert settlement.pools[0].carried_yen == -100


def test_the_owner_of_a_hosted_machine_is_owed_its_fees_less_the_commission() -> None:
    """8 hours at 1,001 are 8,008; 12.5 % of it are exactly 1,001. The owner's own hour is charged as everybody's."""
    hosting = Hosting(name("h"), "cmm-1", A, Decimal("12.5"))
    pool = replace(POOL, kind=PoolKind.FEE, machine_ids=("cmm-1",))
    settlement, lines = settled(pool, {"rent": 1_000}, HOURS, yen_per_hour=1_001, hostings=(hosting,))
    (credit,) = settlement.credits
    assert (credit.member_id, credit.fee_yen, credit.commission_yen, credit.amount_yen) == (A, 8_008, 1_001, 7_007)
    assert credit.tax_rate == Decimal("0.10")
    assert sum(line.amount_yen for line in lines) == 8_008  # statements stay gross
    assert (settlement.pools[0].income_yen, settlement.pools[0].carried_yen) == (1_001, 1)


def test_a_levy_is_outside_the_tax_if_its_rule_says_so() -> None:
    pool = replace(POOL, allocation=Allocation.BY_UNITS, legal_form=LegalForm.LEVY, tax=Tax.OUT_OF_SCOPE)
    settlement, _ = settled(pool, {"rent": 400}, {})
    assert [(each.net_yen, each.tax_yen) for each in settlement.statements] == [(100, 0)] * 4


# What must always hold

pools = st.builds(
    Pool,
    st.just("room"),
    st.sampled_from((PoolKind.SHARE, PoolKind.MIXED)),
    st.just("p"),
    st.just("p"),
    allocation=st.sampled_from(Allocation),
    alpha=st.sampled_from([Decimal(each) for each in ("0", "0.25", "0.333", "1")]),
    rest_by=st.sampled_from(Allocation),
    variable_kinds=st.sampled_from([(), ("power",)]),
    tier_costs_yen=st.just((8, 11, 13, 18)),
    carry=st.sampled_from(Carry),
    brought_yen=st.integers(-5_000, 5_000),
)
amounts = st.fixed_dictionaries({"rent": st.integers(0, 100_000), "power": st.integers(0, 10_000)})
used = st.fixed_dictionaries({member: st.integers(0, 23) for member in MEMBERS})
weighed = st.fixed_dictionaries(
    {
        measure: st.fixed_dictionaries({}, optional={member: st.integers(0, 4).map(str) for member in MEMBERS})
        for measure in ("commitment", "units", "tier")
    }
)


@settings(deadline=None)
@given(pools, amounts, used, weighed)
def test_parts_sum_to_the_whole(
    pool: Pool, costs: dict[str, int], hours: dict[str, int], weights: dict[str, dict[str, str]]
) -> None:
    outcome = settled(pool, costs, hours, weights, yen_per_hour=100)
    (result,) = outcome[0].pools
    assert sum(shares(outcome).values()) == result.charged_yen
    undivided = sum(int(each.params["yen"]) for each in outcome[0].findings)
    fees = 100 * sum(hours.values()) if pool.kind is PoolKind.MIXED else 0
    brought = pool.brought_yen if pool.carry is Carry.DIVIDED else 0
    assert result.charged_yen + undivided >= sum(costs.values()) - fees - brought  # a surplus is nobody's share
    assert all(line.amount_yen >= 0 for line in outcome[1])


@settings(deadline=None)
@given(pools, amounts, st.integers(0, 23), weighed)
def test_members_that_are_alike_pay_alike_up_to_a_leftover_yen(
    pool: Pool, costs: dict[str, int], hours: int, weights: dict[str, dict[str, str]]
) -> None:
    alike = {measure: {**values, B: values.get(A, "1"), A: values.get(A, "1")} for measure, values in weights.items()}
    lines = settled(pool, costs, {A: hours, B: hours, C: 5}, alike)[1]
    for part in ("fixed", "variable"):
        paid = {
            line.member_id: line for line in lines if line.member_id in (A, B) and line.explanation.get("part") == part
        }
        assert len({line.explanation["quota_yen"] for line in paid.values()}) <= 1
        assert len(paid) != 1
        assert len({line.amount_yen for line in paid.values()}) <= 2


@settings(deadline=None)
@given(pools, amounts, used, weighed)
def test_who_does_not_use_bears_no_variable_cost(
    pool: Pool, costs: dict[str, int], hours: dict[str, int], weights: dict[str, dict[str, str]]
) -> None:
    pool = replace(pool, variable_kinds=("power",))
    for line in settled(pool, costs, hours, weights)[1]:
        assert line.explanation.get("part") != "variable" or hours[line.member_id] > 0


@settings(deadline=None)
@given(pools, amounts, used, weighed, st.randoms(use_true_random=False))
def test_the_order_of_what_is_entered_does_not_matter(
    pool: Pool, costs: dict[str, int], hours: dict[str, int], weights: dict[str, dict[str, str]], random: Random
) -> None:
    def shuffled(values: dict[str, T]) -> dict[str, T]:
        return dict(random.sample(list(values.items()), len(values)))

    once = settled(pool, costs, hours, weights)
    mixed = {measure: shuffled(values) for measure, values in shuffled(weights).items()}
    assert canonical(once) == canonical(settled(pool, shuffled(costs), hours, mixed))
