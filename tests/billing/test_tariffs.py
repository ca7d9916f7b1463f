"""What a tariff can say, each element as a small table that a bookkeeper checks by hand, and what must always hold."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import calculation
from billing.explain.wording import describe, render
from billing.model import (
    Absence,
    Attribution,
    Basis,
    ConsumablePrice,
    Consumption,
    Line,
    LineKind,
    MachineMonth,
    PriceWindow,
    Reservation,
    Rules,
    Settlement,
    StateInterval,
    Tariff,
    Tax,
    Usage,
)
from billing.periods.evidence import canonical, read_machine, read_rules
from billing.tariffs.fee import fee_of
from billing.tariffs.metering import Running, Use
from billing.tariffs.quote import Asked, Price, priced
from billing.tariffs.versions import InForce, overlapping
from booking.services.model import ServiceKind
from coop.interval import Interval
from tests.billing.ground import TOKYO, at, name, span

JANUARY = date(2026, 1, 1)
EVENING = PriceWindow((1, 2, 3, 4, 5), time(17), time(22), 1_800, "夜間")
WEEKEND = PriceWindow((6, 7), time(0), time.max, 2_400)
NEW_YORK = ZoneInfo("America/New_York")


def tariff(yen: int = 3_000, basis: Basis = Basis.OCCUPIED, **more: object) -> Tariff:
    made = Tariff(name("tariff", *sorted(more)), "cmm-1", JANUARY, basis, yen)
    return replace(made, **more)  # type: ignore[arg-type]  # the fields are named by the tests


def usage(when: str, member: str = "m01", running_minutes: int | None = None, held: Reservation | None = None) -> Usage:
    interval = span(when)
    seconds = interval.seconds if running_minutes is None else running_minutes * 60
    kind = Attribution.IN_RESERVATION if held else Attribution.ASSIGNED
    return Usage(str(name(when, member)), "cmm-1", interval, seconds, kind, member, held.id if held else None)


def slot(when: str, member: str = "m01", **more: object) -> Reservation:
    made = Reservation(str(name("slot", when, member)), "cmm-1", member, span(when))
    return replace(made, **more)  # type: ignore[arg-type]


def settle(month: MachineMonth, *tariffs: Tariff, **rules: object) -> tuple[Settlement, list[Line]]:
    made = replace(Rules("2026-10", "Asia/Tokyo", tariffs=tariffs), **rules)  # type: ignore[arg-type]
    settlement, lines = calculation.settle(made, [month])
    assert settlement.control.zero, settlement.findings
    return settlement, lines


def month(*usages: Usage, slots: tuple[Reservation, ...] = (), **more: object) -> MachineMonth:
    made = MachineMonth("cmm-1", usages, slots)
    return replace(made, **more)  # type: ignore[arg-type]


def yen(lines: list[Line]) -> list[tuple[str, int]]:
    return [(line.kind.value, line.amount_yen) for line in lines]


# Time


@pytest.mark.parametrize(
    ("rule", "when", "booked", "amount"),
    [
        (tariff(basis=Basis.LONGER), "10-05 09:00 10:00", "10-05 09:00 11:00", 6_000),  # booked 2 h
        (tariff(basis=Basis.LONGER), "10-05 09:00 11:30", "10-05 09:00 11:00", 7_500),  # occupied 2 h 30
        (tariff(basis=Basis.LONGER), "10-05 09:00 11:30", None, 7_500),
        (tariff(minimum_seconds=3_600), "10-05 09:00 09:20", None, 3_000),  # an hour at least
        (tariff(minimum_seconds=3_600, increment_seconds=2_700), "10-05 09:00 09:20", None, 4_500),  # 60 → 90 min
        (tariff(minimum_seconds=3_600), "10-05 09:00 10:20", None, 4_000),
        (tariff(setup_yen=1_500), "10-05 09:00 10:00", None, 4_500),
        (
            tariff(overrun_yen_per_hour=6_000),
            "10-05 09:00 11:30",
            "10-05 09:00 11:00",
            9_000,
        ),  # 2 h × 3,000 + ½ h × 6,000
        (tariff(basis=Basis.BOOKED, overrun_yen_per_hour=6_000), "10-05 10:00 11:30", "10-05 09:00 11:00", 9_000),
        (tariff(basis=Basis.LONGER, overrun_yen_per_hour=6_000), "10-05 10:00 11:30", "10-05 09:00 11:00", 9_000),
        (tariff(basis=Basis.BOOKED), "10-05 10:00 11:30", "10-05 09:00 11:00", 6_000),
        (tariff(overrun_yen_per_hour=6_000), "10-05 09:00 10:00", "10-05 09:00 11:00", 3_000),
    ],
)
def test_time_is_priced_by_basis_minimum_set_up_and_overrun(
    rule: Tariff, when: str, booked: str | None, amount: int
) -> None:
    held = slot(booked) if booked else None
    _, lines = settle(month(usage(when, held=held), slots=(held,) if held else ()), rule)
    assert yen(lines) == [("fee", amount)]


@pytest.mark.parametrize(
    ("rule", "running_minutes", "amount"),
    [
        (tariff(6_000, idle_yen_per_hour=1_200), 60, 7_200),  # 2 h: 1 h runs, 1 h does not
        (tariff(6_000, idle_yen_per_hour=1_200), 120, 12_000),
        (tariff(6_000, idle_yen_per_hour=1_200), 0, 2_400),
        (tariff(6_000, Basis.RUNNING, idle_yen_per_hour=1_200), 60, 7_200),
        (tariff(6_000, Basis.RUNNING), 60, 6_000),
        (tariff(6_000, Basis.RUNNING, setup_yen=1_000, minimum_seconds=1_800), 0, 0),  # nothing ran, nothing is paid
        (tariff(6_000, idle_yen_per_hour=0, increment_seconds=10_800), 60, 12_000),  # 2 h → 3 h: the third as running
    ],
)
def test_idle_time_has_its_own_price(rule: Tariff, running_minutes: int, amount: int) -> None:
    _, lines = settle(month(usage("10-05 09:00 11:00", running_minutes=running_minutes)), rule)
    assert yen(lines) == [("fee", amount)]


@pytest.mark.parametrize(
    ("when", "amount", "said"),
    [
        ("10-05 16:00 18:00", 3_000 + 1_800, [(3_000, None), (1_800, 0)]),  # a Monday
        ("10-05 17:00 22:00", 5 * 1_800, [(1_800, 0)]),
        ("10-05 16:30 22:30", 3_000 + 5 * 1_800, [(3_000, None), (1_800, 0)]),  # half an hour at both ends
        ("10-03 16:00 18:00", 2 * 2_400, [(2_400, 1)]),  # a Saturday
        ("10-05 09:00 10:00", 3_000, [(3_000, None)]),
    ],
)
def test_hours_of_the_week_have_prices_of_their_own(when: str, amount: int, said: list[tuple[int, int | None]]) -> None:
    _, [line] = settle(month(usage(when)), tariff(windows=(EVENING, WEEKEND)))
    parts = [(part["yen_per_hour"], part.get("window")) for part in line.explanation["parts"]]
    assert (line.amount_yen, parts) == (amount, said)


def test_a_weekend_begins_at_midnight() -> None:
    """Friday 23:00 to Saturday 01:00: an hour at 3,000 and an hour at 2,400."""
    whole = Interval(at("10-02 23:00"), at("10-03 01:00"))
    late = Usage("u", "cmm-1", whole, 7_200, Attribution.ASSIGNED, "m01")
    assert yen(settle(month(late), tariff(windows=(WEEKEND,)))[1]) == [("fee", 5_400)]


def test_what_rounding_adds_is_priced_as_the_last_moment() -> None:
    """16:50-17:05 is 15 min, billed an hour: 10 min at 3,000 and 50 min at 1,800."""
    _, [line] = settle(month(usage("10-05 16:50 17:05")), tariff(windows=(EVENING,), increment_seconds=3_600))
    assert [part["seconds"] for part in line.explanation["parts"]] == [600, 3_000]
    assert line.amount_yen == 500 + 1_500


def test_non_members_pay_their_own_price_at_every_hour() -> None:
    rule = tariff(nonmember_yen_per_hour=4_500, windows=(EVENING,))
    both = month(usage("10-05 16:00 18:00"), usage("10-06 16:00 18:00", "x01"))
    _, lines = settle(both, rule, nonmembers=("x01",))
    assert [(line.member_id, line.amount_yen) for line in lines] == [("m01", 4_800), ("x01", 9_000)]
    _, lines = settle(both, tariff(), nonmembers=("x01",))
    assert [line.amount_yen for line in lines] == [6_000, 6_000], "without a price of their own they pay as members"


def test_a_service_has_a_tariff_of_its_own_while_it_is_in_force() -> None:
    """Attended use costs 5,000 from the 10th on; a use across that midnight is split; others pay 3,000."""
    own = tariff(5_000, id=name("own"), service=ServiceKind.ATTENDED, valid_from=date(2026, 10, 10))
    attended = {"service": ServiceKind.ATTENDED}
    night = replace(slot("10-09 23:00 24:00", **attended), interval=Interval(at("10-09 23:00"), at("10-10 01:00")))
    slots = (
        slot("10-05 09:00 10:00", **attended),
        night,
        slot("10-12 09:00 10:00", **attended),
        slot("10-13 09:00 10:00"),
    )
    used = [
        replace(usage("10-05 09:00 10:00", held=each), id=each.id, interval=each.interval, running_seconds=0)
        for each in slots
    ]
    _, lines = settle(month(*used, slots=slots), tariff(), own)
    assert [line.amount_yen for line in lines] == [3_000, 8_000, 5_000, 3_000]


# What comes with a use


def test_the_operators_time_is_a_line_of_its_own() -> None:
    """There from 08:45 to 10:00 at 4,000 yen an hour: 5,000. Without a price it is in the fee."""
    held = slot("10-05 09:00 11:00", service=ServiceKind.ATTENDED, operators=(span("10-05 08:45 10:00"),))
    inputs = month(usage("10-05 09:00 11:00", held=held), slots=(held,))
    settlement, lines = settle(inputs, tariff(operator_yen_per_hour=4_000))
    assert yen(lines) == [("fee", 6_000), ("operator", 5_000)]
    assert [(posting.account, posting.amount_yen) for posting in settlement.entries[0].postings] == [
        ("receivable", 12_100),
        ("fee_income", -11_000),
        ("tax_payable", -1_100),
    ]
    assert yen(settle(inputs, tariff())[1]) == [("fee", 6_000)]


def test_a_tester_costs_as_long_as_it_is_out_and_advice_as_it_was_booked() -> None:
    """Out Monday 09:00 to Tuesday 15:00, booked to noon: 30 h at 100. Advice of 90 min at 4,000. No sensor saw it."""
    out = Interval(at("10-05 09:00"), at("10-06 15:00"))
    lent = replace(
        slot("10-05 09:00 12:00", service=ServiceKind.LOAN),
        interval=Interval(at("10-05 09:00"), at("10-06 12:00")),
        taken=out,
    )
    assert yen(settle(month(slots=(lent,)), tariff(100))[1]) == [("fee", 3_000)]
    assert yen(settle(month(slots=(lent,)), tariff(100, Basis.RUNNING))[1]) == [("fee", 3_000)]
    assert yen(settle(month(slots=(lent,)), tariff(100, overrun_yen_per_hour=200))[1]) == [("fee", 2_700 + 600)]
    advised = slot("10-07 13:00 14:30", service=ServiceKind.ADVICE, taken=span("10-07 13:00 14:30"))
    assert yen(settle(month(slots=(advised,)), tariff(4_000))[1]) == [("fee", 6_000)]


@pytest.mark.parametrize(("tax", "owed"), [(Tax.OUT_OF_SCOPE, 3_000), (Tax.STANDARD, 3_300)])
def test_who_does_not_come_pays_a_part_of_what_was_booked(tax: Tax, owed: int) -> None:
    """Booked 2 h at 3,000; half of 6,000 is 3,000, out of the tax's scope or taxed as the rule says."""
    held = slot("10-05 09:00 11:00", stands=False)
    absence = Absence(LineKind.NO_SHOW, held, at("10-05 09:20"))
    rule = tariff(basis=Basis.RUNNING, setup_yen=500, no_show_percent=50, no_show_tax=tax)
    settlement, lines = settle(month(absences=(absence,)), rule)
    assert (yen(lines), settlement.statements[0].total_yen) == ([("no_show", 3_000)], owed)
    assert yen(settle(month(absences=(absence,)), tariff())[1]) == []


