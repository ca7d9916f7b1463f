"""Decoders: from a message to readings, or the reason why it cannot be taken. Pure; nothing escapes as an exception.

`decode(message, context)` asks the decoder that the message's device was entered with. A message is taken whole or
rejected whole, so that a rejected one can be replayed after a fix; no readings at all means that it was understood and
had nothing to say. Either all readings of a message have their device's time or none has.

A decoder is one file here with a function `read(message, speaker, rest)`, named in `DECODERS`; it raises `Refused` for
what it cannot take. `rest` are the levels of the topic after the device's own.
"""

import logging
from collections.abc import Mapping

import orjson

from telemetry.decoders import contact, moyai_json, mtconnect, shelly, sparkplug, tasmota
from telemetry.decoders.context import Context, Read, Speaker
from telemetry.decoders.saying import AVAILABILITY, MAX_PAYLOAD_BYTES, MAX_TEXT_CHARACTERS, Refused
from telemetry.model import Message, Reading, Reason, Rejected

log = logging.getLogger("telemetry.decoders")

DECODERS: Mapping[str, Read] = {
    "json": moyai_json.read,
    "shelly": shelly.read,
    "contact": contact.read,
    "tasmota": tasmota.read,
    "mtconnect": mtconnect.read,
    "sparkplug": sparkplug.read,
}


def decode(message: Message, context: Context) -> list[Reading] | Rejected:
    """The readings of a message in the order they stand in it, or why it was rejected."""
    route = context.routes.get(message.topic) or context.route(message.topic)
    if isinstance(route, Rejected):
        return route
    if len(message.payload) > MAX_PAYLOAD_BYTES:
        return Rejected(Reason.TOO_LARGE)
    read = DECODERS.get(route.speaker.decoder)
    if read is None:
        return Rejected(Reason.UNKNOWN_DECODER, route.speaker.decoder)
    try:
        readings = read(message, route.speaker, route.rest)
    except Refused as refused:
        return Rejected(refused.reason, refused.detail[:MAX_TEXT_CHARACTERS])
    except orjson.JSONDecodeError as error:
        return Rejected(Reason.MALFORMED, str(error)[:MAX_TEXT_CHARACTERS])
    except Exception as defect:  # the edge: a decoder's defect costs its own device's message, which is kept
        log.exception("decoder.failed decoder=%s topic=%r", route.speaker.decoder, message.topic)
        return Rejected(Reason.DECODER_FAILED, type(defect).__name__)
    if message.retained and not all(each.has_own_time or each.channel == AVAILABILITY for each in readings):
        return Rejected(Reason.RETAINED_WITHOUT_TIME)
    return readings


__all__ = ["DECODERS", "MAX_PAYLOAD_BYTES", "Context", "Speaker", "decode"]
