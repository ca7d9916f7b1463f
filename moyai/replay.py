"""Recorded traces as MQTT messages: SHDR lines of a machine tool, or JSON lines of what somebody once published.

`parse_shdr` and `messages_of` are pure; `replay` publishes. The truth of an SHDR recording is the time between
consecutive `execution` events: the state of the last event has no end and counts nothing, so a day ends at its last
event (in the recordings of NIST's test bed that is the UNAVAILABLE of the adapter's disconnection).
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from coop.interval import aware

READINGS_PER_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message; `at` is the time of its newest reading."""

    topic: str
    payload: bytes
    at: datetime
