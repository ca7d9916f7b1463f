"""What a power plug sees in front of each kind of machine, in W on the grid of ten seconds.

A run is a *program* (the same for all parts of a batch, so that the second looks like the first), idling is a base with
the slow habits of chillers and pumps, and switching on in the morning has a shape of its own. Levels stay on the right
side of the machine's thresholds: dips inside a run are shorter than the time that ends it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from moyai.demo.model import SharedMachine

Watts = NDArray[np.float64]
Program = Callable[[SharedMachine, int, np.random.Generator], Watts]

STEPS_PER_MINUTE = 6


def program(shared: SharedMachine, steps: int, rng: np.random.Generator) -> Watts:
    """The power of one run of `steps` grid steps, without noise."""
    return PROGRAMS[shared.machine.kind](shared, steps, rng)


def _held(levels: Watts, holds: NDArray[np.int64], steps: int) -> Watts:
    """Each level held for its number of steps, cut to `steps`."""
    watts: Watts = np.repeat(levels, holds)
    return watts[:steps]


def _moves(shared: SharedMachine, steps: int, rng: np.random.Generator) -> Watts:
    """Axes that travel and probe: bursts of 10-40 s between a calm and a fast level, now and then a stylus change."""
    low, high = shared.thresholds.on_watts * 1.08, 1.55 * shared.running_watts
    levels = low + (high - low) * rng.beta(1.5, 2.4, steps)
    holds = rng.integers(1, 5, steps)
    changes = rng.random(steps) < (0.02 if shared.machine.kind == "cmm" else 0)
    levels[changes] = shared.idle_watts * 1.06
    holds[changes] = rng.integers(3, 6, int(changes.sum()))
    return _held(levels, holds, steps)


def _scan(shared: SharedMachine, steps: int, rng: np.random.Generator) -> Watts:
    """X-rays: the tube ramps up in a minute, settles over a quarter of an hour while the table turns step by step."""
    plateau = shared.running_watts * rng.uniform(0.88, 1.08)
    step = np.arange(steps)
    settled = plateau * (1 + 0.055 * np.exp(-step / 90))
    ramp = np.clip((step + 3) / 7, 0, 1)
    scanning: Watts = settled * ramp + 7 * np.sin(step * 0.71) + _chiller(steps, 42, 26, 48, rng)
    return scanning


def _cutting(shared: SharedMachine, steps: int, rng: np.random.Generator) -> Watts:
    """Operations between tool changes: roughing draws two to three times what finishing does."""
    watts = np.empty(0)
    while len(watts) < steps:
        length = int(rng.integers(4, 24))
        roughing = rng.random() < 0.45
        level = shared.running_watts * (rng.uniform(1.05, 1.75) if roughing else rng.uniform(0.5, 0.85))
        entry = np.linspace(0.9, 1.04, length)
        cut = level * entry * rng.normal(1, 0.09 if roughing else 0.04, length)
        tool_change = np.full(int(rng.integers(1, 3)), shared.thresholds.off_watts * 1.25)
        watts = np.concatenate([watts, np.clip(cut, 1.1 * shared.thresholds.on_watts, 9_400), tool_change])
    return watts[:steps]


def _sparks(shared: SharedMachine, steps: int, rng: np.random.Generator) -> Watts:
    """A rough cut, then skim cuts with less power; the wire is threaded anew between, in under a minute."""
    watts = np.full(steps, shared.running_watts * 1.06)
    watts[int(steps * 0.6) :] = shared.running_watts * 0.86
    watts[int(steps * 0.82) :] = shared.running_watts * 0.74
    watts *= 1 + 0.025 * _wander(steps, 40, rng)
    at = int(rng.integers(60, 150))
    while at < steps - 20:
        watts[at : at + int(rng.integers(3, 6))] = shared.idle_watts * 1.35
        at += int(rng.integers(150, 330))
    return watts


def _turns(shared: SharedMachine, steps: int, rng: np.random.Generator) -> Watts:
    """A table that turns, and between profiles the column that travels to the next height."""
    levels = np.where(np.arange(steps) % 2 == 0, shared.running_watts, shared.thresholds.on_watts * 1.07)
    holds = np.where(np.arange(steps) % 2 == 0, rng.integers(6, 13, steps), rng.integers(1, 3, steps))
    return _held(levels * rng.normal(1, 0.012, steps), holds, steps)


def _strokes(shared: SharedMachine, steps: int, rng: np.random.Generator) -> Watts:
    """A stylus drawn slowly over the surface, lifted, and brought back."""
    traverse, back = int(rng.integers(4, 10)), 2
    cycle = np.concatenate([np.full(traverse, shared.running_watts), np.full(back, shared.running_watts * 1.16)])
    return np.resize(cycle, steps)


def _lamp(shared: SharedMachine, steps: int, rng: np.random.Generator) -> Watts:
    """A halogen lamp and its fan: constant, but for another magnification's light now and then."""
    levels = shared.running_watts * rng.choice((0.82, 1.0, 1.0, 1.12), steps)
    return _held(levels, rng.integers(18, 60, steps), steps)


