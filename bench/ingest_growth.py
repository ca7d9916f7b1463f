"""Does a table that grew slow ingest down? Messages of one reading a second with many readings stored, against few.

The stored readings are one a second of ten machines, made by the database itself. Fifty million take about 6 GB of
disk, and as much again of write-ahead log while they are made.
"""

from datetime import timedelta

import psycopg
from _outcome import QUICK, middle, outcome
from _parts import broker, database, settle_tables
from _plant import MACHINES, START, Ingested, ingest_waiting, messages, open_plant

from tests.parts.timescale import TimescaleCluster
from tests.telemetry.plant import LONG_AGO

FEW, MANY = (10_000, 100_000) if QUICK else (1_000_000, 50_000_000)
MESSAGES = 1_000 if QUICK else 30_000
ROUNDS = 1 if QUICK else 3

FILL = """
INSERT INTO telemetry.reading (channel_id, at, tie, value, received_at)
SELECT c.id, %(start)s::timestamptz + make_interval(secs => n), n, 400 + n %% 100, %(received_at)s
FROM generate_series(%(first)s::integer, %(last)s::integer) AS n CROSS JOIN telemetry.channel c
"""


def fill(cluster: TimescaleCluster, since: int, until: int) -> None:
    """One reading a second of each machine, from and to so many readings in all."""
    step = 100_000
    with psycopg.connect(cluster.app_url, autocommit=True) as conn:
        for first in range(since // len(MACHINES), until // len(MACHINES), step):
            last = min(first + step, until // len(MACHINES)) - 1
            start = START - timedelta(seconds=MANY // len(MACHINES))
            conn.execute(FILL, {"start": start, "first": first, "last": last, "received_at": LONG_AGO})
    settle_tables(cluster.owner_url)


def measure(cluster: TimescaleCluster, turn: int) -> float:
    """Messages a second, of hours that come after all that is stored."""
    with broker() as mosquitto:
        since = START + timedelta(hours=turn)
        done: Ingested = ingest_waiting(cluster, mosquitto, list(messages(MESSAGES, 1, since)))
    return MESSAGES / done.seconds


def main() -> None:
    with database() as cluster:
        open_plant(cluster)
        with psycopg.connect(cluster.app_url) as conn:
            conn.execute("INSERT INTO telemetry.channel (device_id, name) SELECT id, 'power' FROM telemetry.device")
        fill(cluster, 0, FEW)
        few = [measure(cluster, turn) for turn in range(ROUNDS)]
        fill(cluster, FEW, MANY)
        many = [measure(cluster, ROUNDS + turn) for turn in range(ROUNDS)]
        with psycopg.connect(cluster.app_url) as conn:
            row = conn.execute("SELECT pg_database_size(current_database())").fetchone()
    outcome(
        "ingest_growth",
        ours=middle(many),
        reference=middle(few),
        unit="messages/s",
        detail=f"with {MANY:,} readings stored ({row[0] / 1e9 if row else 0:.1f} GB); reference: with {FEW:,}; "
        f"{MESSAGES:,} messages of one reading each time, median of {ROUNDS}",
    )


if __name__ == "__main__":
    main()
