"""Recurrence rules of RFC 5545 (3.3.10, 3.8.5.3): which moments a rule names, in local time across clock changes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice

from dateutil.rrule import rrulestr

from coop.errors import Invalid
from coop.interval import Interval

LAST_YEAR = 2199
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEKDAY = "(?:MO|TU|WE|TH|FR|SA|SU)"


class RuleInvalid(Invalid):
    """A part of a recurrence rule is missing, wrong, or does not go with the others."""

    code = "booking.rule_invalid"


class RulePartUnsupported(Invalid):
    """A part of RFC 5545's rules that no reservation needs: seconds, minutes, hours, or what other standards add."""

    code = "booking.rule_part_unsupported"


class StartNotInRule(Invalid):
    """The first slot is not one that the rule names."""

    code = "booking.start_not_in_rule"


class SeriesTooLong(Invalid):
    """A rule names more occurrences than one series may have."""

    code = "booking.series_too_long"


@dataclass(frozen=True, slots=True)
class Rule:
    """A checked rule. It ends after `count` occurrences, with `until` (a date: that local day), or not at all."""

    text: str
    parts: Mapping[str, str]
    count: int | None
    until: datetime | date | None

    @property
    def endless(self) -> bool:
        return self.count is None and self.until is None


def parse(text: str) -> Rule:
    """The rule that `text` (`FREQ=WEEKLY;BYDAY=TU;COUNT=10`, with or without `RRULE:`) says.

    Raises `RuleInvalid` or `RulePartUnsupported`, naming the part.
    """
    parts: dict[str, str] = {}
    for each in text.strip().upper().removeprefix("RRULE:").split(";"):
        name, equals, value = each.partition("=")
        if name in _UNSUPPORTED or (name == "FREQ" and value in _FINER_THAN_A_DAY):
            raise RulePartUnsupported(part=each)
        if not equals or name not in _FORMS or name in parts or not _well_formed(name, value):
            raise RuleInvalid(part=each)
        parts[name] = value
    _go_together(parts)
    return Rule(";".join(f"{name}={value}" for name, value in parts.items()), parts, _count(parts), _until(parts))


def occurrences(rule: Rule, first: Interval, zone: tzinfo, horizon: datetime, *, most: int) -> list[Interval]:
    """What `rule` makes of the slot `first`, by time; a rule without end goes as far as `horizon`.

    Each starts at the same local time and is exactly as long as `first`, as RFC 5545 has it for DTEND. A local time
    that a clock change skips is no occurrence; of one that it repeats the first is meant.
    Raises `StartNotInRule` or `SeriesTooLong`.
    """
    length = first.end - first.start
    found = [Interval.of(start, length) for start in islice(_starts(rule, first.start, zone, horizon), most + 1)]
    if len(found) > most:
        raise SeriesTooLong(most=most)
    return found


def moment(local: datetime, zone: tzinfo) -> datetime | None:
    """When the naive `local` time is in `zone`, in UTC: the first time if it comes twice, None if it is skipped."""
    meant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return meant if meant.astimezone(zone).replace(tzinfo=None) == local else None


def shifted(start: datetime, by: timedelta, zone: tzinfo) -> datetime:
    """`start` moved `by` so much on the local clock, in UTC.

    A local time that is skipped is read with the offset before the gap (RFC 5545, 3.3.5).
    """
    local = start.astimezone(zone).replace(tzinfo=None) + by
    return local.replace(tzinfo=zone).astimezone(UTC)


def _starts(rule: Rule, first: datetime, zone: tzinfo, horizon: datetime) -> Iterator[datetime]:
    begins = first.astimezone(zone).replace(tzinfo=None)
    if not _can_name(rule.parts, begins):
        raise StartNotInRule()
    bare = ";".join(f"{name}={value}" for name, value in rule.parts.items() if name not in {"COUNT", "UNTIL"})
    counted = 0
    for local in rrulestr(bare, dtstart=begins):
        if local.year > LAST_YEAR:
            break
        start = moment(local, zone)
        if start is None:
            continue
        if _after(local, start, rule.until) or (counted == 0 and start != first):
            break
        if counted == rule.count or (counted and rule.endless and start > horizon):
            break
        counted += 1
        yield start
    if counted == 0:
        raise StartNotInRule()


def _after(local: datetime, start: datetime, until: datetime | date | None) -> bool:
    if isinstance(until, datetime):
        return start > until
    return until is not None and local.date() > until


