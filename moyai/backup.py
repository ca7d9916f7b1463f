"""The whole database in one file, and back into an empty one: rows as COPY writes them, the schema by its migrations.

A ZIP archive holds `manifest.json` (which migrations, and of each table its columns, rows and SHA-256) and one entry a
table. All tables are of one moment, whoever writes meanwhile. It needs no program of PostgreSQL's own, and goes from
one major version to another, and to TimescaleDB and back, because a table is what its rows are.
"""

import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg import sql
from pydantic import TypeAdapter

from coop import migrate
from coop.database import Connection
from coop.errors import Conflict, Invalid
from coop.queries import load

SQL = load("moyai")
MANIFEST = "manifest.json"
FORMAT = 1


class BackupExists(Conflict):
    """A backup never overwrites a file."""

    code = "moyai.backup.exists"


class BackupDamaged(Invalid):
    """The file is no backup, or not what was written."""

    code = "moyai.backup.damaged"


class BackupNewer(Conflict):
    """The backup was made by a newer version of the program."""

    code = "moyai.backup.newer"


class NotEmpty(Conflict):
    """A backup is restored into an empty database only."""

    code = "moyai.backup.not_empty"


@dataclass(frozen=True, slots=True)
class Table:
    """One table in the file. `sha256` is of its rows as text."""

    schema: str
    name: str
    columns: tuple[str, ...]
    rows: int
    sha256: str

    @property
    def entry(self) -> str:
        """Its name in the archive."""
        return f"tables/{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Composable:
        """Its name in SQL."""
        return sql.Identifier(self.schema, self.name)

    @property
    def column_list(self) -> sql.Composable:
        """Its columns in SQL, in the order of the file."""
        return sql.SQL(", ").join(map(sql.Identifier, self.columns))


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `sequences` are the last numbers given, by name."""

    format: int
    made_at: datetime
    migrations: tuple[str, ...]
    tables: tuple[Table, ...]
    sequences: dict[str, int | None]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)


_MANIFEST = TypeAdapter(Manifest)


def backup(owner_url: str, file: Path, now: datetime) -> Manifest:
    """Write everything that the database holds to a new `file`, readable by its owner only.

    Raises `BackupExists`. A file that could not be finished is taken away.
    """
    if file.exists():
        raise BackupExists(file=str(file))
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        with psycopg.connect(owner_url, options="-c TimeZone=UTC") as conn:
            conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            conn.read_only = True
            with (
                os.fdopen(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as written,
                zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            ):
                whole = Manifest(
                    FORMAT,
                    now,
                    tuple(each for (each,) in conn.execute(SQL["applied_migrations"])),
                    tuple(_write(conn, archive, *row) for row in conn.execute(SQL["tables"]).fetchall()),
                    dict(conn.execute(SQL["sequences"]).fetchall()),
                )
                archive.writestr(MANIFEST, orjson.dumps(asdict(whole)))
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return whole


def restore(owner_url: str, file: Path) -> Manifest:
    """Bring an empty database to what `file` holds, and its schema to this version: all of it or nothing usable.

    Raises `NotEmpty`, `BackupNewer`, or `BackupDamaged` before anything is committed.
    """
    with open_backup(file) as archive:
        whole = manifest(archive)
        if unknown := [each for each in whole.migrations if each not in migrate.known()]:
            raise BackupNewer(migration=unknown[0])
        with psycopg.connect(owner_url) as conn:
            if conn.execute(SQL["anything_here"]).fetchone() != (False,):
                raise NotEmpty()
        for table in whole.tables:
            _check(archive, table)
        migrate.migrate(owner_url, only=whole.migrations)
        with psycopg.connect(owner_url, options="-c TimeZone=UTC") as conn:
            _load(conn, archive, whole)
    migrate.migrate(owner_url)
    return whole


def open_backup(file: Path) -> zipfile.ZipFile:
    """The archive, to be closed; raises `BackupDamaged`."""
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError) as broken:
        raise BackupDamaged(file=file.name) from broken


def manifest(archive: zipfile.ZipFile) -> Manifest:
    """What a backup says it holds; raises `BackupDamaged`."""
    try:
        return _MANIFEST.validate_json(archive.read(MANIFEST))
    except (KeyError, ValueError, zipfile.BadZipFile) as broken:
        raise BackupDamaged(file=MANIFEST) from broken


def _write(conn: Connection, archive: zipfile.ZipFile, schema: str, name: str, columns: list[str]) -> Table:
    table, digest, rows = Table(schema, name, tuple(columns), 0, ""), hashlib.sha256(), 0
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(table.column_list, table.identifier)
    with archive.open(table.entry, "w", force_zip64=True) as entry, conn.cursor().copy(query) as copy:
        for block in copy:
            piece = bytes(block)
            entry.write(piece)
            digest.update(piece)
            rows += piece.count(b"\n")  # COPY escapes those inside values
    return Table(schema, name, table.columns, rows, digest.hexdigest())


def _load(conn: Connection, archive: zipfile.ZipFile, whole: Manifest) -> None:
    """All rows in one transaction, without triggers; foreign keys are checked when they are put back."""
    keys = conn.execute(SQL["foreign_keys"]).fetchall()
    triggers = conn.execute(SQL["triggers"]).fetchall()
    for schema, table, key, _ in keys:
        conn.execute(_alter(schema, table, "DROP CONSTRAINT {}", key))
    for schema, table, trigger in triggers:
        conn.execute(_alter(schema, table, "DISABLE TRIGGER {}", trigger))
    for each in whole.tables:
        conn.execute(sql.SQL("DELETE FROM {}").format(each.identifier))  # what migrations brought
        _read(conn, archive, each)
    for name, last in whole.sequences.items():
        conn.execute("SELECT setval(%s::regclass, coalesce(%s, 1), %s)", [name, last, last is not None])
    for schema, table, trigger in triggers:
        conn.execute(_alter(schema, table, "ENABLE TRIGGER {}", trigger))
    for schema, table, key, definition in keys:
        conn.execute(_alter(schema, table, "ADD CONSTRAINT {} " + definition, key))


def _read(conn: Connection, archive: zipfile.ZipFile, table: Table) -> None:
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(table.identifier, table.column_list)
    cursor = conn.cursor()
    with archive.open(table.entry) as entry, cursor.copy(query) as copy:
        for block in _blocks(entry):
            copy.write(block)
    if cursor.rowcount != table.rows:
        raise BackupDamaged(file=table.entry)


def _check(archive: zipfile.ZipFile, table: Table) -> None:
    """Before anything is written: are these the rows that were read?"""
    digest = hashlib.sha256()
    try:
        with archive.open(table.entry) as entry:
            for block in _blocks(entry):
                digest.update(block)
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError) as broken:
        raise BackupDamaged(file=table.entry) from broken
    if digest.hexdigest() != table.sha256:
        raise BackupDamaged(file=table.entry)


def _blocks(entry: Any) -> Iterator[bytes]:
    while block := entry.read(1 << 16):
        yield block


def _alter(schema: str, table: str, change: str, name: str) -> sql.Composed:
    said = sql.SQL(change)  # ours, or a definition that the database itself wrote
    return sql.SQL("ALTER TABLE {} ").format(sql.Identifier(schema, table)) + said.format(sql.Identifier(name))
