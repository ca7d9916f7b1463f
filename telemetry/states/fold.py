"""What a machine was doing, folded from its readings: hysteresis, minimum durations, gaps, its own words.

A reading's value holds from its time until the next reading. Times are whole microseconds since 1970 UTC, because a
month of readings passes through here. The fold knows nothing of arrival: the same readings in order of (time, tie) give
the same changes, whatever was folded before from which point.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from telemetry.states.model import State, StateRule

SECOND = 1_000_000
HOUR = 3600 * SECOND

Value: TypeAlias = float | str | None
"""Watts, the machine's own word, or None: its signal ended here."""

Run: TypeAlias = tuple[int, int, Value]
"""Consecutive readings that mean the same: time of the first, time and value of the last."""

Change: TypeAlias = tuple[int, State, str | None]
"""From this time on the machine was in this state, by its own word."""

Stretch: TypeAlias = tuple[int, int, State, str | None]
"""A state interval in microseconds."""


@dataclass(frozen=True, slots=True)
class Carry:
    """All that the readings so far say about what follows.

    `pending_since`: since when readings contradict `state` without having done so long enough.
    """

    last_at: int
    value: Value
    state: State
    native: str | None = None
    pending_since: int | None = None

    @property
    def settled_until(self) -> int:
        """No later reading changes what was said of the time before."""
        return self.last_at if self.pending_since is None else self.pending_since


def fold(rule: StateRule, carry: Carry | None, runs: Iterable[Run]) -> tuple[list[Change], Carry | None]:
    """The changes of state that `runs` bring after `carry`, and the carry after them.

    power: a reading between the two thresholds ends what was pending: held means held without interruption. A change
    is dated back to the first reading of the held stretch. After unknown the first reading decides at once, and only
    one at or above `on_watts` says running. execution: every word decides at once.
    """
    changes: list[Change] = []
    for first, last, value in runs:
        if carry is not None:
            carry = _hold(rule, carry, first, changes)
        carry = _hear(rule, carry, first, value, changes)
        if last > first:  # within a run no reading is missing, however long it is
            carry = replace(_hold(replace(rule, gap_seconds=None), carry, last, changes), last_at=last)
    return changes, carry


def hold(rule: StateRule, carry: Carry, until: int) -> tuple[list[Change], Carry]:
    """What is known at `until` when no reading followed `carry`: it goes on, what was pending may have been held long
    enough, and past the rule's gap it is unknown since the last reading."""
    changes: list[Change] = []
    carry = _hold(rule, carry, until, changes)
    return changes, carry


def take_over(
    before: StateRule | None, after: StateRule | None, carry: Carry, at: int, *, continues: bool
) -> tuple[list[Change], Carry]:
    """Another rule or device speaks for the machine from `at` on.

    When the signal `continues`, its last value is judged anew by the rule `after`; else what follows is unknown.
    """
    changes: list[Change] = []
    if before is not None:
        carry = _hold(before, carry, at, changes)
    if after is None or not continues or carry.state is State.UNKNOWN:
        changes.append((at, State.UNKNOWN, None))
        return changes, Carry(at, None, State.UNKNOWN)
    return changes, _hear(after, None, at, carry.value, changes)


def _hold(rule: StateRule, carry: Carry, until: int, changes: list[Change]) -> Carry:
    if rule.gap_seconds is not None and until - carry.last_at > rule.gap_seconds * SECOND:
        if carry.state is not State.UNKNOWN:
            changes.append((carry.last_at, State.UNKNOWN, None))
            return Carry(carry.last_at, carry.value, State.UNKNOWN)
    elif carry.pending_since is not None and until > carry.pending_since:
        running = carry.state is State.RUNNING
        needed_seconds = rule.off_seconds if running else rule.on_seconds
        if until - carry.pending_since >= needed_seconds * SECOND:
            state = State.IDLE if running else State.RUNNING
            changes.append((carry.pending_since, state, None))
            return Carry(carry.last_at, carry.value, state)
    return carry


def _hear(rule: StateRule, carry: Carry | None, at: int, value: Value, changes: list[Change]) -> Carry:
    if isinstance(value, float) and rule.on_watts is not None and rule.off_watts is not None:
        on, off = value >= rule.on_watts, value <= rule.off_watts
        if carry is not None and carry.state is not State.UNKNOWN:
            contradicts = off if carry.state is State.RUNNING else on
            since = (carry.pending_since or at) if contradicts else None
            return Carry(at, value, carry.state, None, since)
        state, native = State.RUNNING if on else State.IDLE, None
    else:
        state, native = _by_word(value), value if isinstance(value, str) else None
    if carry is None or (carry.state, carry.native) != (state, native):
        changes.append((at, state, native))
    return Carry(at, value, state, native)


def _by_word(value: Value) -> State:
    """MTConnect Execution (ANSI/MTC1.4 Part 3): only ACTIVE runs; no word, or UNAVAILABLE, is unknown."""
    if value == "ACTIVE":
        return State.RUNNING
    return State.UNKNOWN if value is None or value == "UNAVAILABLE" else State.IDLE


def power_runs(rule: StateRule, at: npt.NDArray[np.int64], watts: npt.NDArray[np.float64]) -> list[Run]:
    """Readings in order, taken together where they mean the same, cut at hours (UTC) and before gaps."""
    if not len(at):
        return []
    assert rule.on_watts is not None
    assert rule.off_watts is not None
    level = (watts >= rule.on_watts).astype(np.int8) - (watts <= rule.off_watts)
    cut = (level[1:] != level[:-1]) | (at[1:] // HOUR != at[:-1] // HOUR)
    if rule.gap_seconds is not None:
        cut |= np.diff(at) > rule.gap_seconds * SECOND
    begins = np.concatenate(([0], np.flatnonzero(cut) + 1))
    ends = np.concatenate((begins[1:], [len(at)])) - 1
    return list(zip(at[begins].tolist(), at[ends].tolist(), watts[ends].tolist(), strict=True))


def intervals(changes: Sequence[Change], end: int) -> list[Stretch]:
    """The stretches between `changes` up to `end`: of two changes at one time the later counts, and a change to what
    was before is none."""
    kept: list[Change] = []
    for change in changes:
        if kept and kept[-1][0] == change[0]:
            kept.pop()
        if not kept or kept[-1][1:] != change[1:]:
            kept.append(change)
    ends = [*(change[0] for change in kept), end][1:]
    return [(at, until, state, native) for (at, state, native), until in zip(kept, ends, strict=True) if at < until]
