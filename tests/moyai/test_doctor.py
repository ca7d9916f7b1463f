"""What `moyai doctor` finds, on real parts set up rightly and wrongly."""

from pathlib import Path

import psycopg
import pytest

from coop.messages import LOCALES, catalogue
from coop.settings import Settings
from moyai import doctor
from moyai.doctor import Level, examine
from tests.parts.databases import Database, Template


def levels(settings: Settings) -> dict[str, Level]:
    return {finding.code: finding.level for finding in examine(settings)}


def on(database: Database, folder: Path, **changes: str) -> Settings:
    urls = {"database_url": database.app_url, "database_owner_url": database.owner_url} | changes
    return Settings(data_folder=folder / "none", **urls)


def test_a_database_set_up_rightly(database: Database, tmp_path: Path) -> None:
    found = levels(on(database, tmp_path))
    right = {"database", "timescale.apache", "roles", "clock", "migrations", "sentences", "disk", "files.none"}
    assert {code for code, level in found.items() if level is Level.OK} >= right
    assert {code for code, level in found.items() if level is Level.WRONG} == {"broker.unset"}


def test_the_embedded_database_is_as_right_without_timescale(embedded_database: Database, tmp_path: Path) -> None:
    found = levels(on(embedded_database, tmp_path))
    assert found["timescale.absent"] is Level.OK
    assert found["roles"] is Level.OK
    assert found["migrations"] is Level.OK


def test_the_owner_is_not_the_applications_role(database: Database, tmp_path: Path) -> None:
    assert levels(on(database, tmp_path, database_url=database.owner_url))["roles.mixed"] is Level.WRONG


def test_an_application_that_may_rewrite_the_audit_trail_is_found(database: Database, tmp_path: Path) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("GRANT DELETE ON coop.audit TO moyai_app")
    assert levels(on(database, tmp_path))["roles.mixed"] is Level.WRONG


def test_a_missing_migration_is_found(timescale_template: Template, tmp_path: Path) -> None:
    with timescale_template.clone(migrated=False) as bare:
        found = levels(on(bare, tmp_path))
    assert found["migrations.pending"] is Level.WRONG
    assert found["timescale.off"] is Level.WARN


def test_a_time_zone_that_nobody_knows_is_found(database: Database, tmp_path: Path) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "INSERT INTO coop.cooperative (slug, name, time_zone, founded_at) VALUES ('x', 'x', 'Asia/Atlantis', now())"
        )
    assert levels(on(database, tmp_path))["time_zone.unknown"] is Level.WRONG
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("UPDATE coop.cooperative SET time_zone = 'Asia/Tokyo'")
    assert levels(on(database, tmp_path))["time_zone"] is Level.OK


def test_a_database_that_is_away_is_one_finding(tmp_path: Path) -> None:
    away = "postgresql://moyai_app@127.0.0.1:1/moyai"
    found = levels(Settings(data_folder=tmp_path, database_url=away, database_owner_url=away))
    assert found["database.away"] is Level.WRONG
    assert found["migrations.away"] is Level.WRONG


@pytest.mark.parametrize(
    ("free", "code", "level"),
    [(6_000_000_000, "disk", Level.OK), (4_999_999_999, "disk.short", Level.WARN), (1, "disk.short", Level.WRONG)],
)
def test_a_full_disk_is_said_before_it_is_full(
    free: int, code: str, level: Level, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": free}))
    assert levels(Settings(data_folder=tmp_path))[code] is level


@pytest.mark.parametrize("locale", LOCALES)
def test_whatever_is_not_ok_has_a_fix(locale: str) -> None:
    sentences = catalogue(locale)
    ok = {"versions", "sentences", "files", "files.none", "disk", "database", "timescale.absent", "timescale.apache"}
    ok |= {"timescale.community", "roles", "clock", "time_zone", "migrations", "broker", "broker.wide", "rejects"}
    codes = {key.removeprefix("doctor.") for key in sentences if key.startswith("doctor.") and not key.endswith(".fix")}
    assert codes >= ok
    assert {code for code in codes if f"doctor.{code}.fix" not in sentences} == ok
