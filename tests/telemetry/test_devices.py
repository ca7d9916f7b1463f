"""Devices, the machines they speak for, and their clocks: what people enter, and what it does to marks and audit."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from coop import machines, messages
from coop.database import Connection
from coop.errors import Forbidden
from coop.identity import SYSTEM, Role, Viewer
from coop.interval import Interval
from coop.machines import Machine, MachineUnknown
from telemetry import devices
from telemetry.ingest.store import prepare, save
from telemetry.model import Device, Reading, Reason
from tests.telemetry.plant import delivered

NOW = datetime(2026, 11, 1, tzinfo=UTC)
MONDAY = datetime(2026, 10, 5, tzinfo=UTC)
PLUG = Device("plug-1", "shellyplus-a1b2")
ENGINEER = Viewer(None, "m01", frozenset({Role.ENGINEER}))


@pytest.fixture(autouse=True)
def plug(conn: Connection) -> None:
    for machine_id in ("cmm-1", "ct-1"):
        machines.add_machine(conn, Machine(machine_id, "cmm", machine_id, machine_id))
    devices.add_device(conn, SYSTEM, PLUG, NOW)


def bindings(conn: Connection) -> list[tuple[str, datetime, datetime | None]]:
    return conn.execute(
        "SELECT machine_id, lower(bound), upper(bound) FROM telemetry.binding ORDER BY bound"
    ).fetchall()


def marks(conn: Connection) -> set[tuple[str, datetime, datetime]]:
    return set(conn.execute("SELECT machine_id, from_at, until_at FROM telemetry.dirty").fetchall())


def read(conn: Connection, *at: datetime) -> int:
    prepare(conn)
    said = [Reading(PLUG.address, "power", each, 1, 5.0, None, NOW) for each in at]
    return save(conn, "test", [(delivered(), said)], {}).entered


def test_a_plug_that_moves_speaks_for_one_machine_after_the_other(conn: Connection) -> None:
    devices.bind(conn, SYSTEM, "plug-1", "cmm-1", MONDAY, NOW)
    devices.bind(conn, SYSTEM, "plug-1", "ct-1", MONDAY + timedelta(days=2), NOW)
    moved = MONDAY + timedelta(days=2)
    assert bindings(conn) == [("cmm-1", MONDAY, moved), ("ct-1", moved, None)]
    assert conn.execute("SELECT action, subject FROM coop.audit ORDER BY id").fetchall() == [
        ("device.added", "device:plug-1"),
        ("device.bound", "device:plug-1"),
        ("device.bound", "device:plug-1"),
    ]
    conn.execute("DELETE FROM telemetry.dirty")
    assert read(conn, MONDAY + timedelta(hours=1), moved + timedelta(hours=1), MONDAY - timedelta(hours=1)) == 3
    assert marks(conn) == {
        ("cmm-1", MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=1)),
        ("ct-1", moved + timedelta(hours=1), moved + timedelta(hours=1)),
    }


def test_a_corrected_clock_moves_the_mark_and_not_the_reading(conn: Connection) -> None:
    devices.bind(conn, SYSTEM, "plug-1", "cmm-1", MONDAY, NOW)
    devices.confirm_clock_correction(conn, SYSTEM, "plug-1", Interval.of(MONDAY, timedelta(days=1)), -90, NOW)
    conn.execute("DELETE FROM telemetry.dirty")
    at = MONDAY + timedelta(hours=1)
    assert read(conn, at) == 1
    assert read(conn, at) == 0
    assert conn.execute("SELECT at FROM telemetry.reading").fetchall() == [(at,)]
    ((machine, since, until),) = marks(conn)
    assert machine == "cmm-1"
    assert since <= at - timedelta(seconds=90) <= until


@pytest.mark.parametrize("since", [MONDAY, MONDAY - timedelta(days=1)])
def test_a_device_has_one_machine_at_a_time(conn: Connection, since: datetime) -> None:
    devices.bind(conn, SYSTEM, "plug-1", "cmm-1", MONDAY, NOW)
    with pytest.raises(devices.BindingOverlaps):
        devices.bind(conn, SYSTEM, "plug-1", "ct-1", since, NOW)
    assert bindings(conn) == [("cmm-1", MONDAY, None)]


def test_what_does_not_exist_or_exists_already_is_said(conn: Connection) -> None:
    with pytest.raises(devices.DeviceExists):
        devices.add_device(conn, SYSTEM, Device("plug-2", PLUG.address), NOW)
    with pytest.raises(devices.DeviceInvalid):
        devices.add_device(conn, SYSTEM, Device("plug-3", "a/b"), NOW)
    with pytest.raises(devices.DeviceUnknown):
        devices.bind(conn, SYSTEM, "plug-9", "cmm-1", MONDAY, NOW)
    with pytest.raises(MachineUnknown):
        devices.bind(conn, SYSTEM, "plug-1", "cmm-9", MONDAY, NOW)
    week = Interval.of(MONDAY, timedelta(days=7))
    with pytest.raises(devices.DeviceUnknown):
        devices.confirm_clock_correction(conn, SYSTEM, "plug-9", week, 5, NOW)
    with pytest.raises(devices.CorrectionTooLarge):
        devices.confirm_clock_correction(conn, SYSTEM, "plug-1", week, 86_401, NOW)
    devices.confirm_clock_correction(conn, SYSTEM, "plug-1", week, 5, NOW)
    with pytest.raises(devices.CorrectionOverlaps):
        devices.confirm_clock_correction(conn, SYSTEM, "plug-1", week, 6, NOW)
    assert devices.devices(conn, SYSTEM) == [PLUG]


def test_an_engineer_may_not_touch_devices(conn: Connection) -> None:
    with pytest.raises(Forbidden):
        devices.add_device(conn, ENGINEER, Device("plug-2", "other"), NOW)
    with pytest.raises(Forbidden):
        devices.bind(conn, ENGINEER, "plug-1", "cmm-1", MONDAY, NOW)
    with pytest.raises(Forbidden):
        devices.confirm_clock_correction(conn, ENGINEER, "plug-1", Interval.of(MONDAY, timedelta(days=1)), 5, NOW)


def test_the_application_can_neither_remove_a_channel_nor_alter_the_tables(conn: Connection) -> None:
    for statement in ("DELETE FROM telemetry.channel", "DROP TABLE telemetry.reading", "TRUNCATE telemetry.device"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
            conn.execute(statement)


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("locale", ["ja", "en"])
def test_every_reason_has_its_sentence(reason: Reason, locale: str) -> None:
    assert f"telemetry.reject.{reason}" in messages.catalogue(locale)
