"""Where one line's amount comes from: rule, arithmetic, usage, state intervals, readings."""

import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

from billing import store
from billing.model import Line, LineKind, MachineMonth, Rules, StateInterval, Status, Usage
from billing.periods.evidence import MACHINE, RULES, read_machine, read_rules, read_series, readings_part
from billing.periods.gather import readings_of
from billing.store import Issued
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Viewer
from coop.interval import Interval, month, parse_month
from coop.register import cooperative

__all__ = ["ExplainedLine", "ExplainedUsage", "Reading", "State", "explain", "issued", "rules"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement behind a usage, at its true time (the device's own, corrected where its clock was wrong)."""

    channel: str
    at: datetime
    value: float | str


@dataclass(frozen=True, slots=True)
class State:
    """What the machine was seen doing."""

    interval: Interval
    state: str


@dataclass(frozen=True, slots=True)
class ExplainedUsage:
    """A usage with the state intervals and readings inside it."""

    usage: Usage
    states: tuple[State, ...]
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """A line down to the readings. `frozen`: all of it comes from the evidence of a closed month."""

    issued: Issued
    rules: Rules
    month: MachineMonth | None
    line: Line
    frozen: bool
    usages: tuple[ExplainedUsage, ...]


def issued(conn: Connection, viewer: Viewer, statement_id: UUID) -> Issued:
    """One statement without its lines; raises `NotFound` for one that is not there or not the viewer's."""
    found = store.statements(conn, viewer, statement_id=statement_id)
    if not found:
        raise NotFound()
    return found[0]


def explain(conn: Connection, viewer: Viewer, statement_id: UUID, n: int) -> ExplainedLine:
    """Line `n` of a statement with everything behind it; readings of a line of use, not of a divided cost.

    Raises `NotFound` as `issued` does, or when there is no such line.
    """
    of = issued(conn, viewer, statement_id)
    lines = store.lines(conn, of.statement, n)
    if not lines:
        raise NotFound()
    line = lines[0]
    closed = of.status is Status.CLOSED
    if line.kind is LineKind.ADJUSTMENT:
        happened, behind, traced = [], [], []
    elif line.machine_id is not None:
        happened = [machine_month(conn, of.month, line.machine_id)]
        behind = [usage for usage in happened[0].usages if usage.id in line.explanation["usages"]]
        traced = _series(conn, of, line.machine_id, [usage.interval for usage in behind])
    else:
        happened = [machine_month(conn, of.month, each) for each in line.explanation["machines"]]
        behind = [
            usage for each in happened for usage in each.usages if usage.charged and usage.member_id == line.member_id
        ]
        traced = []
    states = {each.machine_id: each.states for each in happened}
    return ExplainedLine(
        of,
        rules(conn, of.month),
        happened[0] if happened and line.machine_id is not None else None,
        line,
        closed,
        tuple(
            ExplainedUsage(
                usage,
                tuple(
                    State(seen, state.state)
                    for state in _around(states[usage.machine_id], usage.interval)
                    if (seen := state.interval.intersect(usage.interval))
                ),
                tuple(_within(traced, usage.interval)),
            )
            for usage in behind
        ),
    )


def rules(conn: Connection, month: str) -> Rules:
    """What a month was settled by, as of its last draft or its close."""
    frozen = store.evidence(conn, month, RULES)
    assert frozen is not None
    return read_rules(zlib.decompress(frozen))


def machine_month(conn: Connection, month: str, machine_id: str) -> MachineMonth:
    """What happened on a machine, as it was when the month was last drafted or closed."""
    frozen = store.evidence(conn, month, MACHINE + machine_id)
    return read_machine(zlib.decompress(frozen)) if frozen else MachineMonth(machine_id)


def _series(conn: Connection, of: Issued, machine_id: str, times: Sequence[Interval]) -> list[dict[str, Any]]:
    """A machine's readings of the days of `times`: a closed month's from its evidence, as they are now for a draft."""
    if not times:
        return []
    if of.status is not Status.CLOSED:
        whole = Interval(min(each.start for each in times), max(each.end for each in times))
        within = whole.intersect(month(*parse_month(of.month), cooperative(conn).time_zone))
        return read_series(content for _, content in readings_of(conn, machine_id, within)) if within else []
    days = {each.start.astimezone(UTC).date() + timedelta(days=n) for each in times for n in range(_days(each))}
    names = [readings_part(machine_id, day) for day in sorted(days)]
    return read_series(zlib.decompress(part) for part in store.evidence_of(conn, of.month, names))


def _days(interval: Interval) -> int:
    """How many UTC days an interval touches, at most."""
    return interval.seconds // 86_400 + 2


def _around(states: Sequence[StateInterval], interval: Interval) -> Iterator[StateInterval]:
    """Those of one machine's states, which are in order and do not overlap, that may touch `interval`."""
    first = bisect_right(states, interval.start, key=_begins)
    return takewhile(lambda state: state.interval.start < interval.end, states[max(first - 1, 0) :])


def _begins(state: StateInterval) -> datetime:
    return state.interval.start


def _within(series: Sequence[Mapping[str, Any]], interval: Interval) -> Iterator[Reading]:
    start, end = (int(moment.timestamp() * 1_000_000) for moment in (interval.start, interval.end))
    for each in series:
        for at, offset, value in zip(each["at_us"], each["offset_seconds"], each["value"], strict=True):
            true_us = at + offset * 1_000_000
            if start <= true_us < end:
                yield Reading(each["channel"], datetime.fromtimestamp(true_us / 1_000_000, UTC), value)
