"""A month of the example cooperative: who booked what, and what truly happened.

The truth is the oracle for everything derived later from readings: it is decided here, before any power is simulated.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar
from zlib import crc32

import numpy as np

from coop.interval import Interval, month, subtract
from coop.machines import open_intervals
from moyai.demo.model import Example, Factory, Person, SharedMachine
from moyai.demo.rhythm import RHYTHMS, Rhythm

GRID = timedelta(seconds=10)
"""Truth and simulation know no finer time."""
HALF_HOUR = timedelta(minutes=30)
SHORTEST_RUN = timedelta(minutes=3)
LATE_EVENING = timedelta(hours=4, minutes=30)


T = TypeVar("T")


class Story(StrEnum):
    """How a use went. Each but `NORMAL` happens exactly once in a month."""

    NORMAL = "normal"
    NO_SHOW = "no_show"
    OVERRUN = "overrun"
    EARLY_FINISH = "early_finish"
    WALK_UP = "walk_up"
    LATE_EVENING = "late_evening"


@dataclass(frozen=True, slots=True)
class PlannedUse:
    """One use: `slot` is the reservation (None: nobody reserved), `occupied` is from arriving to leaving (None: nobody
    came), `running` are the stretches in which the machine ran. `key` is stable for a seed and month."""

    key: str
    story: Story
    machine_id: str
    member_id: str
    email: str
    slot: Interval | None
    occupied: Interval | None
    running: tuple[Interval, ...]

    @property
    def begins(self) -> Interval:
        """What the use is ordered by: the reservation, or the stay where there was none."""
        interval = self.slot or self.occupied
        assert interval is not None
        return interval


@dataclass(frozen=True, slots=True)
class MonthPlan:
    """All uses of one month, by time. `seed` decides them and everything simulated from them."""

    example: Example
    month: Interval
    seed: int
    uses: tuple[PlannedUse, ...]

    def of(self, machine_id: str) -> tuple[PlannedUse, ...]:
        return tuple(use for use in self.uses if use.machine_id == machine_id)


def machine_rng(seed: int, when: Interval, machine_id: str, purpose: str) -> np.random.Generator:
    """A generator that no other machine, month or purpose shares, so that adding a machine changes no other."""
    return np.random.default_rng([seed, int(when.start.timestamp()), crc32(f"{machine_id}/{purpose}".encode())])


def plan_month(example: Example, year: int, number: int, seed: int = 20) -> MonthPlan:
    """Plan calendar month `number` of `year` in the cooperative's own time zone."""
    when = month(year, number, example.cooperative.time_zone)
    affinity = np.random.default_rng([seed, len(example.factories)]).gamma(
        0.9, size=(len(example.machines), len(example.factories))
    )
    uses: list[PlannedUse] = []
    for shared, weights in zip(example.machines, affinity, strict=True):
        rng = machine_rng(seed, when, shared.id, "plan")
        open_hours = open_intervals(shared.hours, when, example.cooperative.time_zone)
        slots = _slots(RHYTHMS[shared.machine.kind], open_hours, rng)
        if shared.id == STAGE[Story.LATE_EVENING]:
            slots = _with_late_evening(slots, open_hours[-1])
        uses += _uses(shared, slots, open_hours, _visitors(example.factories, weights, rng), rng)
    return MonthPlan(example, when, seed, tuple(sorted(uses, key=lambda use: (use.begins, use.machine_id))))


STAGE = {
    Story.NO_SHOW: "cmm-2",
    Story.OVERRUN: "cmm-1",
    Story.EARLY_FINISH: "ct-1",
    Story.WALK_UP: "vision-1",
    Story.LATE_EVENING: "edm-1",
}
"""On which machine each story happens."""


def _slots(rhythm: Rhythm, open_hours: Iterable[Interval], rng: np.random.Generator) -> list[Interval]:
    slots = []
    for day in open_hours:
        start = day.start + int(rng.poisson(rhythm.free_half_hours * 0.6)) * HALF_HOUR
        while start < day.end:
            slot = Interval.of(start, int(rng.choice(rhythm.slot_half_hours)) * HALF_HOUR)
            if day.covers(slot):
                slots.append(slot)
            start = slot.end + int(rng.poisson(rhythm.free_half_hours)) * HALF_HOUR
    return slots


def _with_late_evening(slots: Iterable[Interval], last_day: Interval) -> list[Interval]:
    """The month's last evening until closing time, unattended."""
    late = Interval(last_day.end - LATE_EVENING, last_day.end)
    return [slot for slot in slots if not slot.overlaps(late)] + [late]


