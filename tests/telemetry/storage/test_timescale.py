"""Readings on each edition of TimescaleDB, and without it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources

import psycopg
import pytest

from coop.database import Connection
from coop.settings import Settings
from telemetry.storage import timescale
from telemetry.storage.timescale import Edition, chunk_hours
from tests.parts.databases import Database

LATE = "INSERT INTO telemetry.reading VALUES (1, %s, %s, 1, NULL, now()) ON CONFLICT DO NOTHING"
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("devices", "hours"), [(0, 24), (1, 168), (7, 168), (8, 72), (50, 24), (51, 12), (400, 3), (9000, 1)]
)
def test_a_chunk_is_as_long_as_the_load_allows(devices: int, hours: int) -> None:
    assert chunk_hours(devices) == hours


def test_apache_readings_lie_in_chunks_of_a_day(database: Database) -> None:
    with psycopg.connect(database.owner_url) as conn:
        for day in (1, 1, 2, 9):
            conn.execute(LATE, [datetime(2026, 10, day, 12, tzinfo=UTC), day])
        assert _chunk_lengths(conn) == ["1 day, 0:00:00"] * 3
        assert timescale.lay_out(conn) is Edition.APACHE  # again, over readings: nothing changes
        assert timescale.lay_out(conn, Settings(chunk_hours=6)) is Edition.APACHE
        conn.execute(LATE, [datetime(2026, 10, 20, 12, tzinfo=UTC), 1])
        assert _chunk_lengths(conn) == ["1 day, 0:00:00"] * 3 + ["6:00:00"]


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
        conn.execute(LATE, [NOON, 1])
        timescale.lay_out(conn)
        assert conn.execute("SELECT count(*) FROM telemetry.reading").fetchall() == [(1,)]
        assert conn.execute("SELECT count(*) FROM show_chunks('telemetry.reading')").fetchall() == [(1,)]
        conn.rollback()


def test_the_application_drops_no_chunk_of_an_open_month(database: Database) -> None:
    with psycopg.connect(database.app_url, autocommit=True) as conn:
        for month in (8, 9, 10):
            conn.execute(LATE, [NOON.replace(month=month), 1])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("SELECT drop_chunks('telemetry.reading', older_than => now())")
        drop = "SELECT telemetry.drop_reading_chunks('2026-12-01Z')"
        assert conn.execute(drop).fetchall() == [(0,)]  # nothing was ever closed
        conn.execute("INSERT INTO telemetry.closed (until) VALUES ('2026-10-01Z')")
        assert conn.execute(drop).fetchall() == [(2,)]
        assert conn.execute("SELECT at FROM telemetry.reading").fetchall() == [(NOON,)]


@pytest.fixture(scope="module")
def community(community_database: str) -> Iterator[Connection]:
    """The tables that storage needs, on TimescaleDB with its community licence; laid out."""
    with psycopg.connect(community_database, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION timescaledb")
        conn.execute("CREATE SCHEMA telemetry")
        conn.execute("CREATE ROLE moyai_app")
        for migration, table in (("0004_telemetry_readings", "reading"), ("0016_telemetry_states", "closed")):
            sql = resources.files("telemetry").joinpath(f"migrations/{migration}.sql").read_text("utf-8")
            conn.execute(sql[sql.index(f"CREATE TABLE telemetry.{table} (") :].partition(";")[0])
        conn.execute("CREATE TABLE telemetry.device (id text)")
        assert timescale.lay_out(conn) is Edition.COMMUNITY
        yield conn


@pytest.fixture
def compressed(community: Connection) -> Connection:
    """A chunk of columns with one reading in it."""
    community.execute("TRUNCATE telemetry.reading, telemetry.closed")
    community.execute(LATE, [NOON, 1])
    for (chunk,) in community.execute("SELECT show_chunks('telemetry.reading')::text").fetchall():
        community.execute("CALL convert_to_columnstore(%s::regclass)", [chunk])
    return community


def test_community_only_the_columnstore_has_a_job_of_the_extension(community: Connection) -> None:
    assert timescale.lay_out(community, Settings(columnstore_after_days=30)) is Edition.COMMUNITY
    jobs = community.execute(
        "SELECT proc_name, config->>'compress_after' FROM timescaledb_information.jobs "
        "WHERE hypertable_name = 'reading'"
    )
    assert jobs.fetchall() == [("policy_compression", "30 days")]


def test_community_late_readings_land_in_columns_once(compressed: Connection) -> None:
    compressed.execute(LATE, [NOON, 1])
    compressed.execute(LATE, [NOON, 2])
    compressed.execute(LATE, [NOON.replace(hour=3), 3])
    assert compressed.execute("SELECT tie FROM telemetry.reading ORDER BY tie").fetchall() == [(1,), (2,), (3,)]


def test_community_a_batch_staged_as_the_ingester_does_lands_in_columns_once(compressed: Connection) -> None:
    with compressed.transaction():
        compressed.execute(
            "CREATE TEMP TABLE staged (channel_id integer, at timestamptz, tie bigint, value double precision, "
            "text text, received_at timestamptz) ON COMMIT DROP"
        )
        for tie in (1, 2, 2, 3):  # the ingester copies them there; COPY ends this database
            compressed.execute("INSERT INTO staged VALUES (1, %s, %s, 7.5, NULL, %s)", [NOON, tie, NOON])
        entered = compressed.execute(
            "INSERT INTO telemetry.reading SELECT * FROM staged ORDER BY channel_id, at, tie "
            "ON CONFLICT DO NOTHING RETURNING tie"
        )
        assert entered.fetchall() == [(2,), (3,)]


def test_community_closed_chunks_of_columns_are_dropped(compressed: Connection) -> None:
    compressed.execute(LATE, [NOON.replace(month=11), 1])
    drop = "SELECT telemetry.drop_reading_chunks('2027-01-01Z')"
    assert compressed.execute(drop).fetchall() == [(0,)]
    compressed.execute("INSERT INTO telemetry.closed (until) VALUES ('2026-11-01Z')")
    assert compressed.execute(drop).fetchall() == [(1,)]
    assert compressed.execute("SELECT count(*) FROM telemetry.reading").fetchall() == [(1,)]


def _chunk_lengths(conn: psycopg.Connection) -> list[str]:
    rows = conn.execute(
        "SELECT range_end - range_start FROM timescaledb_information.chunks "
        "WHERE hypertable_schema = 'telemetry' AND hypertable_name = 'reading' ORDER BY range_start"
    )
    return [str(length) for (length,) in rows]
