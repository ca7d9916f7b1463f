"""Readings on each edition of TimescaleDB, and without it."""

from datetime import UTC, datetime
from importlib import resources

import psycopg

from telemetry import timescale
from telemetry.timescale import Edition
from tests.parts.databases import Database

LATE = "INSERT INTO telemetry.reading VALUES (1, %s, %s, 1, NULL, now()) ON CONFLICT DO NOTHING"


def test_apache_readings_lie_in_chunks_of_a_day(database: Database) -> None:
    with psycopg.connect(database.owner_url) as conn:
        for day in (1, 1, 2, 9):
            conn.execute(LATE, [datetime(2026, 10, day, 12, tzinfo=UTC), day])
        chunks = conn.execute(
            "SELECT range_end - range_start = interval '1 day' FROM timescaledb_information.chunks "
            "WHERE hypertable_schema = 'telemetry' AND hypertable_name = 'reading'"
        ).fetchall()
        assert chunks == [(True,)] * 3
        assert timescale.lay_out(conn) is Edition.APACHE  # again, over readings: nothing changes


def test_without_timescale_nothing_is_needed(embedded_database: Database) -> None:
    with psycopg.connect(embedded_database.owner_url) as conn:
        assert timescale.edition(conn) is Edition.ABSENT
        assert timescale.lay_out(conn) is Edition.ABSENT


def test_a_table_with_readings_becomes_a_hypertable(database: Database) -> None:
    """As when a cooperative moves from the embedded database to TimescaleDB."""
    with psycopg.connect(database.owner_url) as conn:
        conn.execute("CREATE TABLE telemetry.plain (LIKE telemetry.reading INCLUDING ALL)")
        conn.execute("DROP TABLE telemetry.reading")
        conn.execute("ALTER TABLE telemetry.plain RENAME TO reading")
        conn.execute(LATE, [datetime(2026, 10, 1, tzinfo=UTC), 1])
        timescale.lay_out(conn)
        assert conn.execute("SELECT count(*) FROM telemetry.reading").fetchall() == [(1,)]
        assert conn.execute("SELECT count(*) FROM show_chunks('telemetry.reading')").fetchall() == [(1,)]
        conn.rollback()


def test_community_old_readings_turn_into_columns_and_late_ones_still_land_once(community_database: str) -> None:
    sql = resources.files("telemetry").joinpath("migrations/0004_telemetry_readings.sql").read_text("utf-8")
    table = sql[sql.index("CREATE TABLE telemetry.reading (") :].partition(";")[0]
    with psycopg.connect(community_database, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION timescaledb")
        conn.execute("CREATE SCHEMA telemetry")
        conn.execute(table)
        assert timescale.lay_out(conn) is Edition.COMMUNITY
        assert timescale.lay_out(conn) is Edition.COMMUNITY
        jobs = conn.execute("SELECT proc_name FROM timescaledb_information.jobs WHERE hypertable_name = 'reading'")
        assert sorted(name for (name,) in jobs) == ["policy_compression", "policy_retention"]
        noon = datetime(2026, 10, 1, 12, tzinfo=UTC)
        conn.execute(LATE, [noon, 1])
        for (chunk,) in conn.execute("SELECT show_chunks('telemetry.reading')::text").fetchall():
            conn.execute("CALL convert_to_columnstore(%s::regclass)", [chunk])
        conn.execute(LATE, [noon, 1])
        conn.execute(LATE, [noon, 2])
        assert conn.execute("SELECT tie FROM telemetry.reading ORDER BY tie").fetchall() == [(1,), (2,)]
