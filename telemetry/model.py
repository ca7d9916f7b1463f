"""The nouns of intake: what devices say, and how it arrives. What it means: `states.model` and `usage.model`."""

from dataclasses import dataclass
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
