"""Migrations: one sequence, forward only, safe for two processes, kind to what is already there."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from yoyo.migrations import MigrationList

import coop.migrate
from coop import audit, machines, register
from coop.identity import Role, Viewer
from coop.machines import Machine, OpeningHours
from tests.callers import COOPERATIVE
from tests.parts.databases import Template

NOW = datetime(2026, 10, 1, tzinfo=UTC)


def test_the_sequence_has_no_gap_and_names_its_room() -> None:
    ids = coop.migrate.known()
    assert [int(each[:4]) for each in ids] == list(range(1, len(ids) + 1))
    for each in ids:
        room = re.fullmatch(r"\d{4}_([a-z]+)(_[a-z_]+)?", each)
        assert room is not None
        assert room[1] in coop.migrate.ROOMS


def test_there_is_no_way_back() -> None:
    root = Path(coop.migrate.__file__).parent.parent
    assert not list(root.glob("*/migrations/*rollback*"))


def test_two_processes_that_start_at_once_migrate_once(timescale_template: Template) -> None:
    with timescale_template.clone(migrated=False) as database, ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(coop.migrate.migrate, [database.owner_url] * 4))
        assert sorted(applied, key=len) == [[], [], [], coop.migrate.known()]
        assert coop.migrate.pending(database.owner_url) == []


def test_every_constraint_has_a_name_of_its_own(conn: psycopg.Connection) -> None:
    rows = conn.execute(
        """
        SELECT conrelid::regclass::text, conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = connamespace
        WHERE nspname IN ('coop', 'booking', 'telemetry', 'billing', 'dashboards') AND contype IN ('c', 'f', 'u', 'x')
          AND conname ~ '_(check|fkey|key|excl)[0-9]*$'
        """
    ).fetchall()
    assert rows == []


def test_upgrading_a_populated_database_keeps_its_rows(
    timescale_template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything, all_known = coop.migrate._all, coop.migrate.known()
    with timescale_template.clone(migrated=False) as database:
        monkeypatch.setattr(coop.migrate, "_all", lambda: MigrationList(list(everything())[:2]))
        assert coop.migrate.migrate(database.owner_url) == all_known[:2]
        with psycopg.connect(database.app_url) as conn:
            register.found(conn, COOPERATIVE, NOW)
            conn.execute("INSERT INTO coop.member (id, name, joined_on) VALUES ('m01', '髙﨑精工㈱', '2020-04-01')")
            machines.add_machine(
                conn, Machine("cmm-1", "cmm", "三次元測定機", "CMM"), [OpeningHours("cmm-1", 1, time(8), time.max)]
            )
            added = (
                "INSERT INTO coop.person (name, email, member_id) VALUES ('濵田', 'h@m01.example', 'm01') RETURNING id"
            )
            person = conn.execute(added).fetchone()
            assert person is not None
            viewer = Viewer(person[0], "m01", frozenset({Role.ENGINEER}))
            audit.record(conn, "test.populated", viewer=viewer, subject="member:m01", now=NOW)
        before = _rows(database.owner_url)
        monkeypatch.undo()
        assert coop.migrate.migrate(database.owner_url) == all_known[2:]
        after = _rows(database.owner_url)
        for table, rows in before.items():
            assert [new | row for row, new in zip(rows, after[table], strict=True)] == after[table]
        with psycopg.connect(database.app_url) as conn:
            assert [each.id for each in machines.machines(conn)] == ["cmm-1"]
            assert machines.opening_hours(conn)["cmm-1"][0].closes == time.max


def _rows(url: str) -> dict[str, list[dict[str, Any]]]:
    tables = ("cooperative", "member", "person", "person_role", "machine", "opening_hours", "audit")
    with psycopg.connect(url, row_factory=dict_row) as conn:
        return {
            table: conn.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("coop", table))).fetchall()
            for table in tables
        }


def test_a_process_killed_while_it_migrated_does_not_block_the_next(timescale_template: Template) -> None:
    with timescale_template.clone(migrated=False) as database:
        with psycopg.connect(database.owner_url) as conn:
            conn.execute("CREATE TABLE yoyo_lock (locked int PRIMARY KEY DEFAULT 1, ctime timestamp, pid int NOT NULL)")
            conn.execute("INSERT INTO yoyo_lock (ctime, pid) VALUES (now(), 1)")
        assert coop.migrate.migrate(database.owner_url) == coop.migrate.known()