def test_a_late_cancellation_is_priced_by_the_slot_wherever_it_lies() -> None:
    """Cancelled on 31 October, booked 1 November (a Sunday) 09:00-12:00 at 2,400: 30 % of 7,200."""
    held = slot("11-01 09:00 12:00", stands=False)
    absence = Absence(LineKind.LATE_CANCEL, held, at("10-31 18:00"))
    rule = tariff(windows=(WEEKEND,), late_cancel_percent=30)
    assert yen(settle(month(absences=(absence,)), rule)[1]) == [("late_cancel", 2_160)]


def test_a_slot_that_is_charged_is_not_charged_again() -> None:
    held = slot("10-05 09:00 11:00")
    absence = Absence(LineKind.NO_SHOW, held, at("10-05 09:20"))
    rule = tariff(basis=Basis.BOOKED, no_show_percent=100)
    assert yen(settle(month(slots=(held,), absences=(absence,)), rule)[1]) == [("fee", 6_000)]


def test_what_is_used_up_is_counted_at_the_price_of_its_day() -> None:
    old = ConsumablePrice(name("old"), "stylus", "M2スタイラス", "M2 stylus", JANUARY, 1_200, date(2026, 10, 15))
    new = replace(old, id=name("new"), valid_from=date(2026, 10, 15), valid_until=None, yen_each=1_500)
    used = tuple(
        Consumption(str(name(day)), "stylus", "cmm-1", "m01", date(2026, 10, day), count)
        for day, count in ((15, 1), (14, 3))
    )
    _, lines = settle(month(consumptions=used), tariff(), consumables=(new, old))
    assert yen(lines) == [("consumable", 3_600), ("consumable", 1_500)]
    assert lines[0].interval == Interval(at("10-14 00:00"), at("10-15 00:00"))
    rules = Rules("2026-10", "Asia/Tokyo", consumables=(old,))
    unpriced, none = calculation.settle(rules, [month(consumptions=used)])
    assert ([each.code for each in unpriced.findings], len(none)) == (["billing.finding.no_price"], 1)
    assert unpriced.blocked


