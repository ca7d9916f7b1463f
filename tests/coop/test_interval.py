"""Intervals: half-open, aware, and their union and difference as sets of moments."""

import itertools
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop.interval import (
    EmptyInterval,
    Interval,
    MonthInvalid,
    NaiveTime,
    merge,
    month,
    month_of,
    parse_month,
    subtract,
)

START = datetime(2026, 10, 1, tzinfo=UTC)


def interval(start: int, end: int) -> Interval:
    """Minutes after `START`."""
    return Interval(START + timedelta(minutes=start), START + timedelta(minutes=end))


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    start = draw(st.integers(0, 60))
    return interval(start, start + draw(st.integers(1, 30)))


def moments(found: list[Interval]) -> set[int]:
    """The minutes that intervals cover: another way to say what they are."""
    return {
        int(minute)
        for each in found
        for minute in range(
            int((each.start - START).total_seconds() // 60), int((each.end - START).total_seconds() // 60)
        )
    }


@given(st.lists(intervals()))
def test_merging_keeps_every_moment_and_leaves_gaps_between(found: list[Interval]) -> None:
    merged = merge(found)
    assert moments(merged) == moments(found)
    assert all(left.end < right.start for left, right in itertools.pairwise(merged))
    assert merge(merged) == merged
    assert merge(reversed(found)) == merged


@given(st.lists(intervals()), st.integers(0, 15))
def test_merging_over_a_gap_bridges_exactly_gaps_up_to_it(found: list[Interval], minutes: int) -> None:
    gap = timedelta(minutes=minutes)
    bridged = merge(found, gap)
    assert all(right.start - left.end > gap for left, right in itertools.pairwise(bridged))
    holes = [each for whole in bridged for each in subtract(whole, found)]
    assert all(hole.end - hole.start <= gap for hole in holes)
    assert merge(merge(found), gap) == bridged


@given(intervals(), st.lists(intervals()))
def test_subtracting_leaves_the_moments_not_taken(whole: Interval, taken: list[Interval]) -> None:
    left = subtract(whole, taken)
    assert moments(left) == moments([whole]) - moments(taken)
    assert left == merge(left)


@given(intervals(), intervals())
def test_two_overlap_when_they_share_a_moment(one: Interval, other: Interval) -> None:
    shared = moments([one]) & moments([other])
    common = one.intersect(other)
    assert one.overlaps(other) == other.overlaps(one) == bool(shared)
    assert moments([common] if common else []) == shared
    assert one.covers(other) == (moments([other]) <= moments([one]))
    assert common == other.intersect(one)


@given(intervals())
def test_the_start_belongs_to_it_and_the_end_does_not(each: Interval) -> None:
    assert each.contains(each.start)
    assert not each.contains(each.end)
    assert not each.overlaps(Interval(each.end, each.end + timedelta(minutes=1)))
    assert each.seconds == len(moments([each])) * 60


def test_times_are_aware_and_kept_in_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    each = Interval(datetime(2026, 10, 1, 9, tzinfo=tokyo), datetime(2026, 10, 1, 10, tzinfo=tokyo))
    assert (each.start, each.start.tzinfo) == (START, UTC)
    with pytest.raises(NaiveTime):
        Interval(datetime(2026, 10, 1), START)  # noqa: DTZ001  # the naive time is the point
    with pytest.raises(EmptyInterval):
        Interval(START, START)


def test_a_month_is_cut_at_local_midnights() -> None:
    tokyo = month(2026, 10, ZoneInfo("Asia/Tokyo"))
    assert tokyo == Interval(datetime(2026, 9, 30, 15, tzinfo=UTC), datetime(2026, 10, 31, 15, tzinfo=UTC))
    december = month(2026, 12, ZoneInfo("Asia/Tokyo"))
    assert december.end == datetime(2026, 12, 31, 15, tzinfo=UTC)


def test_a_month_with_a_clock_change_is_an_hour_shorter_or_longer() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert month(2026, 3, berlin).seconds == (31 * 24 - 1) * 3600
    assert month(2026, 10, berlin).seconds == (31 * 24 + 1) * 3600


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # bounds are naive
    st.sampled_from(("Asia/Tokyo", "Europe/Berlin", "America/New_York", "Pacific/Apia")),
)
def test_every_moment_lies_in_exactly_one_month(moment: datetime, zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    own = month_of(moment, zone)
    assert own.contains(moment)
    assert month_of(own.end, zone).start == own.end
    assert month_of(own.end - timedelta(microseconds=1), zone) == own


def test_a_month_is_written_with_four_and_two_digits() -> None:
    assert parse_month("2026-10") == (2026, 10)
    for wrong in ("2026-13", "2026", "26-10", "2026-10-01", "", "2026/10"):
        with pytest.raises(MonthInvalid):
            parse_month(wrong)


@pytest.mark.parametrize("text", ["2026-13", "2026", "", "2026-1x", "0001-01", "1999-12", "2200-01", "9999-12"])
def test_a_month_that_is_none_or_out_of_reach_is_refused(text: str) -> None:
    with pytest.raises(MonthInvalid):
        parse_month(text)