def _visitors(factories: Sequence[Factory], weights: np.ndarray, rng: np.random.Generator) -> Iterable[Person]:
    """Endlessly: who comes next. Some factories use a machine every week, others never."""
    shares = weights / weights.sum()
    while True:
        factory = factories[int(rng.choice(len(factories), p=shares))]
        yield factory.people[0] if rng.random() < 0.12 else factory.engineers[int(rng.integers(len(factory.engineers)))]


def _uses(
    shared: SharedMachine,
    slots: Sequence[Interval],
    open_hours: Sequence[Interval],
    visitors: Iterable[Person],
    rng: np.random.Generator,
) -> list[PlannedUse]:
    rhythm = RHYTHMS[shared.machine.kind]
    free = [stretch for day in open_hours for stretch in subtract(day, slots)]
    stories = _stories(shared.id, slots, free, rng)
    plots: list[tuple[Story, Interval | None, Interval | None]] = []
    for index, slot in enumerate(slots):
        story = stories.get(index, Story.NORMAL)
        plots.append((story, slot, _stay(story, slot, rng)))
    if shared.id == STAGE[Story.WALK_UP]:
        stretch = _pick([each for each in free if each.seconds >= 7200], rng)
        plots.append((Story.WALK_UP, None, Interval.of(stretch.start + HALF_HOUR, timedelta(minutes=45))))
    uses = []
    for index, ((story, planned, stay), person) in enumerate(zip(plots, visitors, strict=False), start=1):
        assert person.member_id is not None
        running = _running(rhythm, stay, rng) if stay else ()
        key = f"{shared.id}-{index:03d}"
        uses.append(PlannedUse(key, story, shared.id, person.member_id, person.email, planned, stay, running))
    return uses


def _stories(
    machine_id: str, slots: Sequence[Interval], free: Sequence[Interval], rng: np.random.Generator
) -> dict[int, Story]:
    """Which slot of this machine, if any, gets which story."""
    if machine_id == STAGE[Story.NO_SHOW]:
        fitting, story = [i for i, slot in enumerate(slots) if slot.seconds >= 5400], Story.NO_SHOW
    elif machine_id == STAGE[Story.OVERRUN]:
        roomy = {stretch.start for stretch in free if stretch.seconds >= 5400}
        fitting, story = [i for i, slot in enumerate(slots) if slot.end in roomy], Story.OVERRUN
    elif machine_id == STAGE[Story.EARLY_FINISH]:
        fitting, story = [i for i, slot in enumerate(slots) if slot.seconds >= 10800], Story.EARLY_FINISH
    elif machine_id == STAGE[Story.LATE_EVENING]:
        return {len(slots) - 1: Story.LATE_EVENING}
    else:
        return {}
    return {_pick(fitting, rng): story}


def _stay(story: Story, slot: Interval, rng: np.random.Generator) -> Interval | None:
    """From arriving to leaving: a little late, a little early, unless the story says otherwise."""
    arrives = slot.start + _between(1.5, min(6, slot.seconds / 600), rng)
    match story:
        case Story.NO_SHOW:
            return None
        case Story.OVERRUN:
            return Interval(arrives, slot.end + timedelta(minutes=40))
        case Story.EARLY_FINISH:
            return Interval(arrives, slot.start + 0.45 * (slot.end - slot.start) // GRID * GRID)
        case _:
            return Interval(arrives, slot.end - _between(3, max(4, slot.seconds / 600), rng))


def _running(rhythm: Rhythm, stay: Interval, rng: np.random.Generator) -> tuple[Interval, ...]:
    """The runs within a stay: fixture, run, fixture, run, and a few minutes to clear up."""
    until = stay.end - _between(1.5, 3.5, rng)
    length = _between(*rhythm.run_minutes, rng)
    start = stay.start + _between(*rhythm.fixture_minutes, rng)
    runs: list[Interval] = []
    while until - start >= SHORTEST_RUN:
        runs.append(Interval(start, min(start + length, until)))
        start = runs[-1].end + _between(*rhythm.fixture_minutes, rng)
        if not rhythm.repeats:
            length = _between(*rhythm.run_minutes, rng)
    return tuple(runs)


def _between(shortest_minutes: float, longest_minutes: float, rng: np.random.Generator) -> timedelta:
    return round(rng.uniform(shortest_minutes, longest_minutes) * 6) * GRID


def _pick(candidates: Sequence[T], rng: np.random.Generator) -> T:
    return candidates[int(rng.integers(len(candidates)))]
