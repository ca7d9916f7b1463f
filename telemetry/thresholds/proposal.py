"""On and off watts proposed from a machine's own power: the valley between the levels at which it spends its time.

Power spreads over three orders of magnitude and every noise grows with it, so levels are sought on its logarithm, and
relative to the highest: the same machine in kilowatts gets the same proposal. Levels are the humps of the smoothed
histogram of time; two are told apart where the valley between them is deep (depth = 1 - valley / lower hump). One that
is wide may be two that overlap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ENOUGH_READINGS = 30
SHARE_OF_A_LEVEL = 0.005  # seven minutes of a day
DEPTH_OF_A_VALLEY = 0.5
OFF_IS_BELOW = 0.1  # of the level above it
CLEAR_DEPTH, CLEAR_RATIO = 0.9, 1.5

FINEST_WATTS = 1e-6
"""No plug tells less from nothing."""

_TOP_SHARE = 0.995  # what is above is switching on
_FLOOR = 1 / 300  # of the top: below is off, whatever a plug's last digit says
_BIN = 0.1  # of the natural logarithm: bins a tenth wide
_SMOOTHING = np.array([0.06, 0.24, 0.4, 0.24, 0.06])


class Doubt(StrEnum):
    """Why idle and measuring cannot be told apart, or what a person should look at before saving."""

    TOO_FEW = "too_few"
    NO_POWER = "no_power"
    ONE_LEVEL = "one_level"
    OVERLAP = "overlap"
    OFF_OR_IDLE = "off_or_idle"


@dataclass(frozen=True, slots=True)
class Level:
    """A power at which the machine spends `share` of the time: its median, and where nine tenths of it lie."""

    watts: float
    low_watts: float
    high_watts: float
    share: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """Thresholds, or why there are none (`on_watts` None). `standby_watts`: at or below it is off.

    `depth` is that of the valley in 0..1. `clear`: the valley is deep and wide, and there is no doubt.
    """

    levels: tuple[Level, ...]
    on_watts: float | None = None
    off_watts: float | None = None
    standby_watts: float | None = None
    depth: float = 0.0
    clear: bool = False
    doubt: Doubt | None = None


def propose(watts: Sequence[float] | Floats, seconds: Sequence[float] | Floats | None = None) -> Proposal:
    """Thresholds from readings, each of which held for so many seconds (all equally long when not given)."""
    power = np.asarray(watts, np.float64)
    held = np.ones(len(power)) if seconds is None else np.asarray(seconds, np.float64)
    keep = np.isfinite(power) & (held > 0)
    power, held = power[keep], held[keep]
    if len(power) < ENOUGH_READINGS:
        return Proposal((), doubt=Doubt.TOO_FEW)
    order = np.argsort(power, kind="stable")
    power, held = np.clip(power[order], 0, None), held[order] / held.sum()
    top = _quantile(power, held, _TOP_SHARE)
    if top < FINEST_WATTS:
        return Proposal((), doubt=Doubt.NO_POWER)
    logs = np.log(np.clip(power / top, _FLOOR, 1))
    numbers = np.floor((logs - np.log(_FLOOR)) / _BIN).astype(np.int64)
    density = np.convolve(np.bincount(numbers, held), _SMOOTHING)  # two bins longer on either side
    cuts = _cuts(density, 0, len(density))
    edges = [0, *np.searchsorted(numbers + 2, cuts), len(power)]
    levels = tuple(_level(power[a:b], held[a:b]) for a, b in pairwise(edges) if a < b)
    if len(levels) < 2:
        wide = levels[0].high_watts > CLEAR_RATIO * levels[0].low_watts
        return Proposal(levels, doubt=Doubt.OVERLAP if wide else Doubt.ONE_LEVEL)
    return _between(levels, density, cuts)


def between(idle: Sequence[float], measuring: Sequence[float]) -> Proposal:
    """Thresholds from what was seen while a person said that the machine was idle, and that it measured."""
    levels = tuple(Level(float(np.median(each)), min(each), max(each), 0.5) for each in (idle, measuring) if len(each))
    if len(levels) < 2:
        return Proposal(levels, doubt=Doubt.TOO_FEW)
    if levels[1].watts < FINEST_WATTS:
        return Proposal(levels, doubt=Doubt.NO_POWER)
    return _thresholds(levels, levels[0], levels[1], depth=1.0)


def _between(levels: tuple[Level, ...], density: Floats, cuts: list[int]) -> Proposal:
    """The lowest of three levels is off if it is far below the next; of two, nobody can know."""
    far = levels[0].watts < OFF_IS_BELOW * levels[1].watts
    is_off = far and len(levels) > 2
    lower, upper = (levels[1], levels[2]) if is_off else (levels[0], levels[1])
    cut = cuts[1 if is_off else 0]
    found = _thresholds(levels, lower, upper, _depth(density, cut, 0, len(density)))
    if found.on_watts is None:
        return found
    standby = float(np.sqrt(max(levels[0].high_watts, levels[1].low_watts * _FLOOR) * levels[1].low_watts))
    doubt = Doubt.OFF_OR_IDLE if far and not is_off else None
    return Proposal(
        levels,
        found.on_watts,
        found.off_watts,
        standby if is_off else None,
        found.depth,
        clear=found.clear and doubt is None,
        doubt=doubt,
    )


def _thresholds(levels: tuple[Level, ...], lower: Level, upper: Level, depth: float) -> Proposal:
    """A third and two thirds of the way (in ratios) from the top of the lower level to the bottom of the upper."""
    top, bottom = max(lower.high_watts, upper.low_watts * _FLOOR), upper.low_watts
    if bottom <= top * 1.05:
        return Proposal(levels, depth=depth, doubt=Doubt.OVERLAP)
    ratio = bottom / top
    return Proposal(
        levels,
        on_watts=float(top * ratio ** (2 / 3)),
        off_watts=float(top * ratio ** (1 / 3)),
        depth=depth,
        clear=depth >= CLEAR_DEPTH and ratio >= CLEAR_RATIO,
    )


def _cuts(density: Floats, start: int, end: int) -> list[int]:
    """Where `density` falls apart, in order."""
    found = _deepest(density, start, end)
    if found is None or found[1] < DEPTH_OF_A_VALLEY:
        return []
    cut = found[0]
    return [*_cuts(density, start, cut), cut, *_cuts(density, cut, end)]


def _deepest(density: Floats, start: int, end: int) -> tuple[int, float] | None:
    """The deepest valley with a level on either side of it; the middle of its bottom."""
    within = [
        cut
        for cut in range(start + 1, end)
        if density[start:cut].sum() >= SHARE_OF_A_LEVEL and density[cut:end].sum() >= SHARE_OF_A_LEVEL
    ]
    depths = [_depth(density, cut, start, end) for cut in within]
    if not depths:
        return None
    deepest = max(depths)
    bottom = [cut for cut, depth in zip(within, depths, strict=True) if depth == deepest]
    first = next((n for n, (a, b) in enumerate(pairwise(bottom)) if b != a + 1), len(bottom) - 1)
    return bottom[first // 2], deepest


def _depth(density: Floats, cut: int, start: int, end: int) -> float:
    lower_hump = min(density[start:cut].max(), density[cut:end].max())
    return float(1 - min(density[cut - 1], density[cut]) / lower_hump) if lower_hump > 0 else 0.0


def _level(power: Floats, held: Floats) -> Level:
    share = float(held.sum())
    middle, low, high = (_quantile(power, held / share, part) for part in (0.5, 0.05, 0.95))
    return Level(middle, low, high, share)


def _quantile(ordered: Floats, share: Floats, part: float) -> float:
    place = int(np.searchsorted(np.cumsum(share), part * (1 - 1e-9)))
    return float(ordered[min(place, len(ordered) - 1)])
