"""Utilisation of a month: booked and used hours against open hours, and how much of it nobody can know."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from coop.interval import Interval, local_midnight, merge, overlap

SECONDS = ("open", "booked", "occupied", "occupied_booked", "running", "unknown")
RATIOS = {
    "booked_of_open": ("booked", "open"),
    "occupied_of_open": ("occupied", "open"),
    "running_of_open": ("running", "open"),
    "occupied_of_booked": ("occupied_booked", "booked"),
    "unknown_of_open": ("unknown", "open"),
}
"""Each share with its numerator and denominator, in seconds columns."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one machine in a month. Opening hours are already less outages."""

    open: Sequence[Interval]
    booked: Sequence[Interval] = ()
    occupied: Sequence[Interval] = ()
    running: Sequence[Interval] = ()
    known: Sequence[Interval] = field(default=())
    """When the signal said anything at all, running or idle."""


def buckets(evidence: Mapping[str, Evidence], month: Interval, zone: ZoneInfo, now: datetime) -> pd.DataFrame:
    """Seconds per machine and local day, all within open hours.

    Index: `machine_id` (str), `day` (date), every machine × every day of `month`. Columns, int64 seconds: `open`,
    `booked`, `occupied`, `occupied_booked` (occupied while booked), `running`, `unknown` (open, past, and no signal).
    """
    days = list(_days(month, zone))
    rows: dict[tuple[str, date], dict[str, int]] = {
        (machine_id, day): dict.fromkeys(SECONDS, 0) for machine_id in evidence for day in days
    }
    past = [Interval(month.start, now)] if now > month.start else []
    for machine_id, each in evidence.items():
        opened = overlap(merge(each.open), [month])
        booked, occupied = overlap(merge(each.booked), opened), overlap(merge(each.occupied), opened)
        silent = overlap(opened, past)
        measured = {
            "open": opened,
            "booked": booked,
            "occupied": occupied,
            "occupied_booked": overlap(occupied, booked),
            "running": overlap(merge(each.running), opened),
        }
        for column, intervals in measured.items():
            for day, seconds in _by_day(intervals, zone):
                rows[machine_id, day][column] += seconds
        heard: dict[date, int] = defaultdict(int)
        for day, seconds in _by_day(overlap(merge(each.known), silent), zone):
            heard[day] += seconds
        for day, seconds in _by_day(silent, zone):
            rows[machine_id, day]["unknown"] += seconds
        for day, seconds in heard.items():
            rows[machine_id, day]["unknown"] -= seconds
    index = pd.MultiIndex.from_tuples(list(rows), names=["machine_id", "day"])
    return pd.DataFrame(list(rows.values()), index=index, columns=list(SECONDS), dtype="int64")


def by_machine(seconds: pd.DataFrame) -> pd.DataFrame:
    """The month per machine: the day buckets added up, then divided.

    Index: `machine_id`. Columns: the seconds columns of `buckets` (int64) and the shares of `RATIOS` (float64, NaN
    where the denominator is zero).
    """
    return with_shares(seconds.groupby(level="machine_id", sort=False).sum())


def by_day(seconds: pd.DataFrame) -> pd.DataFrame:
    """The same per local day over all machines. Index: `day` (date)."""
    return with_shares(seconds.groupby(level="day", sort=True).sum())


def total(seconds: pd.DataFrame) -> pd.DataFrame:
    """The same over everything, as one row with index `total`: sums divided, never an average of shares."""
    return with_shares(seconds.sum().to_frame("total").T)


def with_shares(seconds: pd.DataFrame) -> pd.DataFrame:
    """`seconds` with a column for each share of `RATIOS`."""
    shares = {name: seconds[part] / seconds[whole].where(seconds[whole] > 0) for name, (part, whole) in RATIOS.items()}
    return seconds.assign(**shares)


def _days(month: Interval, zone: ZoneInfo) -> Iterator[date]:
    day, last = month.start.astimezone(zone).date(), (month.end - timedelta(microseconds=1)).astimezone(zone).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def _by_day(intervals: Iterable[Interval], zone: ZoneInfo) -> Iterator[tuple[date, int]]:
    """The seconds of each interval, cut at local midnights."""
    for each in intervals:
        for day in _days(each, zone):
            midnight = Interval(local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone))
            part = each.intersect(midnight)
            if part:
                yield day, part.seconds
