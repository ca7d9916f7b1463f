"""What is said about a reservation, in the reader's language. Pure.

Only events with a sentence (`message.<event>` in the catalogues) are told to people. A message names machine and times;
never a part or purpose, and nobody else but who helps.
"""

import html
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_decimal

from coop.interval import Interval
from coop.messages import catalogue, translate


class Channel(StrEnum):
    """How a person hears of their reservations. With `calendar` they look at their calendar and hear nothing else."""

    MAIL = "mail"
    PUSH = "push"
    CALENDAR = "calendar"


NEEDS_ANSWER = frozenset({"reservation.asked", "reservation.offered", "reservation.recalled"})
"""What a person must hear in time even if they look at their calendar only."""
FOR_OTHERS = frozenset({"reservation.late"})
"""What the person of the reservation said themselves; who helps is told."""
FOR_HOLDER = NEEDS_ANSWER | {
    "reservation.recalled",
    *(f"commission.{step}" for step in ("received", "quoted", "measured", "delivered", "returned")),
}
"""What concerns nobody but whose reservation it is."""

DAY = {"ja": "M月d日(E)", "en": "EEE d MMM"}
YEAR_AND_DAY = {"ja": "y年M月d日(E)", "en": "EEE d MMM y"}
CLOCK = "HH:mm"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a person needs to know for a reservation; what is None or empty is not said.

    `for_whom` is named only to who helps or approves. `at_most_yen` is the most it can cost, `instead` are other
    machines and slots.
    """

    machine: str
    when: Interval
    zone: ZoneInfo
    link: str
    site: str = ""
    access: str = ""
    bring_by: datetime | None = None
    answer_by: datetime | None = None
    expected_at: datetime | None = None
    helpers: tuple[str, ...] = ()
    for_whom: str = ""
    cancel_until: datetime | None = None
    at_most_yen: int | None = None
    instead: tuple[tuple[str, Interval], ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """A message: its subject, its `brief` for a small screen, and its lines as (label, value)."""

    subject: str
    headline: str
    brief: str
    lines: tuple[tuple[str, str], ...]
    link: str
    footer: str

    @property
    def text(self) -> str:
        """The message as plain text."""
        lines = "\n".join(f"{label}: {value}" for label, value in self.lines)
        return f"{self.headline}\n\n{lines}\n\n{self.link}\n\n-- \n{self.footer}\n"

    @property
    def html(self) -> str:
        """The message as simple HTML."""
        rows = "".join(
            f'<tr><th align="left">{html.escape(label)}</th><td>{html.escape(value)}</td></tr>'
            for label, value in self.lines
        )
        link = html.escape(self.link)
        return (
            f"<p>{html.escape(self.headline)}</p><table>{rows}</table>"
            f'<p><a href="{link}">{link}</a></p><p><small>{html.escape(self.footer)}</small></p>'
        )


def is_told(action: str) -> bool:
    """Whether people are told of `action`."""
    return f"message.{action}" in catalogue("ja")


def compose(action: str, facts: Facts, locale: str, *, cooperative: str, ends: bool = False) -> Notice:
    """The message about `action`; of a reservation that `ends` only what it was is said."""
    headline = translate(f"message.{action}", locale)
    said = [("machine", facts.machine), ("when", span(facts.when, facts.zone, locale, year=True))]
    if facts.for_whom:
        said.append(("for_whom", facts.for_whom))
    if not ends:
        said += _what_is_needed(facts, locale)
    brief = f"{facts.machine} {span(facts.when, facts.zone, locale)}"
    return Notice(
        subject=f"{headline} {brief}",
        headline=headline,
        brief=brief,
        lines=tuple((translate(f"message.label.{name}", locale), value) for name, value in said),
        link=facts.link,
        footer=translate("message.footer", locale, cooperative=cooperative),
    )


def span(when: Interval, zone: ZoneInfo, locale: str, *, year: bool = False) -> str:
    """A slot in local time: the second day is named only where it is another one."""
    start, end = when.start.astimezone(zone), when.end.astimezone(zone)
    to = _at(end, CLOCK, locale) if start.date() == end.date() else moment(when.end, zone, locale)
    return f"{moment(when.start, zone, locale, year=year)}–{to}"


def moment(at: datetime, zone: ZoneInfo, locale: str, *, year: bool = False) -> str:
    """A point in local time, to the minute."""
    day = (YEAR_AND_DAY if year else DAY)[locale]
    return _at(at.astimezone(zone), f"{day} {CLOCK}", locale)


def _what_is_needed(facts: Facts, locale: str) -> list[tuple[str, str]]:
    needed = []
    for name, at in (("answer_by", facts.answer_by), ("expected_at", facts.expected_at)):
        if at is not None:
            needed.append((name, moment(at, facts.zone, locale)))
    if facts.site:
        needed.append(("site", facts.site))
    if facts.access:
        needed.append(("access", facts.access))
    if facts.bring_by is not None:
        needed.append(("bring_by", moment(facts.bring_by, facts.zone, locale)))
    if facts.helpers:
        needed.append(("helper", "、".join(facts.helpers) if locale == "ja" else ", ".join(facts.helpers)))
    if facts.cancel_until is not None:
        needed.append(("cancel_until", moment(facts.cancel_until, facts.zone, locale)))
    if facts.at_most_yen is not None:
        yen = format_decimal(facts.at_most_yen, locale=locale)
        needed.append(("at_most", translate("message.yen", locale, yen=yen)))
    needed += [("instead", f"{machine} {span(when, facts.zone, locale)}") for machine, when in facts.instead]
    return needed


def _at(local: datetime, pattern: str, locale: str) -> str:
    return format_datetime(local, pattern, locale=locale)
