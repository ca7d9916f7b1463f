"""Readings are let go some months after theirs, and never before their month is closed: a close freezes its evidence.

What they came to by the hour and by the day stays, as do states and usages: whatever was let go is not derived anew.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from coop import database, register
from coop.database import Connection, Pool
from coop.interval import month_of
from coop.queries import load
from telemetry.devices.register import LARGEST_OFFSET_SECONDS
from telemetry.states.evidence import Evidence, micros
from telemetry.storage.timescale import Edition, edition

log = logging.getLogger("telemetry.forget")

SQL = load("telemetry.storage")
AT_ONCE = 50_000


def boundary(now: datetime, keep_months: int, closed_until: datetime | None, zone: ZoneInfo) -> datetime | None:
    """From which local month's beginning on readings are kept; None: all of them.

    `keep_months` whole months lie before the one under way, and no open month before it.
    """
    if keep_months <= 0 or closed_until is None:
        return None
    oldest_kept = month_of(now, zone).start.astimezone(zone) - relativedelta(months=keep_months)
    return min(month_of(oldest_kept, zone).start, closed_until)


def forgotten_until(conn: Connection) -> datetime | None:
    """Before when readings are not read any more; None: nothing was let go."""
    row = conn.execute(SQL["forgotten_until"]).fetchone()
    return row[0] if row else None


def forget(pool: Pool, keep_months: int, now: datetime) -> datetime | None:
    """Let go what is older than `keep_months` and closed, in small transactions; return until when, None: nothing.

    Says first that it is forgotten, so that nobody derives from half of it. A device's clock may be a day wrong:
    readings stamped in the last day before the boundary stay until the next month's turn.
    """
    until = database.run(pool, lambda conn: _announce(conn, keep_months, now))
    if until is None:
        return None
    before = until - timedelta(seconds=LARGEST_OFFSET_SECONDS)
    if database.run(pool, edition) is not Edition.ABSENT:
        dropped = database.run(pool, lambda conn: conn.execute(SQL["drop_chunks"], {"before": before}).fetchone())
        log.info("readings.forgotten until=%s chunks=%s", until, dropped[0] if dropped else 0)
    else:
        log.info("readings.forgotten until=%s readings=%s", until, sum(_delete(pool, before)))
    return until


def closed_until(conn: Connection) -> datetime | None:
    """Until when everything is closed; None before the first close."""
    row = conn.execute(SQL["closed_until"]).fetchone()
    return row[0] if row else None


def remembered(conn: Connection, machine_id: str, marks: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The marks (microseconds, ends included) as far as readings are kept that could say something else."""
    row = conn.execute(SQL["knowledge_kept"], {"machine_id": machine_id}).fetchone()
    if row is None or row[0] is None:
        return list(marks)
    kept = micros(row[0])
    if Evidence.of(conn, machine_id).extent(conn, kept) is None:  # silent since: all of it is as it was
        return []
    begins = kept + 1  # derivation looks for a place before what changed, and finds the one that was kept
    return [(max(since, begins), max(until, begins)) for since, until in marks if until >= kept]


def _announce(conn: Connection, keep_months: int, now: datetime) -> datetime | None:
    until = boundary(now, keep_months, closed_until(conn), register.cooperative(conn).time_zone)
    if until is not None:
        conn.execute(SQL["lock_derivations"])
        conn.execute(SQL["keep_knowledge"], {"until": until})
        conn.execute(SQL["forget"], {"until": until})
    return until


def _delete(pool: Pool, before: datetime) -> Iterator[int]:
    channels = database.run(pool, lambda conn: [number for (number,) in conn.execute(SQL["channel_ids"])])
    for channel_id in channels:
        values = {"channel_id": channel_id, "before": before, "limit": AT_ONCE}
        while deleted := database.run(pool, partial(_delete_some, values=values)):
            yield deleted


def _delete_some(conn: Connection, values: dict[str, object]) -> int:
    return conn.execute(SQL["delete_some"], values).rowcount
