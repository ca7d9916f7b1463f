"""MTConnect as an agent (cppagent) publishes it: MTConnectStreams documents in JSON, version 1 or 2.

Whatever the agent's topics are called (`.../Current`, `.../Sample`), a document is known by its content; the device
model and assets say nothing here. An observation has the agent's time and its sequence number, so that one which comes
in every Current is one reading. `Availability`, in a document or as the agent's last will on `.../Availability`, is
`availability`; `Execution` keeps its word, UNAVAILABLE included, which is an unknown state; a count that is UNAVAILABLE
is no count.

Without a mapping the types Execution, Availability and PartCount are taken (a part count without subtype or of all
parts). A machine with several paths has several of one type: the mapping then names the wanted ones by data item,
`{"exec_path2": "execution", "pc1": "part_count"}`, and nothing else is taken.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from telemetry.decoders.context import Speaker
from telemetry.decoders.saying import (
    AHEAD,
    AVAILABILITY,
    EXECUTION,
    MAX_READINGS,
    MAX_SEQUENCE,
    OFFLINE,
    ONLINE,
    PART_COUNT,
    Refused,
    Value,
    availability,
    json_object,
    named,
    number,
    plain,
    plain_number,
    reading,
    text_time,
)
from telemetry.model import Message, Reading, Reason

UNAVAILABLE = "UNAVAILABLE"
TYPES: Mapping[str, str] = {"Execution": EXECUTION, "Availability": AVAILABILITY, "PartCount": PART_COUNT}
_ALL_PARTS = (None, "ALL", "COMPLETE")
_AVAILABLE = {"AVAILABLE": ONLINE, UNAVAILABLE: OFFLINE}

Observation = Mapping[str, Any]


def read(message: Message, speaker: Speaker, rest: str) -> list[Reading]:
    """The observations of a document that have a channel, in the order they stand in it."""
    if rest.rpartition("/")[2] == "Availability":
        return availability(message, speaker, _available(plain(message.payload)) == ONLINE)
    streams = json_object(message.payload).get("MTConnectStreams")
    taken: list[Reading] = []
    items: dict[str, object] = {}  # by channel: the data item that speaks
    for kind, observation in _observations(streams):
        channel = _channel(kind, observation, speaker.mapping)
        if channel is None:
            continue
        item = observation.get("dataItemId")
        if items.setdefault(channel, item) != item:
            raise Refused(Reason.AMBIGUOUS, f"{channel}: {items[channel]}, {item}")
        value = _value(channel, observation.get("value"))
        if value is not None:
            at = text_time(observation.get("timestamp"), message.received_at + AHEAD)
            taken.append(reading(message, speaker, channel, value, at, _sequence(observation)))
        if len(taken) > MAX_READINGS:
            raise Refused(Reason.TOO_LARGE, "observations")
    return taken


def _observations(streams: object) -> Iterator[tuple[str, Observation]]:
    """Every observation with its type, wherever the version of the document has it."""
    waiting: list[tuple[str, object]] = [("", streams)]
    while waiting:
        kind, node = waiting.pop()
        if type(node) is list:
            waiting.extend((kind, each) for each in reversed(node))
        elif type(node) is dict:
            if "dataItemId" in node:
                yield kind, node
            else:
                waiting.extend(reversed(node.items()))


def _channel(kind: str, observation: Observation, mapping: Mapping[str, Any]) -> str | None:
    if mapping:
        return named(mapping, str(observation.get("dataItemId")))
    if kind == "PartCount" and observation.get("subType") not in _ALL_PARTS:
        return None
    return TYPES.get(kind)


def _value(channel: str, stated: object) -> Value | None:
    """None for what is unavailable and has no word for it."""
    if channel == AVAILABILITY:
        return _available(stated)
    if channel == EXECUTION:
        if not isinstance(stated, str):
            raise Refused(Reason.VALUE, "an execution is a text")
        return stated
    if stated == UNAVAILABLE:
        return None
    value = plain_number(stated) if isinstance(stated, str) else number(stated)
    if value is None:
        raise Refused(Reason.VALUE, f"{channel} is not a number")
    return value


def _available(stated: object) -> str:
    if not isinstance(stated, str) or stated not in _AVAILABLE:
        raise Refused(Reason.VALUE, "neither AVAILABLE nor UNAVAILABLE")
    return _AVAILABLE[stated]


def _sequence(observation: Observation) -> int | None:
    """Version 1 documents have it as a number, some agents as a text."""
    stated = observation.get("sequence")
    if isinstance(stated, str) and stated.isascii() and stated.isdecimal() and len(stated) < 20:
        stated = int(stated)
    return stated if type(stated) is int and 0 <= stated <= MAX_SEQUENCE else None
