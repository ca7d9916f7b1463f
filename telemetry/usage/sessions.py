"""Occupied stretches: running bouts bridged over short idle gaps, cut where a reservation or a month begins or ends.

Occupied is not running: a machine looks idle while a part is fixtured.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from coop.interval import Interval, month_of
from telemetry.states.model import State, StateInterval

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Session:
    """Running bouts that belong together; it lasts from the first one's start to the last one's end."""

    bouts: tuple[Interval, ...]

    @property
    def start(self) -> datetime:
        return self.bouts[0].start

    @property
    def end(self) -> datetime:
        return self.bouts[-1].end


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a session between two cuts, with the bouts and whole running seconds inside it."""

    interval: Interval
    bouts: tuple[Interval, ...]
    running_seconds: int


def sessions(states: Iterable[StateInterval], bridge: Callable[[datetime], timedelta]) -> list[Session]:
    """Running bouts less than `bridge(start of the gap)` apart are one session; nothing bridges unknown.

    `states` are in order and without holes.
    """
    found: list[list[Interval]] = []
    bridged = False
    for each in states:
        if each.state is State.UNKNOWN:
            bridged = False
        elif each.state is State.RUNNING:
            bout = Interval(each.started_at, each.ended_at)
            if bridged and bout.start - found[-1][-1].end < max(bridge(found[-1][-1].end), timedelta.resolution):
                found[-1].append(bout)
            else:
                found.append([bout])
            bridged = True
    return [Session(tuple(bouts)) for bouts in found]


def pieces(session: Session, edges: Iterable[datetime], zone: ZoneInfo) -> list[Piece]:
    """The session cut at `edges` and at the ends of local months; a piece in which nothing ran is left out.

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
        if bouts:
            ran += sum(((bout.end - bout.start) for bout in bouts), timedelta(0))
            running_seconds = ran // _SECOND - counted_seconds
            counted_seconds += running_seconds
            found.append(Piece(interval, bouts, running_seconds))
    return found