# In words


@pytest.mark.parametrize("locale", ["ja", "en"])
def test_every_kind_of_line_explains_itself_in_both_languages(locale: str) -> None:
    held = slot("10-05 16:00 18:30", operators=(span("10-05 16:00 16:10"),))
    away = slot("10-07 09:00 10:00", stands=False)
    price = ConsumablePrice(name("p"), "stylus", "M2スタイラス", "M2 stylus", JANUARY, 1_200)
    everything = month(
        usage("10-05 16:00 19:00", held=held),
        usage("10-06 09:00 09:10", "x01"),
        slots=(held,),
        absences=(
            Absence(LineKind.NO_SHOW, away, at("10-07 09:20")),
            Absence(LineKind.LATE_CANCEL, replace(away, id="other"), at("10-07 08:00")),
        ),
        consumptions=(Consumption("c", "stylus", "cmm-1", "m01", date(2026, 10, 5), 2),),
    )
    rule = tariff(
        windows=(EVENING,),
        overrun_yen_per_hour=6_000,
        setup_yen=700,
        operator_yen_per_hour=3_100,
        nonmember_yen_per_hour=4_500,
        minimum_seconds=900,
        no_show_percent=50,
        late_cancel_percent=25,
    )
    rules = Rules("2026-10", "Asia/Tokyo", tariffs=(rule,), nonmembers=("x01",), consumables=(price,))
    _, lines = calculation.settle(rules, [everything])
    assert {line.kind for line in lines} == set(LineKind) & {
        LineKind.FEE,
        LineKind.OPERATOR,
        LineKind.CONSUMABLE,
        LineKind.NO_SHOW,
        LineKind.LATE_CANCEL,
    }
    said = " ".join(sentence for line in lines for sentence in render(line, rules, everything, locale))
    said += " ".join(describe(line, rules, locale) for line in lines)
    assert "billing." not in said
    for words in ("夜間", "1,800", "6,000", "700", "4,500", "1,200", "517", "1,500", "750", "50", "25"):
        assert words in said, words