def _indents(shared: SharedMachine, steps: int, rng: np.random.Generator) -> Watts:
    """Light and turret stay on; each indentation loads the head for ten to twenty seconds."""
    levels = np.where(np.arange(steps) % 2 == 0, shared.running_watts * 0.84, shared.running_watts * 1.3)
    return _held(levels * rng.normal(1, 0.02, steps), rng.integers(1, 4, steps), steps)


PROGRAMS: dict[str, Program] = {
    "cmm": _moves,
    "ct": _scan,
    "roundness": _turns,
    "contour": _strokes,
    "projector": _lamp,
    "vision": _moves,
    "hardness": _indents,
    "machining": _cutting,
    "edm": _sparks,
    "height": _moves,
}


def idling(shared: SharedMachine, steps: int, rng: np.random.Generator) -> Watts:
    """Switched on and warm, nothing moving."""
    base = shared.idle_watts * (1 + 0.006 * _wander(steps, 700, rng))
    match shared.machine.kind:
        case "ct":
            return base + _chiller(steps, 42, 30, 48, rng)
        case "edm":
            return base + _chiller(steps, 36, 60, 150, rng)
        case "machining":
            return base + _chiller(steps, 3, 25, 95, rng)
        case "cmm":
            return base + _chiller(steps, 24, 110, 0.035 * shared.idle_watts, rng)
        case _:
            return base


def switched_off(shared: SharedMachine, steps: int, rng: np.random.Generator) -> Watts:
    """What still draws at night: a vacuum pump, a dielectric chiller, a control's standby supply."""
    match shared.machine.kind:
        case "ct":
            return np.full(steps, 94.0) + _chiller(steps, 18, 90, 22, rng)
        case "edm":
            return np.full(steps, 61.0) + _chiller(steps, 30, 130, 210, rng)
        case "machining":
            return np.full(steps, 36.0)
        case _:
            return np.full(steps, 1.2 + 0.045 * shared.idle_watts)


def warming_up(shared: SharedMachine, steps: int) -> Watts:
    """What a morning adds to idling, for `steps` after switching on; it decays or ends, and never counts as a run."""
    step = np.arange(steps)
    headroom = shared.thresholds.off_watts - shared.idle_watts
    added: Watts = 0.55 * headroom * np.exp(-step / (20 * STEPS_PER_MINUTE))
    match shared.machine.kind:
        case "ct":  # the tube is conditioned: its voltage climbs in steps, then rests
            climb = np.minimum(step // 18 + 1, 6) * 58.0
            added = np.where(step < 18 * STEPS_PER_MINUTE, climb, 0.0)
        case "machining":  # the spindle is run in without load at rising speed
            added += np.where((step > 24) & (step < 96), 70.0 + 40 * ((step - 24) // 24), 0.0)
        case "cmm":  # the axes seek their home position, for half a minute
            added[12:15] += np.array([1.2, 1.5, 0.9])[: max(0, steps - 12)] * headroom * 2.6
    return added


def cooling_down(shared: SharedMachine, steps: int) -> Watts:
    """What the end of a run leaves behind for a while, on top of idling."""
    step = np.arange(steps)
    match shared.machine.kind:
        case "ct":
            return 235 * np.exp(-step / (16 * STEPS_PER_MINUTE))
        case "projector":  # the lamp's fan runs on for three minutes
            return np.where(step < 18, 14.0, 0.0)
        case "machining" | "edm":
            return 110 * np.exp(-step / (6 * STEPS_PER_MINUTE))
        case _:
            return np.zeros(steps)


def touched(shared: SharedMachine, rng: np.random.Generator) -> float:
    """What somebody's hand at the machine adds for some seconds: an axis jogged, a lamp tried."""
    match shared.machine.kind:
        case "ct" | "edm":  # the cabinet's door and light, the tank's pump
            return float(rng.uniform(20, 60))
        case "machining":
            return float(rng.uniform(120, 420))
        case _:
            return float(rng.uniform(0.25, 0.8)) * (shared.running_watts - shared.idle_watts)


def _chiller(steps: int, on: int, off: int, watts: float, rng: np.random.Generator) -> Watts:
    """A compressor or pump on its thermostat: on and off for about so many steps."""
    cycles = steps // (on + off) + 2
    lengths = np.empty(2 * cycles, dtype=np.int64)
    lengths[0::2] = np.maximum(1, rng.normal(on, on * 0.08, cycles)).astype(np.int64)
    lengths[1::2] = np.maximum(1, rng.normal(off, off * 0.08, cycles)).astype(np.int64)
    cycle = np.repeat(np.tile([watts, 0.0], cycles), lengths)
    cycle = np.resize(cycle, steps + on + off)
    begin = int(rng.integers(on + off))
    return cycle[begin : begin + steps]


def _wander(steps: int, memory: int, rng: np.random.Generator) -> Watts:
    """A smooth random walk around zero of about unit size that forgets after `memory` steps."""
    knots = steps // memory + 3
    return np.interp(np.arange(steps) / memory, np.arange(knots), np.clip(rng.normal(size=knots), -1.8, 1.8))
