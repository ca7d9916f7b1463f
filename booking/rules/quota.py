"""How much a member or a person may have at once, or book in a week or month; counted under its lock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from coop.interval import Interval, local_midnight, month_of


class Counted(StrEnum):
    """Whose reservations a quota counts."""

    MEMBER = "member"
    PERSON = "person"


class Span(StrEnum):
    """What a quota counts: reservations that are not over, or minutes by the local week or month of their start."""

    AT_ONCE = "at_once"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit and what is used of it, the wanted slot not counted: reservations for `AT_ONCE`, else minutes."""

    counted: Counted
    span: Span
    most: int
    used: int

    def left_after(self, wanted: Interval, now: datetime) -> int:
        """What would be left with `wanted`; below zero it is too much. What is over is not had at once."""
        if self.span is Span.AT_ONCE:
            return self.most - self.used - (1 if wanted.end > now else 0)
        return self.most - self.used - -(-wanted.seconds // 60)


def week_of(moment: datetime, zone: ZoneInfo) -> Interval:
    """The local week, Monday to Sunday, in which `moment` lies."""
    day = moment.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    return Interval(local_midnight(monday, zone), local_midnight(monday + timedelta(days=7), zone))


def spans(moment: datetime, zone: ZoneInfo) -> dict[Span, Interval]:
    """The week and the month in which a slot that starts at `moment` counts."""
    return {Span.WEEK: week_of(moment, zone), Span.MONTH: month_of(moment, zone)}