# What must always hold


@pytest.mark.parametrize(
    ("zone", "night"),
    [(TOKYO, date(2026, 10, 15)), (NEW_YORK, date(2026, 3, 8)), (NEW_YORK, date(2026, 11, 1))],
    ids=["no clock change", "an hour skipped", "an hour repeated"],
)
@given(
    start=st.integers(0, 3_000),
    minutes=st.integers(1, 2_880),
    cut=st.integers(0, 4),
    basis=st.sampled_from(list(Basis)),
    booked=st.integers(0, 600),
    prices=st.fixed_dictionaries(
        {},
        optional={
            "overrun_yen_per_hour": st.integers(0, 9_000),
            "minimum_seconds": st.integers(0, 9_000),
            "setup_yen": st.integers(0, 900),
        },
    ),
    windows=st.sampled_from(((), (WEEKEND,), (EVENING, WEEKEND))),
)
def test_a_change_of_tariff_to_the_same_price_changes_nothing(  # type: ignore[no-untyped-def]  # hypothesis fills them
    zone, night, start, minutes, cut, basis, booked, prices, windows
) -> None:
    first = datetime.combine(night, time(0), tzinfo=zone).astimezone(UTC) - timedelta(days=1)
    stretch = Interval.of(first + timedelta(minutes=start), timedelta(minutes=minutes))
    held = Reservation("r", "cmm-1", "m01", Interval.of(stretch.start, timedelta(minutes=booked))) if booked else None
    whole = tariff(3_000, basis, increment_seconds=900, windows=windows, **prices)
    day = night + timedelta(days=cut - 2)
    parts = [replace(whole, valid_until=day), replace(whole, id=name("after"), valid_from=day)]
    seen = Usage("u", "cmm-1", stretch, stretch.seconds, Attribution.ASSIGNED, "m01", held.id if held else None)
    use = Use.of("m01", (seen,), held)
    ran = Running([StateInterval("cmm-1", stretch, "running")])
    window = Interval.of(first - timedelta(days=10), timedelta(days=40))
    fees = [fee_of(use, InForce(each, zone).of("cmm-1"), ran, window) for each in ([whole], parts)]
    assert fees[0] is not None
    assert fees[1] is not None
    assert (fees[0].yen, fees[0].billed_seconds) == (fees[1].yen, fees[1].billed_seconds)
    metered = sum(part.seconds for part in fees[1].parts)
    assert metered == fees[1].billed_seconds >= fees[1].metered_seconds


