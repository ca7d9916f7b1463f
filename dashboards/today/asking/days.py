"""Days in a request: 明日, 来週の火曜, 12/3, 25日, next monday, in 3 days."""

from datetime import date, timedelta

from dashboards.today.asking.reading import NotRead, Reading
from dashboards.today.asking.words import DAYS, MONTHS, WEEKDAYS


def day(reading: Reading) -> None:
    """The day, or the days from the first to the one after the last."""
    today = reading.today
    if reading.take(
        r"今すぐ|いますぐ|すぐに?|今から|いまから|(?<!\w)(?:right )?now(?!\w)|asap|^\s*(?:今|いま)(?![日週月朝])"
    ):
        reading.at_once = True
        return
    for words, ahead in DAYS:
        if reading.take(words):
            reading.days = one(today + timedelta(days=ahead))
            return
    if match := reading.take(r"(\d{1,2})\s*日後|in (\d{1,2}) days?"):
        reading.days = one(today + timedelta(days=int(match[1] or match[2])))
    elif match := reading.take(r"(20\d{2})[-/年]\s*(\d{1,2})[-/月]\s*(\d{1,2})日?"):
        reading.days = one(_date(int(match[1]), int(match[2]), int(match[3])))
    elif match := reading.take(r"(\d{1,2})\s*(?:/|月)\s*(\d{1,2})\s*日?"):
        reading.days = one(_coming(today, int(match[1]), int(match[2])))
    elif match := reading.take(rf"\b({'|'.join(MONTHS)})[a-z]*\.?\s*(\d{{1,2}})(?:st|nd|rd|th)?(?!\d|:)"):
        reading.days = one(_coming(today, MONTHS[match[1]], int(match[2])))
    elif match := reading.take(rf"(\d{{1,2}})(?:st|nd|rd|th)?\s+({'|'.join(MONTHS)})[a-z]*"):
        reading.days = one(_coming(today, MONTHS[match[2]], int(match[1])))
    elif match := reading.take(r"(\d{1,2})\s*日(?!間|後)|\bon the (\d{1,2})(?:st|nd|rd|th)"):
        reading.days = one(_in_some_month(today, int(match[1] or match[2])))
    else:
        _weekday(reading)


def _weekday(reading: Reading) -> None:
    monday = reading.today - timedelta(days=reading.today.weekday())
    next_week = reading.take(r"来週|next week") is not None
    this_week = not next_week and reading.take(r"今週|this week") is not None
    coming = reading.take(r"\bnext\s+(?=mon|tue|wed|thu|fri|sat|sun)") is not None
    for words, number in WEEKDAYS:
        if reading.take(words):
            day = monday + timedelta(days=number)
            if next_week or (not this_week and day < reading.today) or (coming and day <= reading.today):
                day += timedelta(days=7)
            reading.days = one(day)
            return
    if next_week:
        reading.days = (monday + timedelta(days=7), monday + timedelta(days=14))
    elif this_week:
        reading.days = (reading.today, monday + timedelta(days=7))


def one(day: date) -> tuple[date, date]:
    """Just this day."""
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
