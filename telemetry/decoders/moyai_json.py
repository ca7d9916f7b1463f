"""Moyai's own format, for machines and gateways that can be told what to send.

Accepted on `moyai/<coop>/<address>/<channel>`: `{"readings": [{"at", "value", "seq"?}, ...], "sent_at"?}`, one
`{"at", "value", "seq"?}`, or `{"value", "seq"?}` from a device without a clock, which gets the time of receipt.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from telemetry.decoders.context import LEVEL, Speaker
from telemetry.decoders.saying import (
    AHEAD,
    MAX_READINGS,
    MAX_SEQUENCE,
    Refused,
    number_tie,
    text,
    text_tie,
    text_time,
)
from telemetry.model import Message, Reading, Reason

_ONE = frozenset({"at", "value", "seq"})
_MANY = frozenset({"readings", "sent_at"})


def read(message: Message, speaker: Speaker, rest: str) -> list[Reading]:
    """The readings of one channel, in the order they stand in the message."""
    if not _is_channel(rest):
        raise Refused(Reason.TOPIC)
    said = orjson.loads(message.payload)
    if type(said) is not dict:
        raise Refused(Reason.MALFORMED, "not an object")
    received_at = message.received_at
    latest = received_at + AHEAD
    if "readings" not in said:
        at = text_time(said["at"], latest) if "at" in said else received_at
        return [_reading(speaker.address, rest, at, said, received_at)]
    if not said.keys() <= _MANY:
        raise Refused(Reason.UNKNOWN_FIELD, ", ".join(said.keys() - _MANY))
    if "sent_at" in said:
        text_time(said["sent_at"], latest)
    many = said["readings"]
    if type(many) is not list or not many:
        raise Refused(Reason.MALFORMED, "readings is not a list of readings")
    if len(many) > MAX_READINGS:
        raise Refused(Reason.TOO_LARGE, f"{len(many)} readings")
    taken = []
    for one in many:
        if type(one) is not dict:
            raise Refused(Reason.MALFORMED, "a reading is not an object")
        if "at" not in one:
            raise Refused(Reason.TIME, "a reading of several has no time")
        taken.append(_reading(speaker.address, rest, text_time(one["at"], latest), one, received_at))
    return taken


@lru_cache(maxsize=4096)
def _is_channel(rest: str) -> bool:
    return LEVEL.fullmatch(rest) is not None


def _reading(address: str, channel: str, at: datetime, said: dict[str, Any], received_at: datetime) -> Reading:
    if not said.keys() <= _ONE:
        raise Refused(Reason.UNKNOWN_FIELD, ", ".join(said.keys() - _ONE))
    stated = said.get("value")
    if type(stated) is float or type(stated) is int:
        value = float(stated) + 0.0  # minus zero is zero; the parser refuses what is not finite
        tie = _sequence(said["seq"]) if "seq" in said else number_tie(value)
        return Reading(address, channel, at, tie, value, None, received_at)
    if type(stated) is str:
        tie = _sequence(said["seq"]) if "seq" in said else text_tie(text(stated))
        return Reading(address, channel, at, tie, None, text(stated), received_at)
    raise Refused(Reason.VALUE, "a value is a number or a text")


def _sequence(stated: object) -> int:
    if type(stated) is not int or not 0 <= stated <= MAX_SEQUENCE:
        raise Refused(Reason.SEQUENCE, "a sequence number is a whole number from 0")
    return stated