@given(
    minutes=st.integers(1, 600),
    more=st.integers(1, 300),
    booked=st.integers(0, 600),
    basis=st.sampled_from(list(Basis)),
    minimum=st.integers(0, 9_000),
    setup=st.integers(0, 2_000),
    increment=st.sampled_from((1, 60, 900, 3_600)),
    overrun=st.integers(3_000, 9_000) | st.none(),
)
def test_more_use_never_pays_less(  # type: ignore[no-untyped-def]  # hypothesis fills them
    minutes, more, booked, basis, minimum, setup, increment, overrun
) -> None:
    rule = tariff(
        3_000,
        basis,
        minimum_seconds=minimum,
        setup_yen=setup,
        increment_seconds=increment,
        overrun_yen_per_hour=overrun,
    )
    start = at("10-05 08:00")
    held = Reservation("r", "cmm-1", "m01", Interval.of(start, timedelta(minutes=booked))) if booked else None

    def paid(length: int) -> int:
        stretch = Interval.of(start, timedelta(minutes=length))
        seen = Usage("u", "cmm-1", stretch, stretch.seconds, Attribution.ASSIGNED, "m01", held.id if held else None)
        return settle(month(seen, slots=(held,) if held else ()), rule)[1][0].amount_yen

    assert paid(minutes + more) >= paid(minutes)


