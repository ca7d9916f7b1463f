"""Readings a second when a hundred come in a message: one ingester on Mosquitto, the queue filled beforehand.

The reference writes the same rows into the same table by COPY to a staging table and INSERT ON CONFLICT, 5,000 rows to
a transaction, with nothing to receive and nothing to decode.
"""

import time
from datetime import datetime

import orjson
import psycopg
from _outcome import QUICK, middle, outcome
from _parts import broker, database
from _plant import MACHINES, ingest_waiting, messages, open_plant

MESSAGES, READINGS = (50, 100) if QUICK else (2_000, 100)
ROUNDS = 1 if QUICK else 3
ROWS_OF_A_TRANSACTION = 5_000


def by_copy(url: str) -> float:
    """Rows a second into an empty table."""
    with psycopg.connect(url, autocommit=True) as conn:
        channels = {name: number for number, name in enumerate(MACHINES, start=1)}
        rows = []
        for message in messages(MESSAGES, READINGS):
            channel = channels[message.topic.split("/")[2]]
            for each in orjson.loads(message.payload)["readings"]:
                at = datetime.fromisoformat(each["at"])
                rows.append((channel, at, int(each["value"]), each["value"], None, at, None))
        conn.execute("INSERT INTO telemetry.channel (device_id, name) SELECT id, 'power' FROM telemetry.device")
        conn.execute("CREATE TEMP TABLE aside (LIKE telemetry.reading) ON COMMIT DELETE ROWS")
        begun = time.perf_counter()
        for first in range(0, len(rows), ROWS_OF_A_TRANSACTION):
            with conn.transaction(), conn.cursor() as cursor:
                with cursor.copy("COPY aside FROM STDIN (FORMAT binary)") as copy:
                    copy.set_types(("int4", "timestamptz", "int8", "float8", "text", "timestamptz", "bool"))
                    for row in rows[first : first + ROWS_OF_A_TRANSACTION]:
                        copy.write_row(row)
                cursor.execute("INSERT INTO telemetry.reading SELECT * FROM aside ON CONFLICT DO NOTHING")
        took = time.perf_counter() - begun
        stored = conn.execute("SELECT count(*) FROM telemetry.reading").fetchone()
        assert stored == (len(rows),)
    return len(rows) / took


def main() -> None:
    ours, copied, peaks = [], [], []
    for _ in range(ROUNDS):
        with database() as cluster, broker() as mosquitto:
            open_plant(cluster)
            done = ingest_waiting(cluster, mosquitto, list(messages(MESSAGES, READINGS)), stored=MESSAGES * READINGS)
            ours.append(MESSAGES * READINGS / done.seconds)
            peaks.append(done.peak_mb)
        with database() as cluster:
            open_plant(cluster)
            copied.append(by_copy(cluster.app_url))
    outcome(
        "ingest_batched",
        ours=middle(ours),
        reference=middle(copied),
        unit="readings/s",
        detail=f"{MESSAGES:,} messages of {READINGS} readings, QoS 1, MQTT 5, until the last is acknowledged after its "
        f"commit; reference: COPY, then INSERT ON CONFLICT, {ROWS_OF_A_TRANSACTION:,} of the same rows to a "
        f"transaction; the ingester took {max(peaks):.0f} MB at most; median of {ROUNDS}",
    )


if __name__ == "__main__":
    main()
