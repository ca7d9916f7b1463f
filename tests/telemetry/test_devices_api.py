"""Devices through the doors: entered, given an account at a real broker, moved, and taken out."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import psycopg
import pytest
from typer.testing import CliRunner

from coop import database, machines
from coop.identity import Role
from coop.machines import Machine
from moyai.parts.broker import BrokerUser
from moyai.parts.process import end
from telemetry.devices import accounts, jobs
from tests.callers import Callers
from tests.moyai.test_deploy import SERVICE, Deployed, comes_true
from tests.moyai.test_parts_broker import Client

pytestmark = pytest.mark.mosquitto
PLUG = {"id": "plug-1", "address": "cmm-1"}


@pytest.fixture
def broker(tmp_path: Path, api: Callers) -> Iterator[Deployed]:
    """The broker as deployed, and the application told who administers it."""
    broker = Deployed(tmp_path)
    state = api.client.app.state
    state.settings = replace(state.settings, mqtt_admin_url=broker.admin_url)
    with database.transaction(api.pool) as conn:
        for machine_id in ("cmm-1", "ct-1"):
            machines.add_machine(conn, Machine(machine_id, "cmm", machine_id, machine_id))
    yield broker
    end(broker.process)


def account(office: object, device_id: str = "plug-1", **body: object) -> BrokerUser:
    """The account that the office is given for a device."""
    made = office.post(f"/api/v1/devices/{device_id}/account", json=body)
    assert made.status_code == 201, made.text
    return BrokerUser(made.json()["username"], made.json()["password"])


def stored(api: Callers, statement: str) -> list[tuple]:
    with database.transaction(api.pool) as conn:
        return conn.execute(statement).fetchall()


def test_a_device_is_entered_and_reports_with_its_account(api: Callers, broker: Deployed) -> None:
    office = api.person(Role.OFFICE)
    entered = office.post("/api/v1/devices", json=PLUG | {"expected_seconds": 30, "decoder": "shelly"})
    assert entered.status_code == 201
    assert entered.json()["liveness"] == "never"
    made = office.post("/api/v1/devices/plug-1/account", json={}, headers={"Idempotency-Key": "once"})
    assert made.json()["publish"] == ["moyai/test/cmm-1/#"]
    assert made.json()["subscribe"] == []
    user = BrokerUser(made.json()["username"], made.json()["password"])
    service, device = Client(broker.inner_port, SERVICE, "service"), Client(broker.port, user, "plug")
    assert service.subscribe("moyai/test/#")
    device.publish("moyai/test/ct-1/power", b"forged")
    device.publish("moyai/test/cmm-1/power", b"true")
    assert service.wait(lambda: bool(service.received))
    assert service.received == [("moyai/test/cmm-1/power", b"true")]
    assert not device.subscribe("moyai/test/#")
    [listed] = office.get("/api/v1/devices").json()
    assert (listed["id"], listed["username"], listed["expected_seconds"]) == ("plug-1", user.name, 30)
    service.close()
    device.close()
    everything = str(stored(api, "SELECT * FROM telemetry.account")) + str(stored(api, "SELECT * FROM coop.audit"))
    answers = str(stored(api, "SELECT convert_from(body, 'UTF8') FROM coop.idempotency"))
    assert user.password not in everything + answers
    assert "password" not in answers


def test_a_new_account_ends_the_old_one_at_once_or_after_a_while(api: Callers, broker: Deployed) -> None:
    office = api.person(Role.OFFICE)
    office.post("/api/v1/devices", json=PLUG)
    first = account(office)
    second = account(office, keep_old_minutes=60)
    for user in (first, second):
        Client(broker.port, user, "plug").close()
    old = Client(broker.port, first, "plug")
    assert not old.refused
    put_out = Event()
    old.paho.on_disconnect = lambda *_: put_out.set()
    now = datetime.now(UTC)
    settings = api.client.app.state.settings
    jobs.sweep(api.pool, settings, now + timedelta(minutes=59))
    assert not put_out.wait(0.5)
    jobs.sweep(api.pool, settings, now + timedelta(minutes=61))
    assert put_out.wait(10)
    old.close()
    third = account(office)
    for user, refused in ((first, True), (second, True), (third, False)):
        client = Client(broker.port, user, "plug")
        assert client.refused is refused, user.name
        client.close()


def test_a_revoked_device_is_put_out_and_stays_out(api: Callers, broker: Deployed) -> None:
    office = api.person(Role.OFFICE)
    office.post("/api/v1/devices", json=PLUG)
    assert office.delete("/api/v1/devices/plug-1/account").json()["code"] == "telemetry.account_unknown"
    user = account(office)
    device = Client(broker.port, user, "plug")
    put_out = Event()
    device.paho.on_disconnect = lambda *_: put_out.set()
    assert office.delete("/api/v1/devices/plug-1/account").status_code == 204
    assert put_out.wait(10)
    device.close()
    assert comes_true(lambda: Client(broker.port, user, "plug").refused)
    assert [
        row[0] for row in stored(api, "SELECT action FROM coop.audit WHERE subject = 'device:plug-1' ORDER BY id")
    ] == [
        "device.added",
        "device.changed",
        "device.account_issued",
        "device.account_revoked",
    ]


def test_a_broker_that_is_away_changes_nothing(api: Callers, broker: Deployed) -> None:
    office = api.person(Role.OFFICE)
    office.post("/api/v1/devices", json=PLUG)
    user = account(office)
    end(broker.process)
    for refused in (
        office.post("/api/v1/devices/plug-1/account", json={}),
        office.delete("/api/v1/devices/plug-1/account"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (503, "telemetry.broker_away")
    assert stored(api, "SELECT username, ends_at FROM telemetry.account") == [(user.name, None)]
    state = api.client.app.state
    state.settings = replace(state.settings, mqtt_admin_url="")
    unmanaged = office.post("/api/v1/devices/plug-1/account", json={})
    assert unmanaged.json()["code"] == "telemetry.accounts_unmanaged"


def test_a_plug_moves_to_another_machine(api: Callers, broker: Deployed) -> None:
    office = api.person(Role.OFFICE)
    office.post("/api/v1/devices", json=PLUG)
    monday, wednesday = "2026-10-05T00:00:00+00:00", "2026-10-07T00:00:00+00:00"
    path = "/api/v1/devices/plug-1/bindings"
    assert office.post(path, json={"machine_id": "cmm-1", "since": monday}).status_code == 201
    assert office.post(path, json={"machine_id": "ct-1", "since": wednesday}).status_code == 201
    assert office.post(path, json={"machine_id": "cmm-1", "since": monday}).json()["code"] == (
        "telemetry.binding_overlaps"
    )
    first, second = office.get(path).json()
    assert (first["machine_id"], second["machine_id"], second["until"]) == ("cmm-1", "ct-1", None)
    assert first["until"] == second["since"] == "2026-10-07T00:00:00Z"
    [next_page] = office.get(f"{path}?limit=1").headers.get_list("link")
    [last] = office.get(next_page.partition("<")[2].partition(">")[0]).json()
    assert last == second
    assert office.get("/api/v1/devices").json()[0]["machine_id"] == "ct-1"
    assert office.get("/api/v1/devices/plug-9/bindings").status_code == 404


def test_the_command_line_enters_a_device_and_prints_its_account_once(
    api: Callers, broker: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from telemetry.devices.cli import app

    monkeypatch.setenv("MOYAI_DATABASE_URL", api.client.app.state.settings.database_url)
    monkeypatch.setenv("MOYAI_MQTT_ADMIN_URL", broker.admin_url)
    moyai = CliRunner()
    added = moyai.invoke(app, ["add", "relay-1", "--address", "cmm-1", "--machine", "cmm-1", "--interlock"])
    assert added.exit_code == 0, added.output
    name, password = added.stdout.splitlines()
    relay = Client(broker.port, BrokerUser(name, password), "relay")
    assert relay.subscribe("moyai/test/cmm-1/command/#")
    relay.close()
    [new_name, new_password] = moyai.invoke(app, ["account", "relay-1"]).stdout.splitlines()
    assert Client(broker.port, BrokerUser(name, password), "relay").refused
    assert not Client(broker.port, BrokerUser(new_name, new_password), "relay").refused
    assert moyai.invoke(app, ["bind", "relay-1", "ct-1"]).exit_code == 0
    assert moyai.invoke(app, ["bind", "relay-1", "ct-1", "--since", "2026-10-05T00:00:00"]).exit_code == 2
    assert moyai.invoke(app, ["revoke", "relay-1"]).exit_code == 0
    assert Client(broker.port, BrokerUser(new_name, new_password), "relay").refused


def test_the_embedded_broker_is_told_who_holds_an_account(api: Callers, broker: Deployed) -> None:
    office = api.person(Role.OFFICE)
    office.post("/api/v1/devices", json=PLUG | {"hears_commands": True})
    state = api.client.app.state
    state.settings = replace(state.settings, mqtt_admin_url=accounts.EMBEDDED)
    first, second = account(office), account(office, keep_old_minutes=5)

    def admitted(after: timedelta) -> list[str]:
        with psycopg.connect(state.settings.database_url) as conn:
            return [each.username for each in accounts.admitted(conn, datetime.now(UTC) + after)]

    assert admitted(timedelta()) == [first.name, second.name]
    assert admitted(timedelta(minutes=6)) == [second.name]
    office.delete("/api/v1/devices/plug-1/account")
    assert admitted(timedelta()) == []
