"""The example is plausible: its plan fits the calendar, its traces fit the plan, and both are the same every time."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise

import numpy as np
import orjson
import pytest

from coop.identity import Role
from coop.interval import Interval
from coop.machines import open_intervals
from moyai.demo import EXAMPLE, MonthPlan, SharedMachine, Story, Trace, month_messages, plan_month, simulate
from moyai.demo.simulator import READINGS_PER_MESSAGE

ZONE = EXAMPLE.cooperative.time_zone
MACHINES = [pytest.param(each, id=each.id) for each in EXAMPLE.machines]
MONTHS = [(2024, 2), (2026, 2), (2026, 5), (2026, 10), (2026, 12)]

# kWh in a month: what such machines are known to draw when a shared laboratory uses them, with room on both sides.
PLAUSIBLE_KWH = {
    "cmm": (25, 180),
    "ct": (120, 600),
    "roundness": (8, 45),
    "contour": (5, 35),
    "projector": (4, 60),
    "vision": (15, 110),
    "hardness": (2, 20),
    "machining": (200, 1_500),
    "edm": (200, 1_200),
    "height": (1, 15),
}


@pytest.fixture(scope="module")
def plan() -> MonthPlan:
    return plan_month(EXAMPLE, 2026, 10)


@pytest.fixture(scope="module")
def traces(plan: MonthPlan) -> dict[str, Trace]:
    return {each.id: simulate(plan, each) for each in EXAMPLE.machines}


def check_digit_fits(number: str) -> bool:
    """The National Tax Agency's rule, from the right: digits in odd places once, in even places twice."""
    digits = [int(digit) for digit in number[1:]]
    total = sum(digits[1:][::-1][0::2]) + 2 * sum(digits[1:][::-1][1::2])
    return digits[0] == 9 - total % 9


def test_the_cooperative_is_what_the_example_promises() -> None:
    assert len(EXAMPLE.machines) == len({each.id for each in EXAMPLE.machines}) == 12
    assert Counter(each.machine.kind for each in EXAMPLE.machines)["cmm"] == 3
    assert len(EXAMPLE.factories) == len({each.member.id for each in EXAMPLE.factories}) == 24
    names = "".join(each.member.name for each in EXAMPLE.factories)
    assert all(letter in names for letter in "㈱髙﨑濵")
    roles = Counter(person.role for person in EXAMPLE.people)
    assert roles[Role.MEMBER_MANAGER] == 24
    assert all(roles[role] == 1 for role in (Role.OFFICE, Role.DIRECTOR, Role.AUDITOR, Role.OPERATOR, Role.WARD))
    assert all(1 <= len(factory.engineers) <= 3 for factory in EXAMPLE.factories)
    emails = [person.email for person in EXAMPLE.people]
    assert len(emails) == len(set(emails))
    assert all(re.fullmatch(r"[a-z]+@[a-z0-9-]+\.example", email) for email in emails)


def test_registration_numbers_have_their_check_digit() -> None:
    assert check_digit_fits("T7123456789012")
    assert not check_digit_fits("T1234567890123")
    numbers = [each.member.invoice_number for each in EXAMPLE.factories] + [EXAMPLE.cooperative.invoice_number]
    assert len(set(numbers)) == 25
    for number in numbers:
        assert number is not None
        assert check_digit_fits(number), number


@pytest.mark.parametrize(("year", "number"), MONTHS)
@pytest.mark.parametrize("seed", [1, 20])
def test_a_plan_fits_the_calendar_and_itself(year: int, number: int, seed: int) -> None:
    plan = plan_month(EXAMPLE, year, number, seed)
    assert 500 <= len(plan.uses) <= 720
    for shared in EXAMPLE.machines:
        opened = open_intervals(shared.hours, plan.month, ZONE)
        uses = plan.of(shared.id)
        slots = [use.slot for use in uses if use.slot]
        for slot in slots:
            assert any(day.covers(slot) for day in opened)
            assert slot.start.minute % 30 == slot.end.minute % 30 == 0
        stays = [use.occupied for use in uses if use.occupied]
        for intervals in (slots, stays, [run for use in uses for run in use.running]):
            assert not any(one.overlaps(other) for one, other in pairwise(sorted(intervals)))
        for use in uses:
            if use.occupied:
                assert use.running
                assert all(use.occupied.covers(run) for run in use.running)
                assert any(day.covers(use.occupied) for day in opened)
            if use.story in (Story.NORMAL, Story.LATE_EVENING):
                assert use.slot
                assert use.occupied
                assert use.slot.covers(use.occupied)
            others = [other.slot for other in uses if other is not use and other.slot]
            assert not (use.occupied and any(use.occupied.overlaps(other) for other in others))


@pytest.mark.parametrize(("year", "number"), MONTHS)
def test_each_story_happens_once(year: int, number: int) -> None:
    plan = plan_month(EXAMPLE, year, number)
    told = {use.story: use for use in plan.uses if use.story is not Story.NORMAL}
    counts = Counter(use.story for use in plan.uses)
    assert all(counts[story] == 1 for story in Story if story is not Story.NORMAL)
    no_show, walk_up = told[Story.NO_SHOW], told[Story.WALK_UP]
    assert (no_show.occupied, no_show.running) == (None, ())
    assert walk_up.slot is None
    overrun, early, late = told[Story.OVERRUN], told[Story.EARLY_FINISH], told[Story.LATE_EVENING]
    assert overrun.slot
    assert overrun.running[-1].end > overrun.slot.end + timedelta(minutes=10)
    assert early.slot
    assert early.occupied
    assert early.slot.end - early.occupied.end > timedelta(hours=1)
    assert late.slot
    assert late.slot.end.astimezone(ZONE).hour == 23


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(plan: MonthPlan) -> None:
    def digest(of: MonthPlan) -> str:
        seen = sha256()
        for message in month_messages(of):
            seen.update(message.topic.encode() + message.payload)
        return seen.hexdigest()

    assert digest(plan) == digest(plan_month(EXAMPLE, 2026, 10))
    assert digest(plan) != digest(plan_month(EXAMPLE, 2026, 10, seed=21))


