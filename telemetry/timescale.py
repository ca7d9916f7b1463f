"""The one file that calls TimescaleDB: readings become a hypertable where the extension is there.

Columnstore and retention need the extension's community licence. Everything else in the room is plain PostgreSQL.
"""

import logging
from enum import StrEnum
from typing import Any

import psycopg

log = logging.getLogger("telemetry.timescale")

CHUNK_DAYS = 1  # suits 50 machines at one reading a second
COLUMNSTORE_AFTER_DAYS = 14  # late readings are rare by then
RETENTION_MONTHS = 36  # a closed month keeps its evidence by itself


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


def lay_out(conn: psycopg.Connection[Any]) -> Edition:
    """Make of `telemetry.reading` what this database allows; as its owner, as often as one likes.

    Readings that are there already move into chunks. Returns the edition that was found.
    """
    _create_extension(conn)
    found = edition(conn)
    if found is not Edition.ABSENT:
        conn.execute(
            "SELECT create_hypertable('telemetry.reading', by_range('at', make_interval(days => %s)), "
            "if_not_exists => true, migrate_data => true, create_default_indexes => false)",
            [CHUNK_DAYS],
        )
    if found is Edition.COMMUNITY:
        _keep_small(conn)
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


def _keep_small(conn: psycopg.Connection[Any]) -> None:
    """Older chunks turn into columns, the oldest go; both by the extension's own jobs."""
    conn.execute(
        "ALTER TABLE telemetry.reading SET (timescaledb.enable_columnstore, "
        "timescaledb.segmentby = 'channel_id', timescaledb.orderby = 'at, tie')"
    )
    conn.execute(
        "CALL add_columnstore_policy('telemetry.reading', after => make_interval(days => %s), if_not_exists => true)",
        [COLUMNSTORE_AFTER_DAYS],
    )
    conn.execute(
        "SELECT add_retention_policy('telemetry.reading', drop_after => make_interval(months => %s), "
        "if_not_exists => true)",
        [RETENTION_MONTHS],
    )
