"""The rules of a slot as tables: midnight, clock changes, the past, the grid."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from booking.model import Terms
from booking.rules.policy import Question, judge, latest_end, on_grid_after, on_grid_before
from coop.interval import Interval
from coop.machines import OpeningHours

TOKYO, BERLIN, KATHMANDU = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
WEEKDAYS = tuple(OpeningHours("cmm-1", day, time(9), time(18)) for day in range(1, 6))
ALWAYS = tuple(OpeningHours("cmm-1", day, time(0), time.max) for day in range(1, 8))
TERMS = Terms("cmm-1", True, timedelta(0), timedelta(0), 15, 30, 480, 30, WEEKDAYS, TOKYO)
MONDAY = "2026-10-05"


def local(text: str, zone: ZoneInfo = TOKYO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def slot(start: str, end: str, zone: ZoneInfo = TOKYO) -> Interval:
    return Interval(local(start, zone), local(end, zone))


def codes(question: Question) -> list[str]:
    return [denial.code.removeprefix("booking.") for denial in judge(question)]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (f"{MONDAY}T10:00", f"{MONDAY}T12:00", []),
        (f"{MONDAY}T09:00", f"{MONDAY}T09:30", []),
        (f"{MONDAY}T10:00", f"{MONDAY}T18:00", []),
        (f"{MONDAY}T08:45", f"{MONDAY}T09:45", ["outside_opening_hours"]),
        (f"{MONDAY}T17:30", f"{MONDAY}T18:15", ["outside_opening_hours"]),
        ("2026-10-04T10:00", "2026-10-04T12:00", ["outside_opening_hours"]),
        (f"{MONDAY}T10:05", f"{MONDAY}T12:00", ["off_grid"]),
        (f"{MONDAY}T10:00", f"{MONDAY}T12:00:01", ["off_grid"]),
        (f"{MONDAY}T10:00", f"{MONDAY}T10:15", ["too_short"]),
        (f"{MONDAY}T09:00", f"{MONDAY}T17:15", ["too_long"]),
        ("2026-10-02T08:45", "2026-10-02T09:45", ["in_the_past", "outside_opening_hours"]),
        ("2026-11-01T23:50", "2026-11-02T00:00", ["outside_opening_hours", "off_grid", "too_short"]),
        ("2026-11-03T10:00", "2026-11-03T11:00", ["beyond_horizon"]),
    ],
)
def test_a_wish_on_friday_evening(start: str, end: str, expected: list[str]) -> None:
    friday_evening = local("2026-10-02T19:00")
    assert codes(Question(slot(start, end), TERMS, friday_evening)) == expected


def test_a_denial_says_what_would_be_allowed() -> None:
    noon = OpeningHours("cmm-1", 1, time(9), time(12)), OpeningHours("cmm-1", 1, time(13), time.max)
    asked = Question(slot(f"{MONDAY}T12:05", f"{MONDAY}T12:10"), replace(TERMS, hours=noon), local("2026-10-02T19:00"))
    assert {denial.code: denial.params for denial in judge(asked)} == {
        "booking.outside_opening_hours": {"open": "09:00–12:00, 13:00–24:00"},
        "booking.off_grid": {"minutes": 15},
        "booking.too_short": {"minutes": 30},
    }


def test_who_comes_in_may_begin_with_the_running_quarter_hour() -> None:
    now = local(f"{MONDAY}T10:14:59")
    assert codes(Question(slot(f"{MONDAY}T10:00", f"{MONDAY}T11:00"), TERMS, now)) == []
    assert codes(Question(slot(f"{MONDAY}T09:45", f"{MONDAY}T11:00"), TERMS, now)) == ["in_the_past"]


@pytest.mark.parametrize(
    ("now", "start", "end", "expected"),
    [
        ("09:00", "10:30", "11:30", []),
        ("09:00", "09:00", "10:00", []),
        ("10:20", "10:00", "13:00", []),
        ("10:20", "10:00", "10:30", []),
        ("11:20", "10:00", "11:15", ["in_the_past"]),
        ("10:20", "10:30", "12:00", ["has_begun"]),
        ("10:20", "09:45", "12:00", ["has_begun"]),
        ("12:00", "10:00", "13:00", ["is_over"]),
        ("12:30", "14:00", "15:00", ["is_over"]),
    ],
)
def test_moving_a_reservation_from_ten_to_noon(now: str, start: str, end: str, expected: list[str]) -> None:
    held = slot(f"{MONDAY}T10:00", f"{MONDAY}T12:00")
    wanted = slot(f"{MONDAY}T{start}", f"{MONDAY}T{end}")
    question = Question(wanted, TERMS, local(f"{MONDAY}T{now}"), held=held)
    assert codes(question) == expected
    assert codes(replace(question, records_past=True)) == []


def test_a_slot_may_pass_midnight_where_the_machine_stays_open() -> None:
    over_midnight = slot(f"{MONDAY}T22:00", "2026-10-06T02:00")
    now = local("2026-10-02T19:00")
    assert codes(Question(over_midnight, replace(TERMS, hours=ALWAYS), now)) == []
    until_2359 = tuple(replace(each, closes=time(23, 59)) for each in ALWAYS)
    assert codes(Question(over_midnight, replace(TERMS, hours=until_2359), now)) == ["outside_opening_hours"]


def test_clock_changes_make_a_night_an_hour_longer_or_shorter() -> None:
    """Berlin 2026: 29 March 02:00 does not exist until 03:00; 25 October 02:00-03:00 comes twice."""
    always = replace(TERMS, hours=ALWAYS, zone=BERLIN)
    spring = slot("2026-03-29T01:00", "2026-03-29T04:00", BERLIN)
    autumn = slot("2026-10-25T01:00", "2026-10-25T04:00", BERLIN)
    assert (spring.seconds, autumn.seconds) == (2 * 3600, 4 * 3600)
    for each in (spring, autumn):
        allowed = replace(always, longest_minutes=each.seconds // 60)
        assert codes(Question(each, allowed, each.start - timedelta(days=3))) == []
        shorter = replace(always, longest_minutes=each.seconds // 60 - 1)
        assert codes(Question(each, shorter, each.start - timedelta(days=3))) == ["too_long"]


def test_opening_hours_are_local_on_both_sides_of_a_clock_change() -> None:
    berlin = replace(TERMS, zone=BERLIN)
    for day, utc_hour in (("2026-10-23", 7), ("2026-10-26", 8)):
        first = Interval.of(datetime.fromisoformat(f"{day}T{utc_hour:02}:00Z"), timedelta(hours=1))
        now = first.start - timedelta(days=1)
        assert codes(Question(first, berlin, now)) == []
        earlier = Interval(first.start - timedelta(minutes=15), first.end)
        assert codes(Question(earlier, berlin, now)) == ["outside_opening_hours"]


def test_the_horizon_ends_with_a_local_day() -> None:
    now = datetime(2026, 10, 1, 16, tzinfo=UTC)  # 2 October 01:00 in Tokyo
    assert latest_end(TERMS, now) == local("2026-11-02T00:00")


def test_the_grid_is_counted_from_the_local_hour() -> None:
    """Kathmandu is 5:45 ahead: its full hours are at :15 UTC."""
    half_hours = replace(TERMS, granularity_minutes=30, zone=KATHMANDU)
    moment = datetime(2026, 10, 5, 4, 20, tzinfo=UTC)
    assert on_grid_before(half_hours, moment) == datetime(2026, 10, 5, 4, 15, tzinfo=UTC)
    assert on_grid_after(half_hours, moment) == datetime(2026, 10, 5, 4, 45, tzinfo=UTC)
    assert on_grid_after(half_hours, datetime(2026, 10, 5, 4, 45, tzinfo=UTC)).minute == 45
