"""A time zone as calendars carry it: RFC 5545 VTIMEZONE, one observance for each change of the clock.

Written here because the common libraries give the onset in the new offset; the RFC reads it in the old one
(`TZOFFSETFROM`), and an hour in spring would be off by one.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Component, Timezone, TimezoneDaylight, TimezoneStandard

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@lru_cache(maxsize=64)
def vtimezone(zone: ZoneInfo, first_year: int, last_year: int) -> Timezone:
    """The clock of `zone` from the start of `first_year` to the end of `last_year`."""
    start, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (first_year, last_year + 1))
    found = Timezone()
    found.add("tzid", zone.key)
    found.add_component(_observance(zone, start - DAY, start - DAY))
    for before, after in _changes(zone, start - DAY, end):
        found.add_component(_observance(zone, before, after))
    return found


def _changes(zone: ZoneInfo, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Where the clock of `zone` changes: the last second before and the first one after, in UTC."""
    found = []
    day = start
    while day < end:
        before, after = day, day + DAY
        if _clock(zone, before) != _clock(zone, after):
            while after - before > SECOND:
                middle = before + (after - before) // 2
                middle -= timedelta(microseconds=middle.microsecond)
                before, after = (middle, after) if _clock(zone, middle) == _clock(zone, before) else (before, middle)
            found.append((before, after))
        day += DAY
    return found


def _clock(zone: ZoneInfo, moment: datetime) -> tuple[timedelta | None, str | None]:
    local = moment.astimezone(zone)
    return local.utcoffset(), local.tzname()


def _observance(zone: ZoneInfo, before: datetime, after: datetime) -> Component:
    was, now = before.astimezone(zone), after.astimezone(zone)
    observance = TimezoneDaylight() if now.dst() else TimezoneStandard()
    old = was.utcoffset() or timedelta()
    observance.add("dtstart", (after + old).replace(tzinfo=None))
    observance.add("tzoffsetfrom", old)
    observance.add("tzoffsetto", now.utcoffset() or timedelta())
    observance.add("tzname", now.tzname())
    return observance
