"""When a statement is due: by the closing rule, shifted off the days on which banks are closed."""

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

import holidays

from billing.documents.model import Shift


def due_date(month: date, months: int, day: int, shift: Shift) -> date:
    """The `day` of the `months`th month after `month` (its last day where it is shorter), on an open bank day.

    `month` is the first day of the month that is charged. Days other than bank days are Saturdays, Sundays, public
    holidays and the last and first days of the year (銀行法施行令 第5条).
    """
    year, index = divmod(month.year * 12 + month.month - 1 + months, 12)
    due = date(year, index + 1, min(day, calendar.monthrange(year, index + 1)[1]))
    return next(each for each in _days(due, shift) if shift is Shift.NONE or is_bank_day(each))


def is_bank_day(day: date) -> bool:
    """Whether banks in Japan settle payments on this day."""
    return day.weekday() < 5 and day not in _bank_holidays(day.year)


def _days(start: date, shift: Shift) -> Iterator[date]:
    step = timedelta(days=-1 if shift is Shift.EARLIER else 1)
    while True:
        yield start
        start += step


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("JP", years=year, categories=("public", "bank")))
