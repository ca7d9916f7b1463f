"""`/healthz`, `/readyz` and `/metrics`: of a process without pages, and of the application."""

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from coop import machines
from coop.identity import SYSTEM, Role
from coop.machines import Machine
from coop.settings import Settings
from moyai import metrics
from moyai.health import asking, ground, serving
from moyai.logs import JsonLines
from telemetry import devices
from telemetry.ingest.ingester import Ingester
from telemetry.model import Device
from tests.callers import Callers
from tests.parts.databases import Database
from tests.parts.mosquitto import Mosquitto
from tests.telemetry.plant import Publisher, found, ingesting, settings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


def values(text: str) -> dict[str, float]:
    """Each sample of ours by its name and labels."""
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("moyai_")
    }


def comes_true(what: Callable[[], bool]) -> bool:
    until = datetime.now(UTC) + timedelta(seconds=20)
    while not what() and datetime.now(UTC) < until:
        pass
    return what()


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
def test_alive_is_not_ready(ready: bool, status: int) -> None:
    with serving("127.0.0.1", 0, lambda: {"ready": ready, "queued": 7}, lambda: b"moyai_x 1.0\n") as port:
        url = f"http://127.0.0.1:{port}"
        assert httpx2.get(f"{url}/healthz", trust_env=False).status_code == 200
        answer = httpx2.get(f"{url}/readyz", trust_env=False)
        assert (answer.status_code, answer.json()) == (status, {"ready": ready, "queued": 7})
        told = httpx2.get(f"{url}/metrics", trust_env=False)
        assert told.headers["content-type"].startswith("text/plain")
        assert values(told.text) == {"moyai_x": 1.0}
        assert httpx2.get(f"{url}/passwords", trust_env=False).status_code == 404
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{url}/healthz", trust_env=False)


def test_a_process_is_not_ready_without_its_database_or_its_tables(database: Database) -> None:
    here = Settings(database_url=database.app_url)
    assert ground(here) == {"ready": True, "database": True, "migrations_missing": []}
    with psycopg.connect(database.owner_url, autocommit=True) as conn:
        conn.execute("DELETE FROM _yoyo_migration WHERE migration_id = '0017_telemetry_devices'")
    assert ground(here) == {"ready": False, "database": True, "migrations_missing": ["0017_telemetry_devices"]}
    away = ground(Settings(database_url="postgresql://moyai_app@127.0.0.1:1/moyai"))
    assert away == {"ready": False, "database": False, "migrations_missing": []}


def test_the_application_is_not_ready_without_its_tables(api: Callers, database: Database) -> None:
    assert api.nobody.get("/readyz").json() == {"status": "ready"}
    with psycopg.connect(database.owner_url, autocommit=True) as conn:
        conn.execute("DELETE FROM _yoyo_migration WHERE migration_id = '0017_telemetry_devices'")
    refused = api.nobody.get("/readyz")
    assert (refused.status_code, refused.json()["code"]) == (503, "coop.tables_missing")


def test_an_ingester_counts_what_it_received_committed_and_acknowledged(
    database: Database, own_mosquitto: Mosquitto
) -> None:
    found(database.app_url, "counting")
    publisher = Publisher(own_mosquitto.url, "machine")
    with ingesting(settings(database.app_url, own_mosquitto.url)) as ingester:
        assert comes_true(lambda: ingester.metrics.connected)
        publisher.send("moyai/counting/cmm-1/power", {"value": 1}, {"value": 2}, b"no JSON")
        assert comes_true(lambda: ingester.metrics.acknowledged == 3)
        told = values(metrics.exposition(metrics.OfIngester(lambda: ingester.metrics)).decode())
    publisher.close()
    assert told["moyai_ingest_received_total"] == told["moyai_ingest_committed_total"] == 3
    assert told["moyai_ingest_acknowledged_total"] == 3
    assert told["moyai_ingest_rejected_total"] == 1
    assert told["moyai_ingest_readings_total"] == 2
    assert told["moyai_ingest_connected"] == 1
    assert told["moyai_ingest_queue_messages"] == told["moyai_ingest_lag_seconds"] == 0
    assert told["moyai_ingest_commit_seconds_count"] >= 1
    assert told["moyai_ingest_last_commit_timestamp_seconds"] > 0


def test_prometheus_comes_with_a_token_and_sees_what_waits(api: Callers) -> None:
    office, now = api.person(Role.OFFICE), datetime.now(UTC)
    with api.pool.connection() as conn:
        machines.add_machine(conn, Machine("cmm-1", "cmm", "CMM", "CMM"))
        devices.add_device(conn, SYSTEM, Device("plug-1", "cmm-1"), now)
        conn.execute(
            "INSERT INTO telemetry.dirty (machine_id, from_at, until_at) VALUES ('cmm-1', %(at)s, %(at)s)",
            {"at": now - timedelta(minutes=5)},
        )
        conn.execute("INSERT INTO telemetry.alert (kind, device_id, raised_at) VALUES ('offline', 'plug-1', %s)", [now])
    assert api.nobody.get("/metrics").status_code == 401
    assert api.person(Role.ENGINEER, api.member("m01")).get("/metrics").status_code == 403
    told = values(office.get("/metrics").text)
    assert told["moyai_database_up"] == 1
    assert told["moyai_derive_waiting_machines"] == 1
    assert 300 <= told["moyai_derive_lag_seconds"] < 900
    assert told["moyai_devices{never}"] == 1
    assert told["moyai_alerts{offline}"] == 1
    assert told["moyai_jobs{todo}"] == told["moyai_jobs_lag_seconds"] == 0


def test_a_database_that_is_away_is_a_metric_too() -> None:
    nowhere = asking(Settings(database_url="postgresql://moyai_app@127.0.0.1:1/moyai"))
    told = values(metrics.exposition(metrics.OfInstallation(nowhere)).decode())
    assert told["moyai_database_up"] == 0


def test_every_metric_has_a_documented_line(database: Database) -> None:
    here = Settings(database_url=database.app_url, mqtt_url="mqtt://nobody@127.0.0.1:1")
    own = metrics.OfIngester(lambda: Ingester(here).metrics), metrics.OfInstallation(asking(here))
    told = {name.partition("{")[0] for name in values(metrics.exposition(*own).decode())}
    told |= {"moyai_ingest_last_commit_timestamp_seconds"}
    told = {re.sub(r"_(total|bucket|count|sum|created)$", "", name) for name in told}
    documented = set(re.findall(r"^\| `(moyai_\w+?)(?:_total)?`", REFERENCE.read_text(), re.MULTILINE))
    assert told <= documented
    assert documented - told <= {"moyai_reservations", "moyai_alerts"}


def test_a_log_line_for_programs_has_the_fields_by_their_names() -> None:
    def line(message: str, *arguments: object) -> dict[str, object]:
        record = logging.LogRecord("telemetry.ingest", logging.WARNING, "", 0, message, arguments, None)
        read: dict[str, object] = json.loads(JsonLines().format(record))
        return read

    said = line("ingest.database_away error=%s messages=%s pause_seconds=%.1f", "OperationalError", 500, 0.1)
    assert (said["level"], said["logger"], said["event"]) == ("warning", "telemetry.ingest", "ingest.database_away")
    assert said["fields"] == {"error": "OperationalError", "messages": 500, "pause_seconds": 0.1}
    assert datetime.fromisoformat(str(said["at"])).tzinfo is not None
    assert line("Uvicorn running on %s", "http://x")["event"] == "Uvicorn running on http://x"
