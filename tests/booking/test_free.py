"""Free time: with what is taken it makes up the opening hours, and what it offers the rules and the claims accept."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from booking.free import bookable, slots, stretches
from booking.model import Terms
from booking.rules.policy import Question, judge, on_grid_before
from coop.interval import Interval, subtract
from coop.machines import OpeningHours, open_intervals

MONDAY = datetime(2026, 10, 5, tzinfo=UTC)
WINDOW = Interval.of(MONDAY, timedelta(days=3))
minutes = st.integers(0, 60).map(lambda number: timedelta(minutes=number))


def hours_of(day: int) -> st.SearchStrategy[list[OpeningHours]]:
    half_hours = st.lists(st.integers(0, 47), min_size=2, max_size=4, unique=True).map(sorted)
    return half_hours.map(
        lambda marks: [
            OpeningHours("cmm-1", day, time(start // 2, 30 * (start % 2)), time(end // 2, 30 * (end % 2)))
            for start, end in list(pairwise(marks))[::2]
        ]
    )


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    hours = [each for day in range(1, 5) for each in draw(hours_of(day))]
    return Terms(
        "cmm-1",
        in_service=True,
        set_up=draw(minutes),
        tear_down=draw(minutes),
        granularity_minutes=draw(st.sampled_from([15, 30, 60])),
        shortest_minutes=draw(st.sampled_from([15, 30, 60])),
        longest_minutes=1440,
        horizon_days=30,
        hours=tuple(hours),
        zone=draw(st.sampled_from([ZoneInfo("Asia/Tokyo"), ZoneInfo("UTC"), ZoneInfo("Asia/Kathmandu")])),
    )


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    start = MONDAY + timedelta(minutes=draw(st.integers(-600, 3 * 1440)))
    return Interval.of(start, timedelta(minutes=draw(st.integers(1, 700))))


@given(terms(), st.lists(intervals(), max_size=8))
def test_free_and_kept_clear_make_up_the_opening_hours(terms: Terms, blocked: list[Interval]) -> None:
    free = stretches(terms, blocked, WINDOW)
    assert free == sorted(free)
    assert not any(one.overlaps(other) for one, other in pairwise(free))
    kept_clear = [Interval(each.start - terms.tear_down, each.end + terms.set_up) for each in blocked]
    assert not any(each.overlaps(other) for each in free for other in kept_clear)
    opened = open_intervals(terms.hours, WINDOW, terms.zone)
    assert all(any(hours.covers(each) for hours in opened) for each in free)
    left = [rest for hours in opened for rest in subtract(hours, free)]
    assert all(not subtract(rest, kept_clear) for rest in left)


@given(terms(), st.lists(intervals(), max_size=4), st.integers(0, 1440), st.integers(0, 4))
def test_a_slot_is_offered_exactly_if_it_can_be_booked(
    terms: Terms, blocked: list[Interval], now_minute: int, more: int
) -> None:
    now = MONDAY + timedelta(minutes=now_minute)
    granule = timedelta(minutes=terms.granularity_minutes)
    length = max(granule, timedelta(minutes=terms.shortest_minutes)) + more * granule
    offered = list(bookable(terms, stretches(terms, blocked, WINDOW), now))

    def can_be_booked(slot: Interval) -> bool:
        claim = terms.main_claim(slot)
        return not judge(Question(slot, terms, now)) and not any(claim.blocked.overlaps(each) for each in blocked)

    assert all(can_be_booked(each) for each in offered)
    start = on_grid_before(terms, MONDAY) + granule
    while start + length <= WINDOW.end:
        slot = Interval.of(start, length)
        assert any(each.covers(slot) for each in offered) == can_be_booked(slot)
        start += granule


def test_slots_follow_one_another() -> None:
    free = [Interval.of(MONDAY, timedelta(hours=5)), Interval.of(MONDAY + timedelta(days=1), timedelta(hours=1))]
    found = list(slots(free, timedelta(hours=2)))
    assert [each.start for each in found] == [MONDAY, MONDAY + timedelta(hours=2)]


def test_nothing_is_bookable_on_a_machine_out_of_service() -> None:
    hours = (OpeningHours("cmm-1", 1, time(9), time(18)),)
    terms = Terms("cmm-1", True, timedelta(0), timedelta(0), 15, 15, 1440, 30, hours, ZoneInfo("UTC"))
    free = [Interval.of(MONDAY + timedelta(hours=9), timedelta(hours=2))]
    assert list(bookable(terms, free, MONDAY)) == free
    assert list(bookable(replace(terms, in_service=False), free, MONDAY)) == []
