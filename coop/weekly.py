"""Weekly hours as people write them: `Mo-Fr 08:30-12:00,13:00-17:15; Sa 09:00-12:00`, or 月-金 for the days."""

import re
from dataclasses import dataclass
from datetime import time
from itertools import groupby, pairwise

from coop.cells import CellMalformed, plain
from coop.tables import Cell

EXAMPLE = "月-金 08:30-12:00,13:00-17:15; 土 09:00-12:00"
_DAYS = {"ja": "月火水木金土日", "en": ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")}
_NUMBER = {name.lower(): number for names in _DAYS.values() for number, name in enumerate(names, start=1)}
_GROUP = re.compile(r"(?P<days>[^\d\s]+(?:\s*,\s*[^\d\s]+)*)\s+(?P<times>[\d:,\s~〜–-]+)")
_TIMES = re.compile(r"(\d{1,2}):(\d{2})[-~〜–](\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Week:
    """Open hours of a week, by ISO weekday and time; `time.max` as an end stands for midnight."""

    hours: tuple[tuple[int, time, time], ...] = ()

    def written(self, locale: str) -> str:
        """The week as `read` reads it, with the names of the days in the language of `locale`."""
        by_day = {
            day: ",".join(f"{opens:%H:%M}-{_closing(closes)}" for _, opens, closes in each)
            for day, each in groupby(self.hours, key=lambda each: each[0])
        }
        runs: list[tuple[int, int, str]] = []
        for day, times in by_day.items():
            if runs and runs[-1][1] == day - 1 and runs[-1][2] == times:
                runs[-1] = (runs[-1][0], day, times)
            else:
                runs.append((day, day, times))
        names = _DAYS[locale]
        return "; ".join(
            f"{names[first - 1]}{f'-{names[last - 1]}' if last > first else ''} {times}" for first, last, times in runs
        )


def read(cell: Cell) -> Week:
    """The week that a cell says; raises `CellMalformed`, also for hours that overlap."""
    found: list[tuple[int, time, time]] = []
    for group in filter(None, (each.strip() for each in re.split("[;\n]", plain(cell).replace("、", ",")))):
        said = _GROUP.fullmatch(group)
        if said is None:
            raise CellMalformed(example=EXAMPLE)
        times = [_span(each.strip()) for each in said["times"].split(",")]
        found += [(day, *span) for day in _days(said["days"]) for span in times]
    found.sort()
    if any(one[0] == other[0] and one[2] > other[1] for one, other in pairwise(found)):
        raise CellMalformed(example=EXAMPLE)
    return Week(tuple(found))


def _days(written: str) -> list[int]:
    days: list[int] = []
    for each in written.split(","):
        first, _, last = each.strip().partition("-")
        numbers = [_NUMBER.get(name.strip().lower()) for name in (first, last or first)]
        low, high = numbers
        if low is None or high is None or high < low:
            raise CellMalformed(example=EXAMPLE)
        days += range(low, high + 1)
    return days


def _span(written: str) -> tuple[time, time]:
    said = _TIMES.fullmatch(written)
    if said is None:
        raise CellMalformed(example=EXAMPLE)
    first, second, third, fourth = (int(each) for each in said.groups())
    try:
        opens, closes = time(first, second), time.max if (third, fourth) == (24, 0) else time(third, fourth)
    except ValueError:
        raise CellMalformed(example=EXAMPLE) from None
    if closes <= opens:
        raise CellMalformed(example=EXAMPLE)
    return opens, closes


def _closing(closes: time) -> str:
    return "24:00" if closes == time.max else f"{closes:%H:%M}"
