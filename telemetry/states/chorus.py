"""All signals of a machine, folded side by side, and the machine's state that they make together.

Each signal is folded by itself and knows nothing of the others, so that what holds of one in any order of arrival holds
of all. A change may be dated back; up to the moment before which none can be any more they are put together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from telemetry.states.fold import SECOND, Carry, Change, Run, fold, hold, take_over
from telemetry.states.model import State
from telemetry.states.segments import Segment
from telemetry.states.signals import Said, together

Turn = tuple[int, State, str | None]
"""From this time on the machine was in this state, by its own word."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One signal at a checkpoint. `was` and `changes`: what it said when all was settled, and what it changed to since;
    None and empty when it changed to nothing."""

    carry: Carry | None
    was: tuple[Said, str | None] | None = None
    changes: tuple[Change, ...] = ()


Standing = tuple[Voice, ...]
"""All that the readings so far say about what follows, one voice a signal."""


def last_heard(standing: Standing) -> int:
    """When any of its signals was last heard."""
    return max(voice.carry.last_at for voice in standing if voice.carry)


class Chorus:
    """The signals of a machine in the segment that was reached; `turns` are the changes of the machine's state."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._number = 0
        self._open([None] * len(segments[0].speakers))
        self.turns: list[Turn] = []

    @classmethod
    def resumed(cls, segments: Sequence[Segment], number: int, standing: Standing) -> "Chorus | None":
        """Where a standing left off, in the segment of its last reading; None when that is not what it was."""
        chorus = cls(segments)
        chorus._number = number
        if len(standing) != len(segments[number].speakers):
            return None
        chorus._open([voice.carry for voice in standing])
        for each, voice in enumerate(standing):
            if voice.was is not None:
                chorus._said[each] = voice.was
                chorus._heard[each] = list(voice.changes)
        chorus.turns = [(chorus.settled, *chorus._together(chorus._said))]
        return chorus

    def _open(self, carries: list[Carry | None]) -> None:
        self._carries = carries
        self._heard: list[list[Change]] = [[] for _ in carries]
        self._said: list[tuple[Said, str | None]] = [
            (carry.said, carry.native) if carry else (State.UNKNOWN, None) for carry in carries
        ]

    @property
    def last_at(self) -> int | None:
        """When any signal was last heard; None: never."""
        return max((carry.last_at for carry in self._carries if carry), default=None)

    @property
    def settled(self) -> int:
        """No later reading changes what was said of the time before."""
        speakers = self._segments[self._number].speakers
        last_at = self.last_at
        assert last_at is not None
        unsettled = [
            since
            for speaker, carry in zip(speakers, self._carries, strict=True)
            if carry and (since := carry.unsettled_since(speaker.signal)) is not None
        ]
        return min(unsettled, default=last_at)

    @property
    def known_until(self) -> int | None:
        """From when on the machine is unknown if nothing more is heard; None: never, or it is already."""
        said = list(self._said)
        speakers = self._segments[self._number].speakers
        ends = sorted(
            (carry.last_at + speaker.signal.gap_seconds * SECOND, number)
            for number, (speaker, carry) in enumerate(zip(speakers, self._carries, strict=True))
            if carry and speaker.signal.gap_seconds is not None
        )
        for end, number in ends:
            said[number] = State.UNKNOWN, None
            if self._together(said)[0] is State.UNKNOWN:
                return end
        return None

    def hear(self, number: int, runs: Sequence[Sequence[Run]]) -> None:
        """Fold each signal's runs, which lie in the segment with this number."""
        if self.last_at is None and number != self._number:
            self._number = number
            self._open([None] * len(runs))
        for each, (speaker, of_signal) in enumerate(zip(self._segments[number].speakers, runs, strict=True)):
            if of_signal:
                changes, self._carries[each] = fold(speaker.signal, self._carries[each], of_signal)
                self._heard[each] += changes

    def cross(self, until: int) -> None:
        """Hand over from segment to segment up to a time that has a reading at or after it."""
        for number in range(self._number + 1, len(self._segments)):
            after = self._segments[number]
            if self.last_at is None or after.since > until:
                return
            self.hold(after.since)
            fresh: list[Carry | None] = []
            for speaker in after.speakers:
                carry = self._carries[speaker.continues] if speaker.continues is not None else None
                value = carry.value if carry and carry.said is not State.UNKNOWN else None
                fresh.append(take_over(speaker.signal, after.since, value))
            self._number = number
            self._open(fresh)
            self.turns.append((after.since, *self._together(self._said)))

    def standing(self) -> Standing:
        """What is to be remembered; the turns are put together up to where all is settled."""
        self._settle(self.settled)
        return tuple(
            Voice(carry, said, tuple(changes)) if changes else Voice(carry)
            for carry, said, changes in zip(self._carries, self._said, self._heard, strict=True)
        )

    def hold(self, until: int) -> None:
        """Nothing more is heard up to this time; the turns are put together up to it."""
        for number, (speaker, carry) in enumerate(
            zip(self._segments[self._number].speakers, self._carries, strict=True)
        ):
            if carry is not None:
                changes, self._carries[number] = hold(speaker.signal, carry, until)
                self._heard[number] += changes
        self._settle(until)

    def _settle(self, until: int) -> None:
        events: list[tuple[int, int, Said, str | None]] = []
        for number, changes in enumerate(self._heard):
            settled = [change for change in changes if change[0] <= until]
            if settled:
                events += [(at, number, said, native) for at, said, native in settled]
                del changes[: len(settled)]
        events.sort(key=itemgetter(0))
        for at, at_once in groupby(events, key=itemgetter(0)):
            for _, number, said, native in at_once:
                self._said[number] = said, native
            self.turns.append((at, *self._together(self._said)))

    def _together(self, said: Sequence[tuple[Said, str | None]]) -> tuple[State, str | None]:
        rule = self._segments[self._number].rule
        return together(rule.otherwise if rule else None, said)
