"""Lengths, amounts and times as both languages write them."""

from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from coop.interval import Interval
from coop.messages import translate


def duration(seconds: int, locale: str) -> str:
    """`2時間30分`, `2 h 30 min`; seconds only where there are any."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    units = {"hours": hours, "minutes": minutes, "seconds": rest}
    said = [translate(f"billing.{unit}", locale, n=n) for unit, n in units.items() if n]
    return ("" if locale == "ja" else " ").join(said) or translate("billing.minutes", locale, n=0)


def decimal(exact: str) -> str:
    """An exact amount with three digits after the point, if it has any."""
    value = Fraction(exact)
    return f"{value.numerator:,}" if value.denominator == 1 else f"{float(value):,.3f}"


def when(interval: Interval, zone: ZoneInfo, locale: str) -> str:
    """`10月3日 9:02–11:32`; the second day only where it is another one."""
    start, end = interval.start.astimezone(zone), interval.end.astimezone(zone)
    until = "" if start.date() == end.date() else f"{day(end, locale)} "
    return f"{day(start, locale)} {start.hour}:{start:%M}–{until}{end.hour}:{end:%M}"


def day(moment: datetime, locale: str) -> str:
    """`10月3日`, `Oct 3`."""
    return format_skeleton("MMMd", moment, locale=locale)
