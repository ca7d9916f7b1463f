"""What one signal says, folded from its readings: hysteresis, minimum durations, gaps, its own words.

A reading's value holds from its time until the next reading. Times are whole microseconds since 1970 UTC, because a
month of readings passes through here. The fold knows nothing of arrival: the same readings in order of (time, tie) give
the same changes, whatever was folded before from which point.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from telemetry.states.model import State
from telemetry.states.signals import Said, Signal

SECOND = 1_000_000
HOUR = 3600 * SECOND

Value: TypeAlias = float | str | None
"""Watts, the machine's own word, or None: its signal ended here."""

Run: TypeAlias = tuple[int, int, Value]
"""Consecutive readings that mean the same: time of the first, time and value of the last."""

Change: TypeAlias = tuple[int, Said, str | None]
"""From this time on the signal said this, by its own word."""

Stretch: TypeAlias = tuple[int, int, State, str | None]
"""A state interval in microseconds."""


@dataclass(frozen=True, slots=True)
class Carry:
    """All that a signal's readings so far say about what follows.

    `pending_since`: since when readings contradict `said` without having done so long enough.
    """

    last_at: int
    value: Value
    said: Said
    native: str | None = None
    pending_since: int | None = None

    def unsettled_since(self, signal: Signal) -> int | None:
        """From when on later readings may still change what was said; None: they change nothing."""
        if self.pending_since is not None:
            return self.pending_since
        return self.last_at if signal.gap_seconds is not None and self.said is not State.UNKNOWN else None


def fold(signal: Signal, carry: Carry | None, runs: Iterable[Run]) -> tuple[list[Change], Carry | None]:
    """The changes that `runs` bring after `carry`, and the carry after them.

    Numbers: a reading between the two thresholds ends what was pending: held means held without interruption. A change
    is dated back to the first reading of the held stretch. After unknown the first reading decides at once, and only
    one at or above `on` says `above`. Words: every word decides at once.
    """
    changes: list[Change] = []
    gapless = replace(signal, gap_seconds=None)
    for first, last, value in runs:
        if carry is not None:
            carry = _hold(signal, carry, first, changes)
        carry = _hear(signal, carry, first, value, changes)
        if last > first:  # within a run no reading is missing, however long it is
            carry = replace(_hold(gapless, carry, last, changes), last_at=last)
    return changes, carry


def hold(signal: Signal, carry: Carry, until: int) -> tuple[list[Change], Carry]:
    """What is known at `until` when no reading followed `carry`: it goes on, what was pending may have been held long
    enough, and past the signal's gap it is unknown since the last reading."""
    changes: list[Change] = []
    carry = _hold(signal, carry, until, changes)
    return changes, carry


def take_over(signal: Signal, at: int, value: Value) -> Carry:
    """The signal is heard from `at` on, in another's place that last said `value`: judged anew; None: unknown."""
    return _hear(signal, None, at, value, [])


def _hold(signal: Signal, carry: Carry, until: int, changes: list[Change]) -> Carry:
    if signal.gap_seconds is not None and until - carry.last_at > signal.gap_seconds * SECOND:
        if carry.said is not State.UNKNOWN:
            changes.append((carry.last_at, State.UNKNOWN, None))
            return Carry(carry.last_at, carry.value, State.UNKNOWN)
    elif carry.pending_since is not None and until > carry.pending_since:
        above = carry.said is signal.above
        needed_seconds = signal.off_seconds if above else signal.on_seconds
        if until - carry.pending_since >= needed_seconds * SECOND:
            said = signal.below if above else signal.above
            changes.append((carry.pending_since, said, None))
            return Carry(carry.last_at, carry.value, said)
    return carry


def _hear(signal: Signal, carry: Carry | None, at: int, value: Value, changes: list[Change]) -> Carry:
    native = None
    if value is None:
        if carry is not None and signal.gap_seconds is not None and carry.said is not State.UNKNOWN:
            changes.append((carry.last_at, State.UNKNOWN, None))
            return Carry(at, None, State.UNKNOWN)
        said: Said = State.UNKNOWN
    elif isinstance(value, str):
        said, native = signal.meaning(value), value
    else:
        on, off = value >= signal.on, value <= signal.off
        if carry is not None and carry.said is not State.UNKNOWN:
            contradicts = off if carry.said is signal.above else on
            since = (carry.pending_since or at) if contradicts else None
            return Carry(at, value, carry.said, None, since)
        said = signal.above if on else signal.below
    if carry is None or (carry.said, carry.native) != (said, native):
        changes.append((at, said, native))
    return Carry(at, value, said, native)


def number_runs(
    signal: Signal,
    at: npt.NDArray[np.int64],
    numbers: npt.NDArray[np.float64],
    ends: npt.NDArray[np.int64] | None = None,
) -> list[Run]:
    """Readings in order, taken together where they mean the same, cut at hours (UTC), before gaps and at `ends`."""
    if not len(at):
        return []
    level = (numbers >= signal.on).astype(np.int8) - (numbers <= signal.off)
    cut = (level[1:] != level[:-1]) | (at[1:] // HOUR != at[:-1] // HOUR)
    if signal.gap_seconds is not None:
        cut |= np.diff(at) > signal.gap_seconds * SECOND
    if ends is not None and len(ends):
        cut |= np.diff(np.searchsorted(ends, at)) > 0
    begins = np.concatenate(([0], np.flatnonzero(cut) + 1))
    lasts = np.concatenate((begins[1:], [len(at)])) - 1
    return list(zip(at[begins].tolist(), at[lasts].tolist(), numbers[lasts].tolist(), strict=True))


def with_ends(runs: list[Run], ends: Iterable[int]) -> list[Run]:
    """The runs with each end of the signal among them; one at the time of a reading comes after it."""
    return sorted([*runs, *((at, at, None) for at in ends)], key=lambda run: (run[0], run[2] is None))


def intervals(changes: Sequence[tuple[int, State, str | None]], end: int) -> list[Stretch]:
    """The stretches between `changes` up to `end`: of two changes at one time the later counts, and a change to what
    was before is none."""
    kept: list[tuple[int, State, str | None]] = []
    for change in changes:
        if kept and kept[-1][0] == change[0]:
            kept.pop()
        if not kept or kept[-1][1:] != change[1:]:
            kept.append(change)
    ends = [*(change[0] for change in kept), end][1:]
    return [(at, until, state, native) for (at, state, native), until in zip(kept, ends, strict=True) if at < until]
