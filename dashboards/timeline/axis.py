"""Which days the timeline shows, and which hours of them: those in which anything is open, booked or running."""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from coop.interval import Interval, local_midnight

WORKING_HOURS = (8, 18)
"""Shown of days on which nothing is open."""


class Scale(StrEnum):
    """How much the timeline shows at once."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Span:
    """The days that one page shows, `first` to before `after`; all of them are whole local days."""

    scale: Scale
    first: date
    after: date

    @property
    def days(self) -> list[date]:
        """Each day."""
        return [self.first + timedelta(days=number) for number in range((self.after - self.first).days)]

    def window(self, zone: ZoneInfo) -> Interval:
        """The time shown, from midnight to midnight."""
        return Interval(local_midnight(self.first, zone), local_midnight(self.after, zone))


@dataclass(frozen=True, slots=True)
class ShownDay:
    """One day on the axis: `hours` is what is drawn of it, in whole local hours."""

    day: date
    hours: Interval


def span(scale: Scale, day: date) -> Span:
    """The day itself, its week from Monday on, or its month."""
    match scale:
        case Scale.DAY:
            first, length = day, 1
        case Scale.WEEK:
            first, length = day - timedelta(days=day.weekday()), 7
        case Scale.MONTH:
            first = day.replace(day=1)
            length = monthrange(first.year, first.month)[1]
    return Span(scale, first, first + timedelta(days=length))


def beside(shown: Span) -> tuple[date, date]:
    """Days in the page before and the page after."""
    return shown.first - timedelta(days=1), shown.after


def shown_days(shown: Span, zone: ZoneInfo, drawn: Iterable[Interval]) -> list[ShownDay]:
    """The axis: the same clock hours of each day, the fewest that show all of `drawn` between its first and last."""
    starts = {day: local_midnight(day, zone) for day in [*shown.days, shown.after]}
    first, last = _hours(shown, zone, drawn)
    found = []
    for day in shown.days:
        whole = Interval(starts[day], starts[day + timedelta(days=1)])
        start, end = whole.start + timedelta(hours=first), whole.start + timedelta(hours=last)
        found.append(ShownDay(day, Interval(start, whole.end if last == 24 else end)))
    return found


def _hours(shown: Span, zone: ZoneInfo, drawn: Iterable[Interval]) -> tuple[int, int]:
    window = shown.window(zone)
    first, last = 24, 0
    for each in drawn:
        if (seen := each.intersect(window)) is None:
            continue
        start, end = seen.start.astimezone(zone), (seen.end - timedelta(microseconds=1)).astimezone(zone)
        if start.date() != end.date():
            return 0, 24
        first, last = min(first, start.hour), max(last, end.hour + 1)
    return (first, last) if first < last else WORKING_HOURS


def on_axis(days: Sequence[ShownDay]) -> Interval:
    """From the first hour shown to the last."""
    return Interval(days[0].hours.start, days[-1].hours.end)
