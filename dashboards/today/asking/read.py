"""A request as a whole: its words taken one kind after the other, then the window and the length that they mean."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from booking.services.model import ServiceKind
from coop.errors import Invalid
from coop.interval import Interval, local_midnight
from dashboards.today.asking import clocks, days
from dashboards.today.asking.reading import NotRead, Reading, whole
from dashboards.today.asking.words import FILLERS, KINDS, SERVICES

USUAL_LENGTH = timedelta(hours=1)
LONGEST = timedelta(hours=24)
AHEAD = timedelta(days=7)
"""How far is looked where no day is named."""


class NotInThePast(Invalid):
    """The time that a quick request names is over."""

    code = "asking.in_the_past"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was read. `kind` and `machine_id` are None where any machine will do."""

    window: Interval
    length: timedelta
    kind: str | None = None
    machine_id: str | None = None
    service: ServiceKind = ServiceKind.SELF_USE


@dataclass(frozen=True, slots=True)
class Named:
    """A machine that may be named."""

    machine_id: str
    kind: str
    names: tuple[str, ...]


def read(text: str, machines: Sequence[Named], now: datetime, zone: ZoneInfo) -> Asked:
    """What `text` asks for. Raises `NotRead` with the words that mean nothing here, or if nothing is said at all.

    Without a day it is the next week; 3時 is the afternoon, as nobody means the night; 9時から is the earliest start.
    """
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    reading = Reading(plain, now.astimezone(zone).date())
    _machine(reading, machines)
    _words(reading, "service", SERVICES)
    clocks.length(reading)
    clocks.stretch(reading)
    days.day(reading)
    clocks.clock(reading)
    clocks.part(reading)
    left = re.sub("|".join(FILLERS), " ", reading.text)
    left = re.sub(r"[\s、。,.!?~・のにではをがとへもか-]+", " ", left).strip()
    if left or not plain:
        raise NotRead(words=left or "—")
    return _asked(reading, now, zone)


def _machine(reading: Reading, machines: Sequence[Named]) -> None:
    """A machine by its name or key, the longest name first; else a kind."""
    named = {name: each for each in machines for name in (each.machine_id, *each.names)}
    for name in sorted(named, key=len, reverse=True):
        plain = unicodedata.normalize("NFKC", name).casefold()
        if plain and reading.take(whole(re.escape(plain))):
            reading.found |= {"machine": named[name].machine_id, "kind": named[name].kind}
            return
    there = {each.kind for each in machines}
    _words(reading, "kind", {kind: words for kind, words in KINDS.items() if kind in there})
    for kind in there:
        if "kind" not in reading.found and reading.take(whole(re.escape(kind))):
            reading.found["kind"] = kind


def _words(reading: Reading, what: str, known: Mapping[str, Sequence[str]]) -> None:
    for key, words in known.items():
        for word in words:
            if reading.take(whole(word)):
                reading.found[what] = key
                return


def _asked(reading: Reading, now: datetime, zone: ZoneInfo) -> Asked:
    length = _asked_length(reading)
    named = reading.days
    if named is None and (reading.starts or reading.ends or reading.part):
        named = days.one(reading.today)
        if _window(reading, named, now, zone, length) is None:  # this morning is over: tomorrow's is meant
            named = days.one(reading.today + timedelta(days=1))
    window = Interval(now, now + AHEAD) if named is None else _window(reading, named, now, zone, length)
    if window is None:
        raise NotInThePast()
    asked = Asked(window, length, reading.found.get("kind"), reading.found.get("machine"))
    return replace(asked, service=ServiceKind(reading.found.get("service", ServiceKind.SELF_USE)))


def _asked_length(reading: Reading) -> timedelta:
    if reading.minutes is not None:
        length = timedelta(minutes=reading.minutes)
    elif reading.starts is not None and reading.ends is not None:
        length = datetime.combine(reading.today, reading.ends) - datetime.combine(reading.today, reading.starts)
        length = timedelta(minutes=round(length / timedelta(minutes=1)))
    else:
        length = USUAL_LENGTH
    if not timedelta(0) < length <= LONGEST:
        raise NotRead(words=f"{length // timedelta(minutes=1)}")
    return length


def _window(
    reading: Reading, on: tuple[date, date], now: datetime, zone: ZoneInfo, length: timedelta
) -> Interval | None:
    """From the first to the last moment in question on those days; None if too little of it is left."""
    first, last = on
    starts = reading.starts or (reading.part[0] if reading.part else None)
    ends = reading.ends or (reading.part[1] if reading.part and reading.starts is None else None)
    start = _moment(first, starts, zone) if starts else local_midnight(first, zone)
    until_midnight = ends is None or ends == time.max
    end = local_midnight(last, zone) if until_midnight else _moment(last - timedelta(days=1), ends or time.max, zone)
    start = max(start, now)
    return Interval(start, end) if start + length <= end + timedelta(hours=1) and start < end else None


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone)
