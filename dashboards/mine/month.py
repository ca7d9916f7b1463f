"""My member's month under way: each number down to the slots and uses that it is made of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from billing.explain.wording import describe, render
from billing.model import Line, Reservation, Usage
from billing.periods.so_far import MachineSoFar, SoFar, so_far
from coop.database import Connection
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
class Use:
    """A slot with what was used of it, or a use without a slot; its picture is drawn across `window`."""

    slot: Reservation | None
    usages: tuple[Usage, ...]
    window: Interval
    spans: tuple[Span, ...]

    @property
    def start(self) -> datetime:
        return min(span.interval.start for span in self.spans)


@router.get("/me/month")
def my_month(door: Entrance, month: Annotated[str, Query(max_length=7)] = "") -> Response:
    """What was booked, occupied and run on each machine, and what each of it costs."""
    locale = locale_of(door.request)

    def ask(conn: Connection) -> SoFar:
        return so_far(conn, door.viewer, door.now, month or None)

    found = door.run(ask)
    within = found.rules.interval
    shown: dict[str, Any] = {
        "machines": [
            {
                "of": each,
                "name": found.rules.machine_name(each.happened.machine_id, locale),
                "uses": uses(each, found.member_id),
                "lines": [(line, *_said(line, found, each, locale)) for line in each.lines],
            }
            for each in found.machines
        ],
        "within": within,
        "before": f"{(within.start - timedelta(days=1)).astimezone(found.rules.zone):%Y-%m}",
        "after": f"{within.end.astimezone(found.rules.zone):%Y-%m}" if within.end <= door.now else "",
    }
    return page(door, "mine/month.html", zone=found.rules.zone, here="me", now=door.now, found=found, **shown)


def uses(of: MachineSoFar, member_id: str) -> list[Use]:
    """The member's slots and uses of one machine by time, each slot with the use inside it."""
    booked = {each.id: each for each in of.happened.reservations if each.member_id == member_id and each.stands}
    charged = [usage for usage in of.happened.usages if usage.charged]
    made = [
        _use(slot, tuple(usage for usage in charged if usage.reservation_id == slot.id)) for slot in booked.values()
    ]
    made += [_use(None, (usage,)) for usage in charged if usage.reservation_id not in booked]
    return sorted(made, key=lambda use: use.start)


def _use(slot: Reservation | None, usages: tuple[Usage, ...]) -> Use:
    spans = [Span("used", usage.interval) for usage in usages]
    if slot is not None:
        spans.append(Span("booked", slot.interval))
    start, end = min(each.interval.start for each in spans), max(each.interval.end for each in spans)
    margin = (end - start) / 20
    return Use(slot, usages, Interval(start - margin, end + margin), tuple(spans))


def _said(line: Line, found: SoFar, of: MachineSoFar, locale: str) -> tuple[str, list[str]]:
    return describe(line, found.rules, locale), render(line, found.rules, of.happened, locale)
