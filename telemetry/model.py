"""The nouns of the room: what devices say, and what it means for machines."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class Reading(NamedTuple):  # a tuple: a hundred thousand are made a second
    """One measurement as its device stated it: a number (power in W) or a text (execution), at the device's time.

    `tie` orders readings of one moment: the device's sequence number, or a hash of the value.
    """

    address: str
    channel: str
    at: datetime
    tie: int
    value: float | None
    text: str | None
    received_at: datetime

    @property
    def has_own_time(self) -> bool:
        """Whether the device told a time; if not, `at` is when the message was received."""
        return self.at != self.received_at


class Reason(StrEnum):
    """Why a message was rejected."""

    TOPIC = "topic"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    UNKNOWN_FIELD = "unknown_field"
    VALUE = "value"
    SEQUENCE = "sequence"
    TIME = "time"
    NAIVE_TIME = "naive_time"
    FUTURE = "future"
    FAR_PAST = "far_past"
    UNKNOWN_DEVICE = "unknown_device"
    RETAINED_WITHOUT_TIME = "retained_without_time"
    REFUSED_BY_DATABASE = "refused_by_database"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that cannot be taken; it is kept with its bytes."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """Something that reports. `address` is the level of its topics after `moyai/<coop>/`."""

    id: str
    address: str
    decoder: str = "json"


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


class UsageKind(StrEnum):
    """Whose an occupied stretch is, or that nobody's it is."""

    IN_RESERVATION = "in_reservation"
    EARLY = "early"
    OVERRUN = "overrun"
    UNASSIGNED = "unassigned"
    ASSIGNED = "assigned"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class Booked:
    """A reservation as far as attribution needs it."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    member_id: str
    person_id: UUID | None


@dataclass(frozen=True, slots=True)
class Usage:
    """One occupied stretch `[started_at, ended_at)` within one reservation, or none, and one local month."""

    id: UUID
    machine_id: str
    started_at: datetime
    ended_at: datetime
    running_seconds: int
    kind: UsageKind
    reservation_id: UUID | None
    member_id: str | None
    person_id: UUID | None
    evidence_hash: bytes
    decision_id: int | None = None


class Resolution(StrEnum):
    """What a person may decide about a stretch."""

    ASSIGN = "assign"
    WAIVE = "waive"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about `[started_at, ended_at)` on the evidence with this hash. A higher id is later."""

    id: int
    started_at: datetime
    ended_at: datetime
    evidence_hash: bytes
    resolution: Resolution
    member_id: str | None
    reservation_id: UUID | None
    person_id: UUID | None


@dataclass(slots=True, eq=False)
class Message:
    """What the broker delivered. A redelivery of one that still waits only renews its `generation`.

    `generation` counts the connections to the broker: an acknowledgement is valid on the connection of the delivery.
    `mid` is the broker's packet id, 0 for what was sent at QoS 0 and is not acknowledged.
    """

    generation: int
    mid: int
    redelivered: bool
    retained: bool
    topic: str
    payload: bytes
    received_at: datetime


Decoded = tuple[Message, list[Reading] | Rejected]
