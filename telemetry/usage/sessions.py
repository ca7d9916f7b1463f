"""Occupied stretches: check-in to check-out, or running bouts bridged over short gaps where nobody checked in.

They are cut where a reservation or a month begins or ends.

Occupied is not running: a machine looks idle while a part is fixtured.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from coop.interval import Interval, month_of
from telemetry.states.model import State, StateInterval

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Session:
    """One occupied stretch: running bouts that belong together, and the visits during which somebody was checked in."""

    bouts: tuple[Interval, ...]
    visits: tuple[Interval, ...] = ()

    @property
    def start(self) -> datetime:
        return min(each.start for each in (*self.bouts, *self.visits))

    @property
    def end(self) -> datetime:
        return max(each.end for each in (*self.bouts, *self.visits))

    def joined(self, other: "Session") -> "Session":
        """Both as one."""
        return Session((*self.bouts, *other.bouts), (*self.visits, *other.visits))


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a session between two cuts, with the bouts and whole running seconds inside it."""

    interval: Interval
    bouts: tuple[Interval, ...]
    running_seconds: int


def sessions(
    states: Iterable[StateInterval], bridge: Callable[[datetime], timedelta], visits: Sequence[Interval] = ()
) -> list[Session]:
    """The occupied stretches, in order: from check-in to check-out, and what ran, bridged where nobody was checked in.

    Running bouts less than `bridge(start of the gap)` apart are one session; nothing bridges unknown, nor the moment in
    which somebody came or left. A bout that runs into a visit belongs to its session. `states` are in order and without
    holes, `visits` do not overlap.
    """
    moments = sorted({moment for visit in visits for moment in (visit.start, visit.end)})
    found: list[list[Interval]] = []
    bridged = False
    for each in states:
        if each.state is State.UNKNOWN:
            bridged = False
        elif each.state is State.RUNNING:
            bout = Interval(each.started_at, each.ended_at)
            last_end = found[-1][-1].end if found else bout.start
            short = bout.start - last_end < max(bridge(last_end), timedelta.resolution)
            passed = bisect_right(moments, bout.start) > bisect_left(moments, last_end)
            if found and bridged and short and not (passed and last_end < bout.start):
                found[-1].append(bout)
            else:
                found.append([bout])
            bridged = True
    ran = [Session(tuple(bouts)) for bouts in found]
    return _joined(
        sorted([*ran, *(Session((), (visit,)) for visit in visits)], key=lambda each: (each.start, each.end))
    )


def _joined(parts: Iterable[Session]) -> list[Session]:
    """Parts that overlap are one."""
    found: list[Session] = []
    for part in parts:
        if found and part.start < found[-1].end:
            found[-1] = found[-1].joined(part)
        else:
            found.append(part)
    return found


def pieces(session: Session, edges: Iterable[datetime], zone: ZoneInfo) -> list[Piece]:
    """The session cut at `edges` and at the ends of local months, without pieces in which nothing ran and nobody was
    checked in.

    Running seconds are rounded down over the session as a whole, so that its pieces add up to it.
    """
    cuts = {session.start, session.end} | {edge for edge in edges if session.start < edge < session.end}
    month_end = month_of(session.start, zone).end
    while month_end < session.end:
        cuts.add(month_end)
        month_end = month_of(month_end, zone).end
    ordered = sorted(cuts)
    found = []
    ran, counted_seconds = timedelta(0), 0
    for start, end in pairwise(ordered):
        interval = Interval(start, end)
        bouts = tuple(part for bout in session.bouts if (part := bout.intersect(interval)))
        if bouts or any(visit.overlaps(interval) for visit in session.visits):
            ran += sum(((bout.end - bout.start) for bout in bouts), timedelta(0))
            running_seconds = ran // _SECOND - counted_seconds
            counted_seconds += running_seconds
            found.append(Piece(interval, bouts, running_seconds))
    return found
