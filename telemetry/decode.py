"""From a message to readings: what a device said, or why it cannot be taken. Pure; nothing escapes as an exception.

A message is taken whole or rejected whole, so that a rejected one can be replayed after a fix. Accepted on
`moyai/<coop>/<address>/<channel>`: `{"readings": [{"at", "value", "seq"?}, ...], "sent_at"?}`, one
`{"at", "value", "seq"?}`, or `{"value", "seq"?}` from a device without a clock, which gets the time of receipt.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from struct import pack
from typing import Any

import orjson

from telemetry.model import Reading, Reason, Rejected

MAX_PAYLOAD_BYTES = 262_144
MAX_READINGS = 10_000
MAX_TEXT_CHARACTERS = 200
MAX_SEQUENCE = 2**63 - 1

EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
"""A device that says 1970 or 2000 never had its clock set."""

AHEAD = timedelta(minutes=10)
"""A reading may be this far ahead of its receipt: clocks differ. Beyond, its clock is wrong."""

_LEVEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:-]{0,62}")
_ONE = frozenset({"at", "value", "seq"})
_MANY = frozenset({"readings", "sent_at"})


def decode(topic: str, payload: bytes, received_at: datetime) -> list[Reading] | Rejected:
    """The readings of a message in the order they stand in it, or why it was rejected."""
    levels = _levels(topic)
    if levels is None:
        return Rejected(Reason.TOPIC)
    if len(payload) > MAX_PAYLOAD_BYTES:
        return Rejected(Reason.TOO_LARGE)
    try:
        said = orjson.loads(payload)
        if type(said) is not dict:
            raise _Refused(Reason.MALFORMED, "not an object")
        return list(_readings(levels, said, received_at))
    except orjson.JSONDecodeError as error:
        return Rejected(Reason.MALFORMED, str(error)[:MAX_TEXT_CHARACTERS])
    except _Refused as refused:
        return Rejected(refused.reason, refused.detail[:MAX_TEXT_CHARACTERS])


class _Refused(Exception):
    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@lru_cache(maxsize=4096)
def _levels(topic: str) -> tuple[str, str] | None:
    """Address and channel of a topic."""
    levels = topic.split("/")
    if len(levels) != 4 or not all(_LEVEL.fullmatch(level) for level in levels[2:]):
        return None
    return levels[2], levels[3]


def _readings(levels: tuple[str, str], said: dict[str, Any], received_at: datetime) -> list[Reading]:
    latest = received_at + AHEAD
    if "readings" not in said:
        at = _time(said["at"], latest) if "at" in said else received_at
        return [_reading(levels, at, said, received_at)]
    if not said.keys() <= _MANY:
        raise _Refused(Reason.UNKNOWN_FIELD, ", ".join(said.keys() - _MANY))
    if "sent_at" in said:
        _time(said["sent_at"], latest)
    many = said["readings"]
    if type(many) is not list or not many:
        raise _Refused(Reason.MALFORMED, "readings is not a list of readings")
    if len(many) > MAX_READINGS:
        raise _Refused(Reason.TOO_LARGE, f"{len(many)} readings")
    taken = []
    for one in many:
        if type(one) is not dict:
            raise _Refused(Reason.MALFORMED, "a reading is not an object")
        if "at" not in one:
            raise _Refused(Reason.TIME, "a reading of several has no time")
        taken.append(_reading(levels, _time(one["at"], latest), one, received_at))
    return taken


def _reading(levels: tuple[str, str], at: datetime, said: dict[str, Any], received_at: datetime) -> Reading:
    if not said.keys() <= _ONE:
        raise _Refused(Reason.UNKNOWN_FIELD, ", ".join(said.keys() - _ONE))
    stated = said.get("value")
    value, text = None, None
    if type(stated) is float or type(stated) is int:
        value = float(stated) + 0.0  # minus zero is zero; the parser refuses what is not finite
        seen = pack(">d", value)
    elif type(stated) is str:
        text = stated
        if not 0 < len(text) <= MAX_TEXT_CHARACTERS or not text.isprintable():
            raise _Refused(Reason.VALUE, "a text is 1 to 200 printable characters")
        seen = text.encode()
    else:
        raise _Refused(Reason.VALUE, "a value is a number or a text")
    tie = _sequence(said["seq"]) if "seq" in said else _tie(seen)
    return Reading(levels[0], levels[1], at, tie, value, text, received_at)


def _time(stated: object, latest: datetime) -> datetime:
    if type(stated) is not str:
        raise _Refused(Reason.TIME, "a time is an RFC 3339 text")
    try:
        at = datetime.fromisoformat(stated)
    except ValueError:
        raise _Refused(Reason.TIME, stated) from None
    if at.tzinfo is None:
        raise _Refused(Reason.NAIVE_TIME, stated)
    if at > latest:
        raise _Refused(Reason.FUTURE, stated)
    if at < EARLIEST:
        raise _Refused(Reason.FAR_PAST, stated)
    return at.astimezone(UTC)


def _sequence(stated: object) -> int:
    if type(stated) is not int or not 0 <= stated <= MAX_SEQUENCE:
        raise _Refused(Reason.SEQUENCE, "a sequence number is a whole number from 0")
    return stated


def _tie(seen: bytes) -> int:
    """63 bits of a hash that stays the same for ever: it is part of the readings' key."""
    return int.from_bytes(blake2b(seen, digest_size=8).digest()) >> 1
