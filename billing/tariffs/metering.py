"""How many seconds of a use lie in a time: booked, occupied, running. The parts of any cut sum to the whole."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from billing.model import Reservation, StateInterval, Usage
from coop.interval import Interval

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Use:
    """What is charged as one: all usage of one reservation, or one usage without reservation.

    `taken` is what needs no sensor (a loan, advice); it stands in the place of what sensors saw. Where slots are
    billed a use may have neither: the slot was kept for the member.
    """

    member_id: str
    usages: tuple[Usage, ...]
    reservation: Reservation | None
    interval: Interval
    taken: Interval | None = None

    @classmethod
    def of(
        cls,
        member_id: str,
        usages: tuple[Usage, ...],
        reservation: Reservation | None,
        taken: Interval | None = None,
    ) -> Self:
        """The use from its first to its last moment; `usages` in order of time, or none of a slot nobody used."""
        if taken is not None:
            interval = taken
        elif len(usages) == 1:
            interval = usages[0].interval
        elif usages:
            interval = Interval(usages[0].interval.start, max(usage.interval.end for usage in usages))
        else:
            assert reservation is not None
            interval = reservation.interval
        return cls(member_id, usages, reservation, interval, taken)

    @property
    def seen(self) -> Usage | Reservation:
        """What it begins with: its first usage, or the slot."""
        first = self.usages[0] if self.usages else self.reservation
        assert first is not None
        return first

    @property
    def stretches(self) -> list[Interval]:
        """When the machine was occupied, in order of time."""
        return [self.taken] if self.taken is not None else [usage.interval for usage in self.usages]


class Running:
    """Running seconds of one machine up to any moment, from its state intervals."""

    def __init__(self, states: Iterable[StateInterval]) -> None:
        self._intervals = sorted(each.interval for each in states if each.state == "running")
        self._ends = [each.end for each in self._intervals]

    def seconds(self, within: Interval) -> int:
        """Whole running seconds inside `within`."""
        total = timedelta(0)
        for each in self._intervals[bisect_left(self._ends, within.start) :]:
            if each.start >= within.end:
                break
            common = each.intersect(within)
            if common is not None:
                total += common.end - common.start
        return total // _SECOND


def elapsed(stretch: Interval, within: Interval) -> int:
    """Whole seconds of `stretch` inside `within`, counted from its start: the parts of a cut sum to the whole."""
    if within.covers(stretch):  # nearly always
        return stretch.seconds
    common = stretch.intersect(within)
    if common is None:
        return 0
    before = int((common.start - stretch.start).total_seconds())
    return int((common.end - stretch.start).total_seconds()) - before


def occupied(use: Use, within: Interval) -> int:
    """Occupied seconds of a use inside `within`."""
    if use.taken is not None:
        return elapsed(use.taken, within)
    return sum(elapsed(usage.interval, within) for usage in use.usages)


def ran(use: Use, within: Interval, running: Running) -> int:
    """Running seconds of a use inside `within`; what no sensor watches ran as long as it was taken."""
    if use.taken is not None:
        return elapsed(use.taken, within)
    return sum(_ran(usage, within, running) for usage in use.usages)


def _ran(usage: Usage, within: Interval, running: Running) -> int:
    """Running seconds of `usage` inside `within`: the usage's own count, divided by its state intervals where cut."""

    def until(moment: datetime) -> int:
        if moment >= usage.interval.end:
            return usage.running_seconds
        if moment <= usage.interval.start:
            return 0
        counted = running.seconds(Interval(usage.interval.start, moment))
        return min(counted, usage.running_seconds)

    return until(within.end) - until(within.start)
