"""May a machine start? The decision, and how the device at its permissive input is told.

Never a danger: the only thing that is ever withheld is a new start. A machine that runs, or of which nothing is known,
keeps its permission, and the relay switches a permissive input of the control, never a supply. What the device does
when it hears nothing any more is set per machine, and told to it with every word.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from booking.presence.rules import Signal

SAID_AGAIN = timedelta(seconds=60)
FALLS_BACK = timedelta(seconds=300)
"""A device that heard nothing for so long does what was set for when the network is lost."""


class Form(StrEnum):
    """How a device at the permissive input is spoken to."""

    MOYAI = "moyai"
    SHELLY = "shelly"
    TASMOTA = "tasmota"


class OnLoss(StrEnum):
    """What the device does when it hears nothing any more."""

    ENABLE = "enable"
    WITHHOLD = "withhold"
    STAY = "stay"


class Deny(StrEnum):
    """Why a start is withheld: the device shows it."""

    OUT_OF_SERVICE = "out_of_service"
    OPENING_HOURS = "opening_hours"
    NO_BOOKING = "no_booking"
    NOT_CHECKED_IN = "not_checked_in"
    NO_QUALIFICATION = "no_qualification"


@dataclass(frozen=True, slots=True)
class Interlock:
    """How one machine's start is permitted. `target` is the topic prefix of a Shelly or Tasmota device."""

    machine_id: str
    form: Form = Form.MOYAI
    target: str = ""
    on_network_loss: OnLoss = OnLoss.ENABLE
    needs_check_in: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides whether a machine may start now. `due`: a reservation has begun or may begin."""

    signal: Signal
    in_service: bool
    is_open: bool
    in_use: bool
    due: bool
    qualified: bool


@dataclass(frozen=True, slots=True)
class Permit:
    """Whether a new start is permitted, and if not, why."""

    enable: bool
    reason: Deny | None = None


def decide(interlock: Interlock, situation: Situation, now: datetime) -> Permit:
    """Withhold only from a machine that is known to be idle, and say why."""
    if not situation.signal.idle(now) or situation.in_use:
        return Permit(True)
    if not situation.in_service:
        return Permit(False, Deny.OUT_OF_SERVICE)
    if not situation.due:
        return Permit(False, Deny.NO_BOOKING if situation.is_open else Deny.OPENING_HOURS)
    if not situation.qualified:
        return Permit(False, Deny.NO_QUALIFICATION)
    if interlock.needs_check_in:
        return Permit(False, Deny.NOT_CHECKED_IN)
    return Permit(True)


@dataclass(frozen=True, slots=True)
class Word:
    """What a device is told. What is not retained is said again every `SAID_AGAIN` while it holds."""

    topic: str
    payload: bytes
    retain: bool = True


def commands(interlock: Interlock, permit: Permit, cooperative: str) -> list[Word]:
    """What tells the devices of a machine whether it may start: the one at its input, and any that shows why not.

    A Shelly is told to fall back by itself when it hears nothing any more (`toggle_after`), so each word is said again
    in time. A Tasmota does what its own rule says when it loses the broker.
    """
    said = {"enable": permit.enable, "reason": permit.reason, "on_network_loss": interlock.on_network_loss}
    words = [Word(f"moyai/{cooperative}/{interlock.machine_id}/command/enable", json.dumps(said).encode())]
    if interlock.form is Form.SHELLY:
        params = {"id": 0, "on": permit.enable, **_falls_back(interlock.on_network_loss, permit)}
        call = {"id": 1, "src": f"moyai/{cooperative}", "method": "Switch.Set", "params": params}
        retain = interlock.on_network_loss is OnLoss.STAY
        words.append(Word(f"{interlock.target}/rpc", json.dumps(call).encode(), retain))
    if interlock.form is Form.TASMOTA:
        words.append(Word(f"cmnd/{interlock.target}/POWER", b"ON" if permit.enable else b"OFF"))
    return words


def answer(machine_id: str, what: str, at: datetime, cooperative: str) -> Word:
    """What the badge reader at a machine shows for a moment: what the badge did, or why nothing."""
    said = {"answer": what, "at": at.isoformat()}
    return Word(f"moyai/{cooperative}/{machine_id}/command/badge", json.dumps(said).encode(), retain=False)


def _falls_back(on_loss: OnLoss, permit: Permit) -> dict[str, int]:
    """After which silence a switch returns to the state that was set for it; nothing if it is in it."""
    wanted = {OnLoss.ENABLE: True, OnLoss.WITHHOLD: False, OnLoss.STAY: permit.enable}[on_loss]
    return {} if wanted is permit.enable else {"toggle_after": FALLS_BACK // timedelta(seconds=1)}
