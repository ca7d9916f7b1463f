"""Shelly plugs, relays and meters: generation 1 as plain values, generation 2 and later as JSON.

Generation 2+ (MQTT prefix `moyai/<coop>/<address>`): `events/rpc` with NotifyStatus or NotifyFullStatus,
`status/<part>`, and `online`. A NotifyStatus holds what changed only: each field is a channel of its own, and one that
is not there says nothing. `ts` is UTC; `status/...` has no time and gets that of its receipt, so that what the broker
retained of it says nothing.

Generation 1 (its topics always begin with `shellies/<id>`): `relay/0` on or off, `relay/0/power` W, `relay/0/energy`
watt-minutes, `emeter/0/...` per phase with `total` in Wh, `input/0`, and `online`.

The first relay, meter or input has the plain channel name, the others have their number behind it: `power`, `power_1`.
The phases of a three-phase meter are `power_a`, `power_b`, `power_c`, and `power` is their sum. A relay without a meter
says 0 W: that is no measurement. Generation 2 leaves the field out; for generation 1 the models without a meter are
known by the id in the topic, and the mapping `{"metered": false}` says it of any other.
"""

from collections.abc import Iterator
from typing import Any

from telemetry.decoders.context import Speaker
from telemetry.decoders.saying import (
    CONTACT,
    CURRENT,
    ENERGY,
    OUTPUT,
    PART_COUNT,
    POWER,
    VOLTAGE,
    Refused,
    Value,
    availability,
    json_object,
    number,
    plain,
    plain_number,
    readings,
    unix_time,
)
from telemetry.model import Message, Reading, Reason

MINUTES_AN_HOUR = 60
PHASES = ("a", "b", "c")
WITHOUT_METER = ("shelly1-", "shelly1l-", "shellyuni-", "shellyix3-")
NOTIFICATIONS = frozenset({"NotifyStatus", "NotifyFullStatus"})

_NUMBERS = {"apower": POWER, "act_power": POWER, "voltage": VOLTAGE, "current": CURRENT}
_PHASE_NUMBERS = {"act_power": POWER, "voltage": VOLTAGE, "current": CURRENT}
_GEN1_METER = {"power": POWER, "voltage": VOLTAGE, "current": CURRENT}
_SWITCHED = {"on": 1.0, "overpower": 0.0, "off": 0.0, "1": 1.0, "0": 0.0}


def read(message: Message, speaker: Speaker, rest: str) -> list[Reading]:
    """What a Shelly says of itself; the commands to it, and what is not measured, are no readings."""
    levels = rest.split("/")
    if rest == "online":
        return availability(message, speaker, _truth(plain(message.payload)))
    if rest == "events/rpc":
        return _notified(message, speaker)
    if message.retained:
        return []  # what it said once, of a time that it did not say
    if levels[0] == "status" and len(levels) == 2:
        return readings(message, speaker, _component(levels[1], json_object(message.payload)))
    if levels[0] in ("relay", "emeter", "input") and len(levels) in (2, 3) and levels[1].isdecimal():
        return readings(message, speaker, _first_generation(levels, plain(message.payload), speaker))
    return []


def _notified(message: Message, speaker: Speaker) -> list[Reading]:
    said = json_object(message.payload)
    params = said.get("params")
    if said.get("method") not in NOTIFICATIONS:
        return []
    if type(params) is not dict:
        raise Refused(Reason.MALFORMED, "no params")
    values = [each for name, status in params.items() if type(status) is dict for each in _component(name, status)]
    return readings(message, speaker, values, unix_time(params.get("ts"), message.received_at))


def _component(name: str, status: dict[str, Any]) -> Iterator[tuple[str, Value]]:
    """The channels of `switch:0`, `pm1:0`, `em:0` and so on, as far as the status names them."""
    kind, _, at = name.partition(":")
    suffix = _suffix(at or "0")
    if kind in ("switch", "pm1", "em1"):
        yield from _numbers(status, _NUMBERS, suffix)
        yield from _total(status.get("aenergy"), "total", ENERGY + suffix)
        if type(status.get("output")) is bool:
            yield OUTPUT + suffix, float(status["output"])
    elif kind == "em":
        yield from _numbers(status, {"total_act_power": POWER, "total_current": CURRENT}, suffix)
        for phase in PHASES:
            stated = {key.removeprefix(f"{phase}_"): value for key, value in status.items() if key[:2] == f"{phase}_"}
            yield from _numbers(stated, _PHASE_NUMBERS, f"_{phase}{suffix}")
    elif kind == "emdata":
        yield from _total(status, "total_act", ENERGY + suffix)
    elif kind == "em1data":
        yield from _total(status, "total_act_energy", ENERGY + suffix)
    elif kind == "input":
        if type(status.get("state")) is bool:
            yield CONTACT + suffix, float(status["state"])
        yield from _total(status.get("counts"), "total", PART_COUNT + suffix)


def _numbers(status: dict[str, Any], channels: dict[str, str], suffix: str) -> Iterator[tuple[str, Value]]:
    for key, channel in channels.items():
        value = number(status.get(key))
        if value is not None:
            yield channel + suffix, value


def _total(status: object, key: str, channel: str) -> Iterator[tuple[str, Value]]:
    value = number(status.get(key)) if type(status) is dict else None
    if value is not None:
        yield channel, value


def _first_generation(levels: list[str], said: str, speaker: Speaker) -> Iterator[tuple[str, Value]]:
    part, at, *what = levels
    suffix = f"_{PHASES[int(at)]}" if part == "emeter" and at in ("0", "1", "2") else _suffix(at)
    if not what:
        if part == "relay":
            yield OUTPUT + suffix, _switched(said)
        elif part == "input":
            yield CONTACT + suffix, _switched(said)
    elif part == "input" or not _metered(speaker):
        return
    elif what[0] == "energy" and part == "relay":
        yield ENERGY + suffix, round(plain_number(said) / MINUTES_AN_HOUR, 6)
    elif what[0] == "total" and part == "emeter":
        yield ENERGY + suffix, plain_number(said)
    elif what[0] in _GEN1_METER:
        yield _GEN1_METER[what[0]] + suffix, plain_number(said)


def _metered(speaker: Speaker) -> bool:
    stated = speaker.mapping.get("metered")
    model = speaker.topic.rpartition("/")[2]
    return stated if isinstance(stated, bool) else not model.startswith(WITHOUT_METER)


def _suffix(at: str) -> str:
    if not (at.isascii() and at.isdecimal() and len(at) <= 3):
        raise Refused(Reason.TOPIC, f"no number of a part: {at}")
    return "" if int(at) == 0 else f"_{int(at)}"


def _switched(said: str) -> float:
    if said not in _SWITCHED:
        raise Refused(Reason.VALUE, f"neither on nor off: {said}")
    return _SWITCHED[said]


def _truth(said: str) -> bool:
    if said not in ("true", "false"):
        raise Refused(Reason.VALUE, f"neither true nor false: {said}")
    return said == "true"
