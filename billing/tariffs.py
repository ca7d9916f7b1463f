"""What one use costs: metered by the tariff's basis, rounded up to its increment once, priced, rounded once."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from billing.model import Basis, Reservation, StateInterval, Tariff, Usage
from coop.interval import Interval, local_midnight, subtract
from coop.money import Yen, round_half_up

_FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Use:
    """What is charged as one: all usage of one reservation, or one usage without reservation.

    A use of `Basis.BOOKED` may have no usage at all: the slot was kept for the member.
    """

    machine_id: str
    member_id: str
    usages: tuple[Usage, ...]
    reservation: Reservation | None = None

    @property
    def interval(self) -> Interval:
        """From its first to its last moment."""
        if not self.usages:
            assert self.reservation is not None
            return self.reservation.interval
        if len(self.usages) == 1:
            return self.usages[0].interval
        return Interval(
            min(usage.interval.start for usage in self.usages), max(usage.interval.end for usage in self.usages)
        )


@dataclass(frozen=True, slots=True)
class Part:
    """The billed seconds of a use under one version of the tariff."""

    tariff: Tariff
    seconds: int


@dataclass(frozen=True, slots=True)
class Fee:
    """The price of one use. `billed_seconds` is `metered_seconds` rounded up; `exact` is the fee before rounding."""

    parts: tuple[Part, ...]
    metered_seconds: int
    billed_seconds: int
    exact: Fraction
    yen: Yen


@dataclass(frozen=True, slots=True)
class Version:
    """A tariff with its local dates turned into moments."""

    tariff: Tariff
    valid: Interval


class Running:
    """Running seconds of machines up to any moment, from their state intervals."""

    def __init__(self, states: Iterable[StateInterval]) -> None:
        self._by_machine: dict[str, list[Interval]] = defaultdict(list)
        for each in states:
            if each.state == "running":
                self._by_machine[each.machine_id].append(each.interval)
        for intervals in self._by_machine.values():
            intervals.sort()
        self._ends = {name: [each.end for each in found] for name, found in self._by_machine.items()}

    def seconds(self, machine_id: str, within: Interval) -> int:
        """Whole running seconds of the machine inside `within`."""
        intervals = self._by_machine.get(machine_id, [])
        total = 0.0
        for each in intervals[bisect_left(self._ends.get(machine_id, []), within.start) :]:
            common = each.intersect(within)
            if common is None:
                if each.start >= within.end:
                    break
                continue
            total += (common.end - common.start).total_seconds()
        return int(total)


def versions(tariffs: Iterable[Tariff], zone: ZoneInfo) -> Mapping[str, Sequence[Version]]:
    """Each machine's tariff versions in order of time, cut at local midnights of `zone`."""
    found: dict[str, list[Version]] = defaultdict(list)
    for tariff in sorted(tariffs, key=lambda each: (each.machine_id, each.valid_from)):
        until = _FOREVER if tariff.valid_until is None else local_midnight(tariff.valid_until, zone)
        found[tariff.machine_id].append(Version(tariff, Interval(local_midnight(tariff.valid_from, zone), until)))
    return found


def fee_of(use: Use, in_force: Sequence[Version], running: Running, window: Interval) -> Fee | None:
    """The fee of `use` under the versions of its machine, counting what lies in `window` (the month).

    A use across a change of tariff is metered under each version; it is rounded up once, and what the rounding adds
    is priced at the version under which it ended. None when some of it lies under no version.
    """
    stretches = [usage.interval for usage in use.usages]
    if use.reservation is not None and any(version.tariff.basis is Basis.BOOKED for version in in_force):
        booked = use.reservation.interval.intersect(window)
        stretches += [booked] if booked else []
    touched = [version for version in in_force if any(version.valid.overlaps(each) for each in stretches)]
    if not touched or any(_uncovered(each, touched) for each in stretches):
        return None
    parts = [Part(version.tariff, _metered(use, version, running, window)) for version in touched]
    parts = [part for part in parts if part.seconds > 0] or parts[-1:]
    metered = sum(part.seconds for part in parts)
    last = parts[-1]
    billed = -(-metered // last.tariff.increment_seconds) * last.tariff.increment_seconds
    parts[-1] = Part(last.tariff, last.seconds + billed - metered)
    exact = Fraction(sum(part.seconds * part.tariff.yen_per_hour for part in parts), 3600)
    return Fee(tuple(parts), metered, billed, exact, round_half_up(exact))


def _metered(use: Use, version: Version, running: Running, window: Interval) -> int:
    """Seconds of `use` under `version`, by its basis; a use without a reservation is billed as occupied, not booked."""
    basis = version.tariff.basis
    if basis is Basis.BOOKED and use.reservation is not None:
        booked = use.reservation.interval.intersect(window)
        return _elapsed(booked, version.valid) if booked else 0
    if basis is Basis.RUNNING:
        return sum(_running(usage, version.valid, running) for usage in use.usages)
    return sum(_elapsed(usage.interval, version.valid) for usage in use.usages)


def _uncovered(stretch: Interval, touched: Sequence[Version]) -> bool:
    if touched[0].valid.covers(stretch):  # nearly always: spares the sorting
        return False
    return bool(subtract(stretch, (version.valid for version in touched)))


def _elapsed(stretch: Interval, valid: Interval) -> int:
    """Whole seconds of `stretch` inside `valid`, counted from its start so that the parts of a cut sum to the whole."""
    common = stretch.intersect(valid)
    if common is None:
        return 0
    before = int((common.start - stretch.start).total_seconds())
    return int((common.end - stretch.start).total_seconds()) - before


def _running(usage: Usage, valid: Interval, running: Running) -> int:
    """Running seconds of `usage` inside `valid`: the usage's own count, divided by its state intervals where cut."""

    def until(moment: datetime) -> int:
        if moment >= usage.interval.end:
            return usage.running_seconds
        if moment <= usage.interval.start:
            return 0
        counted = running.seconds(usage.machine_id, Interval(usage.interval.start, moment))
        return min(counted, usage.running_seconds)

    return until(valid.end) - until(valid.start)