def test_messages_carry_every_reading_in_the_order_of_time(plan: MonthPlan, traces: dict[str, Trace]) -> None:
    carried: dict[str, list[tuple[int, str, float]]] = {}
    last = datetime.min.replace(tzinfo=UTC)
    for message in month_messages(plan):
        assert message.at >= last
        last = message.at
        root, slug, machine_id, channel = message.topic.split("/")
        assert (root, slug, channel) == ("moyai", "demo", "power")
        readings = orjson.loads(message.payload)["readings"]
        assert len(readings) <= READINGS_PER_MESSAGE
        carried.setdefault(machine_id, []).extend((r["seq"], r["at"], r["value"]) for r in readings)
    for machine_id, trace in traces.items():
        seqs, stamps, values = zip(*carried[machine_id], strict=True)
        assert list(seqs) == trace.seq.tolist()
        assert list(values) == trace.power_watts.tolist()
        assert [datetime.fromisoformat(stamp) for stamp in stamps] == [
            moment.replace(tzinfo=UTC) for moment in trace.at.tolist()
        ]


@pytest.mark.parametrize("shared", MACHINES)
def test_a_plug_reports_each_minute_but_for_what_was_lost(shared: SharedMachine, traces: dict[str, Trace]) -> None:
    trace = traces[shared.id]
    gaps = np.diff(trace.at).astype("timedelta64[ms]").astype(int) / 1000
    assert gaps.min() > 0
    assert len(trace.lost) == np.count_nonzero(gaps > 61) == np.count_nonzero(np.diff(trace.seq) > 1)
    assert trace.power_watts.min() >= 0
    assert np.array_equal(trace.power_watts, np.round(trace.power_watts, 1))


@pytest.mark.parametrize("shared", MACHINES)
def test_idle_and_running_are_on_their_side_of_the_thresholds(
    shared: SharedMachine, plan: MonthPlan, traces: dict[str, Trace]
) -> None:
    trace = traces[shared.id]
    at = trace.at.astype(int) / 1000 - shared.clock_ahead_seconds
    running, visited = np.zeros(len(at), dtype=bool), np.zeros(len(at), dtype=bool)
    for use in plan.of(shared.id):
        for run in use.running:
            running |= (at >= run.start.timestamp()) & (at < run.end.timestamp())
        if use.occupied:
            visited |= (at >= use.occupied.start.timestamp()) & (at < use.occupied.end.timestamp() + 10)
    # Homing in the morning is the one burst of an idle machine; it is shorter than what counts as a run.
    left_alone = trace.power_watts[~visited]
    assert np.mean(left_alone > shared.thresholds.off_watts) < 0.002
    assert np.median(trace.power_watts[visited & ~running]) < shared.thresholds.off_watts
    assert trace.power_watts[running].mean() > shared.thresholds.on_watts
    assert 0.7 < trace.power_watts[running].mean() / shared.running_watts < 1.4
    lowest, highest = PLAUSIBLE_KWH[shared.machine.kind]
    held = np.minimum(np.diff(at, append=at[-1]), 180)
    assert lowest < float((trace.power_watts * held).sum()) / 3.6e6 < highest


def runs_seen(trace: Trace, shared: SharedMachine) -> Iterator[Interval]:
    """A plain count: on after `min_on_seconds` at or above one threshold, off after `min_off_seconds` below the other,
    each dated back to its first reading; a gap of more than three minutes ends a run."""
    limits = shared.thresholds
    moments = (trace.at.astype(int) / 1000 - shared.clock_ahead_seconds).tolist()
    began = turning = None
    for (before, _), (now, watts) in pairwise(
        [(moments[0], 0.0), *zip(moments, trace.power_watts.tolist(), strict=True)]
    ):
        if now - before > 180:
            if began is not None:
                yield _interval(began, turning or before)
            began = turning = None
        turns = watts >= limits.on_watts if began is None else watts <= limits.off_watts
        turning = (turning or now) if turns else None
        if turning is None:
            continue
        if began is None and now - turning >= limits.min_on_seconds:
            began, turning = turning, None
        elif began is not None and now - turning >= limits.min_off_seconds:
            yield _interval(began, turning)
            began = turning = None


def _interval(start: float, end: float) -> Interval:
    return Interval(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))


@pytest.mark.parametrize("shared", MACHINES)
def test_a_plain_count_over_the_thresholds_recovers_the_truth(
    shared: SharedMachine, plan: MonthPlan, traces: dict[str, Trace]
) -> None:
    trace = traces[shared.id]
    seen = list(runs_seen(trace, shared))
    truth = [run for use in plan.of(shared.id) for run in use.running]
    assert all(any(found.overlaps(run) for run in truth) for found in seen)
    around_lost = [Interval(gap.start - timedelta(minutes=4), gap.end + timedelta(minutes=4)) for gap in trace.lost]
    undisturbed = [run for run in truth if not any(run.overlaps(gap) for gap in around_lost)]
    assert len(undisturbed) > 0.9 * len(truth)
    for run in undisturbed:
        (found,) = [each for each in seen if each.overlaps(run)]
        assert abs(found.start - run.start) <= timedelta(seconds=15)
        assert abs(found.end - run.end) <= timedelta(seconds=15)


def test_one_plug_has_a_fast_clock() -> None:
    assert [each.clock_ahead_seconds for each in EXAMPLE.machines if each.clock_ahead_seconds] == [90]
