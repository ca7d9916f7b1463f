"""Statements as pages: what a month costs, and each line down to what the machine was seen doing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from billing import store
from billing.explain.line import ExplainedLine, ExplainedUsage, Reading, explain, issued, rules
from billing.explain.wording import describe, render
from coop import register
from coop.database import Connection
from coop.door import Entrance
from coop.errors import NotFound
from coop.interval import Interval, month, parse_month
from coop.paging import Slice
from coop.problems import locale_of
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

POINTS = 480
LISTED = 100


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch in the picture of time: booked, used or unknown."""

    kind: str
    interval: Interval


@dataclass(frozen=True, slots=True)
class Point:
    """The lowest and highest reading in a stretch of the trace that begins at `at`."""

    at: datetime
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Picture:
    """A use of a machine on the line of time, with what its signal measured."""

    window: Interval
    spans: tuple[Span, ...]
    running: tuple[Interval, ...]
    channel: str | None
    trace: tuple[Point, ...]


@router.get("/statements")
def statements(door: Entrance) -> HTMLResponse:
    """The newest statements: one's own, or everybody's for the office."""

    def ask(conn: Connection) -> dict[str, Any]:
        zone = register.cooperative(conn).time_zone
        found = store.statements(conn, door.viewer, part=Slice(limit=LISTED))
        names = {each.id: each.name for each in register.members(conn, door.viewer)}
        months = {each.month: month(*parse_month(each.month), zone).start for each in found}
        return {"zone": zone, "found": found, "names": names, "months": months}

    return page(door, "money/statements.html", here="statements", **door.run(ask))


@router.get("/statements/{statement_id}")
def statement(statement_id: UUID, door: Entrance) -> HTMLResponse:
    """One statement with its lines, each a link to its explanation."""
    locale = locale_of(door.request)

    def ask(conn: Connection) -> dict[str, Any]:
        found = issued(conn, door.viewer, statement_id)
        of = rules(conn, found.month)
        lines = [(line, describe(line, of, locale)) for line in store.lines(conn, found.statement)]
        member = register.member(conn, door.viewer, found.statement.member_id)
        return {"zone": of.zone, "found": found, "within": of.interval, "lines": lines, "member": member}

    return page(door, "money/statement.html", here="statements", **door.run(ask))


@router.get("/statements/{statement_id}/lines/{n}")
def line(statement_id: UUID, n: int, door: Entrance) -> HTMLResponse:
    """One line: the arithmetic with its numbers, and the trace of the machine with states and reservation."""
    if not 1 <= n < 2**31:
        raise NotFound()
    locale = locale_of(door.request)
    found = door.run(lambda conn: explain(conn, door.viewer, statement_id, n))
    return page(
        door,
        "money/statement_line.html",
        zone=found.rules.zone,
        here="statements",
        found=found,
        what=describe(found.line, found.rules, locale),
        sentences=render(found.line, found.rules, found.month, locale),
        parts=found.line.explanation.get("parts", []) if found.line.machine_id else [],
        pictures=[(each.usage, picture(found, each)) for each in found.usages] if found.line.machine_id else [],
        names={each.usage.machine_id: found.rules.machine_name(each.usage.machine_id, locale) for each in found.usages},
    )


def picture(found: ExplainedLine, of: ExplainedUsage) -> Picture:
    """The use with its reservation, and what the machine was seen doing around it."""
    assert found.month is not None
    used = of.usage.interval
    booked = [each.interval for each in found.month.reservations if each.id == of.usage.reservation_id]
    start, end = min(each.start for each in [used, *booked]), max(each.end for each in [used, *booked])
    margin = max((end - start) / 20, timedelta(minutes=5))
    window = Interval(start - margin, end + margin)
    seen = [(each.state, part) for each in found.month.states if (part := each.interval.intersect(window))]
    spans = [Span("unknown", part) for state, part in seen if state == "unknown"]
    spans += [Span("used", used), *(Span("booked", each) for each in booked)]
    measured = _measured(of.readings)
    return Picture(
        window,
        tuple(spans),
        tuple(part for state, part in seen if state == "running"),
        measured[0].channel if measured else None,
        _trace(measured, used),
    )


def _measured(readings: Sequence[Reading]) -> list[Reading]:
    """The readings of the first channel that measures; words and counters have their table."""
    channel = next((each.channel for each in readings if not isinstance(each.value, str)), None)
    return [each for each in readings if each.channel == channel and not isinstance(each.value, str)]


def _trace(readings: Sequence[Reading], within: Interval) -> tuple[Point, ...]:
    """At most `POINTS` stretches; each reaches to where the next begins, so that the line has no gaps."""
    step = (within.end - within.start) / POINTS
    values: dict[int, list[float]] = {}
    for each in readings:
        values.setdefault(int((each.at - within.start) / step), []).append(float(each.value))
    points = [Point(within.start + n * step, min(of), max(of)) for n, of in sorted(values.items())]
    joined = [Point(a.at, min(a.low, b.high), max(a.high, b.low)) for a, b in pairwise(points)]
    return (*joined, *points[-1:])
