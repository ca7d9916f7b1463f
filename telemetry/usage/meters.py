"""What a machine took and made meanwhile: kWh and parts, as diagnostics of a usage. Nothing is charged by them.

Energy comes from a device's counter (`energy_wh`) where it has one, else from its `power`; parts from `part_count`, or
as many more as `part_increment` says. A counter that goes down began anew from zero.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from coop.database import Connection
from coop.interval import Interval
from telemetry.states.evidence import bounds_of, micros, number_after, number_before, numbers
from telemetry.states.fold import HOUR, SECOND
from telemetry.states.segments import Source, sources_of

ENERGY, POWER, COUNT, INCREMENT = "energy_wh", "power", "part_count", "part_increment"
HOLDS_AT_MOST = 900 * SECOND
"""A power holds until the next one, and no longer than this."""

BACK, AHEAD = 7 * 24 * HOUR, 2 * HOUR
"""How far around a stretch the counter's readings before and after it are looked for. Its growth is spread evenly."""

_AT_ONCE = 96 * HOUR

_Read: TypeAlias = tuple[tuple[Sequence[Source], int], tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]

_WH_PER_KWH, _WATT_MICROSECONDS_PER_KWH = 1e3, 3.6e12


class Meters:
    """The meters of the devices that ever spoke for a machine; `many`: it is asked for days of usage, in order."""

    def __init__(self, conn: Connection, machine_id: str, *, many: bool = False) -> None:
        self._conn, self._many = conn, many
        self._read: _Read | None = None
        by_device: dict[str, dict[str, list[Source]]] = {}
        for bound in bounds_of(conn, machine_id)[machine_id]:
            if bound.channel in (ENERGY, POWER, COUNT, INCREMENT):
                channels = by_device.setdefault(bound.device_id, {})
                channels.setdefault(bound.channel, []).extend(sources_of(bound))
        self._devices = list(by_device.values())

    def reach(self, since: int, until: int) -> tuple[int, int]:
        """Whose measurement a change in `[since, until]` can touch: from a counter's reading before it to the next."""
        first, last = since, until
        for channels in self._devices:
            for sources in (channels.get(ENERGY, ()), channels.get(COUNT, ())):
                before = number_before(self._conn, sources, since - AHEAD, since)
                first = min(first, before[0] if before else since - AHEAD) if sources else first
                last = max(last, number_after(self._conn, sources, until + 1, until + BACK) or until)
        return first, last

    def energy_kwh(self, during: Interval) -> Decimal | None:
        """What the machine took, to 0.1 Wh; None when nothing measured it."""
        since, until = micros(during.start), micros(during.end)
        measured = []
        for channels in self._devices:
            kwh = self._counted_kwh(channels.get(ENERGY, ()), since, until)
            measured.append(self._held_kwh(channels.get(POWER, ()), since, until) if kwh is None else kwh)
        found = [kwh for kwh in measured if kwh is not None]
        return Decimal(f"{max(sum(found), 0):.4f}") if found else None

    def parts(self, during: Interval) -> int | None:
        """How many parts it made; None when nothing counted them."""
        since, until = micros(during.start), micros(during.end)
        counted: list[float] = []
        for channels in self._devices:
            at, count = self._counter(channels.get(COUNT, ()), since, until + 1)
            if len(at) > 1:
                counted.append(float(_growth(count)[(at[1:] > since) & (at[1:] <= until)].sum()))
            at, more = numbers(self._conn, channels.get(INCREMENT, ()), since + 1, until + 1)
            if len(at):
                counted.append(float(more.sum()))
        return max(round(sum(counted)), 0) if counted else None

    def _counted_kwh(self, sources: Sequence[Source], since: int, until: int) -> float | None:
        at, wh = self._counter(sources, since, until + AHEAD)
        if len(at) < 2 or at[-1] <= since or at[0] >= until:
            return None
        grown = np.concatenate(([0.0], np.cumsum(_growth(wh))))
        begin, end = np.interp([since, until], at, grown)
        return float(end - begin) / _WH_PER_KWH

    def _held_kwh(self, sources: Sequence[Source], since: int, until: int) -> float | None:
        at, watts = self._watts(sources, since - HOLDS_AT_MOST, until)
        if not len(at):
            return None
        ends = np.minimum(np.append(at[1:], until), at + HOLDS_AT_MOST)
        held = np.clip(np.minimum(ends, until) - np.maximum(at, since), 0, None)
        return float((watts * held).sum()) / _WATT_MICROSECONDS_PER_KWH if held.any() else None

    def _watts(
        self, sources: Sequence[Source], since: int, until: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Numbers in a stretch; where many usages are measured, days of them are read at once."""
        begin = since // _AT_ONCE * _AT_ONCE
        if not self._many or not sources or until > begin + _AT_ONCE:
            return numbers(self._conn, sources, since, until)
        if self._read is None or self._read[0] != (sources, begin):
            self._read = (sources, begin), numbers(self._conn, sources, begin, begin + _AT_ONCE)
        at, watts = self._read[1]
        part = slice(*np.searchsorted(at, [since, until]))
        return at[part], watts[part]

    def _counter(
        self, sources: Sequence[Source], since: int, until: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The readings of a counter, from the last one at or before `since` on."""
        at, value = numbers(self._conn, sources, since, until)
        before = number_before(self._conn, sources, since - BACK, since)
        if before is None:
            return at, value
        return np.concatenate(([before[0]], at)), np.concatenate(([before[1]], value))


def _growth(counter: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """By how much a counter grew from each reading to the next."""
    grown = np.diff(counter)
    return np.where(grown < 0, counter[1:], grown)
