"""Half-open intervals of aware time: the one shape that reservations, usage and months share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from coop.errors import Invalid


class NaiveTime(Invalid):
    """A time without an offset was given."""

    code = "coop.naive_time"


class EmptyInterval(Invalid):
    """An interval must end after it starts."""

    code = "coop.empty_interval"


YEARS = range(2000, 2200)
"""Years that a cooperative lives in. At the ends of the calendar a neighbouring month or another zone overflows."""


def aware(moment: datetime) -> datetime:
    """The same moment in UTC; raise `NaiveTime` if it has no offset."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise NaiveTime(value=moment.isoformat())
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """`[start, end)` in UTC, never empty."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC or self.end.tzinfo is not UTC:  # nearly never: a million are made a settlement
            object.__setattr__(self, "start", aware(self.start))
            object.__setattr__(self, "end", aware(self.end))
        if self.end <= self.start:
            raise EmptyInterval(start=self.start.isoformat(), end=self.end.isoformat())

    @classmethod
    def of(cls, start: datetime, length: timedelta) -> Self:
        """The interval of `length` that starts at `start`."""
        return cls(start, start + length)

    @property
    def seconds(self) -> int:
        """Length in whole seconds, rounded down."""
        length = self.end - self.start
        return length.days * 86_400 + length.seconds

    def contains(self, moment: datetime) -> bool:
        """Whether `moment` lies in `[start, end)`."""
        return self.start <= moment < self.end

    def covers(self, other: "Interval") -> bool:
        """Whether all of `other` lies within this interval."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: "Interval") -> bool:
        """Whether the two share at least one moment; touching ends do not."""
        return self.start < other.end and other.start < self.end

    def intersect(self, other: "Interval") -> "Interval | None":
        """What both share, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Interval(start, end) if start < end else None


def merge(intervals: Iterable[Interval], gap: timedelta = timedelta(0)) -> list[Interval]:
    """The union, sorted; stretches at most `gap` apart become one."""
    merged: list[Interval] = []
    for each in sorted(intervals):
        if merged and each.start - merged[-1].end <= gap:
            if each.end > merged[-1].end:
                merged[-1] = Interval(merged[-1].start, each.end)
        else:
            merged.append(each)
    return merged


def overlap(some: Sequence[Interval], others: Sequence[Interval]) -> list[Interval]:
    """What lies in both; each side is sorted and disjoint."""
    common: list[Interval] = []
    left = right = 0
    while left < len(some) and right < len(others):
        both = some[left].intersect(others[right])
        if both:
            common.append(both)
        if some[left].end <= others[right].end:
            left += 1
        else:
            right += 1
    return common


def subtract(whole: Interval, taken: Iterable[Interval]) -> list[Interval]:
    """What is left of `whole` without `taken`, sorted."""
    left: list[Interval] = []
    cursor = whole.start
    for each in merge(taken):
        if each.end <= cursor or each.start >= whole.end:
            continue
        if each.start > cursor:
            left.append(Interval(cursor, each.start))
        cursor = max(cursor, each.end)
    if cursor < whole.end:
        left.append(Interval(cursor, whole.end))
    return left


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which `day` begins in `zone`, in UTC."""
    return datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)


def day_of(day: date, zone: ZoneInfo) -> Interval:
    """A whole local day, however long it is."""
    return Interval(local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone))


def month(year: int, number: int, zone: ZoneInfo) -> Interval:
    """The calendar month `number` (1-12) of `year`, cut at local midnights of `zone`."""
    following = date(year + number // 12, number % 12 + 1, 1)
    return Interval(local_midnight(date(year, number, 1), zone), local_midnight(following, zone))


def month_of(moment: datetime, zone: ZoneInfo) -> Interval:
    """The calendar month of `zone` in which `moment` lies."""
    local = aware(moment).astimezone(zone)
    return month(local.year, local.month, zone)


def parse_month(text: str) -> tuple[int, int]:
    """`2026-10` → (2026, 10); raise `MonthInvalid` otherwise, and beyond `YEARS`."""
    try:
        parsed = datetime.strptime(f"{text}-01", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise MonthInvalid(value=text) from None
    if parsed.year not in YEARS:
        raise MonthInvalid(value=text)
    return parsed.year, parsed.month


class MonthInvalid(Invalid):
    """A month is written YYYY-MM."""

    code = "coop.month_invalid"
