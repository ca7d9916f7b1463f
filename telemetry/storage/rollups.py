"""Hours and days of each channel: reckoned anew where derivation found that something had changed.

An hour is made of its own readings alone, so that a late one costs its hour; what a counter gained between two hours
and the days are views over the hours. Both are local: the cooperative's clock cuts them.
"""

import logging
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from coop import database, register
from coop.database import Connection, Pool
from coop.interval import Interval, merge, subtract
from coop.queries import load
from telemetry.storage.forget import forgotten_until
from telemetry.storage.speakers import speakers

log = logging.getLogger("telemetry.rollups")

SQL = load("telemetry.storage")

HOLDS_AT_MOST = timedelta(minutes=15)
"""A number holds until the next one; after this long without any, nobody knows."""

AT_ONCE = timedelta(days=31)
"""What one transaction reckons at most: derivation waits for it when it hands over the same hours again."""

_HOUR = timedelta(hours=1)
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def renew_waiting(pool: Pool) -> int:
    """Reckon all hours that wait for it, each machine in transactions of its own; return how many transactions."""
    total = 0
    for machine_id in database.run(pool, _machines_due):
        while database.run(pool, partial(renew, machine_id=machine_id)):
            total += 1
    log.info("rollups.renewed transactions=%s", total)
    return total


def renew(conn: Connection, machine_id: str) -> bool:
    """Reckon a machine's changed hours anew, those of a month at once; False when nothing waited."""
    rows = conn.execute(SQL["take_due"], {"machine_id": machine_id}).fetchall()
    zone = register.cooperative(conn).time_zone
    floor = forgotten_until(conn) or _EARLIEST
    due = merge([_hours(max(since, _EARLIEST), min(until, _LATEST), zone) for since, until in rows])
    left = AT_ONCE
    for whole in due:
        window = whole.intersect(Interval(floor, _LATEST))
        known = _extent(conn, machine_id, window, zone) if window else None
        for empty in subtract(window, [known] if known else []) if window else ():
            _drop(conn, machine_id, empty)
        if known is None:
            continue
        cut = min(known.start + left, known.end)
        if known.start < cut:
            _reckon(conn, machine_id, Interval(known.start, cut), zone)
            left -= cut - known.start
        if cut < known.end:
            conn.execute(SQL["put_back_due"], {"machine_id": machine_id, "since": cut, "until": known.end})
    return bool(rows)


def _machines_due(conn: Connection) -> list[str]:
    return [machine_id for (machine_id,) in conn.execute(SQL["machines_due"])]


def _extent(conn: Connection, machine_id: str, window: Interval, zone: ZoneInfo) -> Interval | None:
    """The hours of `window` between which a machine's channels reported at all."""
    known = None
    for speaker in speakers(conn, machine_id, window):
        extent = speaker.extent(conn)
        if extent is not None:
            hours = _hours(extent[0] - speaker.slack, extent[1] + speaker.slack + timedelta.resolution, zone)
            known = hours if known is None else Interval(min(known.start, hours.start), max(known.end, hours.end))
    return known.intersect(window) if known else None


def _reckon(conn: Connection, machine_id: str, window: Interval, zone: ZoneInfo) -> None:
    _drop(conn, machine_id, window)
    for speaker in speakers(conn, machine_id, window):
        conn.execute(SQL["add_hours"], speaker.values | {"zone": str(zone), "hold": HOLDS_AT_MOST})


def _drop(conn: Connection, machine_id: str, window: Interval) -> None:
    conn.execute(SQL["drop_hours"], {"machine_id": machine_id, "since": window.start, "until": window.end})


def _hours(since: datetime, until: datetime, zone: ZoneInfo) -> Interval:
    """The whole local hours that hold `[since, until)`."""
    return Interval(_hour(since, zone), _hour(until - timedelta.resolution, zone) + _HOUR)


def _hour(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
