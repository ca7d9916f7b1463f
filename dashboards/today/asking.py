"""What somebody types who wants a machine: 「明日2時間」, "tomorrow 2 hours", 「あさって 9時から 90分 CMM」.

Pure: the words, the moment and the names of the machines in; a wish out, or the words that were not understood.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from booking.services.model import ServiceKind
from coop.errors import Invalid
from coop.interval import Interval, local_midnight
from dashboards.today.words import DAYS, FILLERS, KINDS, MONTHS, PARTS_OF_DAY, SERVICES, WEEKDAYS

USUAL_LENGTH = timedelta(hours=1)
LONGEST = timedelta(hours=24)
AHEAD = timedelta(days=7)
"""How far is looked where no day is named."""


class NotRead(Invalid):
    """Some words of a quick request are not understood; `words` says which."""

    code = "asking.not_read"


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


@dataclass(slots=True)
class _Reading:
    """What was found so far, and the text that is left."""

    text: str
    today: date
    days: tuple[date, date] | None = None
    starts: time | None = None
    ends: time | None = None
    part: tuple[time, time] | None = None
    at_once: bool = False
    minutes: int | None = None
    found: dict[str, str] = field(default_factory=dict)

    def take(self, pattern: str) -> re.Match[str] | None:
        """The first place of the text that is like `pattern`; it is read, so it is left out from now on."""
        match = re.search(pattern, self.text)
        if match:
            self.text = f"{self.text[: match.start()]} {self.text[match.end() :]}"
        return match


def read(text: str, machines: Sequence[Named], now: datetime, zone: ZoneInfo) -> Asked:
    """What `text` asks for. Raises `NotRead` with the words that mean nothing here, or if nothing is said at all.

    Without a day it is the next week; 3時 is the afternoon, as nobody means the night; 9時から is the earliest start.
    """
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    reading = _Reading(plain, now.astimezone(zone).date())
    _machine(reading, machines)
    _words(reading, "service", SERVICES)
    _length(reading)
    _range(reading)
    _day(reading)
    _clock(reading)
    _part(reading)
    left = re.sub("|".join(FILLERS), " ", reading.text)
    left = re.sub(r"[\s、。,.!?~・のにではをがとへもか-]+", " ", left).strip()
    if left or not plain:
        raise NotRead(words=left or "—")
    return _asked(reading, now, zone)


def _machine(reading: _Reading, machines: Sequence[Named]) -> None:
    """A machine by its name or key, the longest name first; else a kind."""
    named = {name: each for each in machines for name in (each.machine_id, *each.names)}
    for name in sorted(named, key=len, reverse=True):
        plain = unicodedata.normalize("NFKC", name).casefold()
        if plain and reading.take(_whole(re.escape(plain))):
            reading.found |= {"machine": named[name].machine_id, "kind": named[name].kind}
            return
    there = {each.kind for each in machines}
    _words(reading, "kind", {kind: words for kind, words in KINDS.items() if kind in there})
    for kind in there:
        if "kind" not in reading.found and reading.take(_whole(re.escape(kind))):
            reading.found["kind"] = kind


def _words(reading: _Reading, what: str, known: Mapping[str, Sequence[str]]) -> None:
    for key, words in known.items():
        for word in words:
            if reading.take(_whole(word)):
                reading.found[what] = key
                return


def _whole(pattern: str) -> str:
    """The pattern, not within a longer Latin word."""
    return rf"(?<![a-z0-9])(?:{pattern})(?![a-z])"


def _length(reading: _Reading) -> None:
    if match := reading.take(
        r"(\d+)\s*(?:時間|h(?:ours?|rs?)?)\s*(?:と|and)?\s*(\d+)\s*(?:分|m(?:in(?:ute)?s?)?(?![a-z]))"
    ):
        reading.minutes = 60 * int(match[1]) + int(match[2])
    elif match := reading.take(r"(\d+)\s*時間\s*半|(\d+)\s*and a half\s*hours?"):
        reading.minutes = 60 * int(match[1] or match[2]) + 30
    elif match := reading.take(r"(\d+(?:\.\d+)?)\s*(?:時間|h(?:ours?|rs?)?(?![a-z]))"):
        reading.minutes = round(60 * float(match[1]))
    elif match := reading.take(r"(\d+)\s*(?:分間|分(?!まで)|min(?:ute)?s?(?![a-z]))"):
        if reading.text and re.search(r"\d\s*時\s*$", reading.text[: match.start()]):  # 9時30分 is a clock
            reading.text = match.string
        else:
            reading.minutes = int(match[1])
    elif reading.take(r"half an hour"):
        reading.minutes = 30
    elif reading.take(r"(?:一|1)時間|\b(?:an|one) hour"):
        reading.minutes = 60
    elif match := reading.take(r"\b(two|three|four|five|six|eight) hours"):
        reading.minutes = 60 * {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "eight": 8}[match[1]]
    elif reading.take(r"半日|half a day"):
        reading.minutes = 4 * 60
    elif reading.take(r"終日|(?:丸)?(?:一日|1日)(?:中)?(?!から|まで|に|の)|(?:all|whole|full)[ -]day"):
        reading.minutes = 8 * 60


_AM_PM = r"(午前|午後|am|pm|朝|夜|夕方)?\s*"
_JAPANESE = _AM_PM + r"(\d{1,2})\s*時(?!間)\s*(半|\d{1,2}\s*分)?"
_COLON = _AM_PM + r"(\d{1,2}):(\d{2})\s*(am|pm)?"
_ENGLISH = r"(\d{1,2})\s*(am|pm|o'clock)"
_SEVERAL = r"(?:から|より|〜|~|-|–|to|until|till)"


def _range(reading: _Reading) -> None:
    """9時から11時まで, 9:00-11:00, 9-11時, from 9 to 11."""
    if match := reading.take(rf"(?:from\s*)?{_JAPANESE}\s*{_SEVERAL}\s*{_JAPANESE}\s*(?:まで)?"):
        reading.starts, reading.ends = _of(match[1], match[2], match[3]), _of(match[4] or match[1], match[5], match[6])
    elif match := reading.take(rf"(?:from\s*)?{_COLON}\s*{_SEVERAL}\s*{_COLON}\s*(?:まで)?"):
        reading.starts = _of(match[1] or match[4], match[2], match[3])
        reading.ends = _of(match[5] or match[8], match[6], match[7])
    elif match := reading.take(rf"(?:from\s*)?(\d{{1,2}})\s*{_SEVERAL}\s*(\d{{1,2}})\s*(時(?!間)|am|pm)(?:まで)?"):
        said = match[3] if match[3] != "時" else None
        reading.starts, reading.ends = _of(said, match[1], None), _of(said, match[2], None)
    elif match := reading.take(r"from\s*(\d{1,2})\s*(?:to|until|till|-)\s*(\d{1,2})(?!\d|:)"):
        reading.starts, reading.ends = _of(None, match[1], None), _of(None, match[2], None)
    if reading.starts is not None and reading.ends is not None and reading.ends <= reading.starts:
        raise NotRead(words=reading.text or "—")


def _clock(reading: _Reading) -> None:
    """まで ends, anything else begins."""
    if reading.starts is not None:
        return
    if reading.take(r"正午(?:から)?|\b(?:from |at )?noon"):
        reading.starts = time(12)
        return
    for pattern in (_JAPANESE, _COLON, _ENGLISH):
        while match := reading.take(
            rf"(until|till|by|before)?\s*(?:from|after|at)?\s*{pattern}\s*(まで|から|より|以降|以後)?"
        ):
            said, hour, minute = _parts(pattern, match)
            clock = _of(said, hour, minute)
            if match[1] or match[match.re.groups] == "まで":
                reading.ends = clock
            else:
                reading.starts = clock


def _parts(pattern: str, match: re.Match[str]) -> tuple[str | None, str, str | None]:
    if pattern == _ENGLISH:
        return match[3] if match[3] != "o'clock" else None, match[2], None
    if pattern == _COLON:
        return match[2] or match[5], match[3], match[4]
    return match[2], match[3], match[4]


def _of(said: str | None, hour: str, minute: str | None) -> time:
    """A time of day; raises `NotRead` for one that is none."""
    minutes = 30 if minute == "半" else int(re.sub(r"\D", "", minute)) if minute else 0
    hours = int(hour)
    late = said in {"午後", "pm", "夜", "夕方"} or (said is None and 1 <= hours <= 6 and not hour.startswith("0"))
    if said in {"午前", "am"} and hours == 12:
        hours = 0
    elif late and hours < 12:
        hours += 12
    try:
        return time.max if (hours, minutes) == (24, 0) else time(hours, minutes)
    except ValueError:
        raise NotRead(words=f"{hour}:{minutes:02}") from None


def _part(reading: _Reading) -> None:
    for words, part in PARTS_OF_DAY:
        if reading.take(words):
            reading.part = part
            return


def _day(reading: _Reading) -> None:
    today = reading.today
    if reading.take(
        r"今すぐ|いますぐ|すぐに?|今から|いまから|(?<!\w)(?:right )?now(?!\w)|asap|^\s*(?:今|いま)(?![日週月朝])"
    ):
        reading.at_once = True
        return
    for words, ahead in DAYS:
        if reading.take(words):
            reading.days = _one(today + timedelta(days=ahead))
            return
    if match := reading.take(r"(\d{1,2})\s*日後|in (\d{1,2}) days?"):
        reading.days = _one(today + timedelta(days=int(match[1] or match[2])))
    elif match := reading.take(r"(\d{4})[-/年]\s*(\d{1,2})[-/月]\s*(\d{1,2})日?"):
        reading.days = _one(_date(int(match[1]), int(match[2]), int(match[3])))
    elif match := reading.take(r"(\d{1,2})\s*(?:/|月)\s*(\d{1,2})\s*日?"):
        reading.days = _one(_coming(today, int(match[1]), int(match[2])))
    elif match := reading.take(rf"\b({'|'.join(MONTHS)})[a-z]*\.?\s*(\d{{1,2}})(?:st|nd|rd|th)?(?!\d|:)"):
        reading.days = _one(_coming(today, MONTHS[match[1]], int(match[2])))
    elif match := reading.take(rf"(\d{{1,2}})(?:st|nd|rd|th)?\s+({'|'.join(MONTHS)})[a-z]*"):
        reading.days = _one(_coming(today, MONTHS[match[2]], int(match[1])))
    elif match := reading.take(r"(\d{1,2})\s*日(?!間|後)|\bon the (\d{1,2})(?:st|nd|rd|th)"):
        reading.days = _one(_in_some_month(today, int(match[1] or match[2])))
    else:
        _weekday(reading)


def _weekday(reading: _Reading) -> None:
    monday = reading.today - timedelta(days=reading.today.weekday())
    next_week = reading.take(r"来週|next week") is not None
    this_week = not next_week and reading.take(r"今週|this week") is not None
    coming = reading.take(r"\bnext\s+(?=mon|tue|wed|thu|fri|sat|sun)") is not None
    for words, number in WEEKDAYS:
        if reading.take(words):
            day = monday + timedelta(days=number)
            if next_week or (not this_week and day < reading.today) or (coming and day <= reading.today):
                day += timedelta(days=7)
            reading.days = _one(day)
            return
    if next_week:
        reading.days = (monday + timedelta(days=7), monday + timedelta(days=14))
    elif this_week:
        reading.days = (reading.today, monday + timedelta(days=7))


def _one(day: date) -> tuple[date, date]:
    return day, day + timedelta(days=1)


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise NotRead(words=f"{month}/{day}") from None


def _coming(today: date, month: int, day: int) -> date:
    this_year = _date(today.year, month, day)
    return this_year if this_year >= today else _date(today.year + 1, month, day)


def _in_some_month(today: date, day: int) -> date:
    if day >= today.day:
        return _date(today.year, today.month, day)
    following = today.replace(day=1) + timedelta(days=32)
    return _date(following.year, following.month, day)


def _asked(reading: _Reading, now: datetime, zone: ZoneInfo) -> Asked:
    length = _asked_length(reading)
    days = reading.days
    if days is None and (reading.starts or reading.ends or reading.part):
        days = _one(reading.today)
        if _window(reading, days, now, zone, length) is None:  # this morning is over: tomorrow's is meant
            days = _one(reading.today + timedelta(days=1))
    window = Interval(now, now + AHEAD) if days is None else _window(reading, days, now, zone, length)
    if window is None:
        raise NotInThePast()
    asked = Asked(window, length, reading.found.get("kind"), reading.found.get("machine"))
    return replace(asked, service=ServiceKind(reading.found.get("service", ServiceKind.SELF_USE)))


class NotInThePast(Invalid):
    """The time that a quick request names is over."""

    code = "asking.in_the_past"


def _asked_length(reading: _Reading) -> timedelta:
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
    reading: _Reading, days: tuple[date, date], now: datetime, zone: ZoneInfo, length: timedelta
) -> Interval | None:
    """From the first to the last moment in question on those days; None if too little of it is left."""
    first, last = days
    starts = reading.starts or (reading.part[0] if reading.part else None)
    ends = reading.ends or (reading.part[1] if reading.part and reading.starts is None else None)
    start = _moment(first, starts, zone) if starts else local_midnight(first, zone)
    until_midnight = ends is None or ends == time.max
    end = local_midnight(last, zone) if until_midnight else _moment(last - timedelta(days=1), ends or time.max, zone)
    start = max(start, now)
    return Interval(start, end) if start + length <= end + timedelta(hours=1) and start < end else None


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone)
