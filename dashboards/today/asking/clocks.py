"""Lengths and times of day in a request: 2時間半, 90分, 9時から, 9-11時, until 3pm, 午後."""

import re
from datetime import time

from dashboards.today.asking.reading import NotRead, Reading
from dashboards.today.asking.words import PARTS_OF_DAY


def length(reading: Reading) -> None:
    """2時間半, 1.5 h, 90分, half a day."""
    if match := reading.take(
        r"(\d{1,3})\s*(?:時間|h(?:ours?|rs?)?)\s*(?:と|and)?\s*(\d{1,3})\s*(?:分|m(?:in(?:ute)?s?)?(?![a-z]))"
    ):
        reading.minutes = 60 * int(match[1]) + int(match[2])
    elif match := reading.take(r"(\d{1,3})\s*時間\s*半|(\d{1,3})\s*and a half\s*hours?"):
        reading.minutes = 60 * int(match[1] or match[2]) + 30
    elif match := reading.take(r"(\d{1,3}(?:\.\d{1,2})?)\s*(?:時間|h(?:ours?|rs?)?(?![a-z]))"):
        reading.minutes = round(60 * float(match[1]))
    elif match := reading.take(r"(\d{1,4})\s*(?:分間|分(?!まで)|min(?:ute)?s?(?![a-z]))"):
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


def stretch(reading: Reading) -> None:
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


def clock(reading: Reading) -> None:
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
            moment = _of(said, hour, minute)
            if match[1] or match[match.re.groups] == "まで":
                reading.ends = moment
            else:
                reading.starts = moment


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


def part(reading: Reading) -> None:
    """午前, afternoon; after the times, which may begin with the same word."""
    for words, within in PARTS_OF_DAY:
        if reading.take(words):
            reading.part = within
            return
