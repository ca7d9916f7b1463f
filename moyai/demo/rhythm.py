"""How each kind of machine is used in a day: how long people book it, and how it runs while they have it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Minutes = tuple[float, float]
"""From the shortest to the longest."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Habits at one kind of machine.

    A slot is one of `slot_half_hours`; `free_half_hours` is the mean free time before it. Somebody who has the machine
    fixtures for `fixture_minutes`, lets it run for `run_minutes`, then fixtures again. `repeats` means that one program
    makes part after part, so that all runs of a use last the same.
    """

    slot_half_hours: tuple[int, ...]
    free_half_hours: float
    fixture_minutes: Minutes
    run_minutes: Minutes
    repeats: bool = False


RHYTHMS: Mapping[str, Rhythm] = MappingProxyType(
    {
        "cmm": Rhythm((3, 4, 4, 5, 6, 8), 2.4, (5, 14), (6, 28), repeats=True),
        "ct": Rhythm((4, 6, 6, 8, 10), 2.6, (8, 14), (32, 85)),
        "roundness": Rhythm((2, 2, 3, 4), 6.4, (4, 9), (4, 9), repeats=True),
        "contour": Rhythm((1, 2, 2, 3, 4), 7.4, (4, 8), (4, 10)),
        "projector": Rhythm((1, 1, 2, 2, 3), 8.6, (4, 7), (7, 25)),
        "vision": Rhythm((2, 3, 3, 4, 6), 4.8, (4, 8), (4, 14), repeats=True),
        "hardness": Rhythm((1, 1, 2, 2), 9.6, (4, 7), (5, 14)),
        "machining": Rhythm((6, 8, 10, 12), 1.8, (4, 9), (9, 26), repeats=True),
        "edm": Rhythm((8, 10, 12, 16), 2.4, (14, 30), (70, 190)),
        "height": Rhythm((1, 1, 2, 3), 12.0, (4, 8), (5, 14)),
    }
)
"""By `Machine.kind`."""
