"""What one use costs: metered by the tariff's basis, rounded up to its increment once, priced, rounded once."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Self
from zoneinfo import ZoneInfo

from billing.model import Basis, Reservation, StateInterval, Tariff, Usage
from coop.interval import Interval, local_midnight, subtract
from coop.money import Yen, round_half_up

_SECOND = timedelta(seconds=1)
_FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Use:
    """What is charged as one: all usage of one reservation, or one usage without reservation.

    A use of `Basis.BOOKED` may have no usage at all: the slot was kept for the member.
    """

    member_id: str
    usages: tuple[Usage, ...]
    reservation: Reservation | None
    interval: Interval

    @classmethod
    def of(cls, member_id: str, usages: tuple[Usage, ...], reservation: Reservation | None) -> Self:
        """The use from its first to its last moment; `usages` in order of time, or none of a slot nobody used."""
        if len(usages) == 1:
            interval = usages[0].interval
        elif usages:
            interval = Interval(usages[0].interval.start, max(usage.interval.end for usage in usages))
        else:
            assert reservation is not None
            interval = reservation.interval
        return cls(member_id, usages, reservation, interval)

    @property
    def seen(self) -> Usage | Reservation:
        """What it begins with: its first usage, or the slot that nobody used."""
        first = self.usages[0] if self.usages else self.reservation
        assert first is not None
        return first


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
    booked = None
    if use.reservation is not None and any(version.tariff.basis is Basis.BOOKED for version in in_force):
        booked = use.reservation.interval.intersect(window)
        stretches += [booked] if booked else []
    touched = [version for version in in_force if any(version.valid.overlaps(each) for each in stretches)]
    if not touched or any(_uncovered(each, touched) for each in stretches):
        return None
    parts = [Part(version.tariff, _metered(use, booked, version, running)) for version in touched]
    if len(parts) > 1:
        parts = [part for part in parts if part.seconds > 0] or parts[-1:]
    metered = sum(part.seconds for part in parts)
    last = parts[-1]
    billed = -(-metered // last.tariff.increment_seconds) * last.tariff.increment_seconds
    if billed > metered:
        parts[-1] = Part(last.tariff, last.seconds + billed - metered)
    exact = Fraction(sum(part.seconds * part.tariff.yen_per_hour for part in parts), 3600)
    return Fee(tuple(parts), metered, billed, exact, round_half_up(exact))


def _metered(use: Use, booked: Interval | None, version: Version, running: Running) -> int:
    """Seconds of `use` under `version`, by its basis; a use without a reservation is billed as occupied, not booked."""
    basis = version.tariff.basis
    if basis is Basis.BOOKED and use.reservation is not None:
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
    if valid.covers(stretch):  # nearly always
        return stretch.seconds
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
        counted = running.seconds(Interval(usage.interval.start, moment))
        return min(counted, usage.running_seconds)

    return until(valid.end) - until(valid.start)
