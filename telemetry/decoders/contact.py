"""Dry contacts, pulses and signal towers behind any gateway: which topic is which channel is data, not code.

The mapping's keys are the levels after the device's own, its values the channel, or for a JSON object the channel of
each field (fields within fields by `/`); a `!` before the channel turns it around:

    {"di/1": "contact", "di/2": "!contact_1", "tower": {"red": "lamp_red", "lamps/green": "lamp_green"}}

Without a mapping the level itself is the channel: `.../contact`, `.../lamp_red`, `.../part_count`. What a channel holds
follows from its name: `contact` 1 (closed) or 0, `lamp_*` on, off or blink, `part_count` a counter that only grows,
`part_increment` how many parts more, `power` W, `energy_wh` Wh, `execution` MTConnect's word, `availability` on or off.
A JSON object may tell its time, as `at` (RFC 3339) or `ts` (UTC seconds).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from telemetry.decoders.context import LEVEL, Speaker
from telemetry.decoders.saying import (
    AHEAD,
    AVAILABILITY,
    CONTACT,
    ENERGY,
    EXECUTION,
    OFFLINE,
    ONLINE,
    OUTPUT,
    PART_COUNT,
    PART_INCREMENT,
    POWER,
    Refused,
    Value,
    named,
    number,
    plain,
    plain_number,
    readings,
    text,
    text_time,
    unix_time,
)
from telemetry.model import Message, Reading, Reason

ON = frozenset({"1", "on", "true", "closed", "close", "high", "yes", "active", "online"})
OFF = frozenset({"0", "off", "false", "open", "low", "no", "inactive", "offline"})
BLINK = frozenset({"2", "blink", "blinking", "flash", "flashing"})
MAX_DEPTH = 8


def read(message: Message, speaker: Speaker, rest: str) -> list[Reading]:
    """The channels that the mapping makes of a message; a topic that it does not name says nothing."""
    wanted = speaker.mapping.get(rest)
    if not speaker.mapping:
        wanted = rest
    if isinstance(wanted, dict):
        said = orjson.loads(message.payload)
        if type(said) is not dict:
            raise Refused(Reason.MALFORMED, "not an object")
        return readings(message, speaker, list(_fields(said, wanted)), _time(said, message))
    if not isinstance(wanted, str):
        return []
    said = _payload(message.payload)
    if type(said) is dict:
        return readings(message, speaker, [_value(wanted, said.get("value"))], _time(said, message))
    return readings(message, speaker, [_value(wanted, said)])


def _payload(payload: bytes) -> Any:
    """JSON where it is an object, a number, a truth or a quoted text; otherwise the plain text."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return plain(payload)


def _fields(said: dict[str, Any], wanted: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    for path in wanted:
        channel = named(wanted, path)
        found = _find(said, path)
        if channel is not None and found is not None:
            yield _value(channel, found)


def _find(said: object, path: str) -> object:
    """The field that lies under a path; None where there is none."""
    for key in path.split("/")[:MAX_DEPTH]:
        if type(said) is not dict:
            return None
        said = said.get(key)
    return said


def _time(said: dict[str, Any], message: Message) -> datetime | None:
    if "at" in said:
        return text_time(said["at"], message.received_at + AHEAD)
    return unix_time(said["ts"], message.received_at) if "ts" in said else None


def _value(wanted: str, said: object) -> tuple[str, Value]:
    """The channel, and its value as its name wants it."""
    inverted, channel = wanted.startswith("!"), wanted.removeprefix("!")
    if LEVEL.fullmatch(channel) is None:
        raise Refused(Reason.TOPIC, channel)
    if channel.startswith("lamp_"):
        return channel, _lamp(said, inverted)
    for name, kind in _KINDS.items():
        if channel == name or channel.startswith(f"{name}_"):
            return channel, kind(said, inverted)
    raise Refused(Reason.TOPIC, f"no such channel: {channel}")


def _switch(said: object, inverted: bool) -> float:
    word = _word(said)
    if word in ON or word in OFF:
        return float((word in ON) is not inverted)
    raise Refused(Reason.VALUE, f"neither on nor off: {word}")


def _lamp(said: object, inverted: bool) -> str:
    return "blink" if _word(said) in BLINK else ("on" if _switch(said, inverted) else "off")


def _available(said: object, inverted: bool) -> str:
    return ONLINE if _switch(said, inverted) else OFFLINE


def _amount(said: object, _inverted: bool) -> float:
    value = plain_number(said.strip()) if isinstance(said, str) else number(said)
    if value is None:
        raise Refused(Reason.VALUE, "not a number")
    return value


def _count(said: object, inverted: bool) -> float:
    value = _amount(said, inverted)
    if value < 0:
        raise Refused(Reason.VALUE, "a count is not below 0")
    return value


def _stated(said: object, _inverted: bool) -> str:
    if not isinstance(said, str):
        raise Refused(Reason.VALUE, "not a text")
    return text(said.strip())


def _word(said: object) -> str:
    """Any way of saying on or off, in small letters: `true`, 1, "ON"."""
    if type(said) is bool:
        return "1" if said else "0"
    if type(said) is int or type(said) is float:
        return str(int(said)) if said in (0, 1, 2) else "?"
    return said.strip().lower()[:40] if isinstance(said, str) else "?"


_KINDS: Mapping[str, Callable[[object, bool], Value]] = {
    CONTACT: _switch,
    OUTPUT: _switch,
    AVAILABILITY: _available,
    PART_COUNT: _count,
    PART_INCREMENT: _count,
    POWER: _amount,
    ENERGY: _count,
    EXECUTION: _stated,
}
