"""The nouns of intake: what devices say, and how it arrives. What it means: `states.model` and `usage.model`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


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
    UNKNOWN_DECODER = "unknown_decoder"
    DECODER_FAILED = "decoder_failed"
    AMBIGUOUS = "ambiguous"
    NOT_BORN = "not_born"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that cannot be taken; it is kept with its bytes."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """Something that reports. `address` is the level of its topics after `moyai/<coop>/`.

    `topic` are the levels that its topics begin with where it cannot speak there; `mapping` says which channel a name
    of its own is, as its decoder reads it.
    """

    id: str
    address: str
    decoder: str = "json"
    topic: str | None = None
    mapping: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Message:
    """What the broker delivered. A redelivery of one that still waits only renews its `generation`.

    `generation` counts the connections to the broker: an acknowledgement is valid on the connection of the delivery.
    `mid` is the broker's packet id, 0 for what was sent at QoS 0 and is not acknowledged.

    `queued`: it may have waited at the broker, so `received_at` is not when it was said. Readings of it without a time
    of their own are stored at `received_at` and marked (`telemetry.reading.queued`): a level among them says nothing of
    that moment, the state is unknown until the next reading that is not marked; a cumulative counter had its value by
    then.
    """

    generation: int
    mid: int
    redelivered: bool
    retained: bool
    topic: str
    payload: bytes
    received_at: datetime
    queued: bool = False


Decoded = tuple[Message, list[Reading] | Rejected]
