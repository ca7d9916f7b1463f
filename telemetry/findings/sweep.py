"""What a person must look at, found by comparing states, usages, reservations and check-ins with each other.

Each sweep says anew what there is to find since `since`; a finding that is open stays, with what it says brought up to
date, one that is no longer there is closed, and one that a person said is well is not raised again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from coop.database import Connection
from coop.interval import Interval
from coop.queries import load

SQL = load("telemetry.findings")

LOOKS_BACK = timedelta(days=45)
"""An open month and half the one before: what is older is in a closed one, and its own finding says if it changes."""

NOBODY_AFTER = timedelta(hours=1)
"""Usage that nobody reserved is looked at this long after its end: a late reservation or check-in may explain it."""

OVERLAPS_FROM = timedelta(minutes=5)
"""Two people at a machine for less than this are a hand-over."""

DISAGREES_FROM = timedelta(minutes=15)
"""Checked in this long with nothing running, or running this long after the check-out, is looked at."""

NO_SIGNAL_FROM = timedelta(minutes=15)
"""Unknown for this long within a reservation is looked at."""


@dataclass(frozen=True, slots=True)
class Swept:
    """How many findings a sweep raised and closed."""

    raised: int
    closed: int


def sweep(conn: Connection, now: datetime) -> Swept:
    """Find what there is to look at as of `now`."""
    values = {
        "now": now,
        "since": now - LOOKS_BACK,
        "nobody_before": now - NOBODY_AFTER,
        "overlaps_from": OVERLAPS_FROM,
        "disagrees_from": DISAGREES_FROM,
        "no_signal_from": NO_SIGNAL_FROM,
    }
    conn.execute(SQL["lock_sweep"])
    conn.execute(SQL["wanted"])
    conn.execute(SQL["nothing_wanted"])
    for kind in ("nobody", "two_through", "two_at_once", "idle_visit", "ran_on", "no_signal", "ran_without_signal"):
        conn.execute(SQL[kind], values)
    closed = conn.execute(SQL["close_gone"], values).rowcount
    raised = conn.execute(SQL["raise_found"], values).rowcount
    return Swept(raised, closed)


def announce_closed(conn: Connection, machine_id: str, month: Interval, running_seconds: int) -> None:
    """A machine's usage in a month that billing closed changed, and by how many running seconds; they add up."""
    values = {"machine_id": machine_id, "start": month.start, "end": month.end, "running_seconds": running_seconds}
    conn.execute(SQL["closed_month_changed"], values)
