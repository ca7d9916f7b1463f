"""Which readings speak for a machine when: rules by version, devices by binding, clocks by correction.

Rules and bindings hold in true time, corrections are stated in the device's time; all in microseconds since 1970 UTC.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

from telemetry.states.model import StateRule
from telemetry.states.signals import AVAILABILITY, Signal, signals_of

EARLIEST = 0
LATEST = 221_845_392_000_000_000  # the year 9000; stands for a range without an end


@dataclass(frozen=True, slots=True)
class Bound:
    """A device's channel spoke for the machine in `[since, until)`. `corrections` are (from, until, offset) of its
    clock."""

    device_id: str
    channel_id: int
    channel: str
    since: int
    until: int
    corrections: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """The readings of a channel stamped `[since, until)` by its device, whose true times are `offset` later."""

    channel_id: int
    since: int
    until: int
    offset: int

    def within(self, since: int, until: int) -> tuple[int, int]:
        """The part of it in true time `[since, until)`, in the device's time; empty when the first is not smaller."""
        return max(self.since, since - self.offset), min(self.until, until - self.offset)


@dataclass(frozen=True, slots=True)
class Speaker:
    """The readings that one signal of a rule is heard from, and `ends`, which say that a device can no longer speak.

    `continues`: which signal of the segment before goes on in this one, whose last reading still holds; None: none.
    """

    signal: Signal
    sources: tuple[Source, ...] = ()
    ends: tuple[Source, ...] = ()
    continues: int | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """In `[since, until)` one rule and the same devices speak: a speaker for each of the rule's signals, in order."""

    since: int
    until: int
    rule: StateRule | None
    speakers: tuple[Speaker, ...]


def segments(rules: Sequence[tuple[int, int, StateRule]], bounds: Iterable[Bound]) -> list[Segment]:
    """All of time, cut wherever a rule or a device that speaks for the machine changes."""
    bounds = sorted(bounds, key=lambda bound: (bound.channel_id, bound.since))
    edges = {EARLIEST, LATEST}
    edges |= {edge for since, until, _ in rules for edge in (since, until)}
    edges |= {edge for bound in bounds for edge in (bound.since, bound.until)}
    cuts = sorted(edge for edge in edges if EARLIEST <= edge <= LATEST)
    found: list[Segment] = []
    heard_before: list[_Heard] = []
    for since, until in pairwise(cuts):
        rule = next((rule for a, b, rule in rules if a <= since < b), None)
        speaking = [each for each in bounds if each.since <= since < each.until]
        heard = [_heard(signal, speaking) for signal in signals_of(rule)]
        if found and found[-1].rule == rule and heard_before == heard:  # another channel's edge: nothing changes here
            found[-1] = replace(found[-1], until=until)
            continue
        speakers = tuple(_speaker(each, heard_before) for each in heard)
        found.append(Segment(since, until, rule, speakers))
        heard_before = heard
    return found


_Heard: TypeAlias = tuple[Signal, list[Bound], list[Bound]]


def _heard(signal: Signal, speaking: Sequence[Bound]) -> _Heard:
    """A signal with the channels that it is heard from, and those that tell of their devices' end."""
    own = [each for each in speaking if each.channel == signal.channel]
    devices = {each.device_id for each in own}
    return signal, own, [each for each in speaking if each.channel == AVAILABILITY and each.device_id in devices]


def _speaker(heard: _Heard, before: Sequence[_Heard]) -> Speaker:
    signal, own, ends = heard
    continues = next(
        (
            number
            for number, (earlier, spoke, _) in enumerate(before)
            if earlier.channel == signal.channel
            and earlier.by_words == signal.by_words
            and spoke
            and all(each in own for each in spoke)
        ),
        None,
    )
    # who tells of a device's end does not go by the device's clock
    told = tuple(Source(each.channel_id, each.since, each.until, 0) for each in ends)
    return Speaker(signal, tuple(source for each in own for source in sources_of(each)), told, continues)


def sources_of(bound: Bound) -> Iterable[Source]:
    """The device's time in pieces of one offset, each as far as it lies in the binding's true time."""
    cursor = EARLIEST - abs(LATEST)
    pieces: list[tuple[int, int, int]] = []
    for since, until, offset in sorted(bound.corrections):
        pieces += [(cursor, since, 0), (since, until, offset)]
        cursor = until
    pieces.append((cursor, LATEST, 0))
    for since, until, offset in pieces:
        source = Source(bound.channel_id, max(since, bound.since - offset), min(until, bound.until - offset), offset)
        if source.since < source.until:
            yield source