def test_the_order_of_what_happened_does_not_matter() -> None:
    held = [slot(f"10-0{day} 09:00 10:00", stands=False) for day in (5, 6, 7)]
    absences = tuple(Absence(LineKind.NO_SHOW, each, at("10-08 09:00")) for each in held)
    used = tuple(Consumption(str(n), "stylus", "cmm-1", "m01", date(2026, 10, 5), n) for n in (1, 2, 3))
    price = ConsumablePrice(name("p"), "stylus", "s", "s", JANUARY, 10)
    rule = tariff(no_show_percent=10)
    one = settle(month(absences=absences, consumptions=used), rule, consumables=(price,))
    assert one == settle(month(absences=absences[::-1], consumptions=used[::-1]), rule, consumables=(price,))


def test_rules_and_a_month_as_they_were_frozen_before_are_read() -> None:
    """Evidence of months closed before tariffs said more has neither services nor absences."""
    row = ["r", "2026-10-05T00:00:00+00:00", "2026-10-05T02:00:00+00:00", "m01", True]
    old = {"machine_id": "cmm-1", "usages": [], "reservations": [row], "states": []}
    assert read_machine(canonical(old)).reservations[0].service is ServiceKind.SELF_USE
    fields = ("id", "machine_id", "valid_from", "basis", "yen_per_hour", "increment_seconds", "resolution", "tax")
    rule = tariff()
    said = {"month": "2026-10", "time_zone": "Asia/Tokyo", "tariffs": [{each: getattr(rule, each) for each in fields}]}
    assert read_rules(canonical(said)).tariffs == (rule,)
    full = replace(read_rules(canonical(said)), tariffs=(tariff(windows=(EVENING, WEEKEND), service=ServiceKind.LOAN),))
    assert read_rules(canonical(full)) == full


def test_windows_may_touch_but_not_overlap() -> None:
    after = replace(EVENING, starts=time(22), ends=time.max)
    assert not overlapping(tariff(windows=(EVENING, after, WEEKEND)))
    assert overlapping(tariff(windows=(EVENING, replace(after, starts=time(21, 59)))))


# Before anybody used it


def test_a_quote_has_the_operator_set_up_and_the_dearer_of_running_and_idle() -> None:
    """2 h: 500 + 2 × 3,000 + operator 1 h at 4,000 = 10,500, and 2 × 500 more if it idles at 3,500 throughout."""
    rule = tariff(setup_yen=500, idle_yen_per_hour=3_500, operator_yen_per_hour=4_000, nonmember_yen_per_hour=4_500)
    slot_ = Asked("cmm-1", span("10-05 09:00 11:00"), operators=(span("10-05 09:00 10:00"),))
    assert priced([rule], slot_, TOKYO) == Price(False, 10_500, 1_050, 12_650)
    outside = replace(slot_, is_member=False)
    assert priced([rule], outside, TOKYO) == Price(False, 13_500, 1_350, 14_850)


def test_a_quote_is_of_the_service_and_the_hour() -> None:
    own = tariff(5_000, Basis.BOOKED, id=UUID(int=9), service=ServiceKind.ATTENDED)
    asked = Asked("cmm-1", span("10-05 16:00 18:00"))
    both = [tariff(windows=(EVENING,)), own]
    assert priced(both, asked, TOKYO) == Price(False, 4_800, 480, 5_280)
    assert priced(both, replace(asked, service=ServiceKind.ATTENDED), TOKYO) == Price(True, 10_000, 1_000, 11_000)
