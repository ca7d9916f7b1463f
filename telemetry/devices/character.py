"""Has a machine's signal changed its character? Pure: from what each day said of it.

A plug that was moved to another machine, a clamp that slipped off its wire, a chiller that was added to the socket:
derivation goes on and everything it says is wrong. Two marks show it without knowing why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from statistics import median

RECENT_DAYS = 3
BEFORE_DAYS = 14
FEWEST_BEFORE = 5
LEAST_SHARE_OF_LEVEL = 0.25
LEAST_SHARE_OF_THRESHOLD = 0.10
NEVER_RAN_DAYS = 7
LEAST_BOOKED_SECONDS = 4 * 3600


class Change(StrEnum):
    """What is odd about a signal."""

    IDLE_DRIFTED = "idle_drifted"
    NEVER_RUNNING = "never_running"


@dataclass(frozen=True, slots=True)
class SignalDay:
    """One local day of a machine: its median power while idle (W; None on a day without), and what its state said.

    `booked_seconds` lie within reservations that were taken up.
    """

    day: date
    idle_watts: float | None
    idle_seconds: int
    running_seconds: int
    booked_seconds: int


@dataclass(frozen=True, slots=True)
class Drift:
    """The idle level of the days before and of the last days, in W."""

    before_watts: float
    recent_watts: float


def idle_drift(days: Sequence[SignalDay], off_watts: float) -> Drift | None:
    """The drift of the last three days that have an idle level against the fourteen before; None when it is none.

    A drift is a quarter of the level itself and a tenth of the threshold below which the machine counts as idle: less
    than that changes no state.
    """
    levels = [each.idle_watts for each in days if each.idle_watts is not None]
    recent, before = levels[-RECENT_DAYS:], levels[-RECENT_DAYS - BEFORE_DAYS : -RECENT_DAYS]
    if len(recent) < RECENT_DAYS or len(before) < FEWEST_BEFORE:
        return None
    drift = Drift(median(before), median(recent))
    moved = abs(drift.recent_watts - drift.before_watts)
    least = max(LEAST_SHARE_OF_LEVEL * abs(drift.before_watts), LEAST_SHARE_OF_THRESHOLD * off_watts)
    return drift if moved > least else None


def booked_without_running(days: Sequence[SignalDay]) -> int | None:
    """The seconds booked in the last seven days of a machine that reported and never ran; None when it did run.

    Only from four booked hours on, and only where at least as much idle time was seen: silence is another matter.
    """
    last = days[-NEVER_RAN_DAYS:]
    booked = sum(each.booked_seconds for each in last)
    if booked < LEAST_BOOKED_SECONDS or any(each.running_seconds for each in last):
        return None
    return booked if sum(each.idle_seconds for each in last) >= booked else None
