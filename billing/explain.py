"""Where one line's amount comes from: rule, arithmetic, usage, state intervals, readings."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from billing import store
from billing.calculation import charged
from billing.evidence import INPUTS, READINGS, read_inputs
from billing.gather import readings_of
from billing.model import Line, Status, Usage
from billing.store import Issued
from billing.wording import render
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Viewer
from coop.interval import Interval

__all__ = ["ExplainedLine", "ExplainedUsage", "Reading", "State", "explain", "issued", "render"]


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
    n: int
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
    frozen = store.evidence(conn, of.month, INPUTS)
    inputs = read_inputs(zlib.decompress(frozen[INPUTS][1]))
    closed = of.status is Status.CLOSED
    if "usages" in line.explanation:
        ids = {each["id"] for each in line.explanation["usages"]}
        behind = [usage for usage in inputs.usages if str(usage.id) in ids]
        traced = {
            usage.machine_id: _series(conn, of.month, closed, usage.machine_id, inputs.interval) for usage in behind[:1]
        }
    else:
        machines = {each["id"] for each in line.explanation["machines"]}
        behind = [
            usage
            for usage in inputs.usages
            if charged(usage) and usage.member_id == line.member_id and usage.machine_id in machines
        ]
        traced = {}
    wanted = {usage.machine_id for usage in behind}
    states = [state for state in inputs.states if state.machine_id in wanted]
    return ExplainedLine(
        of,
        n,
        line,
        closed,
        tuple(
            ExplainedUsage(
                usage,
                tuple(
                    State(seen, state.state)
                    for state in states
                    if state.machine_id == usage.machine_id and (seen := state.interval.intersect(usage.interval))
                ),
                tuple(_within(traced.get(usage.machine_id, []), usage.interval)),
            )
            for usage in behind
        ),
    )


def _series(conn: Connection, month: str, closed: bool, machine_id: str, within: Interval) -> list[dict[str, Any]]:
    """A machine's readings of the month: from the evidence of a closed one, as they are now for a draft."""
    if not closed:
        return _columns(readings_of(conn, machine_id, within))
    part = READINGS + machine_id
    frozen = store.evidence(conn, month, part)
    return _columns(zlib.decompress(frozen[part][1])) if part in frozen else []


def _columns(content: bytes) -> list[dict[str, Any]]:
    columns: list[dict[str, Any]] = orjson.loads(content)
    return columns


def _within(series: Sequence[Mapping[str, Any]], interval: Interval) -> Iterator[Reading]:
    start, end = (int(moment.timestamp() * 1_000_000) for moment in (interval.start, interval.end))
    for each in series:
        for at, offset, value in zip(each["at_us"], each["offset_seconds"], each["value"], strict=True):
            true_us = at + offset * 1_000_000
            if start <= true_us < end:
                yield Reading(each["channel"], datetime.fromtimestamp(true_us / 1_000_000, UTC), value)
