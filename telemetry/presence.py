"""Booking is told what a machine does now: who is there without saying so, and who surely is not."""

from datetime import datetime

from booking.presence import check_in
from booking.presence.rules import Signal
from coop.database import Connection
from telemetry.states.live import current_state, quiet_since
from telemetry.states.model import State


def tell_signal(conn: Connection, machine_id: str, now: datetime) -> None:
    """Tell since when a machine runs or surely does not (idle, off or faulty), and until when that holds without
    another reading; or unknown."""
    current = current_state(conn, machine_id, now)
    quiet = quiet_since(conn, current)
    if current.state is State.RUNNING:
        signal = Signal(running_since=current.since, valid_until=current.signal_until)
    else:
        signal = Signal(idle_since=quiet, valid_until=current.signal_until) if quiet else Signal()
    check_in.hear(conn, machine_id, signal, now)
