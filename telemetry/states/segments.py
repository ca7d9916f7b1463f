"""Which readings speak for a machine when: rules by version, devices by binding, clocks by correction.

Rules and bindings hold in true time, corrections are stated in the device's time; all in microseconds since 1970 UTC.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from telemetry.states.model import StateRule

EARLIEST = 0
LATEST = 221_845_392_000_000_000  # the year 9000; stands for a range without an end


@dataclass(frozen=True, slots=True)
class Bound:
    """A device's channel spoke for the machine in `[since, until)`. `corrections` are (from, until, offset) of its
    clock."""

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
class Segment:
    """In `[since, until)` one rule and the same devices speak.

    `continues`: the signal goes on from the segment before, and what it said last still holds.
    """

    since: int
    until: int
    rule: StateRule | None
    sources: tuple[Source, ...]
    continues: bool = False


def segments(rules: Sequence[tuple[int, int, StateRule]], bounds: Iterable[Bound]) -> list[Segment]:
    """All of time, cut wherever a rule or a device that speaks for the machine changes."""
    bounds = sorted(bounds, key=lambda bound: (bound.channel_id, bound.since))
    edges = {EARLIEST, LATEST}
    edges |= {edge for since, until, _ in rules for edge in (since, until)}
    edges |= {edge for bound in bounds for edge in (bound.since, bound.until)}
    cuts = sorted(edge for edge in edges if EARLIEST <= edge <= LATEST)
    found: list[Segment] = []
    spoke: list[Bound] = []
    for since, until in pairwise(cuts):
        rule = next((rule for a, b, rule in rules if a <= since < b), None)
        speaks = [each for each in bounds if rule and each.channel == rule.channel and each.since <= since < each.until]
        before = found[-1].rule if found else None
        same_signal = before is not None and rule is not None and before.kind == rule.kind
        continues = same_signal and bool(spoke) and set(spoke) <= set(speaks)
        if continues and before == rule and spoke == speaks:  # another channel's edge: nothing changes here
            found[-1] = Segment(found[-1].since, until, rule, found[-1].sources, found[-1].continues)
            continue
        sources = tuple(source for each in speaks for source in _sources(each))
        found.append(Segment(since, until, rule, sources, continues))
        spoke = speaks
    return found


def _sources(bound: Bound) -> Iterable[Source]:
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
