"""Forward-only migrations of all rooms, in one global sequence."""

import logging
from collections.abc import Collection
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import psycopg
from yoyo import get_backend, read_migrations
from yoyo.migrations import MigrationList

from coop.database import Connection
from coop.errors import Unavailable

log = logging.getLogger("coop.migrate")

ROOMS = ("coop", "booking", "telemetry", "billing", "dashboards")
_ADVISORY_LOCK = 7_269_110  # any constant that only this file uses


class TablesMissing(Unavailable):
    """The database is older than this version of the code."""

    code = "coop.tables_missing"


def migrate(owner_url: str, only: Collection[str] | None = None) -> list[str]:
    """Apply what is missing (of `only`, for who restores an older database), as the owner; the ids applied, in order.

    A room's `post-apply.py` then runs, each time: what depends on the server rather than on the schema's version.

    Two processes may start at once: an advisory lock, which a killed process cannot keep, lets the second wait and
    find nothing to do.
    """
    with psycopg.connect(owner_url, autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        with get_backend(_yoyo_url(owner_url)) as backend:
            backend.break_lock()  # yoyo's own lock is a row, which a killed process leaves behind
            missing = backend.to_apply(_all())
            if only is not None:
                missing = MigrationList([each for each in missing if each.id in only], missing.post_apply)
            applied = [migration.id for migration in missing]
            for migration in missing:
                log.info("migration.apply id=%s", migration.id)
                backend.apply_one(migration)
            backend.run_post_apply(missing)
    return applied


def pending(owner_url: str) -> list[str]:
    """The ids of migrations that are not applied yet."""
    with get_backend(_yoyo_url(owner_url)) as backend:
        return [migration.id for migration in backend.to_apply(_all())]


@cache
def known() -> list[str]:
    """The ids of all migrations that this version of the code brings, in order."""
    return [migration.id for migration in _all()]


def missing(conn: Connection) -> list[str]:
    """The ids of migrations that this database lacks, asked by the application's role; all of them in an empty one."""
    row = conn.execute("SELECT to_regclass('_yoyo_migration') IS NOT NULL").fetchone()
    applied: set[str] = set()
    if row == (True,):
        applied = {each for (each,) in conn.execute("SELECT migration_id FROM _yoyo_migration")}
    return [each for each in known() if each not in applied]


def _all() -> Any:  # yoyo has no type information
    folders = [Path(str(resources.files(room).joinpath("migrations"))) for room in ROOMS]
    found = read_migrations(*(str(folder) for folder in folders if folder.is_dir()))
    return MigrationList(sorted(found, key=lambda migration: migration.id), found.post_apply)


def _yoyo_url(url: str) -> str:
    return "postgresql+psycopg://" + url.partition("://")[2]
