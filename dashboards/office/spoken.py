"""What callers say, as the office types it: days, times and lengths. What is not understood is None, never a guess."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, time, timedelta

_NEAR = {"今日": 0, "本日": 0, "きょう": 0, "today": 0, "明日": 1, "あした": 1, "あす": 1, "tomorrow": 1}
_NEAR |= {"明後日": 2, "あさって": 2, "明々後日": 3, "しあさって": 3}
_WEEKS = {"今週": 0, "this": 0, "来週": 1, "next": 1, "再来週": 2, "さ来週": 2}
_WEEKDAYS = {name: number for number, name in enumerate("月火水木金土日")}
_WEEKDAYS |= {name: number for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
_WEEKDAY = re.compile(
    r"(今週|来週|再来週|さ来週|this |next )?の?([月火水木金土日])(?:曜日?)?|(this |next )?([a-z]{3})[a-z]*"
)
_DATED = re.compile(r"(?:(\d{4})[-/.年])?(\d{1,2})[-/.月](\d{1,2})日?|(\d{1,2})日")
_CLOCK = re.compile(r"(午前|午後|朝|夕方|夜)?(\d{1,2})(?:(?:時|:)(\d{2})?分?(半)?|(\d{2}))?(am|pm)?")
_HOURS = re.compile(r"(?:(\d+(?:\.\d)?)(?:時間|h|hours?))?(半)?(?:(\d+)(?:分|m|min|minutes?))?")
_AFTERNOON = range(1, 7)
"""Hours that mean the afternoon when nobody says which: no workshop is called for three in the morning."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long, or until which time of the day."""

    minutes: int | None = None
    until: time | None = None


def day(said: str, today: date) -> date | None:
    """The day meant: 明日, 来週火, 11/25, 25日, 3日後, next tue; a date that is past is the next one."""
    text = _plain(said)
    if text in _NEAR:
        return today + timedelta(days=_NEAR[text])
    if after := re.fullmatch(r"(\d{1,3})日後|in(\d{1,3})days?", text.replace(" ", "")):
        return today + timedelta(days=int(after[1] or after[2]))
    if dated := _DATED.fullmatch(text):
        return _dated(dated, today)
    named = _WEEKDAY.fullmatch(text)
    if named is None or (number := _WEEKDAYS.get(named[2] or named[4])) is None:
        return None
    week = (named[1] or named[3] or "").strip()
    if week:
        return today + timedelta(days=number - today.weekday() + 7 * _WEEKS[week])
    return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)


def _dated(found: re.Match[str], today: date) -> date | None:
    year, month, number, alone = found.groups()
    try:
        if alone:
            this = [date(today.year + m // 12, m % 12 + 1, 1) for m in (today.month - 1, today.month)]
            return next(each for first in this if (each := first.replace(day=int(alone))) >= today)
        meant = date(int(year or today.year), int(month), int(number))
        return meant if year or meant >= today else meant.replace(year=today.year + 1)
    except (ValueError, StopIteration):
        return None


def clock(said: str) -> time | None:
    """The time meant: 9, 9時半, 14:30, 午後2時, 2pm, 0930; from one to six the afternoon, unless 午前 or am is said."""
    found = _CLOCK.fullmatch(_plain(said).replace(" ", ""))
    if found is None:
        return None
    part, hour_said, minute, half, minute_joined, half_of_day = found.groups()
    hour = int(hour_said)
    if part in {"午後", "夕方", "夜"} or half_of_day == "pm":
        hour += 12 if hour < 12 else 0
    elif hour in _AFTERNOON and part is None and half_of_day is None and len(hour_said) == 1:
        hour += 12
    try:
        return time(hour, 30 if half else int(minute or minute_joined or 0))
    except ValueError:
        return None


def length(said: str) -> Length | None:
    """How long: 2時間, 1時間半, 90分, 2 (hours up to twelve, else minutes), or 11時まで."""
    text = _plain(said).replace(" ", "")
    for until in ("まで", "until"):
        if until in text:
            end = clock(text.replace(until, ""))
            return None if end is None else Length(until=end)
    if text.isdecimal():
        return Length(int(text) * 60 if int(text) <= 12 else int(text)) if 0 < int(text) <= 1440 else None
    found = _HOURS.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    minutes = round(float(found[1] or 0) * 60) + (30 if found[2] else 0) + int(found[3] or 0)
    return Length(minutes) if 0 < minutes <= 31 * 1440 else None


def _plain(said: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", said).casefold()).strip()
