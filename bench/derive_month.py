"""From readings to states and usage for a whole month; and what one late reading costs afterwards.

The reference reads the same rows out of the table, in order, with COPY.
"""

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

MACHINES = [f"cmm-{number}" for number in range(1, 2 if QUICK else 5)]
DAYS = 1 if QUICK else 30
STEP_SECONDS = 10
START = datetime(2026, 9, 30, 15, tzinfo=UTC)  # October in Tokyo
LATE = 5
RULE = StateRule("power", "power", on_watts=200, off_watts=100, on_seconds=60, off_seconds=120, gap_seconds=300)

# Each day eight bursts of forty minutes, noise that crosses no threshold, and spikes too short to count.
FILL = """
WITH opened AS (
    INSERT INTO telemetry.channel (device_id, name) SELECT id, 'power' FROM telemetry.device RETURNING id
), marked AS (
    INSERT INTO telemetry.dirty (machine_id, from_at, until_at) SELECT id, %(start)s, %(end)s FROM coop.machine
)
INSERT INTO telemetry.reading (channel_id, at, tie, value, received_at)
SELECT opened.id, to_timestamp(second), 0,
       CASE WHEN second %% 10800 < 2400 OR second %% 7000 < 10 THEN 600 ELSE 40 END + second %% 37, to_timestamp(second)
FROM opened
CROSS JOIN generate_series(%(first)s::bigint, %(last)s::bigint, %(step)s) AS second
"""
READ = """
COPY (SELECT channel_id, at, tie, value, text FROM telemetry.reading ORDER BY channel_id, at, tie)
TO STDOUT (FORMAT binary)
"""


def report(url: str) -> int:
    """Enter a month of readings; how many."""
    found(url, "bench", MACHINES)
    end = START + timedelta(days=DAYS)
    with psycopg.connect(url) as conn:
        for machine_id in MACHINES:
            rules.set_rule(conn, SYSTEM, machine_id, RULE, LONG_AGO, LONG_AGO)
        first, last = int(START.timestamp()), int(end.timestamp()) - 1
        return conn.execute(
            FILL, {"start": START, "end": end, "first": first, "last": last, "step": STEP_SECONDS}
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


def main() -> None:
    with database() as cluster:
        count = report(cluster.app_url)
        settle_tables(cluster.owner_url)
        with open_pool(settings(cluster.app_url, "")) as pool, psycopg.connect(cluster.app_url) as conn:
            derived = seconds_to_derive(pool)
            read = seconds_to_read(conn)
            late = []
            for number in range(LATE):
                send_late(conn, START + timedelta(hours=3 * number + 1, seconds=5))
                late.append(seconds_to_derive(pool) * 1000)
            usages = conn.execute("SELECT count(*) FROM telemetry.usage").fetchone()
            assert usages == (8 * DAYS * len(MACHINES),), usages
    outcome(
        "derive_month",
        ours=count / derived,
        reference=count / read,
        unit="readings/s",
        detail=f"{len(MACHINES)} machines, {DAYS} days, a reading every {STEP_SECONDS} s: {count:,} readings in "
        f"{derived:.1f} s; a late reading afterwards costs {sorted(late)[LATE // 2]:.0f} ms; reference: COPY of "
        "the same rows in order",
    )


if __name__ == "__main__":
    main()
