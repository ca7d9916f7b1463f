"""When a machine is open: holidays as the Cabinet Office prints them, closures, extra openings, midnight, DST."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.calendar import Calendar, CalendarException, CountryUnknown, HolidayClosing, public_holidays
from coop.interval import Interval, merge
from coop.machines import OpeningHours

TOKYO, BERLIN = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin")
WEEKDAYS = tuple(OpeningHours("cmm-1", day, time(9), time(18)) for day in range(1, 6))
ALWAYS = tuple(OpeningHours("cmm-1", day, time(0), time.max) for day in range(1, 8))
HOUR = timedelta(hours=1)

# 国民の祝日, from the list that the Cabinet Office publishes (内閣府「国民の祝日」について), 2026.
OF_2026 = """2026-01-01 2026-01-12 2026-02-11 2026-02-23 2026-03-20 2026-04-29 2026-05-03 2026-05-04 2026-05-05
2026-05-06 2026-07-20 2026-08-11 2026-09-21 2026-09-22 2026-09-23 2026-10-12 2026-11-03 2026-11-23"""


def local(text: str, zone: ZoneInfo = TOKYO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def span(start: str, end: str, zone: ZoneInfo = TOKYO) -> Interval:
    return Interval(local(start, zone), local(end, zone))


def test_the_holidays_of_2026() -> None:
    assert public_holidays("JP", 2026) == {date.fromisoformat(day) for day in OF_2026.split()}


def test_a_country_that_is_not_known() -> None:
    with pytest.raises(CountryUnknown):
        public_holidays("XX", 2026)


@pytest.mark.parametrize(
    ("closing", "days_open"),
    [
        (None, [21, 22, 23, 24, 25]),
        (HolidayClosing("JP", date(2020, 1, 1)), [24, 25]),
        (HolidayClosing("JP", date(2026, 9, 22)), [21, 24, 25]),
        (HolidayClosing("JP", date(2020, 1, 1), date(2026, 9, 23)), [23, 24, 25]),
        (HolidayClosing("DE", date(2020, 1, 1)), [21, 22, 23, 24, 25]),
    ],
)
def test_silver_week(closing: HolidayClosing | None, days_open: list[int]) -> None:
    """21 to 23 September 2026: 敬老の日, 国民の休日, 秋分の日."""
    calendar = Calendar(WEEKDAYS, TOKYO, (closing,) if closing else ())
    opened = calendar.open_intervals(span("2026-09-21T00:00", "2026-09-28T00:00"))
    assert opened == [span(f"2026-09-{day}T09:00", f"2026-09-{day}T18:00") for day in days_open]


def test_a_holiday_is_a_local_day() -> None:
    """3 November from midnight to midnight in Tokyo, on a machine that never closes otherwise."""
    calendar = Calendar(ALWAYS, TOKYO, (HolidayClosing("JP", date(2020, 1, 1)),))
    opened = calendar.open_intervals(span("2026-11-02T22:00", "2026-11-04T02:00"))
    assert opened == [
        span("2026-11-02T22:00", "2026-11-03T00:00"),
        span("2026-11-04T00:00", "2026-11-04T02:00"),
    ]


def test_an_extra_opening_wins_over_holiday_and_closure() -> None:
    during = span("2026-11-03T10:00", "2026-11-03T12:00")
    closed = CalendarException(span("2026-11-02T00:00", "2026-11-05T00:00"), opens=False)
    opens = CalendarException(during, opens=True)
    calendar = Calendar(WEEKDAYS, TOKYO, (HolidayClosing("JP", date(2020, 1, 1)),), (opens, closed))
    assert calendar.open_intervals(span("2026-11-02T00:00", "2026-11-05T00:00")) == [during]
    assert calendar.open_intervals(span("2026-11-03T11:00", "2026-11-03T15:00")) == [
        span("2026-11-03T11:00", "2026-11-03T12:00")
    ]


def test_an_extra_opening_joins_the_usual_hours() -> None:
    late = CalendarException(span("2026-11-04T18:00", "2026-11-05T02:00"), opens=True)
    calendar = Calendar(WEEKDAYS, TOKYO, (), (late,))
    window = span("2026-11-04T00:00", "2026-11-05T00:00")
    assert calendar.open_intervals(window) == [span("2026-11-04T09:00", "2026-11-05T00:00")]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_a_closed_day_is_as_long_as_the_day(day: str, hours: int) -> None:
    calendar = Calendar(ALWAYS, BERLIN)
    whole = calendar.day(date.fromisoformat(day))
    assert whole.seconds == hours * 3600
    around = Interval(whole.start - HOUR, whole.end + HOUR)
    closed = Calendar(ALWAYS, BERLIN, (), (CalendarException(whole, opens=False),))
    assert closed.open_intervals(around) == [
        Interval.of(whole.start - HOUR, HOUR),
        Interval.of(whole.end, HOUR),
    ]


moments = st.integers(0, 14 * 96).map(
    lambda quarter: datetime(2026, 10, 19, tzinfo=UTC) + quarter * timedelta(minutes=15)
)


@st.composite
def exceptions(draw: st.DrawFn) -> CalendarException:
    return CalendarException(
        Interval.of(draw(moments), draw(st.integers(1, 40)) * timedelta(minutes=15)), opens=draw(st.booleans())
    )


@given(st.lists(exceptions(), max_size=6), moments, st.integers(1, 400), st.sampled_from([TOKYO, BERLIN]))
def test_a_moment_is_open_or_not_whatever_window_is_asked(
    found: list[CalendarException], start: datetime, quarters: int, zone: ZoneInfo
) -> None:
    """The rule for one moment: an opening, or its weekly hours without closure. A window says the same of each."""
    calendar = Calendar(WEEKDAYS, zone, (), tuple(found))
    window = Interval.of(start, quarters * timedelta(minutes=15))
    opened = calendar.open_intervals(window)
    assert opened == merge(opened)
    for number in range(quarters):
        moment = start + number * timedelta(minutes=15)
        clock = moment.astimezone(zone)
        usual = clock.isoweekday() <= 5 and time(9) <= clock.time() < time(18)
        closed = any(each.during.contains(moment) for each in found if not each.opens)
        extra = any(each.during.contains(moment) for each in found if each.opens)
        assert any(each.contains(moment) for each in opened) == (extra or (usual and not closed))
