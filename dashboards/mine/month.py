"""My member's month under way: each number down to the slots and uses that it is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from billing.explain.wording import describe, render
from billing.model import Line, Reservation, Usage
from billing.periods.so_far import MachineSoFar, SoFar, so_far
from coop.door import Entrance
from coop.interval import Interval
from coop.problems import locale_of
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch in the picture of time: booked or used."""

    kind: str
    interval: Interval


@dataclass(frozen=True, slots=True)
class Said:
    """A line with what it is for and how it comes about, in words."""

    line: Line
    what: str
    sentences: list[str]


@dataclass(frozen=True, slots=True)
class Use:
    """A slot with what was used of it, or a use without a slot, and what it costs; its picture spans `window`."""

    slot: Reservation | None
    usages: tuple[Usage, ...]
    lines: tuple[Said, ...]
    window: Interval
    spans: tuple[Span, ...]

    @property
    def start(self) -> datetime:
        return min(span.interval.start for span in self.spans)


@router.get("/me/month")
def my_month(door: Entrance, month: Annotated[str, Query(max_length=7)] = "") -> Response:
    """What was booked, occupied and run on each machine, and what each of it costs."""
    locale = locale_of(door.request)

    found = door.run(lambda conn: so_far(conn, door.viewer, door.now, month or None))
    within = found.rules.interval
    shown: dict[str, Any] = {
        "machines": [_shown(each, found, locale) for each in found.machines],
        "within": within,
        "before": f"{(within.start - timedelta(days=1)).astimezone(found.rules.zone):%Y-%m}",
        "after": f"{within.end.astimezone(found.rules.zone):%Y-%m}" if within.end <= door.now else "",
    }
    return page(door, "mine/month.html", zone=found.rules.zone, here="me", now=door.now, found=found, **shown)


def _shown(each: MachineSoFar, found: SoFar, locale: str) -> dict[str, Any]:
    said = [
        Said(line, describe(line, found.rules, locale), render(line, found.rules, each.happened, locale))
        for line in each.lines
    ]
    of_uses = uses(each, found.member_id, said)
    told = {id(line) for use in of_uses for line in use.lines}
    return {
        "of": each,
        "name": found.rules.machine_name(each.happened.machine_id, locale),
        "uses": of_uses,
        "others": [line for line in said if id(line) not in told],
    }


def uses(of: MachineSoFar, member_id: str, said: Sequence[Said] = ()) -> list[Use]:
    """The member's slots and uses of one machine by time, each slot with the use inside it and their lines."""
    booked = {each.id: each for each in of.happened.reservations if each.member_id == member_id and each.stands}
    charged = [usage for usage in of.happened.usages if usage.charged]

    def made(slot: Reservation | None, usages: Sequence[Usage]) -> Use:
        ids = {usage.id for usage in usages} | ({slot.id} if slot else set())
        spans = [Span("used", usage.interval) for usage in usages]
        if slot is not None:
            spans.append(Span("booked", slot.interval))
        start, end = min(each.interval.start for each in spans), max(each.interval.end for each in spans)
        margin = (end - start) / 20
        lines = tuple(each for each in said if not ids.isdisjoint(_of(each.line)))
        return Use(slot, tuple(usages), lines, Interval(start - margin, end + margin), tuple(spans))

    found = [made(slot, [usage for usage in charged if usage.reservation_id == slot.id]) for slot in booked.values()]
    found += [made(None, [usage]) for usage in charged if usage.reservation_id not in booked]
    return sorted(found, key=lambda use: use.start)


def _of(line: Line) -> set[str]:
    """The slot and the uses that a line is of."""
    return {*line.explanation.get("usages", ()), line.explanation.get("reservation_id") or ""}
