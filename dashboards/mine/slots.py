"""A slot as a form has it: typed by a person, and never lost when it is refused."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from booking import SlotDenied
from coop.errors import Invalid, MoyaiError
from coop.interval import Interval
from coop.messages import translate


class NotATime(Invalid):
    """The date or a time of the form cannot be read, or the end is not after the start."""

    code = "reserve.not_a_time"


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form, as typed: it is never lost."""

    day: str
    start: str
    end: str
    purpose: str = ""
    member_id: str = ""

    def slot(self, zone: ZoneInfo) -> Interval:
        """The slot meant, in local time; an end of 00:00 is midnight. Raises `NotATime`."""
        try:
            day, start, end = date.fromisoformat(self.day), time.fromisoformat(self.start), time.fromisoformat(self.end)
            last = day + timedelta(days=1) if end == time(0) else day
            return Interval(datetime.combine(day, start, zone), datetime.combine(last, end, zone))
        except (ValueError, Invalid):
            raise NotATime() from None


def typed(slot: Interval, zone: ZoneInfo, purpose: str = "", member_id: str = "") -> Typed:
    """The form filled in with `slot`."""
    start, end = slot.start.astimezone(zone), slot.end.astimezone(zone)
    return Typed(f"{start:%Y-%m-%d}", f"{start:%H:%M}", f"{end:%H:%M}", purpose, member_id)


def slot_of(text: str) -> Interval:
    """`2026-11-23T05:00:00+00:00/2026-11-23T06:00:00+00:00`; raises `NotATime`."""
    start, _, end = text.partition("/")
    try:
        return Interval(datetime.fromisoformat(start), datetime.fromisoformat(end))
    except (ValueError, Invalid):
        raise NotATime() from None


def sentence(refused: MoyaiError, locale: str) -> str:
    """What to tell a person who was refused: of a slot every reason at once."""
    if isinstance(refused, SlotDenied):
        reasons = refused.extra["reasons"]
        return " ".join(translate(each["code"], locale, **each["params"]) for each in reasons)
    return translate(refused.code, locale, **refused.params)


def instead_of(refused: MoyaiError) -> list[Interval]:
    """The next free slots that a refusal names."""
    slots = refused.extra.get("next_free", [])
    return [Interval(_moment(each["starts_at"]), _moment(each["ends_at"])) for each in slots]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
