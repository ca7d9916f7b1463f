"""The usage appendix: what stands behind each line of use, with a small picture of what the machine reported."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from billing.documents.frozen import Behind
from billing.documents.picture import axis, picture
from billing.explain.wording import describe
from billing.model import Line, Rules
from coop.interval import Interval
from coop.messages import translate

NOTHING = "—"


def use(line: Line, rules: Rules, behind: Behind, parts: Mapping[str, str], locale: str) -> dict[str, Any]:
    """One row of the appendix. `parts` names the parts by reservation, of a member that chose so."""
    assert line.interval is not None
    said, zone = line.explanation, rules.zone
    usages = [behind.usages[each] for each in said["usages"] if each in behind.usages]
    reservation = behind.reservations.get(said.get("reservation_id") or "")
    slot = reservation.interval if reservation else None
    used = [each.interval for each in usages]
    rule = _rule(said, rules)
    row = {
        "day": _day(line.interval, zone, locale),
        "time": _time(line.interval, zone) if used or slot else "",
        "what": describe(line, rules, locale),
        "part": parts.get(said.get("reservation_id") or "", ""),
        "booked": _hours(slot.seconds) if slot else NOTHING,
        "occupied": _hours(sum(each.seconds for each in used)) if used else NOTHING,
        "running": _hours(sum(each.running_seconds for each in usages)) if used else NOTHING,
        "basis": translate(f"billing.basis.{rule.basis}", locale) if rule else "",
        "rate": _rate(said, locale),
        "yen": f"{line.amount_yen:,}",
        "picture": "",
    }
    if used:
        shown = axis([*used, *([slot] if slot else [])], zone)
        row |= {
            "picture": picture(shown, slot, used, _during(behind, shown), behind.trace),
            "alt": f"{row['what']} {row['day']} {row['time']}",
            "from": f"{shown.start.astimezone(zone):%-H:%M}",
            "until": f"{shown.end.astimezone(zone):%-H:%M}",
        }
    return row


def _rule(said: Mapping[str, Any], rules: Rules) -> Any:
    named = said["parts"][-1]["tariff_id"] if said.get("parts") else None
    return next((each for each in rules.tariffs if str(each.id) == named), None)


def _rate(said: Mapping[str, Any], locale: str) -> str:
    """The prices per hour of a use, or the price of a piece."""
    if "yen_each" in said:
        return f"{said['count']} × {said['yen_each']:,}"
    prices = dict.fromkeys(part["yen_per_hour"] for part in said.get("parts", ()))
    return translate("billing.yen_per_hour", locale, yen=" / ".join(f"{each:,}" for each in prices)) if prices else ""


def _during(behind: Behind, shown: Interval) -> Any:
    """The states that may show on an axis; they do not overlap, so ends are in order as well as beginnings."""
    first = bisect_right(behind.states, shown.start, key=lambda each: each.interval.end)
    return behind.states[first : bisect_left(behind.states, shown.end, key=lambda each: each.interval.start)]


def _hours(seconds: int) -> str:
    """`2:05`, rounded down to whole minutes."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}"


def _day(interval: Interval, zone: ZoneInfo, locale: str) -> str:
    return format_skeleton("MMMd", interval.start.astimezone(zone), locale=locale)


def _time(interval: Interval, zone: ZoneInfo) -> str:
    return "–".join(f"{moment.astimezone(zone):%-H:%M}" for moment in (interval.start, interval.end))
