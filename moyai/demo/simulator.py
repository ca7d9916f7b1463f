"""Power readings of a month, as the plugs would have sent them: pure, seeded, the same bytes every time.

The plan says when each machine ran; `waveforms` says how that looks. A plug reports once a minute and whenever the
power jumps, with its own clock, and loses what it measured while the Wi-Fi was gone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge

import numpy as np
import orjson
from numpy.typing import NDArray

from coop.interval import Interval
from coop.machines import open_intervals
from moyai.demo import waveforms
from moyai.demo.model import SharedMachine
from moyai.demo.plan import GRID, MonthPlan, machine_rng
from moyai.demo.rhythm import RHYTHMS
from moyai.replay import Message

JUMP = 0.15
"""A plug reports at once when power changes by more than this share of running minus idle."""
READINGS_PER_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class Trace:
    """The readings of one machine's plug, by time: `at` (datetime64[ms], UTC by the plug's clock), `power_watts`
    (to 0.1 W) and `seq`. What was measured in `lost` (true time) never left the plug; its numbers are missing."""

    machine_id: str
    at: NDArray[np.datetime64]
    power_watts: NDArray[np.float64]
    seq: NDArray[np.int64]
    lost: tuple[Interval, ...]


def simulate(plan: MonthPlan, shared: SharedMachine) -> Trace:
    """The month's readings of one machine."""
    rng = machine_rng(plan.seed, plan.month, shared.id, "power")
    watts = power(plan, shared, rng)
    jumps = np.abs(np.diff(watts, prepend=watts[0])) > JUMP * (shared.running_watts - shared.idle_watts)
    reported = np.flatnonzero(jumps | (np.arange(len(watts)) % waveforms.STEPS_PER_MINUTE == 0))
    phase_ms = int(rng.integers(0, 9_000))
    start_ms = int(plan.month.start.timestamp() * 1000)
    true_ms = start_ms + reported * 10_000 + phase_ms + rng.integers(0, 700, len(reported))
    lost = _lost(plan, shared, rng)
    heard = np.ones(len(reported), dtype=bool)
    for gap in lost:
        heard &= (true_ms < gap.start.timestamp() * 1000) | (true_ms >= gap.end.timestamp() * 1000)
    return Trace(
        machine_id=shared.id,
        at=(true_ms + shared.clock_ahead_seconds * 1000)[heard].astype("datetime64[ms]"),
        power_watts=np.round(watts[reported], 1)[heard],
        seq=np.flatnonzero(heard) + 1,
        lost=lost,
    )


def power(plan: MonthPlan, shared: SharedMachine, rng: np.random.Generator) -> waveforms.Watts:
    """True power on the whole month's grid, before any plug reported it."""
    steps = _step(plan, plan.month.end)
    watts = waveforms.switched_off(shared, steps, rng)
    idling = waveforms.idling(shared, steps, rng)
    for begin, end in _switched_on(plan, shared, rng):
        watts[begin:end] = idling[begin:end] + waveforms.warming_up(shared, end - begin)
    for use in plan.of(shared.id):
        if use.occupied is None:
            continue
        runs = [(_step(plan, run.start), _step(plan, run.end)) for run in use.running]
        program = waveforms.program(shared, max(end - begin for begin, end in runs), rng)
        _touch(watts, shared, _step(plan, use.occupied.start), runs, rng)
        for begin, end in runs:
            if not RHYTHMS[shared.machine.kind].repeats:
                program = waveforms.program(shared, end - begin, rng)
            after = watts[end : end + 60 * waveforms.STEPS_PER_MINUTE]
            after += waveforms.cooling_down(shared, len(after))
            watts[begin:end] = _firm_edges(program[: end - begin].copy(), shared)
    noise = 0.08 + 0.0035 * watts
    return np.maximum(0.0, watts + noise * rng.standard_normal(steps))


def messages(trace: Trace, cooperative: str) -> Iterator[Message]:
    """The trace as MQTT messages of many readings each, in the order of time."""
    at = np.datetime_as_string(trace.at, unit="ms", timezone="UTC").tolist()
    readings = [
        {"at": moment, "value": value, "seq": number}
        for moment, value, number in zip(at, trace.power_watts.tolist(), trace.seq.tolist(), strict=True)
    ]
    topic = f"moyai/{cooperative}/{trace.machine_id}/power"
    for first in range(0, len(readings), READINGS_PER_MESSAGE):
        some = readings[first : first + READINGS_PER_MESSAGE]
        yield Message(topic, orjson.dumps({"readings": some}), datetime.fromisoformat(some[-1]["at"]))


def month_messages(plan: MonthPlan) -> Iterator[Message]:
    """The messages of all machines in the order in which the broker would have seen them."""
    slug = plan.example.cooperative.slug
    streams = [messages(simulate(plan, shared), slug) for shared in plan.example.machines]
    return merge(*streams, key=lambda message: message.at)


def _step(plan: MonthPlan, moment: datetime) -> int:
    return (moment - plan.month.start) // GRID


def _switched_on(plan: MonthPlan, shared: SharedMachine, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """On each day that somebody comes, the operator switches on before opening and off after the last one left."""
    uses = plan.of(shared.id)
    for day in open_intervals(shared.hours, plan.month, plan.example.cooperative.time_zone):
        ends = [use.occupied.end for use in uses if use.occupied and day.contains(use.occupied.start)]
        if ends:
            before, after = rng.uniform(18, 32), rng.uniform(6, 18)
            yield (
                _step(plan, day.start - timedelta(minutes=before)),
                _step(plan, max(ends) + timedelta(minutes=after)),
            )


def _touch(
    watts: waveforms.Watts,
    shared: SharedMachine,
    arrival: int,
    runs: list[tuple[int, int]],
    rng: np.random.Generator,
) -> None:
    """While a part is fixtured somebody jogs an axis or tries the light now and then: ten or twenty seconds, no run."""
    begin = arrival
    for run, end in runs:
        for at in range(begin + 24, run - 8, 9):
            if rng.random() < 0.3:
                watts[at : at + int(rng.integers(1, 3))] += waveforms.touched(shared, rng)
        begin = end


def _firm_edges(run: waveforms.Watts, shared: SharedMachine) -> waveforms.Watts:
    """A run begins and ends in motion: its first three minutes and its last one are free of dips."""
    floor = shared.thresholds.on_watts * 1.06
    np.maximum(run[:18], floor, out=run[:18])
    np.maximum(run[-6:], floor, out=run[-6:])
    return run


def _lost(plan: MonthPlan, shared: SharedMachine, rng: np.random.Generator) -> tuple[Interval, ...]:
    """A few times a month the Wi-Fi is gone for some minutes, once while somebody uses the machine."""
    month_seconds = plan.month.seconds
    moments = [plan.month.start + timedelta(seconds=float(rng.uniform(0.01, 0.98)) * month_seconds) for _ in range(2)]
    stays = [use.occupied for use in plan.of(shared.id) if use.occupied]
    stay = stays[int(rng.integers(len(stays)))]
    moments.append(stay.start + timedelta(seconds=float(rng.uniform(0.1, 0.8)) * stay.seconds))
    return tuple(sorted(Interval.of(moment, timedelta(minutes=float(rng.uniform(4, 19)))) for moment in moments))
