"""A month's draft with the explanation of every line, written to the database.

The reference loads the same usages from the database and groups them once with pandas: the least that anybody does.
"""

import resource
import time

import pandas as pd
import psycopg
from _months import OFFICE, Size, after, found, use
from _outcome import QUICK, middle, outcome
from _parts import database, settle_tables

from billing.periods import settle

SIZE = Size(10, 4, 400) if QUICK else Size(500, 100, 200_000)
ROUNDS = 1 if QUICK else 3
MONTH = "2026-10"
NOW = after(MONTH)

# What a settlement needs to know of each usage: its time and kind, whose it is, and what it is proved by.
ROWS = """
SELECT id, machine_id, started_at, ended_at, running_seconds, kind, member_id, reservation_id, evidence_hash
FROM telemetry.usage ORDER BY machine_id, started_at
"""


def seconds_to_draft(url: str) -> float:
    begun = time.perf_counter()
    with psycopg.connect(url, options="-c TimeZone=UTC") as conn:
        drafted = settle.draft(conn, OFFICE, MONTH, NOW)
    took = time.perf_counter() - begun
    assert not drafted.findings, drafted.findings[:3]
    return took


def seconds_to_group(url: str) -> float:
    begun = time.perf_counter()
    with psycopg.connect(url, options="-c TimeZone=UTC") as conn, conn.cursor() as cursor:
        cursor.execute(ROWS)
        assert cursor.description is not None
        frame = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])
    seconds = (frame["ended_at"] - frame["started_at"]).dt.total_seconds()
    assert len(seconds.groupby([frame["member_id"], frame["machine_id"]]).sum())
    return time.perf_counter() - begun


def main() -> None:
    with database() as cluster:
        with psycopg.connect(cluster.app_url) as conn:
            found(conn, SIZE, NOW)
            use(conn, SIZE, MONTH, NOW)
        settle_tables(cluster.owner_url)
        drafted = [seconds_to_draft(cluster.app_url) for _ in range(ROUNDS)]
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        grouped = [seconds_to_group(cluster.app_url) for _ in range(ROUNDS)]
    outcome(
        "settle_draft",
        ours=middle(drafted),
        reference=middle(grouped),
        unit="s",
        lower_is_better=True,
        detail=f"{SIZE.members} members, {SIZE.machines} machines, {SIZE.usages:,} usages, each a line with its "
        f"explanation; {memory_mb:.0f} MB at most; reference: the usages loaded and grouped once by pandas; "
        f"median of {ROUNDS}",
    )


if __name__ == "__main__":
    main()
