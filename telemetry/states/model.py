"""The nouns of states: what a machine was seen doing, and how that is read from what its devices say."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """What a machine was seen doing. Unknown is a third value: no signal is never idle."""

    RUNNING = "running"
    IDLE = "idle"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StateRule:
    """How a machine's state is read from `channel`.

    `power`: running at or above `on_watts` held for `on_seconds`, idle at or below `off_watts` held for `off_seconds`,
    unknown from the last reading when none follows within `gap_seconds`. `execution`: the machine's own word (MTConnect
    Execution) holds until its next. Running stretches less than `bridge_seconds` apart are one occupied stretch.
    """

    kind: str
    channel: str
    on_watts: float | None = None
    off_watts: float | None = None
    on_seconds: int = 0
    off_seconds: int = 0
    gap_seconds: int | None = None
    bridge_seconds: int = 900


@dataclass(frozen=True, slots=True)
class StateInterval:
    """The machine was seen in `state` in `[started_at, ended_at)`; `native` is its own word for it."""

    started_at: datetime
    ended_at: datetime
    state: State
    native: str | None = None
