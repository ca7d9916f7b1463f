"""Sparkplug B (specification 3.0): births name the metrics, data may name them by number only.

`read` turns one message into readings with what the device's last birth said, which its `Speaker` carries: it is put
there by `telemetry.sparkplug`, which follows the order of the messages (births, deaths, gaps).

With a mapping only the metrics it names are taken, `{"Machine/Power": "power"}`. Without one a metric is taken under
its own name where that can be a channel's. A metric has its own time, or its message's; a truth is 1 or 0; null is
nothing. A death of a node is the last will of its connection and dates from that one's beginning: it went offline at
the receipt.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.decoders.context import LEVEL, Speaker
from telemetry.decoders.saying import (
    AHEAD,
    AVAILABILITY,
    EARLIEST,
    MAX_TEXT_CHARACTERS,
    ONLINE,
    Refused,
    Value,
    availability,
    named,
    number,
    reading,
)
from telemetry.decoders.sparkplug_payload import parse, value_of
from telemetry.model import Message, Reading, Reason

BIRTHS, DEATHS, DATA = frozenset({"NBIRTH", "DBIRTH"}), frozenset({"NDEATH", "DDEATH"}), frozenset({"NDATA", "DDATA"})
SEQUENCE = "bdSeq"
MAX_METRICS = 5_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Birth:
    """What a node or device said at its birth: the datatypes of its metrics by name, and names by number."""

    datatypes: Mapping[str, int] = field(default_factory=dict)
    aliases: Mapping[int, str] = field(default_factory=dict)


def read(message: Message, speaker: Speaker, rest: str) -> list[Reading]:
    """The readings of a message whose topic's message type is `rest`."""
    if rest == "NDEATH":
        return availability(message, speaker, online=False)
    if rest == "DDEATH":
        said = parse(message.payload)
        at = _moment(said.timestamp, message) if said.HasField("timestamp") else None
        return availability(message, speaker, online=False, at=at)
    if rest in BIRTHS:
        said = parse(message.payload)
        return _readings(message, speaker, said, birth(said), born=True)
    if rest in DATA:
        if not isinstance(speaker.birth, Birth):
            raise Refused(Reason.NOT_BORN)
        return _readings(message, speaker, parse(message.payload), speaker.birth)
    return []


def birth(said: Any) -> Birth:
    """What a birth certificate names."""
    if len(said.metrics) > MAX_METRICS:
        raise Refused(Reason.TOO_LARGE, f"{len(said.metrics)} metrics")
    metrics = [each for each in said.metrics if 0 < len(each.name) <= MAX_TEXT_CHARACTERS]
    aliases = {each.alias: each.name for each in metrics if each.HasField("alias")}
    return Birth({each.name: each.datatype for each in metrics}, aliases)


def _readings(message: Message, speaker: Speaker, said: Any, born_as: Birth, born: bool = False) -> list[Reading]:
    sent_at = _moment(said.timestamp, message) if said.HasField("timestamp") else None
    came = [(AVAILABILITY, ONLINE, sent_at)] if born else []
    return [
        reading(message, speaker, channel, value, at or message.received_at)
        for channel, value, at in [*came, *_values(message, speaker, said, born_as, sent_at)]
    ]


def _values(
    message: Message, speaker: Speaker, said: Any, born_as: Birth, sent_at: datetime | None
) -> Iterator[tuple[str, Value, datetime | None]]:
    for metric in said.metrics:
        name = metric.name or born_as.aliases.get(metric.alias)
        if not name:
            raise Refused(Reason.NOT_BORN, f"alias {metric.alias}")
        channel = _channel(speaker, name)
        if channel is None:
            continue
        stated = value_of(metric, metric.datatype or born_as.datatypes.get(name, 0))
        value = _value(stated)
        if value is not None:
            own = sent_at is not None and metric.HasField("timestamp")
            yield channel, value, _moment(metric.timestamp, message) if own else sent_at
        elif stated is not None and speaker.mapping:
            raise Refused(Reason.VALUE, name[:MAX_TEXT_CHARACTERS])


def _channel(speaker: Speaker, name: str) -> str | None:
    channel = named(speaker.mapping, name) if speaker.mapping else name
    return channel if channel and channel != SEQUENCE and LEVEL.fullmatch(channel) else None


def _value(stated: object) -> Value | None:
    if isinstance(stated, bool):
        return float(stated)
    if isinstance(stated, str):
        return stated if 0 < len(stated) <= MAX_TEXT_CHARACTERS and stated.isprintable() else None
    return number(stated)


def _moment(milliseconds: int, message: Message) -> datetime:
    try:
        at = EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise Refused(Reason.FUTURE, str(milliseconds)) from None
    if at > message.received_at + AHEAD:
        raise Refused(Reason.FUTURE, at.isoformat())
    if at < EARLIEST:
        raise Refused(Reason.FAR_PAST, at.isoformat())
    return at