def _can_name(parts: Mapping[str, str], local: datetime) -> bool:
    """Whether the parts that pick days can pick the day of `local`: what can never be is not searched for."""
    next_month = (local.replace(day=28) + timedelta(days=4)).replace(day=1)
    days_in_month = (next_month - timedelta(days=1)).day
    day_of_year, days_in_year = local.timetuple().tm_yday, datetime(local.year, 12, 31, tzinfo=UTC).timetuple().tm_yday
    named = {
        "BYMONTH": {local.month},
        "BYMONTHDAY": {local.day, local.day - days_in_month - 1},
        "BYYEARDAY": {day_of_year, day_of_year - days_in_year - 1},
    }
    for name, numbers in named.items():
        if name in parts and numbers.isdisjoint(int(each) for each in parts[name].split(",")):
            return False
    weekdays = [each[-2:] for each in parts["BYDAY"].split(",")] if "BYDAY" in parts else WEEKDAYS
    return WEEKDAYS[local.weekday()] in weekdays


def _well_formed(name: str, value: str) -> bool:
    form, low, high = _FORMS[name]
    if not re.fullmatch(form, value, re.ASCII):
        return False
    numbers = [abs(int(each)) for each in re.findall(r"\d+", value)] if high else []
    return all(low <= number <= high for number in numbers)


def _go_together(parts: Mapping[str, str]) -> None:
    """Raise `RuleInvalid` for a part that RFC 5545 does not allow beside the others."""
    frequency = parts.get("FREQ")
    if frequency is None:
        raise RuleInvalid(part="FREQ")
    for name, allowed in _ONLY_WITH.items():
        if name in parts and frequency not in allowed:
            raise RuleInvalid(part=f"{name}={parts[name]}")
    if re.search(r"\d", parts.get("BYDAY", "")) and (
        frequency not in {"MONTHLY", "YEARLY"} or (frequency == "YEARLY" and "BYWEEKNO" in parts)
    ):
        raise RuleInvalid(part=f"BYDAY={parts['BYDAY']}")
    if "BYSETPOS" in parts and not any(name.startswith("BY") and name != "BYSETPOS" for name in parts):
        raise RuleInvalid(part=f"BYSETPOS={parts['BYSETPOS']}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise RuleInvalid(part=f"UNTIL={parts['UNTIL']}")


def _count(parts: Mapping[str, str]) -> int | None:
    return int(parts["COUNT"]) if "COUNT" in parts else None


def _until(parts: Mapping[str, str]) -> datetime | date | None:
    value = parts.get("UNTIL")
    if value is None:
        return None
    try:
        if "T" in value:
            return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return datetime.strptime(value, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise RuleInvalid(part=f"UNTIL={value}") from None


def _list_of(item: str) -> str:
    return f"{item}(?:,{item})*"


_FORMS: Mapping[str, tuple[str, int, int]] = {
    "FREQ": ("DAILY|WEEKLY|MONTHLY|YEARLY", 0, 0),
    "INTERVAL": (r"\d{1,3}", 1, 999),
    "COUNT": (r"\d{1,6}", 1, 999_999),
    "UNTIL": (r"\d{8}(?:T\d{6}Z)?", 0, 0),
    "BYMONTH": (_list_of(r"\d{1,2}"), 1, 12),
    "BYWEEKNO": (_list_of(r"[+-]?\d{1,2}"), 1, 53),
    "BYYEARDAY": (_list_of(r"[+-]?\d{1,3}"), 1, 366),
    "BYMONTHDAY": (_list_of(r"[+-]?\d{1,2}"), 1, 31),
    "BYDAY": (_list_of(rf"(?:[+-]?\d{{1,2}})?{_WEEKDAY}"), 1, 53),
    "BYSETPOS": (_list_of(r"[+-]?\d{1,3}"), 1, 366),
    "WKST": (_WEEKDAY, 0, 0),
}
"""The parts we know: how a value looks, and the smallest and greatest number in it (0: it has none)."""

_FINER_THAN_A_DAY = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_UNSUPPORTED = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND", "RSCALE", "SKIP", "BYEASTER"})
_ONLY_WITH = {
    "BYWEEKNO": {"YEARLY"},
    "BYYEARDAY": {"YEARLY"},
    "BYMONTHDAY": {"DAILY", "MONTHLY", "YEARLY"},
    "BYSETPOS": {"MONTHLY", "YEARLY"},
}
