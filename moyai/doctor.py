"""`moyai doctor`: everything that Moyai stands on, looked at from outside; each finding with how to mend it."""

import json
import platform
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import LiteralString
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg
from rich.console import Console
from rich.table import Table

from coop.messages import LOCALES, catalogue, translate
from coop.migrate import pending
from coop.mqtt import Tls
from coop.settings import Settings
from moyai.probe import BrokerRefused, probe

OLDEST_POSTGRES = 16
CLOCK_WARN_SECONDS, CLOCK_WRONG_SECONDS = 1.0, 5.0
DISK_WARN_BYTES, DISK_WRONG_BYTES = 5_000_000_000, 1_000_000_000


class Level(StrEnum):
    """How bad it is: `wrong` makes the command fail."""

    OK = "ok"
    WARN = "warn"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `code` names its sentence (`doctor.<code>`) and, where it is not ok, its fix (`doctor.<code>.fix`)."""

    level: Level
    code: str
    params: dict[str, object] = field(default_factory=dict)


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, each as soon as it is known; nothing is changed."""
    yield _found(Level.OK, "versions", moyai=_version("moyai"), python=platform.python_version())
    yield from _sentences()
    yield from _files(settings.data_folder)
    yield from _disk(settings.data_folder)
    yield from _database(settings)
    yield from _migrations(settings)
    yield from _broker(settings)


def show(findings: Iterator[Finding], locale: str, *, as_json: bool) -> bool:
    """Print them as they come (or as JSON at the end); return whether something is wrong."""
    lines = []
    console = Console(soft_wrap=True, highlight=False)
    for finding in findings:
        said = translate(f"doctor.{finding.code}", locale, **finding.params)
        fix = "" if finding.level is Level.OK else translate(f"doctor.{finding.code}.fix", locale, **finding.params)
        lines.append({"check": finding.code, "level": finding.level, "said": said, "fix": fix})
        if not as_json:
            style = {Level.OK: "green", Level.WARN: "yellow", Level.WRONG: "red"}[finding.level]
            line = Table.grid(padding=(0, 1))
            line.add_row(f"[{style}]{finding.level:<5}[/]", said)
            if fix:
                line.add_row("", f"[{style}]→[/] {fix}")
            console.print(line)
    if as_json:
        console.print_json(json.dumps(lines, ensure_ascii=False))
    return any(line["level"] is Level.WRONG for line in lines)


def _found(level: Level, code: str, **params: object) -> Finding:
    return Finding(level, code, params)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"


def _sentences() -> Iterator[Finding]:
    keys = {locale: set(catalogue(locale)) for locale in LOCALES}
    missing = sorted(keys["ja"] ^ keys["en"])
    if missing or not keys["ja"]:
        yield _found(Level.WRONG, "sentences.missing", count=len(missing), first=next(iter(missing), "-"))
    else:
        yield _found(Level.OK, "sentences", count=len(keys["ja"]))


def _files(folder: Path) -> Iterator[Finding]:
    """Nobody else reads the data folder."""
    if not folder.is_dir():
        yield _found(Level.OK, "files.none", folder=folder)
    elif stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield _found(Level.WRONG, "files.open", folder=folder)
    else:
        yield _found(Level.OK, "files", folder=folder)


def _disk(folder: Path) -> Iterator[Finding]:
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.is_dir())
    free = shutil.disk_usage(there).free
    level = Level.WRONG if free < DISK_WRONG_BYTES else Level.WARN if free < DISK_WARN_BYTES else Level.OK
    yield _found(level, "disk" if level is Level.OK else "disk.short", free_gb=f"{free / 1e9:.1f}", folder=there)


def _database(settings: Settings) -> Iterator[Finding]:
    if not settings.database_url:
        yield _found(Level.WRONG, "database.unset")
        return
    try:
        with psycopg.connect(settings.database_url, connect_timeout=5) as conn:
            conn.read_only = True
            yield from _server(conn)
            yield from _timescale(conn)
            yield from _roles(conn)
            yield from _clock(conn)
            yield from _time_zone(conn)
            yield from _rejects(conn)
    except psycopg.OperationalError as failure:
        yield _found(Level.WRONG, "database.away", reason=str(failure).strip().splitlines()[-1])


def _one(conn: psycopg.Connection, statement: LiteralString, *values: object) -> tuple[object, ...] | None:
    with conn.transaction():
        return conn.execute(statement, values).fetchone()


def _server(conn: psycopg.Connection) -> Iterator[Finding]:
    major = conn.info.server_version // 10_000
    if major < OLDEST_POSTGRES:
        yield _found(Level.WRONG, "database.old", version=major, oldest=OLDEST_POSTGRES)
    else:
        yield _found(Level.OK, "database", version=major)


