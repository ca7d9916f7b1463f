"""What decoders share: the names of channels, the limits, the rules of time, and how a reading is made."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from struct import pack
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from telemetry.decoders.context import Speaker
from telemetry.model import Message, Reading, Reason

AVAILABILITY = "availability"
"""`ONLINE` or `OFFLINE`, in the device's word or its broker's last will."""
ONLINE, OFFLINE = "online", "offline"

POWER = "power"  # W
ENERGY = "energy_wh"  # cumulative since the device's reset
VOLTAGE, CURRENT = "voltage", "current"  # V, A
OUTPUT = "output"  # the relay: 1 or 0
CONTACT = "contact"  # 1 closed, 0 open
EXECUTION = "execution"  # MTConnect's word
PART_COUNT = "part_count"  # cumulative
PART_INCREMENT = "part_increment"  # how many parts more
LAMPS = ("lamp_red", "lamp_yellow", "lamp_green")  # 'on', 'off' or 'blink'

MAX_PAYLOAD_BYTES = 262_144
MAX_READINGS = 10_000
MAX_TEXT_CHARACTERS = 200
MAX_SEQUENCE = 2**63 - 1

EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
"""A device that says 1970 or 2000 never had its clock set."""

AHEAD = timedelta(minutes=10)
"""A reading may be this far ahead of its receipt: clocks differ. Beyond, its clock is wrong."""

BACKLOG = timedelta(days=7)
"""A broker keeps messages for an absent ingester so long: an older local time was never true."""

Value = float | str


class Refused(Exception):
    """A message cannot be taken."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def readings(
    message: Message, speaker: Speaker, values: Iterable[tuple[str, Value]], at: datetime | None = None
) -> list[Reading]:
    """A reading for each (channel, value) at the device's time `at`, or at the receipt."""
    moment = message.received_at if at is None else at
    return [reading(message, speaker, channel, value, moment) for channel, value in values]


def reading(
    message: Message, speaker: Speaker, channel: str, value: Value, at: datetime, sequence: int | None = None
) -> Reading:
    """One reading; its tie is the sequence number, or a hash of the value."""
    if isinstance(value, str):
        value = text(value)
        tie = text_tie(value) if sequence is None else sequence
        return Reading(speaker.address, channel, at, tie, None, value, message.received_at)
    number = value + 0.0  # minus zero is zero
    tie = number_tie(number) if sequence is None else sequence
    return Reading(speaker.address, channel, at, tie, number, None, message.received_at)


def availability(message: Message, speaker: Speaker, online: bool, at: datetime | None = None) -> list[Reading]:
    """The device came or went."""
    return readings(message, speaker, [(AVAILABILITY, ONLINE if online else OFFLINE)], at)


def json_object(payload: bytes) -> dict[str, Any]:
    """The object that the payload is; raises `Refused` and orjson's `JSONDecodeError`."""
    said = orjson.loads(payload)
    if type(said) is not dict:
        raise Refused(Reason.MALFORMED, "not an object")
    return said


def plain(payload: bytes) -> str:
    """The text that the payload is, without the space around it."""
    try:
        return payload.decode().strip()
    except UnicodeDecodeError:
        raise Refused(Reason.MALFORMED, "not UTF-8") from None


def number(stated: object) -> float | None:
    """A stated number that a channel can hold; None for anything else."""
    if type(stated) is float or type(stated) is int:
        try:
            value = float(stated)
        except OverflowError:
            return None
        return value if -1e300 < value < 1e300 else None
    return None


def plain_number(stated: str) -> float:
    """A number in a plain payload."""
    try:
        value = number(float(stated))
    except ValueError:
        value = None
    if value is None or "_" in stated:
        raise Refused(Reason.VALUE, f"not a number: {stated}")
    return value


def text(stated: str) -> str:
    """A text that a channel can hold."""
    if not 0 < len(stated) <= MAX_TEXT_CHARACTERS or not stated.isprintable():
        raise Refused(Reason.VALUE, "a text is 1 to 200 printable characters")
    return stated


def named(mapping: Mapping[str, Any], name: str) -> str | None:
    """The channel that a device's mapping gives to a name."""
    channel = mapping.get(name)
    return channel if isinstance(channel, str) else None


def text_time(stated: object, latest: datetime) -> datetime:
    """An RFC 3339 time not after `latest`; with an offset, and no date before clocks were set."""
    if type(stated) is not str:
        raise Refused(Reason.TIME, "a time is an RFC 3339 text")
    try:
        at = datetime.fromisoformat(stated)
    except ValueError:
        raise Refused(Reason.TIME, stated) from None
    if at.tzinfo is None:
        raise Refused(Reason.NAIVE_TIME, stated)
    if at > latest:
        raise Refused(Reason.FUTURE, stated)
    if at < EARLIEST:
        raise Refused(Reason.FAR_PAST, stated)
    return at.astimezone(UTC)


def unix_time(stated: object, received_at: datetime) -> datetime | None:
    """Seconds since 1970 where they are plausible; None for a clock that was never set or runs ahead.

    Rounded to whole milliseconds: that is what a binary fraction of seconds can say.
    """
    seconds = number(stated)
    if seconds is None or not EARLIEST.timestamp() <= seconds <= (received_at + AHEAD).timestamp():
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=round(seconds * 1000))


def local_time(stated: object, zone: ZoneInfo, received_at: datetime) -> datetime | None:
    """A local time without its zone where it is plausible: at most 7 days before its receipt, 10 minutes after.

    None otherwise: the device's clock was not set. Where the clocks go back, one local time is two moments; where they
    go forward, a device that was not told yet counts on. Both times it is the moment nearer to the receipt.
    """
    if type(stated) is not str:
        return None
    try:
        at = datetime.fromisoformat(stated)
        moments = [at] if at.tzinfo else [at.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
        found = min((each.astimezone(UTC) for each in moments), key=lambda each: abs(received_at - each))
    except (ValueError, OverflowError):
        return None
    return found if received_at - BACKLOG <= found <= received_at + AHEAD else None


def number_tie(value: float) -> int:
    """The tie of a number without a sequence number."""
    return _tie(pack(">d", value))


def text_tie(value: str) -> int:
    """The tie of a text without a sequence number."""
    return _tie(value.encode())


def _tie(seen: bytes) -> int:
    """63 bits of a hash that stays the same for ever: it is part of the readings' key."""
    return int.from_bytes(blake2b(seen, digest_size=8).digest()) >> 1
