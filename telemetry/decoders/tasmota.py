"""Tasmota plugs (full topic `moyai/<coop>/%topic%/%prefix%/`, the device's address as its topic).

`tele/SENSOR` with ENERGY, switches and counters, `tele/STATE` and `stat/RESULT` with POWER, and `tele/LWT`. `Time` is
local without its zone: it is read in the cooperative's. Before its clock is set a plug says 1970: a time that is more
than 7 days before the receipt or 10 minutes after it is not believed, and the receipt is taken instead. Tasmota sends
at QoS 0: what the network loses is lost, and the counter `energy_wh` is what bridges it.
"""

import re
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
    local_time,
    number,
    plain,
    readings,
)
from telemetry.model import Message, Reading, Reason

PHASES = ("a", "b", "c")
WATT_HOURS = 1000  # in the kWh that Tasmota counts

_NUMBERED = {
    re.compile(r"POWER([1-9][0-9]?)?"): OUTPUT,
    re.compile(r"Switch([1-9][0-9]?)"): CONTACT,
}
_COUNTER = re.compile(r"C([1-9])")


def read(message: Message, speaker: Speaker, rest: str) -> list[Reading]:
    """What a Tasmota device says of itself; the commands to it are no readings."""
    if rest == "tele/LWT":
        return availability(message, speaker, _online(plain(message.payload)))
    if rest not in ("tele/SENSOR", "tele/STATE", "stat/RESULT"):
        return []
    said = json_object(message.payload)
    values = [*_energy(said.get("ENERGY")), *_switched(said), *_counted(said.get("COUNTER"))]
    at = local_time(said.get("Time"), speaker.zone, message.received_at)
    return readings(message, speaker, values, at)


def _energy(said: object) -> Iterator[tuple[str, Value]]:
    """A meter of one phase says numbers, one of several phases a list for each."""
    if type(said) is not dict:
        return
    total = number(said.get("Total"))
    if total is not None:
        yield ENERGY, round(total * WATT_HOURS, 3)
    for key, channel in {"Power": POWER, "Voltage": VOLTAGE, "Current": CURRENT}.items():
        stated = said.get(key)
        value = number(stated)
        if value is not None:
            yield channel, value
        elif type(stated) is list:
            phases = [number(each) for each in stated[: len(PHASES)]]
            known = [each for each in phases if each is not None]
            if channel == POWER and known and len(known) == len(stated):
                yield POWER, sum(known)
            for phase, amount in zip(PHASES, phases, strict=False):
                if amount is not None:
                    yield f"{channel}_{phase}", amount


def _switched(said: dict[str, Any]) -> Iterator[tuple[str, Value]]:
    for key, stated in said.items():
        for pattern, channel in _NUMBERED.items():
            found = pattern.fullmatch(key)
            if found and stated in ("ON", "OFF"):
                yield channel + _suffix(found[1]), float(stated == "ON")


def _counted(said: object) -> Iterator[tuple[str, Value]]:
    if type(said) is not dict:
        return
    for key, stated in said.items():
        found, value = _COUNTER.fullmatch(key), number(stated)
        if found and value is not None:
            yield PART_COUNT + _suffix(found[1]), value


def _suffix(at: str | None) -> str:
    """The first one has the plain name."""
    return "" if at in (None, "1") else f"_{int(at or '1') - 1}"


def _online(said: str) -> bool:
    if said not in ("Online", "Offline"):
        raise Refused(Reason.VALUE, f"neither Online nor Offline: {said}")
    return said == "Online"
