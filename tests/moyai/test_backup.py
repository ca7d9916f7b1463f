"""The drill: a backup while people write, restored into an empty database, every closed month recomputed."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from billing.periods.settle import close
from coop.migrate import missing
from moyai import backup as archive
from moyai.cli import add_rooms, app
from tests.billing import ground
from tests.billing.ground import NOVEMBER, OFFICE
from tests.parts.databases import Database, Template

MADE = datetime(2026, 11, 30, tzinfo=UTC)


def cooperative(database: Database) -> None:
    """A closed month with readings, words that a file could trip over, and a number given by a sequence."""
    with psycopg.connect(database.app_url) as conn:
        ground.found(conn)
        ground.usage(conn, "cmm-1", "10-03 09:00 11:00", "m01")
        ground.readings(conn, "cmm-1", [(f"10-03 09:{minute:02}", 100.0 + minute) for minute in range(60)])
        ground.cost(conn, "rent", 900)
        conn.execute("UPDATE coop.member SET name = E'㈱髙﨑\\t\\\\N\\n製作所' WHERE id = 'm02'")
        close(conn, OFFICE, "2026-10", NOVEMBER)


def rows(url: str) -> dict[str, int]:
    """How many rows each table has."""
    with psycopg.connect(url) as conn:
        return {
            f"{schema}.{name}": conn.execute(
                sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
            ).fetchone()[0]  # type: ignore[index]  # a count is one row
            for schema, name, _ in conn.execute(archive.SQL["tables"]).fetchall()
        }


def schema(url: str) -> list[tuple[str, ...]]:
    """Every constraint and trigger of ours."""
    with psycopg.connect(url) as conn:
        return [
            *(tuple(row) for row in conn.execute(archive.SQL["foreign_keys"])),
            *(tuple(row) for row in conn.execute(archive.SQL["triggers"])),
        ]


@pytest.fixture
def file(tmp_path: Path, database: Database) -> Path:
    cooperative(database)
    archive.backup(database.owner_url, tmp_path / "moyai.zip", MADE)
    return tmp_path / "moyai.zip"


def test_the_drill(
    database: Database, embedded_template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From TimescaleDB, while somebody writes, as typed, into an empty database of plain PostgreSQL."""
    cooperative(database)
    add_rooms()
    file, stop, written = tmp_path / "moyai.zip", Event(), Event()

    def writing() -> None:
        with psycopg.connect(database.app_url, autocommit=True) as conn:
            while not stop.is_set():
                conn.execute("INSERT INTO coop.audit (at, action, subject, detail) VALUES (now(), 'drill', 'x', '{}')")
                written.set()

    writer = Thread(target=writing)
    writer.start()
    try:
        assert written.wait(10)
        monkeypatch.setenv("MOYAI_DATABASE_OWNER_URL", database.owner_url)
        told = CliRunner().invoke(app, ["backup", "--to", str(file)])
    finally:
        stop.set()
        writer.join()
    assert told.exit_code == 0, told.output
    assert file.stat().st_mode & 0o077 == 0
    before = rows(database.owner_url)
    with embedded_template.clone(migrated=False) as empty:
        monkeypatch.setenv("MOYAI_DATABASE_OWNER_URL", empty.owner_url)
        restored = CliRunner().invoke(app, ["restore", "--from", str(file)])
        assert restored.exit_code == 0, restored.output
        assert "1" in restored.output.splitlines()[-1]
        after = rows(empty.owner_url)
        assert 0 < after.pop("coop.audit") <= before.pop("coop.audit")
        assert after == before
        assert schema(empty.owner_url) == schema(database.owner_url)
        with psycopg.connect(empty.app_url, autocommit=True) as conn:
            assert missing(conn) == []
            name = conn.execute("SELECT name FROM coop.member WHERE id = 'm02'").fetchone()
            assert name == ("㈱髙﨑\t\\N\n製作所",)
            conn.execute("INSERT INTO coop.audit (at, action, subject, detail) VALUES (now(), 'after', 'x', '{}')")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute("DELETE FROM billing.line")
        again = CliRunner().invoke(app, ["restore", "--from", str(file)])
        assert isinstance(again.exception, archive.NotEmpty)


def test_a_backup_of_plain_postgresql_goes_into_timescaledb(
    embedded_database: Database, timescale_template: Template, tmp_path: Path
) -> None:
    cooperative(embedded_database)
    file = tmp_path / "moyai.zip"
    archive.backup(embedded_database.owner_url, file, MADE)
    with timescale_template.clone(migrated=False) as empty:
        whole = archive.restore(empty.owner_url, file)
        assert whole.rows == sum(rows(embedded_database.owner_url).values())
        assert rows(empty.owner_url) == rows(embedded_database.owner_url)


def test_a_backup_overwrites_nothing(file: Path, database: Database) -> None:
    with pytest.raises(archive.BackupExists):
        archive.backup(database.owner_url, file, MADE)
    assert [each.name for each in file.parent.iterdir()] == ["moyai.zip"]


def test_a_damaged_backup_leaves_the_database_empty(file: Path, embedded_template: Template) -> None:
    changed = file.with_name("changed.zip")
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(b"\t900\t", b"\t901\t") if name == "tables/billing.cost" else content)
    cut = file.with_name("cut.zip")
    cut.write_bytes(file.read_bytes()[:-1000])
    with embedded_template.clone(migrated=False) as empty:
        for broken in (changed, cut, file.with_name("none.zip")):
            with pytest.raises(archive.BackupDamaged):
                archive.restore(empty.owner_url, broken)
        assert rows(empty.owner_url) == {}


def test_a_backup_of_a_newer_version_is_refused(
    file: Path, embedded_template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive.migrate, "known", lambda: ["0001_coop"])
    with embedded_template.clone(migrated=False) as empty, pytest.raises(archive.BackupNewer):
        archive.restore(empty.owner_url, file)
