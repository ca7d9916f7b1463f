"""From readings to states to usage, for whatever changed: one machine in one transaction.

Derivation begins anew at the last checkpoint before the earliest change and ends at a checkpoint after the last change
from which on nothing differs. So live and recomputed results are one, and a late reading costs its own hours only.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import groupby, pairwise

from coop import database, events
from coop.database import Connection, DatabaseAway, Pool
from coop.settings import Settings
from telemetry.presence import tell_signal
from telemetry.room import tell_temperature
from telemetry.states import store as store_states
from telemetry.states.evidence import Evidence
from telemetry.states.fold import HOUR, Carry, Change, fold, intervals, take_over
from telemetry.states.segments import EARLIEST, LATEST
from telemetry.usage.account import account

log = logging.getLogger("telemetry.derive")

_AFTER_FAILURE_SECONDS = 1.0
_FIRST_LOOK, _LONGEST_LOOK = 2 * HOUR, 16 * 24 * HOUR


@dataclass(frozen=True, slots=True)
class Derived:
    """What one derivation changed: state intervals and usages written or removed."""

    machine_id: str
    intervals: int
    usages: int


def derive(conn: Connection, machine_id: str) -> Derived | None:
    """Derive what changed of one machine; None when nothing did. Listeners are told once the transaction commits."""
    marks = store_states.take_marks(conn, machine_id)
    if not marks:
        return None
    before = store_states.frontier(conn, machine_id)
    changed = _Refold(conn, machine_id, before).run(marks)
    usages = account(conn, machine_id, [*marks, *changed])
    tell_temperature(conn, machine_id)
    if changed or usages or before != store_states.frontier(conn, machine_id):
        tell_signal(conn, machine_id, datetime.now(UTC))
        events.notify(conn, "machine", machine_id)
    return Derived(machine_id, len(changed), usages)


def derive_waiting(pool: Pool) -> Iterator[Derived]:
    """Derive each machine that waits for it, once, in a transaction of its own."""
    for machine_id in database.run(pool, store_states.machines_to_derive):
        derived = database.run(pool, partial(derive, machine_id=machine_id))
        if derived is not None:
            log.info("derived machine=%s intervals=%s usages=%s", machine_id, derived.intervals, derived.usages)
            yield derived


def derive_all(pool: Pool, progress: Callable[[Derived], None] | None = None) -> int:
    """Derive until nothing waits for it; return how many times a machine was derived."""
    total = 0
    while taken := list(map(progress or (lambda _: None), derive_waiting(pool))):
        total += len(taken)
    return total


def run_loop(pool: Pool, settings: Settings, stop: threading.Event) -> None:
    """Derive whatever changes until `stop` is set; a database that goes away is waited for."""
    while not stop.is_set():
        pause_seconds = settings.derive_pause_ms / 1000
        try:
            for _ in derive_waiting(pool):
                if stop.is_set():
                    return
        except DatabaseAway:
            log.warning("derive.waits reason=database_away")
            pause_seconds = _AFTER_FAILURE_SECONDS
        except Exception:
            log.exception("derive.failed")  # the edge of the process: the marks are still there, and tried again
            pause_seconds = _AFTER_FAILURE_SECONDS
        stop.wait(pause_seconds)


class _Refold:
    """The states of one machine, folded anew where marks say that something changed."""

    def __init__(self, conn: Connection, machine_id: str, frontier: Carry | None) -> None:
        self.conn, self.machine_id = conn, machine_id
        self.evidence = Evidence.of(conn, machine_id)
        self.frontier = frontier

    def run(self, marks: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Fold from before each mark until all is as it was again; return the stretches whose state changed."""
        changed: list[tuple[int, int]] = []
        waiting = list(marks)
        while waiting:
            since, until = waiting.pop(0)
            changed += self._fold_from(since, until, waiting)
        return changed

    def _fold_from(self, since: int, until: int, waiting: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Fold one mark; those of `waiting` that are passed on the way are taken along."""
        hour, carry, extent = self._start(since)
        settled = carry.settled_until if carry else 0
        position, last = extent or (LATEST, -1)
        was: dict[int, Carry] = {}
        becomes: dict[int, Carry] = {}
        changes: list[Change] = [(settled, carry.state, carry.native)] if carry else []
        seen, width = max(hour, 0), _FIRST_LOOK
        while position <= last:
            edge = (position // HOUR) * HOUR + width
            was |= store_states.checkpoints(self.conn, self.machine_id, seen, edge)
            for rule, runs in self.evidence.runs(self.conn, position, edge):
                for number, of_hour in groupby(runs, key=lambda run: run[0] // HOUR):
                    if number * HOUR > hour:
                        hour = number * HOUR
                        carry = self._cross(carry, hour, changes)
                        while waiting and waiting[0][0] < hour:
                            until = max(until, waiting.pop(0)[1])
                        if carry is not None:
                            if hour > until and was.get(hour) == carry:
                                self._keep_checkpoints(was, becomes, before=hour)
                                return self._splice(settled, changes, carry.settled_until, None)
                            becomes[hour] = carry
                    ordered = list(of_hour)
                    carry = self._cross(carry, ordered[0][0], changes)
                    brought, carry = fold(rule, carry, ordered)
                    changes += brought
            seen, position, width = edge - 1, edge, min(2 * width, _LONGEST_LOOK)
        waiting.clear()
        was |= store_states.checkpoints(self.conn, self.machine_id, seen, LATEST)
        self._keep_checkpoints(was, becomes, before=LATEST)
        store_states.move_frontier(self.conn, self.machine_id, carry)
        return self._splice(settled, changes, LATEST, carry.last_at if carry else 0)

    def _start(self, since: int) -> tuple[int, Carry | None, tuple[int, int] | None]:
        """Hour and carry of the last checkpoint before `since`, and the first and last reading after it.

        A checkpoint without a reading after it, because its device was bound elsewhere, is no place to begin.
        """
        while checkpoint := store_states.checkpoint_before(self.conn, self.machine_id, since):
            hour, carry = checkpoint
            extent = self.evidence.extent(self.conn, hour)
            if extent is not None:
                return hour, carry, extent
            store_states.replace_checkpoints(self.conn, self.machine_id, {hour: carry}, {})
            since = hour - 1
        return -1, None, self.evidence.extent(self.conn, EARLIEST)

    def _cross(self, carry: Carry | None, until: int, changes: list[Change]) -> Carry | None:
        """Hand over from segment to segment of the evidence up to a time that has a reading at or after it."""
        if carry is None or len(self.evidence.segments) == 1:
            return carry
        for before, after in pairwise(self.evidence.segments):
            if carry.last_at < after.since <= until:
                brought, carry = take_over(before.rule, after.rule, carry, after.since, continues=after.continues)
                changes += brought
        return carry

    def _keep_checkpoints(self, was: dict[int, Carry], becomes: dict[int, Carry], before: int) -> None:
        was = {at: carry for at, carry in was.items() if at < before}
        store_states.replace_checkpoints(self.conn, self.machine_id, was, becomes)

    def _splice(self, settled: int, changes: list[Change], joins: int, last_at: int | None) -> list[tuple[int, int]]:
        """Put the changes between what was settled before and what is unchanged from `joins` on; without `last_at`
        the stored intervals go on."""
        stored = store_states.intervals_around(self.conn, self.machine_id, settled, joins)
        head = [(start, state, native) for start, _, state, native in stored if start <= settled]
        if last_at is not None:
            becomes = intervals([*head, *changes], last_at)
        else:
            _, end, state, native = stored[-1]
            becomes = intervals([*head, *changes, (joins, state, native)], end)
        return store_states.replace_intervals(self.conn, self.machine_id, stored, becomes)
