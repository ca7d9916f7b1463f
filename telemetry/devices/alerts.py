"""What somebody should look at: raised and closed by a sweep that may run as often as it likes.

The office sees open alerts on its page of devices, and gets one mail about those that did not close by themselves.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from coop import register
from coop.database import Connection
from coop.identity import Role
from coop.interval import local_midnight
from coop.jobs import enqueue
from coop.queries import load
from telemetry.devices.character import (
    BEFORE_DAYS,
    RECENT_DAYS,
    Change,
    SignalDay,
    booked_without_running,
    idle_drift,
)
from telemetry.devices.listing import heard_devices
from telemetry.devices.liveness import Liveness

SQL = load("telemetry.devices")
MAIL = "telemetry.mail_alerts"
QUIET_AFTER = timedelta(hours=1)
"""So long after its last rejected message a device is forgiven."""
TOLD_AFTER = timedelta(minutes=15)
"""What closes by itself before is nobody's business."""
DAYS_KEPT = 60

Details = Mapping[str, dict[str, object]]
"""What there is to say, by the device or machine it is about."""


def watch_devices(conn: Connection, now: datetime) -> None:
    """Raise and close the alerts about devices: who is silent, and whose messages are rejected."""
    heard = heard_devices(conn, now)
    silent: dict[str, dict[str, object]] = {
        each.id: {"machine_id": each.machine_id, "last_at": each.last_received_at.isoformat()}
        for each in heard
        if each.last_received_at is not None
        and each.machine_id is not None
        and each.liveness in {Liveness.OFFLINE, Liveness.SAID_GOODBYE}
    }
    _settle(conn, "offline", "device_id", silent, now)
    rejected = conn.execute(SQL["rejecting"], {"since": now - QUIET_AFTER, "day": now.date()}).fetchall()
    _settle(conn, "rejects", "device_id", {device: {"rejected": count} for device, count in rejected}, now)
    _tell_office(conn, now)


def watch_signals(conn: Connection, now: datetime) -> None:
    """Write down yesterday of each machine, once, and raise and close the alerts about the character of its signal."""
    zone = register.cooperative(conn).time_zone
    today = now.astimezone(zone).date()
    yesterday = today - timedelta(days=1)
    values = {
        "day": yesterday,
        "since": local_midnight(yesterday, zone),
        "until": local_midnight(today, zone),
        "oldest": today - timedelta(days=DAYS_KEPT),
    }
    conn.execute(SQL["enter_signal_days"], values)
    conn.execute(SQL["forget_signal_days"], values)
    drifted: dict[str, dict[str, object]] = {}
    never_ran: dict[str, dict[str, object]] = {}
    first = today - timedelta(days=2 * (RECENT_DAYS + BEFORE_DAYS))
    for machine_id, off_watts in conn.execute(SQL["power_rules"], {"now": now}).fetchall():
        rows = conn.execute(SQL["signal_days"], {"machine_id": machine_id, "since": first})
        days = [SignalDay(*row) for row in rows]
        drift, booked = idle_drift(days, off_watts), booked_without_running(days)
        if drift is not None:
            drifted[machine_id] = asdict(drift)
        if booked is not None:
            never_ran[machine_id] = {"booked_seconds": booked}
    _settle(conn, Change.IDLE_DRIFTED, "machine_id", drifted, now)
    _settle(conn, Change.NEVER_RUNNING, "machine_id", never_ran, now)


def _settle(conn: Connection, kind: str, subject: str, wanted: Details, now: datetime) -> None:
    """Exactly `wanted` is open of this kind afterwards: what was open before stays as it was raised."""
    values = {"kind": kind, "subjects": list(wanted), "of_machine": subject == "machine_id", "now": now}
    conn.execute(SQL["close_alerts"], values)
    for key, detail in wanted.items():
        row = {"device_id": None, "machine_id": None, subject: key}
        conn.execute(SQL["raise_alert"], row | {"kind": kind, "detail": Jsonb(detail), "now": now})


def _tell_office(conn: Connection, now: datetime) -> None:
    """One job for each person of the office about all that is open for a while and that nobody was told of."""
    untold = [row[0] for row in conn.execute(SQL["tell_alerts"], {"before": now - TOLD_AFTER, "now": now})]
    if untold:
        for (person_id,) in conn.execute(SQL["people_of_role"], {"role": Role.OFFICE.value}).fetchall():
            enqueue(conn, MAIL, person_id=str(person_id), alerts=untold)
