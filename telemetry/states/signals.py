"""What a rule listens to: one or more signals, each heard by itself, and what they say together."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from telemetry.states.model import State, StateRule

Said: TypeAlias = State | None
"""What a signal says the machine is; None leaves it to the next signal."""

AVAILABILITY = "availability"
"""The channel on which a device that can no longer speak is said to be `OFFLINE`, by itself before or by its will."""

OFFLINE = "offline"

EXECUTION: dict[str, Said] = {
    "ACTIVE": State.RUNNING,
    "WAIT": State.IDLE,
    "INTERRUPTED": State.IDLE,
    "FEED_HOLD": State.IDLE,
    "PROGRAM_HOLD": State.IDLE,
    "OPTIONAL_STOP": State.IDLE,
    "PROGRAM_OPTIONAL_STOP": State.IDLE,
    "PROGRAM_STOPPED": State.IDLE,
    "READY": State.IDLE,
    "STOPPED": State.IDLE,
    "PROGRAM_COMPLETED": State.IDLE,
    "UNAVAILABLE": State.UNKNOWN,
}
"""MTConnect Execution (ANSI/MTC1.4 Part 3) as states: only ACTIVE runs; UNAVAILABLE is not idle."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One channel as it is heard: numbers by two thresholds, each held for some time, or words by a table.

    At or above `on` it says `above`, at or below `off` it says `below`. `by_word` is empty for numbers.
    """

    channel: str
    on: float = math.inf
    off: float = -math.inf
    on_seconds: int = 0
    off_seconds: int = 0
    gap_seconds: int | None = None
    above: Said = State.RUNNING
    below: Said = State.IDLE
    words: tuple[tuple[str, Said], ...] | None = None

    @property
    def by_words(self) -> bool:
        """Whether it is heard by words, not by numbers."""
        return self.words is not None

    def meaning(self, word: str) -> Said:
        """What a word says; one that is not in the table says what it is when it does not run."""
        return dict(self.words or ()).get(word, self.below)


MUTE = Signal("", words=())
"""Where no rule holds nothing is heard."""


def signals_of(rule: StateRule | None) -> tuple[Signal, ...]:
    """The signals of a rule in the order in which they are asked."""
    if rule is None:
        return (MUTE,)
    if rule.kind == "first":
        return tuple(signal for each in rule.conditions for signal in signals_of(each))
    if rule.kind == "power":
        return _power(rule)
    if rule.kind == "contact":
        closed, opened = 0.5, math.nextafter(0.5, 0)
        held = (rule.on_seconds, rule.off_seconds, rule.gap_seconds)
        return (Signal(rule.channel, closed, opened, *held, below=rule.otherwise),)
    table = (EXECUTION if rule.kind == "execution" else {"UNAVAILABLE": State.UNKNOWN}) | dict(rule.words)
    return (
        Signal(rule.channel, gap_seconds=rule.gap_seconds, below=rule.otherwise, words=tuple(sorted(table.items()))),
    )


def _power(rule: StateRule) -> tuple[Signal, ...]:
    """Running is one question and off another, so that when it ran does not depend on when it counts as off."""
    assert rule.on_watts is not None
    assert rule.off_watts is not None
    held = (rule.on_seconds, rule.off_seconds, rule.gap_seconds)
    if rule.standby_watts is None:
        return (Signal(rule.channel, rule.on_watts, rule.off_watts, *held, below=rule.otherwise),)
    awake = math.nextafter(rule.standby_watts, math.inf)
    return (
        Signal(rule.channel, rule.on_watts, rule.off_watts, *held, below=None),
        Signal(rule.channel, awake, rule.standby_watts, *held, above=rule.otherwise, below=State.OFF),
    )


def together(otherwise: Said, said: Iterable[tuple[Said, str | None]]) -> tuple[State, str | None]:
    """What the machine is, with its own word for it, when its signals say so much, in the order in which they count."""
    unheard: tuple[State, str | None] | None = None
    for state, native in said:
        if state is State.UNKNOWN:
            unheard = unheard or (State.UNKNOWN, native)
        elif state is not None:
            return state, native
    return unheard or (otherwise or State.UNKNOWN, None)
