"""kill -9 while 20,000 messages flow: what the broker acknowledged to the machine is stored, exactly once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from coop.migrate import migrate
from coop.settings import Settings
from moyai.parts.broker import BrokerUser, EmbeddedBroker
from moyai.parts.postgres import EmbeddedPostgres
from tests.parts.mosquitto import Mosquitto
from tests.parts.timescale import TimescaleCluster
from tests.telemetry.plant import Publisher, found, ingesting, settings

pytestmark = pytest.mark.kills

MESSAGES = 20_000
START = datetime(2026, 10, 1, tzinfo=UTC)
TOPIC = "moyai/demo/cmm-1/power"


class IngesterProcess:
    """`moyai ingest` in a process of its own."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.log = log
        self._environment = os.environ | {
            "MOYAI_DATABASE_URL": settings.database_url,
            "MOYAI_MQTT_URL": settings.mqtt_url,
            "MOYAI_MQTT_VERSION": str(settings.mqtt_version),
        }
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "moyai", "ingest"], env=self._environment, stdout=out, stderr=out
            )

    def end(self, sign: signal.Signals = signal.SIGKILL) -> int:
        self._process.send_signal(sign)
        return self._process.wait(20)

    def kill_and_start(self) -> None:
        self.end()
        self.start()


class Ledger:
    """What a machine published, what the broker acknowledged of it, and what the database has."""

    def __init__(self, mqtt_url: str, database_url: str) -> None:
        self.machine = Publisher(mqtt_url, "machine")
        self._database_url = database_url
        self._number_of: dict[int, int] = {}
        self.odd: dict[int, bytes] = {}  # by number: bad payloads, and readings without a time

    def publish(self, numbers: range, odd: Callable[[int], bytes | None] = lambda number: None) -> None:
        for number in numbers:
            payload = odd(number)
            if payload is None:
                at = (START + timedelta(seconds=number)).isoformat()
                payload = orjson.dumps({"at": at, "value": number, "seq": number})
            else:
                self.odd[number] = payload
            self._number_of[self.machine.client.publish(TOPIC, payload, qos=1).mid] = number

    def acknowledged(self) -> set[int]:
        return {self._number_of[mid] for mid in list(self.machine.acknowledged)}

    def stored(self) -> list[int]:
        """The numbers of all readings, as often as they are there."""
        return [int(value) for (value,) in self._rows("SELECT value FROM telemetry.reading")]

    def rejected(self) -> list[bytes]:
        return [payload for (payload,) in self._rows("SELECT payload FROM telemetry.reject")]

    def wait_until_complete(self, seconds: float = 90) -> None:
        """Until the broker acknowledged everything and the database has it, or time is up: the caller compares."""
        deadline = time.monotonic() + seconds
        published = set(self._number_of.values())
        while time.monotonic() < deadline:
            if self.acknowledged() == published and len(self.stored()) + len(self.rejected()) >= len(published):
                return
            time.sleep(0.5)

    def _rows(self, statement: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._database_url) as conn:
            return conn.execute(statement).fetchall()


@contextmanager
def ingester_process(settings: Settings, log: Path) -> Iterator[IngesterProcess]:
    """Known to the broker from the beginning; ended in order at the end."""
    with ingesting(settings) as first:
        while not first.metrics.connected:
            time.sleep(0.01)
    process = IngesterProcess(settings, log)
    yield process
    assert process.end(signal.SIGTERM) == 0, log.read_text()


def test_ingester_and_database_are_killed(
    timescale_cluster: TimescaleCluster, own_mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """Also what has no identity of its own, a reading without a time and a bad payload, is there once."""
    found(timescale_cluster.app_url, "demo")
    plant = settings(timescale_cluster.app_url, own_mosquitto.url)
    ledger = Ledger(own_mosquitto.url, plant.database_url)

    def odd(number: int) -> bytes | None:
        if number % 100 == 50:
            return b"bad %d" % number
        return orjson.dumps({"value": number}) if number % 100 == 75 else None

    def kill_database() -> None:
        timescale_cluster.kill()
        timescale_cluster.start()

    with ingester_process(plant, tmp_path / "ingester.log") as ingester:
        harm = {3: ingester.kill_and_start, 7: kill_database, 11: ingester.kill_and_start, 15: kill_database}
        harm[17] = ingester.kill_and_start
        for part in range(20):
            ledger.publish(range(part * MESSAGES // 20, (part + 1) * MESSAGES // 20), odd)
            time.sleep(0.4)
            harm.get(part, lambda: None)()
        ledger.wait_until_complete()
    ledger.machine.close()
    bad = [number for number in range(MESSAGES) if number % 100 == 50]
    assert ledger.acknowledged() == set(range(MESSAGES))
    assert sorted(ledger.stored()) == [number for number in range(MESSAGES) if number not in set(bad)]
    assert sorted(ledger.rejected()) == sorted(b"bad %d" % number for number in bad)


def test_the_embedded_parts_are_killed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Ingester, database and broker; the broker keeps what it acknowledged, the machine sends the rest again."""
    folder = tmp_path_factory.mktemp("embedded")
    database = EmbeddedPostgres(folder / "postgres")
    broker = EmbeddedBroker(folder / "broker", users=(BrokerUser("moyai", "only-for-tests"),))
    database.start()
    broker.start()
    migrate(database.owner_url)
    found(database.app_url, "demo")
    plant = settings(database.app_url, broker.url, mqtt_version=3)
    ledger = Ledger(broker.url, plant.database_url)

    def kill_broker() -> None:
        broker.kill()
        broker.start()

    def kill_database() -> None:
        database.kill()
        database.start()

    with ingester_process(plant, folder / "ingester.log") as ingester:
        harm = {3: ingester.kill_and_start, 6: kill_broker, 9: kill_database, 12: kill_broker}
        harm[15] = ingester.kill_and_start
        for part in range(20):
            ledger.publish(range(part * MESSAGES // 20, (part + 1) * MESSAGES // 20))
            time.sleep(0.4)
            harm.get(part, lambda: None)()
        ledger.wait_until_complete()
    ledger.machine.close()
    stored, acknowledged = ledger.stored(), ledger.acknowledged()
    database.stop()
    broker.stop()
    assert acknowledged == set(range(MESSAGES))
    assert sorted(stored) == list(range(MESSAGES))


def test_mosquitto_is_killed_and_the_machine_sends_again(
    timescale_cluster: TimescaleCluster, own_mosquitto: Mosquitto
) -> None:
    """It forgets what it acknowledged since its last save; after the machine sent again nothing is there twice."""
    found(timescale_cluster.app_url, "demo")
    plant = settings(timescale_cluster.app_url, own_mosquitto.url)
    ledger = Ledger(own_mosquitto.url, plant.database_url)
    with ingesting(plant) as ingester:
        while not ingester.metrics.connected:
            time.sleep(0.01)
        for part in range(10):
            ledger.publish(range(part * MESSAGES // 10, (part + 1) * MESSAGES // 10))
            time.sleep(0.3)
            if part in (3, 6):
                own_mosquitto.kill()
                own_mosquitto.start()
        ledger.wait_until_complete(8)
        while not ingester.metrics.connected:
            time.sleep(0.01)
        ledger.publish(range(MESSAGES))
        ledger.wait_until_complete()
    ledger.machine.close()
    assert ledger.acknowledged() == set(range(MESSAGES))
    assert sorted(ledger.stored()) == list(range(MESSAGES))
