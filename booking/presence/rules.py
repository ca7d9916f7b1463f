"""Who is there, and who does not come: the rules. Unknown is a third value and never releases anything."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from coop.interval import Interval


class Came(StrEnum):
    """How it is known that somebody came."""

    CODE = "code"
    BADGE = "badge"
    OFFICE = "office"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Signal:
    """What telemetry last told of a machine: running since, or idle since, or (neither) unknown.

    Past `valid_until` it is unknown; None: it holds until further word.
    """

    running_since: datetime | None = None
    idle_since: datetime | None = None
    valid_until: datetime | None = None

    def running(self, now: datetime) -> bool:
        """Whether the machine runs at `now`, and it is known."""
        return self.running_since is not None and self._valid_through(now)

    def idle(self, now: datetime) -> bool:
        """Whether the machine is idle at `now`, and it is known."""
        return self.idle_since is not None and self._valid_through(now)

    def idle_through(self, since: datetime, until: datetime) -> bool:
        """Whether it is known that the machine did nothing from `since` to `until`."""
        return self.idle_since is not None and self.idle_since <= since and self._valid_through(until)

    def _valid_through(self, moment: datetime) -> bool:
        return self.valid_until is None or self.valid_until >= moment


@dataclass(frozen=True, slots=True)
class PresenceRule:
    """People may come `early`; who did not come is asked, and later released if the machine `releases`."""

    early: timedelta = timedelta(minutes=15)
    asks_after: timedelta = timedelta(minutes=10)
    releases_after: timedelta = timedelta(minutes=20)
    releases: bool = True


@dataclass(frozen=True, slots=True)
class Absence:
    """A confirmed slot that nobody came to yet, by whatever way. `expected_at`: they announced to be late."""

    when: Interval
    expected_at: datetime | None = None
    asked_at: datetime | None = None
    coming_at: datetime | None = None


class Step(StrEnum):
    """What is to be done about an absence now."""

    WAIT = "wait"
    ASK = "ask"
    RELEASE = "release"


def step(absence: Absence, rule: PresenceRule, signal: Signal, now: datetime) -> Step:
    """What is to be done: who does not come is asked first, and given time to answer.

    Released is only who was asked, said nothing, and whose machine is known to have been idle from the start through
    the cutoff. Idle alone proves nothing, unknown even less. A sweep that comes late finds what an earlier one missed.
    """
    if now >= absence.when.end or signal.running(now) or absence.coming_at is not None:
        return Step.WAIT
    start = max(absence.when.start, absence.expected_at or absence.when.start)
    if absence.asked_at is None:
        return Step.ASK if start + rule.asks_after <= now else Step.WAIT
    cutoff = max(start + rule.releases_after, absence.asked_at + rule.releases_after - rule.asks_after)
    if rule.releases and cutoff <= now and signal.idle_through(absence.when.start, cutoff):
        return Step.RELEASE
    return Step.WAIT
