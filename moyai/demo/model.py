"""Nouns that the example adds to those of `coop`: what a machine costs, how its power reads, who works where."""

from dataclasses import dataclass
from datetime import time
from typing import Literal

from coop.identity import Role
from coop.machines import Machine, OpeningHours
from coop.register import Cooperative, Member

WeeklyHours = tuple[tuple[int, time, time], ...]
"""(ISO weekday, opens, closes) in local time."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When power means running: at or above `on_watts` for `min_on_seconds`, until at or below `off_watts` for
    `min_off_seconds`."""

    on_watts: float
    off_watts: float
    min_on_seconds: int
    min_off_seconds: int


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """What one thing costs the cooperative in a month, without tax."""

    kind: str
    name_ja: str
    amount_yen: int


@dataclass(frozen=True, slots=True)
class SharedMachine:
    """A machine of the example with everything around it.

    `basis` names what the tariff bills. `idle_watts` and `running_watts` are what its plug shows on average;
    `clock_ahead_seconds` is how far the plug's own clock is fast.
    """

    machine: Machine
    opening: WeeklyHours
    basis: Literal["occupied", "running"]
    tariff_yen_per_hour: int
    idle_watts: float
    running_watts: float
    thresholds: Thresholds
    fee_pool: tuple[MonthlyCost, ...]
    clock_ahead_seconds: int = 0

    @property
    def id(self) -> str:
        return self.machine.id

    @property
    def hours(self) -> tuple[OpeningHours, ...]:
        """The weekly opening hours as the register takes them."""
        return tuple(OpeningHours(self.id, weekday, opens, closes) for weekday, opens, closes in self.opening)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in; `member_id` is None for those who work for the cooperative or the ward."""

    email: str
    name: str
    kana: str
    role: Role
    member_id: str | None


@dataclass(frozen=True, slots=True)
class Factory:
    """A member and the people who work there: the manager first, then the engineers."""

    member: Member
    people: tuple[Person, ...]

    @property
    def engineers(self) -> tuple[Person, ...]:
        return self.people[1:]


@dataclass(frozen=True, slots=True)
class Example:
    """Everything that founds the example: machines, members, staff, and the costs of a month."""

    cooperative: Cooperative
    machines: tuple[SharedMachine, ...]
    factories: tuple[Factory, ...]
    staff: tuple[Person, ...]
    shared_pool: tuple[MonthlyCost, ...]

    @property
    def people(self) -> tuple[Person, ...]:
        return self.staff + tuple(person for factory in self.factories for person in factory.people)

    def machine(self, machine_id: str) -> SharedMachine:
        return next(each for each in self.machines if each.id == machine_id)
