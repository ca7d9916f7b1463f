"""May a machine start? The decision, and how the device at its permissive input is told.

Never a danger: the only thing that is ever withheld is a new start. A machine that runs, or of which nothing is known,
keeps its permission, and the relay switches a permissive input of the control, never a supply. What the device does
when it hears nothing any more is set per machine, and told to it with every word.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from booking.presence.rules import Signal


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


def command(interlock: Interlock, permit: Permit, cooperative: str) -> tuple[str, bytes]:
    """Topic and payload that tell the device; to be retained, so that it learns it again after a loss.

    moyai: JSON. Shelly: a Gen2 RPC `Switch.Set`. Tasmota: `POWER`. The last two know no reasons: for them a switch that
    is on permits.
    """
    if interlock.form is Form.SHELLY:
        call = {
            "id": 1,
            "src": f"moyai/{cooperative}",
            "method": "Switch.Set",
            "params": {"id": 0, "on": permit.enable},
        }
        return f"{interlock.target}/rpc", json.dumps(call).encode()
    if interlock.form is Form.TASMOTA:
        return f"cmnd/{interlock.target}/POWER", b"ON" if permit.enable else b"OFF"
    said = {"enable": permit.enable, "reason": permit.reason, "on_network_loss": interlock.on_network_loss}
    return f"moyai/{cooperative}/{interlock.machine_id}/command/enable", json.dumps(said).encode()
