"""Which machines may start now, by what stands in the database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import errors

from booking import store
from booking.presence import store as store_presence
from booking.presence.interlock import Form, Interlock, OnLoss, Permit, Situation, Word, answer, commands, decide
from booking.presence.rules import Signal
from coop import audit
from coop.database import Connection
from coop.errors import Invalid, NotFound
from coop.identity import Role, Viewer
from coop.interval import Interval
from coop.machines import MachineUnknown
from coop.queries import load

SQL = load("booking.presence")
TAP_IS_SHOWN = timedelta(seconds=15)
"""How long after a badge was held to a reader the answer is still worth telling."""


class TargetMissing(Invalid):
    """A Shelly or Tasmota device is named by its topic prefix."""

    code = "booking.target_missing"


def permits(conn: Connection, now: datetime) -> list[tuple[Interlock, Permit]]:
    """Every machine whose start is permitted by us, by id, with whether it may start now."""
    return [_permit(conn, row, now) for row in conn.execute(SQL["interlocks"], {"now": now, "machine_id": None})]


def words(conn: Connection, cooperative: str, now: datetime) -> list[Word]:
    """All that is to be said to devices now: whether their machines may start, and what was just held to a reader."""
    said = [word for each, permit in permits(conn, now) for word in commands(each, permit, cooperative)]
    return said + [answer(*tap, cooperative) for tap in store_presence.taps_since(conn, now - TAP_IS_SHOWN)]


def permit(conn: Connection, machine_id: str, now: datetime) -> tuple[Interlock, Permit]:
    """Whether one machine may start now; raises `NotFound` for one that starts without us."""
    row = conn.execute(SQL["interlocks"], {"now": now, "machine_id": machine_id}).fetchone()
    if row is None:
        raise NotFound()
    return _permit(conn, row, now)


def set_interlock(conn: Connection, viewer: Viewer, interlock: Interlock, now: datetime) -> None:
    """From now on we permit a machine's start. Raises `Forbidden`, `MachineUnknown` or `TargetMissing`."""
    viewer.require(Role.OFFICE, Role.OPERATOR)
    values = {
        "machine_id": interlock.machine_id,
        "form": interlock.form.value,
        "target": interlock.target,
        "on_network_loss": interlock.on_network_loss.value,
        "needs_check_in": interlock.needs_check_in,
    }
    try:
        with conn.transaction():
            conn.execute(SQL["set_interlock"], values)
    except errors.ForeignKeyViolation:
        raise MachineUnknown(machine=interlock.machine_id) from None
    except errors.CheckViolation:
        raise TargetMissing() from None
    subject = f"machine:{interlock.machine_id}"
    audit.record(conn, "machine.interlock_set", viewer=viewer, subject=subject, now=now, detail={**values})


def drop_interlock(conn: Connection, viewer: Viewer, machine_id: str, now: datetime) -> None:
    """From now on the machine starts without us; its device is told nothing more. Raises `Forbidden`."""
    viewer.require(Role.OFFICE, Role.OPERATOR)
    conn.execute(SQL["drop_interlock"], {"machine_id": machine_id})
    audit.record(conn, "machine.interlock_dropped", viewer=viewer, subject=f"machine:{machine_id}", now=now)


def _permit(conn: Connection, row: Sequence[Any], now: datetime) -> tuple[Interlock, Permit]:
    machine_id, form, target, on_loss, needs_check_in, in_service, running, idle, valid, in_use, due, qualified = row
    interlock = Interlock(machine_id, Form(form), target, OnLoss(on_loss), needs_check_in)
    calendar = store.terms(conn, machine_id).calendar
    is_open = bool(calendar.open_intervals(Interval.of(now, timedelta(seconds=1))))
    situation = Situation(Signal(running, idle, valid), in_service, is_open, in_use, due, qualified)
    return interlock, decide(interlock, situation, now)
