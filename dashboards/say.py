"""How a page speaks: sentences, times and quantities in one reader's language and one cooperative's time zone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from coop.interval import Interval
from coop.messages import translate


@dataclass(frozen=True, slots=True)
class Say:
    """Called with a key it says the sentence; its methods say times (local) and quantities."""

    locale: str
    zone: ZoneInfo

    def __call__(self, key: str, **params: object) -> str:
        return translate(key, self.locale, **params)

    def kind(self, slug: str) -> str:
        """The kind of a machine, in words where it is a usual one."""
        word = self(f"machine_kind.{slug}")
        return slug if word.startswith("machine_kind.") else word

    def cost_kind(self, slug: str) -> str:
        """The kind of a cost, in words where it is a usual one."""
        word = self(f"cost_kind.{slug}")
        return slug if word.startswith("cost_kind.") else word

    def local(self, moment: datetime) -> datetime:
        """The moment on the cooperative's wall clock."""
        return moment.astimezone(self.zone)

    def clock(self, moment: datetime) -> str:
        """`14:15`."""
        return self.local(moment).strftime("%H:%M")

    def day(self, moment: datetime) -> str:
        """`11月23日(月)` / `Mon, Nov 23`."""
        return format_skeleton("MMMEd", self.local(moment), locale=self.locale)

    def month(self, moment: date) -> str:
        """`2026年10月` / `October 2026`, of a moment or of a day."""
        day = self.local(moment) if isinstance(moment, datetime) else moment
        return format_skeleton("yMMMM", day, locale=self.locale)

    def date(self, day: date) -> str:
        """`2026年11月30日` / `Nov 30, 2026`, for a day that may be of another year, or a moment's day."""
        local = self.local(day) if isinstance(day, datetime) else day
        return format_skeleton("yMMMd", local, locale=self.locale)

    def when(self, moment: datetime, now: datetime) -> str:
        """The time alone for today, with its day otherwise."""
        if self.local(moment).date() == self.local(now).date():
            return self.clock(moment)
        return f"{self.day(moment)} {self.clock(moment)}"

    def until(self, end: datetime, now: datetime) -> str:
        """Like `when` for the end of something: midnight is 24:00 of the day that it ends."""
        last = end - timedelta(minutes=1)
        if self.local(last).date() == self.local(now).date():
            return self.closing(end)
        return f"{self.day(last)} {self.closing(end)}"

    def closing(self, end: datetime) -> str:
        """The clock at the end of something: `24:00` for midnight."""
        clock = self.clock(end)
        return "24:00" if clock == "00:00" else clock

    def slot(self, slot: Interval) -> str:
        """`11月23日(月) 14:15〜16:00`; the end's day is said when it is another."""
        until = self.until(slot.end, slot.start)
        return self("say.slot", day=self.day(slot.start), start=self.clock(slot.start), end=until)

    def times(self, slot: Interval) -> str:
        """`14:15〜16:00`, where its day is known; the end's day is said when it is another."""
        return self("say.times", start=self.clock(slot.start), end=self.until(slot.end, slot.start))

    def length(self, seconds: int) -> str:
        """`2時間30分` / `2 h 30 min`, rounded down to the minute."""
        hours, minutes = divmod(seconds // 60, 60)
        if not hours:
            return self("say.minutes", minutes=minutes)
        if not minutes:
            return self("say.hours", hours=hours)
        return self("say.hours_minutes", hours=hours, minutes=minutes)

    def hours(self, seconds: float) -> str:
        """Hours for a table: `2.50`."""
        return f"{seconds / 3600:,.2f}"

    def yen(self, yen: int) -> str:
        """`¥12,300`, `−¥500`."""
        return f"{'−' if yen < 0 else ''}¥{abs(yen):,}"

    def change(self, yen: int) -> str:
        """A difference: `+¥1,200`, `−¥500`, `±¥0`."""
        return f"{'+' if yen > 0 else '' if yen else '±'}{self.yen(yen)}"

    def watts(self, watts: float) -> str:
        """`412 W`, below ten with one decimal."""
        return f"{watts:,.0f} W" if watts >= 10 else f"{watts:.1f} W"

    def stamp(self, moment: datetime) -> str:
        """`2026年11月30日 14:15`, for what is looked up long after."""
        return f"{self.date(moment)} {self.clock(moment)}"

    def aloud(self, slot: Interval) -> str:
        """`11月25日水曜日の14:00から16:00まで`, to be read to somebody."""
        day = format_skeleton("MMMMEEEEd", self.local(slot.start), locale=self.locale)
        return self("say.aloud", day=day, start=self.clock(slot.start), end=self.until(slot.end, slot.start))

    def percent(self, part: float, whole: float) -> str:
        """`42.5 %`, or a dash where there is nothing to divide by."""
        return f"{100 * part / whole:.1f} %" if whole else "–"


def position(part: Interval, window: Interval) -> tuple[str, str]:
    """Where `part` lies in the picture of `window`: left edge and width, as SVG percentages. They must overlap."""
    shown = part.intersect(window)
    assert shown is not None
    whole = (window.end - window.start).total_seconds()
    left = (shown.start - window.start).total_seconds() / whole
    width = (shown.end - shown.start).total_seconds() / whole
    return f"{left:.3%}", f"{width:.3%}"


def moment(at: datetime, window: Interval) -> str:
    """Where the moment lies in the picture of `window`, as an SVG percentage."""
    return f"{(at - window.start) / (window.end - window.start):.3%}"


def part(some: float, whole: float) -> str:
    """The share of `whole` that `some` is, as an SVG percentage of at most 100."""
    return f"{min(some / whole, 1):.3%}" if whole else "0%"
