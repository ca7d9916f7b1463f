"""Bytes per reading on the disk: a plain table, a hypertable, the columnstore, and Parquet as exported.

Four plugs for three days, one reading of power (0.1 W, with noise) and one of an energy counter every ten seconds, each
received a moment later; the tie is a hash of the value, as for devices that count no messages. The columnstore needs
TimescaleDB's community licence: its figure is that of the WASM build which the tests use. `ratio` is plain to
columnstore.
"""

import tempfile
from importlib import resources
from pathlib import Path

import psycopg
from _outcome import QUICK, outcome
from _parts import database
from _plant import open_plant

from telemetry.storage import timescale
from telemetry.storage.export import export
from tests.parts.community import CommunityDatabase

PLUGS, SECONDS = 4, 3600 if QUICK else 3 * 86_400

FILL = f"""
INSERT INTO telemetry.reading
SELECT channel, at, ('x' || substr(md5(value::text), 1, 16))::bit(64)::bigint, value, NULL,
       at + 0.05 * random() * interval '1 second'
FROM generate_series(1, {2 * PLUGS}) AS channel,
     generate_series(0, {SECONDS - 10}, 10) AS second,
     LATERAL (SELECT '2026-10-05Z'::timestamptz + second * interval '1 s' + channel * interval '7 ms') AS t (at),
     LATERAL (SELECT CASE WHEN channel > {PLUGS} THEN round(second * 0.0001, 3)
                          WHEN second / 1800 % 3 = 0 THEN round((900 + 60 * random())::numeric, 1)
                          ELSE round((55 + 3 * random())::numeric, 1) END::float8) AS v (value)
"""
SIZE = "SELECT {} / (SELECT count(*) FROM telemetry.reading)::float8"


def in_rows(folder: Path) -> tuple[float, float, float]:
    """Plain, hypertable and Parquet."""
    with database() as cluster:
        open_plant(cluster)
        with psycopg.connect(cluster.owner_url, autocommit=True) as conn:
            conn.execute(
                "INSERT INTO telemetry.channel (device_id, name) SELECT d.id, n FROM (SELECT id FROM telemetry.device"
                " ORDER BY id LIMIT %s) d, unnest(ARRAY['power', 'energy']) n ORDER BY n DESC, d.id",
                [PLUGS],
            )
            conn.execute(FILL)
            hypertable = _bytes(conn, "hypertable_size('telemetry.reading')")
            sum(each.readings for each in export(conn, "2026-10", folder))
            conn.execute("CREATE TABLE telemetry.plain (LIKE telemetry.reading INCLUDING ALL)")
            conn.execute("INSERT INTO telemetry.plain SELECT * FROM telemetry.reading ORDER BY at")
            plain = _bytes(conn, "pg_total_relation_size('telemetry.plain')")
            readings = conn.execute("SELECT count(*) FROM telemetry.reading").fetchone()
    assert readings is not None
    return plain, hypertable, sum(file.stat().st_size for file in folder.rglob("*.parquet")) / readings[0]


def in_columns() -> float:
    """The columnstore."""
    sql = resources.files("telemetry").joinpath("migrations/0004_telemetry_readings.sql").read_text("utf-8")
    with CommunityDatabase() as url, psycopg.connect(url.url, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION timescaledb")
        conn.execute("CREATE SCHEMA telemetry")
        conn.execute("CREATE ROLE moyai_app")
        conn.execute(sql[sql.index("CREATE TABLE telemetry.reading (") :].partition(";")[0])
        conn.execute("CREATE TABLE telemetry.device (id text)")
        timescale.lay_out(conn)
        conn.execute(FILL)
        for (chunk,) in conn.execute("SELECT show_chunks('telemetry.reading')::text").fetchall():
            conn.execute("CALL convert_to_columnstore(%s::regclass)", [chunk])
        return _bytes(conn, "hypertable_size('telemetry.reading')")


def _bytes(conn: psycopg.Connection, size: str) -> float:
    row = conn.execute(SIZE.format(size)).fetchone()
    assert row is not None
    return float(row[0])


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="moyai-bench-") as folder:
        plain, hypertable, parquet = in_rows(Path(folder))
    columns = in_columns()
    outcome(
        "storage_bytes",
        ours=columns,
        reference=plain,
        unit="bytes/reading",
        detail=f"plain {plain:.1f}, hypertable {hypertable:.1f}, columnstore {columns:.1f}, Parquet {parquet:.1f}",
        lower_is_better=True,
    )


if __name__ == "__main__":
    main()
