"""Recorded traces as MQTT messages: SHDR lines of a machine tool, or JSON lines of what somebody once published.

The truth of an SHDR recording is the time between consecutive `execution` events, from the first to the last: the state
of the last event has no end and counts nothing. (In the recordings of NIST's test bed the last event is the UNAVAILABLE
of the adapter's disconnection, so a "day" there runs from one disconnection to the next, not from midnight.)
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from coop.errors import Invalid
from coop.interval import NaiveTime, aware

EXECUTION = "execution"
READINGS_PER_MESSAGE = 300


class TraceUnreadable(Invalid):
    """A line of the recording is neither SHDR nor a JSON object with topic and payload."""

    code = "moyai.trace_unreadable"


class MachineMissing(Invalid):
    """An SHDR recording does not say whose it is: name the machine."""

    code = "moyai.replay_needs_machine"


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message; `at` is the time of its newest reading."""

    topic: str
    payload: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One value of one data item, as the adapter sent it (MTConnect's names: `ACTIVE`, `READY`, `UNAVAILABLE`)."""

    at: datetime
    value: str


def parse_shdr(lines: Iterable[str], key: str = EXECUTION) -> Iterator[Event]:
    """The events of data item `key` in lines `time|key|value|key|value…`, in the order of the file.

    A condition's further fields (native code, severity, qualifier, text) stand where values or keys would; no data item
    is called like them. Raises `TraceUnreadable` for a line without a moment (a time with its offset).
    """
    for number, line in enumerate(lines, start=1):
        stamp, *fields = line.rstrip("\r\n").split("|")
        if not stamp and not fields:
            continue
        try:
            at = aware(datetime.fromisoformat(stamp))
        except (NaiveTime, ValueError):
            raise TraceUnreadable(line=number) from None
        for name, value in zip(fields[0::2], fields[1::2], strict=False):
            if name == key:
                yield Event(at, value)


def execution_messages(events: Iterable[Event], topic: str, per_message: int) -> Iterator[Message]:
    """Events as readings, `per_message` to a message; their place in the file is their sequence number."""
    readings: list[dict[str, Any]] = []
    for number, event in enumerate(events, start=1):
        readings.append({"at": event.at, "value": event.value, "seq": number})
        if len(readings) == per_message:
            yield _message(topic, readings)
            readings = []
    if readings:
        yield _message(topic, readings)


def _message(topic: str, readings: list[dict[str, Any]]) -> Message:
    return Message(topic, orjson.dumps({"readings": readings}), readings[-1]["at"])


def parse_json_lines(lines: Iterable[str]) -> list[Message]:
    """Messages of lines `{"topic": …, "payload": …}`; a payload that is text is sent as it is, any other as JSON.

    A message without a time of its own has that of the message before it. Raises `TraceUnreadable`.
    """
    found: list[tuple[str, bytes, datetime | None]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = orjson.loads(line)
            topic, payload = entry["topic"], entry["payload"]
            if not isinstance(topic, str):
                raise TypeError
            found.append((topic, payload.encode() if isinstance(payload, str) else orjson.dumps(payload), _at(payload)))
        except (KeyError, NaiveTime, TypeError, ValueError):
            raise TraceUnreadable(line=number) from None
    at = next((each for *_, each in found if each), datetime.fromtimestamp(0, UTC))
    messages = []
    for topic, payload, own in found:
        at = own or at
        messages.append(Message(topic, payload, at))
    return messages


def _at(payload: object) -> datetime | None:
    """The newest time in a payload of our own shape; what others sent has none that we know."""
    readings = payload.get("readings", [payload]) if isinstance(payload, dict) else []
    stamps = [each["at"] for each in readings if isinstance(each, dict) and "at" in each]
    return max((aware(datetime.fromisoformat(stamp)) for stamp in stamps), default=None)


def read_trace(file: Path, cooperative: str, machine: str | None, per_message: int) -> Iterator[Message]:
    """The messages of a recording, whichever of the two kinds it is; raises `TraceUnreadable` or `MachineMissing`."""
    with file.open(encoding="utf-8") as lines:
        first = lines.read(1)
        lines.seek(0)
        if first == "{":
            yield from parse_json_lines(lines)
        elif machine is None:
            raise MachineMissing(file=file.name)
        else:
            yield from execution_messages(
                parse_shdr(lines), f"moyai/{cooperative}/{machine}/{EXECUTION}", per_message=per_message
            )


def paced(
    messages: Iterable[Message],
    speed: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Message]:
    """The messages at `speed` times the pace at which they were recorded; one whose time has passed goes at once."""
    begun: tuple[float, datetime] | None = None
    for message in messages:
        begun = begun or (clock(), message.at)
        wait = (message.at - begun[1]).total_seconds() / speed - (clock() - begun[0])
        if wait > 0:
            sleep(wait)
        yield message
