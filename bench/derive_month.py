"""From readings to states and usage for a whole month; and what one late reading costs, early in it and at its end.

The reference reads the same rows out of the table, in order, with COPY. `--full`: the promised 100 machines.
"""

import sys
import time
from datetime import UTC, datetime, timedelta

import psycopg
from _outcome import QUICK, outcome
from _parts import database, settle_tables

from coop.database import Connection, Pool, open_pool
from coop.identity import SYSTEM
from telemetry.derive import derive_all
from telemetry.states import rules
from telemetry.states.model import StateRule
from tests.telemetry.plant import LONG_AGO, found, settings

MACHINES = [f"cmm-{number}" for number in range(1, 2 if QUICK else 101 if "--full" in sys.argv[1:] else 5)]
DAYS = 2 if QUICK else 30
FIRST_DAYS = DAYS // 10 or 1
STEP_SECONDS = 10
START = datetime(2026, 9, 30, 15, tzinfo=UTC)  # October in Tokyo
LATE = 5
RULE = StateRule("power", "power", on_watts=200, off_watts=100, on_seconds=60, off_seconds=120, gap_seconds=300)

# Each day eight bursts of forty minutes, noise that crosses no threshold, and spikes too short to count.
FILL = """
WITH marked AS (
    INSERT INTO telemetry.dirty (machine_id, from_at, until_at) SELECT id, %(start)s, %(end)s FROM coop.machine
)
INSERT INTO telemetry.reading (channel_id, at, tie, value, received_at)
SELECT opened.id, to_timestamp(second), 0,
       CASE WHEN second %% 10800 < 2400 OR second %% 7000 < 10 THEN 600 ELSE 40 END + second %% 37, to_timestamp(second)
FROM telemetry.channel AS opened
CROSS JOIN generate_series(%(first)s::bigint, %(last)s::bigint, %(step)s) AS second
"""
READ = """
COPY (SELECT channel_id, at, tie, value, text FROM telemetry.reading ORDER BY channel_id, at, tie)
TO STDOUT (FORMAT binary)
"""


def begin(url: str) -> None:
    """Machines with a rule and a plug."""
    found(url, "bench", MACHINES)
    with psycopg.connect(url) as conn:
        for machine_id in MACHINES:
            rules.set_rule(conn, SYSTEM, machine_id, RULE, LONG_AGO, LONG_AGO)
        conn.execute("INSERT INTO telemetry.channel (device_id, name) SELECT id, 'power' FROM telemetry.device")


def report(url: str, first_day: int, until_day: int) -> int:
    """Enter the readings of these days of the month; how many."""
    start, end = START + timedelta(days=first_day), START + timedelta(days=until_day)
    with psycopg.connect(url) as conn:
        first, last = int(start.timestamp()), int(end.timestamp()) - 1
        return conn.execute(
            FILL, {"start": start, "end": end, "first": first, "last": last, "step": STEP_SECONDS}
        ).rowcount


def seconds_to_derive(pool: Pool) -> float:
    begun = time.perf_counter()
    assert derive_all(pool)
    return time.perf_counter() - begun


def seconds_to_read(conn: Connection) -> float:
    begun = time.perf_counter()
    with conn.cursor() as cursor, cursor.copy(READ) as copy:
        for _ in copy:
            pass
    return time.perf_counter() - begun


def send_late(conn: Connection, at: datetime) -> None:
    """One reading of the first machine that nobody expected any more."""
    values = {"at": at, "machine_id": MACHINES[0]}
    conn.execute(
        "INSERT INTO telemetry.reading (channel_id, at, tie, value, received_at)"
        " SELECT c.id, %(at)s, 0, 41, now() FROM telemetry.channel c JOIN telemetry.binding b USING (device_id)"
        " WHERE b.machine_id = %(machine_id)s",
        values,
    )
    conn.execute(
        "INSERT INTO telemetry.dirty (machine_id, from_at, until_at) VALUES (%(machine_id)s, %(at)s, %(at)s)", values
    )
    conn.commit()


def late_ms(conn: Connection, pool: Pool, offset_seconds: int) -> float:
    """What it costs to derive one late reading of the first day, in the middle of five tries."""
    taken = []
    for number in range(LATE):
        send_late(conn, START + timedelta(hours=3 * number + 1, seconds=offset_seconds))
        taken.append(seconds_to_derive(pool) * 1000)
    return sorted(taken)[LATE // 2]


def main() -> None:
    with database() as cluster:
        begin(cluster.app_url)
        with open_pool(settings(cluster.app_url, "")) as pool, psycopg.connect(cluster.app_url) as conn:
            count = report(cluster.app_url, 0, FIRST_DAYS)
            settle_tables(cluster.owner_url)
            derived = seconds_to_derive(pool)
            early = late_ms(conn, pool, 5)
            count += report(cluster.app_url, FIRST_DAYS, DAYS)
            settle_tables(cluster.owner_url)
            derived += seconds_to_derive(pool)
            read = seconds_to_read(conn)
            late = late_ms(conn, pool, 6)
            usages = conn.execute("SELECT count(*) FROM telemetry.usage").fetchone()
            assert usages == (8 * DAYS * len(MACHINES),), usages
    outcome(
        "derive_month",
        ours=count / derived,
        reference=count / read,
        unit="readings/s",
        detail=f"{len(MACHINES)} machines, {DAYS} days, a reading every {STEP_SECONDS} s: {count:,} readings in "
        f"{derived:.1f} s; a late reading costs {early:.0f} ms after {FIRST_DAYS} days and {late:.0f} ms after "
        f"{DAYS}; reference: COPY of the same rows in order",
    )


if __name__ == "__main__":
    main()
