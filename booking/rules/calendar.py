"""When a machine is open: its weekly hours without public holidays and closures, and openings beyond them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from coop.errors import Invalid
from coop.interval import Interval, local_midnight, merge, subtract
from coop.machines import OpeningHours
from coop.machines import open_intervals as weekly_intervals


class CountryUnknown(Invalid):
    """The public holidays of this country are not known."""

    code = "booking.country_unknown"


@dataclass(frozen=True, slots=True)
class HolidayClosing:
    """Closed on the public holidays of `country` (ISO 3166, `JP`) on local days in `[valid_from, valid_until)`."""

    country: str
    valid_from: date
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class CalendarException:
    """Closed for a time, or open against weekly hours, holidays and closures (`opens`)."""

    during: Interval
    opens: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """All that decides when a machine is open; hours and holidays are read in `zone`."""

    hours: tuple[OpeningHours, ...]
    zone: ZoneInfo
    closings: tuple[HolidayClosing, ...] = ()
    exceptions: tuple[CalendarException, ...] = ()

    def open_intervals(self, window: Interval) -> list[Interval]:
        """When the machine is open within `window`, merged and sorted. An extra opening wins over every closing."""
        closed = [*(each.during for each in self.exceptions if not each.opens), *self._closed_days(window)]
        extra = [each.during.intersect(window) for each in self.exceptions if each.opens]
        weekly = weekly_intervals(self.hours, window, self.zone)
        usual = [rest for hours in weekly for rest in subtract(hours, closed)]
        return merge([*usual, *(each for each in extra if each is not None)])

    def day(self, day: date) -> Interval:
        """The whole of a local day."""
        return Interval(local_midnight(day, self.zone), local_midnight(day + timedelta(days=1), self.zone))

    def _closed_days(self, window: Interval) -> Iterator[Interval]:
        if not self.closings:
            return
        day, last = window.start.astimezone(self.zone).date(), window.end.astimezone(self.zone).date()
        while day <= last:
            if any(_closes(each, day) for each in self.closings):
                yield self.day(day)
            day += timedelta(days=1)


@cache
def public_holidays(country: str, year: int) -> frozenset[date]:
    """The public holidays of a year, substitute days included; raises `CountryUnknown`."""
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:  # what the library raises for a country that it does not know
        raise CountryUnknown(country=country) from None


def _closes(closing: HolidayClosing, day: date) -> bool:
    valid = closing.valid_from <= day and (closing.valid_until is None or day < closing.valid_until)
    return valid and day in public_holidays(closing.country, day.year)
