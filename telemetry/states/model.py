"""The nouns of states: what a machine was seen doing, and how that is read from what its devices say."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """What a machine was seen doing. Unknown is a third value: no signal is never idle.

    Who only asks whether it runs takes off and fault for idle; a fault is shown.
    """

    RUNNING = "running"
    IDLE = "idle"
    OFF = "off"
    FAULT = "fault"
    UNKNOWN = "unknown"


QUIET = frozenset({State.IDLE, State.OFF, State.FAULT})
"""It is known not to run."""


@dataclass(frozen=True, slots=True)
class StateRule:
    """How a machine's state is read from `channel`.

    `power`: running at or above `on_watts` held for `on_seconds`, not at or below `off_watts` held for `off_seconds`;
    off at or below `standby_watts`, where that is given. `contact`: running while it is closed (1). `execution`,
    `words`: the device's own word, by `words` and else by MTConnect's table; an unlisted one means `otherwise`.
    Without a reading for `gap_seconds` it is unknown since the last one; without `gap_seconds` a word holds until the
    next. `otherwise` is what it is when it does not run.

    `first`: each of `conditions`, which are rules of the kinds above, is asked in order, and the first that says
    something wins. One that is unknown says nothing, and so does one whose `otherwise` (or word) is None. When none is
    unknown and all leave it to the next, it is `otherwise`.

    Running stretches less than `bridge_seconds` apart are one occupied stretch.
    """

    kind: str
    channel: str = ""
    on_watts: float | None = None
    off_watts: float | None = None
    on_seconds: int = 0
    off_seconds: int = 0
    gap_seconds: int | None = None
    bridge_seconds: int = 900
    standby_watts: float | None = None
    words: tuple[tuple[str, State | None], ...] = ()
    otherwise: State | None = State.IDLE
    conditions: tuple["StateRule", ...] = ()


LAMPS = StateRule(
    "first",
    otherwise=State.OFF,
    conditions=tuple(
        StateRule("words", channel, words=(("blink", state), ("on", state)), otherwise=None)
        for channel, state in (
            ("lamp_red", State.FAULT),
            ("lamp_green", State.RUNNING),
            ("lamp_yellow", State.IDLE),
        )
    ),
)
"""A signal tower: red is a fault, else green runs, else yellow is idle; all of them dark is off."""


@dataclass(frozen=True, slots=True)
class StateInterval:
    """The machine was seen in `state` in `[started_at, ended_at)`; `native` is its own word for it."""

    started_at: datetime
    ended_at: datetime
    state: State
    native: str | None = None
