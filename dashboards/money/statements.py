"""Statements as pages: what a month costs, and each line down to what the machine was seen doing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from billing import store
from billing.disputes import settle
from billing.disputes.model import Dispute
from billing.explain.line import ExplainedLine, ExplainedUsage, Reading, explain, issued, rules
from billing.explain.wording import describe, render
from coop import register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Invalid, Kind, MoyaiError, NotFound
from coop.identity import SEES_MONEY, Role
from coop.interval import Interval, month, parse_month
from coop.messages import translate
from coop.paging import Slice
from coop.problems import STATUS, locale_of
from dashboards.money.standing import standings
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

POINTS = 480
LISTED = 100
ASKS = (Role.ENGINEER, Role.MEMBER_MANAGER, Role.OFFICE)


class NothingAsked(Invalid):
    """A question says what is not understood."""

    code = "statement.nothing_asked"


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
    """The newest statements with how each stands: one's own, or everybody's for the office."""
    viewer, today = door.viewer, door.now

    def ask(conn: Connection) -> dict[str, Any]:
        zone = register.cooperative(conn).time_zone
        found = store.statements(conn, viewer, part=Slice(limit=LISTED))
        questioned = settle.disputes(conn, viewer, Slice(limit=LISTED))
        return {
            "zone": zone,
            "found": standings(conn, viewer, found, today.astimezone(zone).date()),
            "names": {each.id: each.name for each in register.members(conn, viewer)},
            "months": {each.month: month(*parse_month(each.month), zone).start for each in found},
            "questioned": [] if viewer.has(*SEES_MONEY) else questioned,
        }

    return page(
        door,
        "money/statements.html",
        here="statements",
        everybody=viewer.has(*SEES_MONEY),
        own_id=viewer.member_id,
        **door.run(ask),
    )


@router.get("/statements/{statement_id}")
def statement(statement_id: UUID, door: Entrance) -> HTMLResponse:
    """One statement with its lines, each a link to its explanation."""
    locale = locale_of(door.request)

    def ask(conn: Connection) -> dict[str, Any]:
        found = issued(conn, door.viewer, statement_id)
        of = rules(conn, found.month)
        lines = [(line, describe(line, of, locale)) for line in store.lines(conn, found.statement)]
        member = register.member(conn, door.viewer, found.statement.member_id)
        [stands] = standings(conn, door.viewer, [found], door.now.astimezone(of.zone).date())
        return {
            "zone": of.zone,
            "found": found,
            "within": of.interval,
            "lines": lines,
            "member": member,
            "stands": stands,
        }

    return page(door, "money/statement.html", here="statements", **door.run(ask))


@router.get("/statements/{statement_id}/lines/{n}")
def line(statement_id: UUID, n: int, door: Entrance, asked: bool = False) -> HTMLResponse:
    """One line: the arithmetic with its numbers, the trace of the machine, and what was asked about it."""
    return _line(door, statement_id, n, asked=asked)


@router.post("/statements/{statement_id}/lines/{n}/question")
def question(statement_id: UUID, n: int, door: Entrance, words: Annotated[str, Form(max_length=2000)] = "") -> Response:
    """Question a line, or ask further; what was typed stays when it is refused."""

    def use_case(conn: Connection) -> None:
        if not words.strip():
            raise NothingAsked()
        settle.ask(conn, door.viewer, statement_id, n, words.strip(), door.now)

    try:
        door.run(use_case)
    except MoyaiError as refused:
        if refused.kind not in {Kind.INVALID, Kind.CONFLICT}:
            raise
        return _line(door, statement_id, n, words=words, refused=refused)
    return RedirectResponse(f"/statements/{statement_id}/lines/{n}?asked=true#question", status_code=303)


def _line(
    door: Door, statement_id: UUID, n: int, *, asked: bool = False, words: str = "", refused: MoyaiError | None = None
) -> HTMLResponse:
    if not 1 <= n < 2**31:
        raise NotFound()
    locale = locale_of(door.request)

    def ask(conn: Connection) -> tuple[ExplainedLine, Dispute | None]:
        found = explain(conn, door.viewer, statement_id, n)
        return found, settle.of_line(conn, door.viewer, statement_id, n)

    found, dispute = door.run(ask)
    return page(
        door,
        "money/statement_line.html",
        zone=found.rules.zone,
        here="statements",
        status=STATUS[refused.kind].value if refused else 200,
        found=found,
        what=describe(found.line, found.rules, locale),
        sentences=render(found.line, found.rules, found.month, locale),
        parts=found.line.explanation.get("parts", []) if found.line.machine_id else [],
        pictures=[(each.usage, picture(found, each)) for each in found.usages] if found.line.machine_id else [],
        names={each.usage.machine_id: found.rules.machine_name(each.usage.machine_id, locale) for each in found.usages},
        dispute=dispute,
        asks=found.issued.status.final and door.viewer.has(*ASKS),
        asked=asked,
        words=words,
        refused=translate(refused.code, locale, **refused.params) if refused else "",
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
