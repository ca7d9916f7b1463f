"""Settlement cases as small tables that a bookkeeper can check by hand, and what must always hold."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import calculation
from billing.costs.division import FIXED, divide
from billing.costs.model import Allocation
from billing.costs.weighing import Component
from billing.model import (
    Attribution,
    Basis,
    Cost,
    Line,
    LineKind,
    MachineMonth,
    Pool,
    PoolKind,
    Reservation,
    Rules,
    Settlement,
    StateInterval,
    Tariff,
    Tax,
    TaxTotal,
    Usage,
)
from billing.periods.evidence import canonical, read_rules
from billing.tax import tax_by_rate
from coop.interval import Interval
from tests.billing.ground import at, name, span

JANUARY = date(2026, 1, 1)


def tariff(yen: int, basis: str = "occupied", increment: int = 1, since: date = JANUARY, **more: object) -> Tariff:
    made = Tariff(name("tariff", "cmm-1", since), "cmm-1", since, Basis(basis), yen, increment)
    return replace(made, **more)  # type: ignore[arg-type]  # the fields are named by the tests


def use(when: str, member: str | None = "m01", kind: str = "assigned", **more: object) -> Usage:
    interval = span(when)
    made = Usage(str(name(when)), "cmm-1", interval, interval.seconds, Attribution(kind), member)
    return replace(made, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Month:
    """A month of all machines as the tests write it."""

    rules: Rules
    usages: tuple[Usage, ...]
    reservations: tuple[Reservation, ...] = ()
    states: tuple[StateInterval, ...] = ()

    def machines(self) -> list[MachineMonth]:
        ids = {each.machine_id for each in (*self.usages, *self.reservations)}
        return [
            MachineMonth(
                machine,
                tuple(each for each in self.usages if each.machine_id == machine),
                tuple(each for each in self.reservations if each.machine_id == machine),
                tuple(each for each in self.states if each.machine_id == machine),
            )
            for machine in ids
        ]


@dataclass(frozen=True)
class Result:
    """A settlement with its lines."""

    settlement: Settlement
    lines: list[Line]

    def amounts(self) -> dict[str, list[int]]:
        return {
            each.member_id: [line.amount_yen for line in self.lines if line.member_id == each.member_id]
            for each in self.settlement.statements
        }


def month(
    *usages: Usage,
    reservations: tuple[Reservation, ...] = (),
    states: tuple[StateInterval, ...] = (),
    **rules: object,
) -> Month:
    made = Rules("2026-10", "Asia/Tokyo", tariffs=(tariff(3000),))
    return Month(replace(made, **rules), usages, reservations, states)  # type: ignore[arg-type]


def settle(inputs: Month) -> Result:
    return Result(*calculation.settle(inputs.rules, inputs.machines()))


def slot(label: str, machine: str, member: str, when: str, stands: bool = True) -> Reservation:
    return Reservation(str(name(label, machine, member)), machine, member, span(when), stands)


# Fees


@pytest.mark.parametrize(
    ("when", "rule", "billed_seconds", "yen"),
    [
        ("10-03 09:02 11:32", tariff(3000), 9_000, 7_500),
        ("10-03 09:02 11:32", tariff(3000, increment=900), 9_000, 7_500),
        ("10-03 09:02 11:33", tariff(3000, increment=900), 9_900, 8_250),
        ("10-03 09:02 09:03", tariff(3000, increment=900), 900, 750),
        ("10-03 09:00 09:20", tariff(1000), 1_200, 333),  # 333.33
        ("10-03 09:00 09:10", tariff(1000), 600, 167),  # 166.67
        ("10-03 09:00 09:01", tariff(1230), 60, 21),  # 20.5: halves up
        ("10-03 09:00 11:00", tariff(0), 7_200, 0),
    ],
)
def test_a_fee_is_time_rounded_up_to_the_increment_times_the_tariff(
    when: str, rule: Tariff, billed_seconds: int, yen: int
) -> None:
    (line,) = settle(month(use(when), tariffs=(rule,))).lines
    assert (line.quantity_seconds, line.amount_yen) == (billed_seconds, yen)


def test_the_usages_of_one_reservation_are_rounded_up_together() -> None:
    """08:55-09:00 early, 09:00-11:00 inside, 11:00-11:03 over: 2 h 8 min → 2 h 15 min, not 15 + 120 + 15 min."""
    held = slot("slot", "cmm-1", "m01", "10-03 09:00 11:00")
    parts = [
        use("10-03 08:55 09:00", kind="early", reservation_id=held.id),
        use("10-03 09:00 11:00", kind="in_reservation", reservation_id=held.id),
        use("10-03 11:00 11:03", kind="overrun", reservation_id=held.id),
    ]
    result = settle(month(*parts, tariffs=(tariff(3000, increment=900),), reservations=(held,)))
    (line,) = result.lines
    assert (line.quantity_seconds, line.amount_yen) == (8_100, 6_750)
    assert len(line.explanation["usages"]) == 3
    assert result.settlement.control.zero


def test_a_tariff_that_changes_at_midnight_splits_the_use_that_crosses_it() -> None:
    """23:10-24:00 at 3,000 = 2,500; 0:00-0:50 at 6,000 = 5,000; the 5 minutes of rounding at 6,000 = 500."""
    across = Usage(
        str(name("x")), "cmm-1", Interval(at("10-14 23:10"), at("10-15 00:50")), 6_000, Attribution.ASSIGNED, "m01"
    )
    changed = date(2026, 10, 15)
    rules = (tariff(3000, valid_until=changed), tariff(6000, since=changed, increment=900))
    (line,) = settle(month(across, tariffs=rules)).lines
    assert [part["seconds"] for part in line.explanation["parts"]] == [3_000, 3_300]
    assert (line.quantity_seconds, line.amount_yen) == (6_300, 8_000)


def test_running_seconds_are_divided_by_the_states_where_a_tariff_changes() -> None:
    """Occupied 23:00-01:00, running 23:30-23:40 and 00:20-00:50: 600 s at 3,600 and 1,800 s at 7,200."""
    whole = Interval(at("10-14 23:00"), at("10-15 01:00"))
    changed = date(2026, 10, 15)
    result = settle(
        month(
            Usage(str(name("x")), "cmm-1", whole, 2_400, Attribution.ASSIGNED, "m01"),
            tariffs=(tariff(3600, "running", valid_until=changed), tariff(7200, "running", since=changed)),
            states=(
                StateInterval("cmm-1", span("10-14 23:30 23:40"), "running"),
                StateInterval("cmm-1", span("10-14 23:40 24:00"), "idle"),
                StateInterval("cmm-1", span("10-15 00:20 00:50"), "running"),
            ),
        )
    )
    assert result.amounts() == {"m01": [600 + 3_600]}


def test_a_tariff_on_booked_time_charges_the_slot_even_when_nobody_came() -> None:
    came = slot("came", "cmm-1", "m01", "10-03 09:00 11:00")
    stayed_away = slot("away", "cmm-1", "m02", "10-04 09:00 12:00")
    released = slot("released", "cmm-1", "m03", "10-05 09:00 12:00", stands=False)
    result = settle(
        month(
            use("10-03 09:30 10:00", kind="in_reservation", reservation_id=came.id),
            use("10-06 09:00 10:00", "m03"),
            tariffs=(tariff(3000, "booked"),),
            reservations=(came, stayed_away, released),
        )
    )
    assert result.amounts() == {"m01": [6_000], "m02": [9_000], "m03": [3_000]}
    assert result.settlement.control.zero


def test_a_use_without_tariff_is_found_and_not_guessed() -> None:
    result = settle(month(use("10-03 09:00 10:00"), tariffs=(tariff(3000, since=date(2026, 10, 4)),)))
    assert [finding.code for finding in result.settlement.findings] == ["billing.finding.no_tariff"]
    assert result.settlement.blocked
    assert not result.settlement.control.zero
    assert result.settlement.statements == ()


def test_waived_and_unassigned_use_costs_nothing_and_is_counted() -> None:
    result = settle(
        month(
            use("10-03 09:00 10:00", "m02", "waived"),
            use("10-04 09:00 11:00", None, "unassigned"),
            use("10-05 09:00 12:00", "m01"),
        )
    )
    assert result.amounts() == {"m01": [9_000]}
    seconds = result.settlement.metered
    assert (seconds.metered_seconds, seconds.billed_seconds) == (21_600, 10_800)
    assert (seconds.waived_seconds, seconds.unassigned_seconds) == (3_600, 7_200)
    assert [finding.code for finding in result.settlement.findings] == ["billing.finding.unassigned"]


# Pools


@pytest.mark.parametrize(
    ("yen", "weights", "parts"),
    [
        (100, (1, 2, 3), (17, 33, 50)),
        (100, (1, 10, 100), (1, 9, 90)),
        (100_000, (1, 1, 1), (33_334, 33_333, 33_333)),
    ],
)
def test_published_divisions(yen: int, weights: Sequence[int], parts: Sequence[int]) -> None:
    usages = [
        use(f"10-{n:02} 00:00 {weight // 60:02}:{weight % 60:02}", f"m{n:02}") for n, weight in enumerate(weights, 1)
    ]
    rent = Pool("rent", PoolKind.SHARE, "家賃", "Rent")
    result = settle(month(*usages, tariffs=(tariff(0),), pools=(rent,), costs=(Cost(name("c"), "rent", "room", yen),)))
    assert [each[-1] for each in result.amounts().values()] == list(parts)
    assert result.settlement.control.zero


@pytest.mark.parametrize(
    ("kind", "cost", "charged", "carried"),
    [
        ("fee", 10_000, 0, -1_000),
        ("fee", 8_000, 0, 1_000),
        ("share", 10_000, 10_000, 0),
        ("mixed", 10_000, 1_000, 0),
        ("mixed", 8_000, 0, 1_000),
    ],
)
def test_nothing_is_charged_twice(kind: str, cost: int, charged: int, carried: int) -> None:
    """m01 used 1 h and m02 2 h at 3,000: fees of 9,000. A share of 10,000 is 3,333 : 6,667, of 1,000 is 333 : 667."""
    pool = Pool("pool", PoolKind(kind), "p", "p", ("cmm-1",))
    costs = (Cost(name("c"), "pool", "room", cost),)
    result = settle(month(use("10-03 09:00 10:00", "m01"), use("10-04 09:00 11:00", "m02"), pools=(pool,), costs=costs))
    (outcome,) = result.settlement.pools
    assert (outcome.charged_yen, outcome.carried_yen) == (charged, carried)
    expected = {0: ([], []), 10_000: ([3_333], [6_667]), 1_000: ([333], [667])}[charged]
    assert result.amounts() == {"m01": [3_000, *expected[0]], "m02": [6_000, *expected[1]]}
    assert result.settlement.control.zero


def test_only_a_pools_own_machines_count() -> None:
    other = use("10-03 09:00 11:00", "m02", machine_id="ct-1")
    rules = (tariff(3000), replace(tariff(9000), id=name("ct"), machine_id="ct-1"))
    pools = (Pool("cmm", PoolKind.SHARE, "c", "c", ("cmm-1",)),)
    costs = (Cost(name("c"), "cmm", "room", 500),)
    result = settle(month(use("10-03 09:00 10:00"), other, tariffs=rules, pools=pools, costs=costs))
    assert result.amounts() == {"m01": [3_000, 500], "m02": [18_000]}


def test_a_shared_cost_of_a_month_without_use_is_carried_and_said() -> None:
    rent = Pool("rent", PoolKind.SHARE, "家賃", "Rent")
    result = settle(month(pools=(rent,), costs=(Cost(name("c"), "rent", "room", 500),)))
    assert (result.settlement.statements, result.settlement.pools[0].carried_yen, result.settlement.blocked) == (
        (),
        -500,
        False,
    )
    assert [finding.code for finding in result.settlement.findings] == ["billing.finding.no_use"]
    assert result.settlement.control.zero


def test_a_division_keeps_quota_floor_and_remainder() -> None:
    by_use = Component(Allocation.BY_USE, Fraction(1), {"a": Fraction(1), "b": Fraction(2), "c": Fraction(3)})
    division = divide(Pool("p", PoolKind.SHARE, "p", "p"), {FIXED: 100}, 0, {FIXED: (by_use,)})
    assert {key: (str(share.quota), share.yen, share.leftover) for key, share in division.parts[-1].shares.items()} == {
        "a": ("50/3", 17, True),
        "b": ("100/3", 33, False),
        "c": ("50", 50, False),
    }


# Tax


def test_tax_is_rounded_once_for_each_rate() -> None:
    """Three lines of 105 yen at 10 %: 31, not 3 × 10."""
    three = [use(f"10-0{day} 09:00 09:01") for day in (1, 2, 3)]
    (statement,) = settle(month(*three, tariffs=(tariff(6300),))).settlement.statements
    assert statement.taxes == (TaxTotal(Decimal("0.10"), 315, 31),)
    assert tax_by_rate({Decimal("0.10"): 210, Decimal("0.08"): 99, None: 70}) == (
        TaxTotal(Decimal("0.10"), 210, 21),
        TaxTotal(Decimal("0.08"), 99, 7),
        TaxTotal(None, 70, 0),
    )


def test_a_rule_outside_the_tax_adds_none() -> None:
    result = settle(month(use("10-03 09:00 10:00"), tariffs=(tariff(3000, tax=Tax.OUT_OF_SCOPE),)))
    (statement,) = result.settlement.statements
    assert (statement.net_yen, statement.tax_yen, statement.total_yen) == (3_000, 0, 3_000)


# What must always hold

MEMBERS = ("m01", "m02", "m03", "m04")
POOLS = (
    Pool("rent", PoolKind.SHARE, "家賃", "Rent"),
    Pool("own", PoolKind.FEE, "費用", "Costs", ("cmm-1",)),
)

increments = st.sampled_from((1, 60, 900, 3600))


@st.composite
def months(draw: st.DrawFn) -> Month:
    """Up to 25 stretches on two machines, some of nobody, with any tariff and costs."""
    usages = []
    for n in range(draw(st.integers(0, 25))):
        machine = draw(st.sampled_from(("cmm-1", "ct-1")))
        start = draw(st.integers(0, 1_000))
        length = draw(st.integers(1, 430))
        day, member = 1 + n, draw(st.sampled_from(MEMBERS))
        when = f"10-{day:02} {start // 60:02}:{start % 60:02} {(start + length) // 60:02}:{(start + length) % 60:02}"
        kind = draw(st.sampled_from(("assigned", "assigned", "overrun", "waived", "unassigned")))
        nobody = kind in {"waived", "unassigned"}
        held = None if nobody or draw(st.booleans()) else str(name("slot", machine, member))
        made = use(when, None if nobody else member, kind, machine_id=machine, reservation_id=held)
        usages.append(replace(made, running_seconds=draw(st.integers(0, made.interval.seconds))))
    rules = tuple(
        replace(
            tariff(draw(st.integers(0, 20_000)), draw(st.sampled_from(("occupied", "running"))), draw(increments)),
            id=name("tariff", machine),
            machine_id=machine,
        )
        for machine in ("cmm-1", "ct-1")
    )
    costs = tuple(Cost(name("cost", pool.id), pool.id, "x", draw(st.integers(0, 10**7))) for pool in POOLS)
    slots = tuple(
        slot("slot", machine, member, "10-29 09:00 10:00") for machine in ("cmm-1", "ct-1") for member in MEMBERS
    )
    return month(*usages, tariffs=rules, pools=POOLS, costs=costs, reservations=slots)


@given(months())
def test_parts_sum_to_the_whole(inputs: Month) -> None:
    result = settle(inputs)
    assert result.settlement.control.zero
    shared = sum(line.amount_yen for line in result.lines if line.kind is LineKind.SHARE)
    rent = next(cost.amount_yen for cost in inputs.rules.costs if cost.pool_id == "rent")
    used = any(usage.member_id for usage in inputs.usages)
    assert shared == (rent if used else 0)
    for each in result.settlement.statements:
        assert each.net_yen == sum(result.amounts()[each.member_id])
        assert each.tax_yen == each.net_yen // 10
    assert all(sum(posting.amount_yen for posting in entry.postings) == 0 for entry in result.settlement.entries)


@given(months(), st.randoms(use_true_random=False))
def test_the_order_of_the_inputs_does_not_matter(inputs: Month, chance: random.Random) -> None:
    def shuffled(of: Rules | Month, *fields: str) -> dict[str, object]:
        return {field: tuple(chance.sample(getattr(of, field), len(getattr(of, field)))) for field in fields}

    rules = replace(inputs.rules, **shuffled(inputs.rules, "tariffs", "pools", "costs"))  # type: ignore[arg-type]
    again = replace(inputs, rules=rules, **shuffled(inputs, "usages", "reservations"))  # type: ignore[arg-type]
    assert settle(again) == settle(inputs)
    assert read_rules(canonical(rules)) == rules


@given(months())
def test_who_did_not_use_pays_nothing(inputs: Month) -> None:
    users = {usage.member_id for usage in inputs.usages if usage.member_id}
    assert {each.member_id for each in settle(inputs).settlement.statements} == users


@given(st.integers(1, 400), st.integers(0, 10**7), st.integers(2, 4), increments)
def test_members_who_used_the_same_pay_the_same_to_the_yen(minutes: int, rent: int, count: int, increment: int) -> None:
    end = f"{minutes // 60:02}:{minutes % 60:02}"
    usages = [use(f"10-{n + 1:02} 00:00 {end}", MEMBERS[n]) for n in range(count)]
    costs = (Cost(name("c"), "rent", "x", rent),)
    result = settle(month(*usages, tariffs=(tariff(3000, increment=increment),), pools=POOLS[:1], costs=costs))
    paid = [sum(each) for each in result.amounts().values()]
    assert max(paid) - min(paid) <= 1  # the leftover yen


@given(months(), st.integers(0, 24), st.integers(1, 300))
def test_who_uses_more_never_pays_less(inputs: Month, which: int, more_minutes: int) -> None:
    mine = [usage for usage in inputs.usages if usage.member_id]
    if not mine:
        return
    extended = mine[which % len(mine)]
    longer = Interval(extended.interval.start, extended.interval.end + timedelta(minutes=more_minutes))
    running = extended.running_seconds + longer.seconds - extended.interval.seconds
    changed = replace(extended, interval=longer, running_seconds=running)
    after = replace(inputs, usages=tuple(changed if usage is extended else usage for usage in inputs.usages))

    def owed(result: Result) -> int:
        return sum(each.total_yen for each in result.settlement.statements if each.member_id == extended.member_id)

    assert owed(settle(after)) >= owed(settle(inputs))
