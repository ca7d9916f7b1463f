"""The states of one machine, folded anew where marks say that something changed.

It begins at the last checkpoint before the earliest change, or at the frontier when all that changed comes after it,
and ends at a checkpoint after the last change from which on nothing differs. So live and recomputed results are one, a
late reading costs its own hours only, and a new one nothing of what was before.
"""

from itertools import groupby

from coop.database import Connection
from telemetry.states import store
from telemetry.states.chorus import Chorus, Standing, Turn, last_heard
from telemetry.states.evidence import Evidence
from telemetry.states.fold import HOUR, Run, intervals
from telemetry.states.segments import EARLIEST, LATEST

_FIRST_LOOK, _LONGEST_LOOK = 2 * HOUR, 16 * 24 * HOUR


class Refold:
    """The states of one machine, folded anew where marks say that something changed."""

    def __init__(self, conn: Connection, machine_id: str) -> None:
        self.conn, self.machine_id = conn, machine_id
        self.evidence = Evidence.of(conn, machine_id)

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
        hour, chorus, extent = self._start(since)
        settled = chorus.settled if chorus.turns else 0
        position, last = extent or (LATEST, -1)
        was: dict[int, Standing] = {}
        becomes: dict[int, Standing] = {}
        seen, width = max(hour, 0), _FIRST_LOOK
        while position <= last:
            edge = (position // HOUR) * HOUR + width
            was |= store.checkpoints(self.conn, self.machine_id, seen, edge)
            for segment, runs in self.evidence.runs(self.conn, position, edge):
                for number, of_hour in _by_hour(runs):
                    if number * HOUR > hour:
                        hour = number * HOUR
                        chorus.cross(hour)
                        while waiting and waiting[0][0] < hour:
                            until = max(until, waiting.pop(0)[1])
                        if chorus.last_at is not None:
                            standing = chorus.standing()
                            if hour > until and was.get(hour) == standing:
                                self._keep_checkpoints(was, becomes, before=hour)
                                return self._splice(settled, chorus.turns, chorus.settled, None)
                            becomes[hour] = standing
                    chorus.cross(min(of_signal[0][0] for of_signal in of_hour if of_signal))
                    chorus.hear(segment, of_hour)
            seen, position, width = edge - 1, edge, min(2 * width, _LONGEST_LOOK)
        waiting.clear()
        was |= store.checkpoints(self.conn, self.machine_id, seen, LATEST)
        self._keep_checkpoints(was, becomes, before=LATEST)
        end = chorus.last_at
        store.move_frontier(self.conn, self.machine_id, None if end is None else chorus.standing())
        chorus.hold(end or 0)
        return self._splice(settled, chorus.turns, LATEST, end or 0)

    def _start(self, since: int) -> tuple[int, Chorus, tuple[int, int] | None]:
        """Hour and chorus of the frontier or last checkpoint before `since`, and the first and last reading after it.

        A checkpoint without a reading after it, because its device was bound elsewhere, is no place to begin.
        """
        segments = self.evidence.segments
        frontier = store.frontier(self.conn, self.machine_id)
        if frontier is not None and (last_at := last_heard(frontier)) < since:
            chorus = Chorus.resumed(segments, self.evidence.segment_at(last_at), frontier)
            if chorus is not None:
                return last_at // HOUR * HOUR, chorus, self.evidence.extent(self.conn, last_at + 1)
        while checkpoint := store.checkpoint_before(self.conn, self.machine_id, since):
            hour, standing = checkpoint
            extent = self.evidence.extent(self.conn, hour)
            chorus = Chorus.resumed(segments, self.evidence.segment_at(last_heard(standing)), standing)
            if extent is not None and chorus is not None:
                return hour, chorus, extent
            store.replace_checkpoints(self.conn, self.machine_id, {hour: standing}, {})
            since = hour
        return -1, Chorus(segments), self.evidence.extent(self.conn, EARLIEST)

    def _keep_checkpoints(self, was: dict[int, Standing], becomes: dict[int, Standing], before: int) -> None:
        was = {at: standing for at, standing in was.items() if at < before}
        store.replace_checkpoints(self.conn, self.machine_id, was, becomes)

    def _splice(self, settled: int, turns: list[Turn], joins: int, last_at: int | None) -> list[tuple[int, int]]:
        """Put the turns between what was settled before and what is unchanged from `joins` on; without `last_at`
        the stored intervals go on."""
        stored = store.intervals_around(self.conn, self.machine_id, settled, joins)
        head = [(start, state, native) for start, _, state, native in stored if start <= settled]
        if last_at is not None:
            becomes = intervals([*head, *turns], last_at)
        else:
            _, end, state, native = stored[-1]
            becomes = intervals([*head, *turns, (joins, state, native)], end)
        return store.replace_intervals(self.conn, self.machine_id, stored, becomes)


def _by_hour(runs: list[list[Run]]) -> list[tuple[int, list[list[Run]]]]:
    """The runs of each signal, hour by hour."""
    hours: dict[int, list[list[Run]]] = {}
    for number, of_signal in enumerate(runs):
        for hour, at_once in groupby(of_signal, key=lambda run: run[0] // HOUR):
            hours.setdefault(hour, [[] for _ in runs])[number] = list(at_once)
    return sorted(hours.items())
