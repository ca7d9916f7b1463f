"""Utilisation: what is divided by what, where a day ends, and that unknown is never idle."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coop.interval import Interval, merge, month, overlap
from dashboards.reports.utilisation import RATIOS, SECONDS, Evidence, buckets, by_day, by_machine, total

TOKYO = ZoneInfo("Asia/Tokyo")
OCTOBER = month(2026, 10, TOKYO)
LATER = datetime(2026, 12, 1, tzinfo=UTC)


def at(day: int, start: float, end: float) -> Interval:
    """Local hours of a day in October."""
    midnight = datetime(2026, 10, day, tzinfo=TOKYO)
    return Interval(midnight + timedelta(hours=start), midnight + timedelta(hours=end))


def test_a_day_that_can_be_checked_by_hand() -> None:
    """Open 8-18. Booked 9-13. Occupied 9:30-12 and 17-19. Ran 10-11 and 18-19 (closed). Heard 8-15."""
    evidence = Evidence(
        open=[at(5, 8, 18)],
        booked=[at(5, 9, 13)],
        occupied=[at(5, 9.5, 12), at(5, 17, 19)],
        running=[at(5, 10, 11), at(5, 18, 19)],
        known=[at(5, 8, 15)],
    )
    row = by_machine(buckets({"cmm-1": evidence}, OCTOBER, TOKYO, LATER)).loc["cmm-1"]
    hours = {name: row[name] / 3600 for name in SECONDS}
    assert hours == {"open": 10, "booked": 4, "occupied": 3.5, "occupied_booked": 2.5, "running": 1, "unknown": 3}
    shares = {name: row[name] for name in RATIOS}
    assert shares == {
        "booked_of_open": 0.4,
        "occupied_of_open": 0.35,
        "running_of_open": 0.1,
        "occupied_of_booked": 0.625,
        "unknown_of_open": 0.3,
    }


def test_a_machine_that_says_nothing_is_unknown_and_not_idle() -> None:
    row = by_machine(buckets({"hv-1": Evidence(open=[at(5, 8, 18)])}, OCTOBER, TOKYO, LATER)).loc["hv-1"]
    assert (row["unknown_of_open"], row["running_of_open"]) == (1.0, 0.0)


def test_what_has_not_happened_yet_is_not_unknown() -> None:
    noon = at(5, 12, 13).start
    row = by_machine(buckets({"hv-1": Evidence(open=[at(5, 8, 18)])}, OCTOBER, TOKYO, noon)).loc["hv-1"]
    assert row["unknown"] == 4 * 3600


def test_the_whole_is_the_sum_divided_and_not_the_mean_of_shares() -> None:
    busy = Evidence(open=[at(5, 8, 10)], booked=[at(5, 8, 10)])
    idle = Evidence(open=[at(5, 8, 16)])
    frame = total(buckets({"a": busy, "b": idle}, OCTOBER, TOKYO, LATER))
    assert frame.loc["total", "booked_of_open"] == pytest.approx(0.2)  # 2 of 10 hours; the mean of shares is 0.5


def test_days_are_cut_at_local_midnight() -> None:
    night = Evidence(open=[at(5, 0, 48)], running=[at(5, 22, 27)])
    days = by_day(buckets({"ct-1": night}, OCTOBER, TOKYO, LATER))["running"] / 3600
    assert (days[date(2026, 10, 5)], days[date(2026, 10, 6)]) == (2, 3)


def test_a_share_of_nothing_is_not_a_number() -> None:
    row = by_machine(buckets({"a": Evidence(open=[])}, OCTOBER, TOKYO, LATER)).loc["a"]
    assert pd.isna(row["booked_of_open"])


def test_shape_as_documented() -> None:
    frame = buckets({"a": Evidence(open=[at(1, 8, 9)]), "b": Evidence(open=[])}, OCTOBER, TOKYO, LATER)
    assert frame.index.names == ["machine_id", "day"]
    assert len(frame) == 2 * 31
    assert {str(kind) for kind in frame.dtypes} == {"int64"}
    assert list(by_machine(frame).columns) == [*SECONDS, *RATIOS]


MINUTES = st.integers(0, 31 * 24 * 60 - 1)
STRETCHES = st.lists(
    st.tuples(MINUTES, st.integers(1, 3000)).map(
        lambda pair: Interval.of(OCTOBER.start + timedelta(minutes=pair[0]), timedelta(minutes=pair[1]))
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=50)
@given(opened=STRETCHES, booked=STRETCHES, running=STRETCHES, known=STRETCHES)
def test_nothing_is_lost_between_days_machines_and_the_whole(
    opened: list[Interval], booked: list[Interval], running: list[Interval], known: list[Interval]
) -> None:
    evidence = {"a": Evidence(opened, booked, running, running, known), "b": Evidence(booked, opened)}
    frame = buckets(evidence, OCTOBER, TOKYO, LATER)
    whole = total(frame).loc["total"]
    for column in SECONDS:
        assert by_machine(frame)[column].sum() == by_day(frame)[column].sum() == whole[column]
    assert (frame["unknown"] >= 0).all()
    assert (frame[["booked", "occupied", "running", "unknown"]].le(frame["open"], axis=0)).all(axis=None)


@settings(deadline=None, max_examples=50)
@given(STRETCHES, STRETCHES)
def test_overlap_holds_exactly_the_moments_of_both(some: list[Interval], others: list[Interval]) -> None:
    left, right = merge(some), merge(others)
    both = overlap(left, right)
    assert sum(each.seconds for each in both) == (
        sum(each.seconds for each in left)
        + sum(each.seconds for each in right)
        - sum(e.seconds for e in merge([*left, *right]))
    )
    assert all(any(each.covers(part) for each in left) and any(each.covers(part) for each in right) for part in both)
