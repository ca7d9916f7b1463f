"""A decoding context and messages, as they would come from the database and the broker."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from telemetry.decoders import Context, Speaker, decode
from telemetry.model import Message, Reason, Rejected

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")

Said = list[tuple[str, float | str, datetime]]


def speaker(
    address: str, decoder: str, topic: str | None = None, mapping: Mapping[str, Any] | None = None, birth: object = None
) -> Speaker:
    return Speaker(address, decoder, topic or f"moyai/demo/{address}", TOKYO, mapping or {}, birth)


def context(*devices: tuple[str, str] | Speaker) -> Context:
    """The devices of the cooperative `demo`, each as (address, decoder) or as a whole."""
    speakers = [each if isinstance(each, Speaker) else speaker(*each) for each in devices]
    return Context("demo", TOKYO, {each.topic: each for each in speakers})


def message(topic: str, payload: object, received_at: datetime = NOW, *, retained: bool = False) -> Message:
    raw = (
        payload
        if isinstance(payload, bytes)
        else payload.encode()
        if isinstance(payload, str)
        else orjson.dumps(payload)
    )
    return Message(0, 1, redelivered=False, retained=retained, topic=topic, payload=raw, received_at=received_at)


def heard(
    known: Context, topic: str, payload: object, received_at: datetime = NOW, *, retained: bool = False
) -> Said | Reason:
    """What a message says: channel, value and time of each reading; or why it was rejected."""
    found = decode(message(topic, payload, received_at, retained=retained), known)
    if isinstance(found, Rejected):
        return found.reason
    return [(each.channel, each.text if each.value is None else each.value, each.at) for each in found]
