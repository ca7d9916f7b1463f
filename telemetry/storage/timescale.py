"""The one file that calls TimescaleDB: readings become a hypertable where the extension is there.

The columnstore needs the extension's community licence; chunks are dropped in every edition, by our own job, because
the extension's retention policy knows nothing of closed months. Everything else in the room is plain PostgreSQL.
"""

import logging
from enum import StrEnum
from typing import Any

import psycopg

from coop.settings import Settings

log = logging.getLogger("telemetry.timescale")

A_CHUNK_HOLDS_DEVICE_HOURS = 50 * 24
"""50 devices at one reading a second for a day, 4.3 million readings: what fits into a small server's memory."""

CHUNK_HOURS = (1, 3, 6, 12, 24, 72, 168)


class Edition(StrEnum):
    """What of TimescaleDB this database has."""

    ABSENT = "absent"
    APACHE = "apache"
    COMMUNITY = "community"


def edition(conn: psycopg.Connection[Any]) -> Edition:
    """Which edition is installed in this database, and under which licence it runs."""
    row = conn.execute(
        "SELECT current_setting('timescaledb.license', true) FROM pg_extension WHERE extname = 'timescaledb'"
    ).fetchone()
    if row is None:
        return Edition.ABSENT
    return Edition.COMMUNITY if row[0] == "timescale" else Edition.APACHE


def chunk_hours(devices: int) -> int:
    """How long a stretch one chunk holds, for so many devices: a day for 50, less for more, a week at most.

    A cooperative without devices yet begins as if it had 50.
    """
    if not devices:
        return 24
    return max((hours for hours in CHUNK_HOURS if hours * devices <= A_CHUNK_HOLDS_DEVICE_HOURS), default=1)


def lay_out(conn: psycopg.Connection[Any], settings: Settings | None = None) -> Edition:
    """Make of `telemetry.reading` what this database allows; as its owner, as often as one likes.

    Readings that are there already move into chunks; chunks that are there already keep their length. `settings` are
    read from the environment when none are given. Returns the edition that was found.
    """
    settings = settings or Settings.from_environment()
    _create_extension(conn)
    found = edition(conn)
    if found is not Edition.ABSENT:
        hours = settings.chunk_hours or chunk_hours(_devices(conn))
        conn.execute(
            "SELECT create_hypertable('telemetry.reading', by_range('at', make_interval(hours => %s)), "
            "if_not_exists => true, migrate_data => true, create_default_indexes => false)",
            [hours],
        )
        conn.execute("SELECT set_chunk_time_interval('telemetry.reading', make_interval(hours => %s))", [hours])
        conn.execute(_DROP_CHUNKS)
        conn.execute("GRANT EXECUTE ON FUNCTION telemetry.drop_reading_chunks TO moyai_app")
    if found is Edition.COMMUNITY:
        _keep_small(conn, settings.columnstore_after_days)
    log.info("timescale.laid_out edition=%s", found)
    return found


def _create_extension(conn: psycopg.Connection[Any]) -> None:
    """Only where the server has loaded the library: elsewhere the statement would end the connection."""
    row = conn.execute(
        "SELECT current_setting('timescaledb.disable_load', true) IS NOT NULL "
        "AND EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')"
    ).fetchone()
    if row is not None and row[0]:
        conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")


def _devices(conn: psycopg.Connection[Any]) -> int:
    row = conn.execute("SELECT count(*) FROM telemetry.device").fetchone()
    return int(row[0]) if row else 0


def _keep_small(conn: psycopg.Connection[Any], after_days: int) -> None:
    """Older chunks turn into columns by the extension's own job; nothing but our own job drops any."""
    conn.execute(
        "ALTER TABLE telemetry.reading SET (timescaledb.enable_columnstore, "
        "timescaledb.segmentby = 'channel_id', timescaledb.orderby = 'at, tie')"
    )
    conn.execute("SELECT remove_retention_policy('telemetry.reading', if_exists => true)")
    conn.execute("CALL remove_columnstore_policy('telemetry.reading', if_exists => true)")
    conn.execute(
        "CALL add_columnstore_policy('telemetry.reading', after => make_interval(days => %s))",
        [after_days],
    )


# Only its owner drops a hypertable's chunks: the application may through this, and never one of an open month.
_DROP_CHUNKS = """
CREATE OR REPLACE FUNCTION telemetry.drop_reading_chunks(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    closed_until timestamptz := (SELECT until FROM telemetry.closed);
BEGIN
    IF closed_until IS NULL THEN
        RETURN 0;
    END IF;
    RETURN (SELECT count(*) FROM drop_chunks('telemetry.reading', older_than => least(before, closed_until)));
END
$$
"""