def _timescale(conn: psycopg.Connection) -> Iterator[Finding]:
    row = _one(
        conn,
        "SELECT default_version, installed_version, current_setting('timescaledb.license', true)"
        " FROM pg_available_extensions WHERE name = 'timescaledb'",
    )
    if row is None:
        yield _found(Level.OK, "timescale.absent")
    elif row[1] is None:
        yield _found(Level.WARN, "timescale.off", version=row[0])
    elif row[2] == "timescale":
        yield _found(Level.OK, "timescale.community", version=row[1])
    else:
        yield _found(Level.OK, "timescale.apache", version=row[1])


def _roles(conn: psycopg.Connection) -> Iterator[Finding]:
    """The application's role is no superuser, may not change the schema, and cannot rewrite the audit trail."""
    row = _one(
        conn,
        "SELECT current_user, rolsuper, pg_has_role(current_user, datdba, 'MEMBER'),"
        " coalesce(has_table_privilege(to_regclass('coop.audit'), 'UPDATE, DELETE, TRUNCATE'), false)"
        " FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()",
    )
    assert row is not None
    if any(row[1:]):
        yield _found(Level.WRONG, "roles.mixed", role=row[0])
    else:
        yield _found(Level.OK, "roles", role=row[0])


def _clock(conn: psycopg.Connection) -> Iterator[Finding]:
    before = datetime.now(UTC)
    row = _one(conn, "SELECT clock_timestamp()")
    assert row is not None
    assert isinstance(row[0], datetime)
    apart = max((before - row[0]).total_seconds(), (row[0] - datetime.now(UTC)).total_seconds(), 0.0)
    level = Level.WRONG if apart > CLOCK_WRONG_SECONDS else Level.WARN if apart > CLOCK_WARN_SECONDS else Level.OK
    yield _found(level, "clock" if level is Level.OK else "clock.apart", seconds=f"{apart:.1f}")


def _time_zone(conn: psycopg.Connection) -> Iterator[Finding]:
    """Python and the database both know the cooperative's time zone, and agree on its offset."""
    founded = _one(conn, "SELECT to_regclass('coop.cooperative') IS NOT NULL")
    row = _one(conn, "SELECT time_zone FROM coop.cooperative") if founded and founded[0] else None
    if row is None:
        yield _found(Level.WARN, "time_zone.unfounded")
        return
    zone = str(row[0])
    try:
        ours = datetime.now(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        theirs = _one(conn, "SELECT clock_timestamp() AT TIME ZONE %s", zone)
    except (ZoneInfoNotFoundError, psycopg.errors.InvalidParameterValue):
        yield _found(Level.WRONG, "time_zone.unknown", zone=zone)
        return
    assert theirs is not None
    assert isinstance(theirs[0], datetime)
    if abs((theirs[0] - ours).total_seconds()) > 15 * 60:
        yield _found(Level.WRONG, "time_zone.differs", zone=zone)
    else:
        yield _found(Level.OK, "time_zone", zone=zone)


def _rejects(conn: psycopg.Connection) -> Iterator[Finding]:
    """Whether machines said things lately that could not be taken."""
    counted = _one(conn, "SELECT to_regclass('telemetry.reject_day') IS NOT NULL")
    if not (counted and counted[0]):
        return
    row = _one(
        conn,
        "SELECT coalesce(sum(rejected), 0), count(DISTINCT coalesce(device_id, '')) FROM telemetry.reject_day"
        " WHERE last_at > clock_timestamp() - interval '1 day'",
    )
    assert row is not None
    if row[0]:
        yield _found(Level.WARN, "rejects.some", count=row[0], devices=row[1])
    else:
        yield _found(Level.OK, "rejects")


def _migrations(settings: Settings) -> Iterator[Finding]:
    if not settings.database_owner_url:
        yield _found(Level.WARN, "migrations.unseen")
        return
    try:
        missing = pending(settings.database_owner_url)
    except psycopg.OperationalError as failure:
        yield _found(Level.WRONG, "migrations.away", reason=str(failure).strip().splitlines()[-1])
        return
    if missing:
        yield _found(Level.WRONG, "migrations.pending", count=len(missing), first=missing[0])
    else:
        yield _found(Level.OK, "migrations")


def _broker(settings: Settings) -> Iterator[Finding]:
    if not settings.mqtt_url:
        yield _found(Level.WRONG, "broker.unset")
        return
    wanted = 2 * settings.ingest_batch_messages
    try:
        seen = probe(settings.mqtt_url, wanted, Tls.of(settings))
    except BrokerRefused as failure:
        yield _found(Level.WRONG, "broker.away", reason=failure)
        return
    yield _found(Level.OK, "broker")
    if seen.delivered < seen.published:
        lost = seen.published - seen.delivered
        yield _found(Level.WRONG, "broker.drops", lost=lost, published=seen.published, wanted=wanted)
    if seen.window < wanted:
        yield _found(Level.WARN, "broker.narrow", window=seen.window, wanted=wanted)
    elif seen.delivered == seen.published:
        yield _found(Level.OK, "broker.wide", wanted=wanted)
