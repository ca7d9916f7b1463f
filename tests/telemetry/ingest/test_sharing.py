"""Several ingesters on one subscription: each message is taken by one of them, whoever of them dies."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from coop.settings import Settings
from telemetry.ingest import intake
from telemetry.ingest.ingester import Ingester
from telemetry.ingest.seat import SlotNeedsMqtt5
from tests.parts.databases import Database
from tests.parts.mosquitto import Mosquitto
from tests.telemetry.plant import Publisher, found, settings

START = datetime(2026, 10, 1, tzinfo=UTC)


def at(number: int) -> str:
    return (START + timedelta(seconds=number)).isoformat()


def wait(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def stored(settings: Settings) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.database_url) as conn:
        return conn.execute("SELECT value, queued FROM telemetry.reading ORDER BY value").fetchall()


@contextmanager
def seated(settings: Settings, slot: int, *, leaving: bool = False) -> Iterator[Ingester]:
    ingester, stop = Ingester(settings, slot, leaving=leaving), threading.Event()
    thread = threading.Thread(target=ingester.run, args=(stop,))
    thread.start()
    try:
        wait(lambda: ingester.metrics.connected or leaving)
        yield ingester
    finally:
        if not leaving:
            stop.set()
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def slug(request: pytest.FixtureRequest) -> str:
    return f"s{abs(hash(request.node.name)) % 10**8}"


@pytest.fixture
def plant(database: Database, mosquitto: Mosquitto, slug: str) -> Settings:
    found(database.app_url, slug)
    return settings(database.app_url, mosquitto.url)


@pytest.fixture
def publisher(mosquitto: Mosquitto, slug: str) -> Iterator[Publisher]:
    publisher = Publisher(mosquitto.url, f"{slug}-machine")
    yield publisher
    publisher.close()


def test_each_message_is_taken_by_one_of_them(plant: Settings, publisher: Publisher, slug: str) -> None:
    with seated(plant, 0) as first, seated(plant, 1) as second:
        publisher.send(f"moyai/{slug}/cmm-1/power", *({"value": number} for number in range(200)))
        wait(lambda: first.metrics.acknowledged + second.metrics.acknowledged == 200)
        assert first.metrics.received + second.metrics.received == 200
        assert min(first.metrics.received, second.metrics.received) > 0
    assert [value for value, _ in stored(plant)] == list(range(200))


def test_one_that_died_takes_its_share_when_it_comes_back_and_nothing_is_stored_twice(
    plant: Settings, publisher: Publisher, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had committed and not acknowledged: the broker says all that again to the same seat."""
    topic = f"moyai/{slug}/cmm-1/power"
    with seated(plant, 0) as living:
        with monkeypatch.context() as mute, seated(plant, 1) as dying:
            mine = dying._intake
            acknowledge = intake.Intake._acknowledge
            mute.setattr(
                intake.Intake,
                "_acknowledge",
                lambda self: self._done.clear() if self is mine else acknowledge(self),
            )
            publisher.send(topic, *({"value": number} for number in range(100)))
            wait(lambda: living.metrics.committed + dying.metrics.committed == 100)
        publisher.send(topic, *({"value": number} for number in range(100, 200)))
        wait(lambda: living.metrics.queued == 0)
        with seated(plant, 1) as again:
            wait(lambda: len(stored(plant)) == 200)
            assert again.metrics.duplicates == dying.metrics.committed > 0
    assert [value for value, _ in stored(plant)] == list(range(200))


def test_one_that_leaves_takes_what_waits_for_it_and_the_others_get_the_rest(
    plant: Settings, publisher: Publisher, slug: str
) -> None:
    topic = f"moyai/{slug}/cmm-1/power"
    with seated(plant, 0) as staying:
        with seated(plant, 1):
            pass
        publisher.send(topic, *({"at": at(number), "value": number} for number in range(100)))
        with seated(plant, 1, leaving=True) as leaving:
            pass
        assert leaving.metrics.acknowledged > 0
        wait(lambda: len(stored(plant)) == 100)
        before = staying.metrics.received
        publisher.send(topic, *({"at": at(number), "value": number} for number in range(100, 150)))
        wait(lambda: staying.metrics.acknowledged == before + 50)
    assert [value for value, _ in stored(plant)] == list(range(150))


def test_a_session_from_before_there_was_sharing_hears_nothing_twice(
    plant: Settings, publisher: Publisher, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as old:
        old.setattr("telemetry.ingest.seat.Seat.subscriptions", lambda self, filters: list(filters))
        old.setattr("telemetry.ingest.seat.Seat.never", lambda self, filters: [])
        with seated(plant, 0):
            pass
    with seated(plant, 0) as now:
        publisher.send(f"moyai/{slug}/cmm-1/power", {"value": 1}, {"value": 2})
        wait(lambda: now.metrics.acknowledged == 2)
        assert now.metrics.received == 2


def test_a_broker_without_sharing_has_one_seat(plant: Settings) -> None:
    alone = settings(plant.database_url, plant.mqtt_url, mqtt_version=3)
    with pytest.raises(SlotNeedsMqtt5):
        Ingester(alone, 1)
    with pytest.raises(SlotNeedsMqtt5):
        Ingester(alone, leaving=True)


@pytest.mark.parametrize("version", [5, 3])
def test_what_waited_at_the_broker_without_a_time_is_not_now(
    plant: Settings, publisher: Publisher, slug: str, version: int
) -> None:
    own = settings(plant.database_url, plant.mqtt_url, mqtt_version=version)
    topic = f"moyai/{slug}/cmm-1/power"
    with seated(own, 0):
        pass
    publisher.send(topic, {"value": 1}, {"at": at(1), "value": 2})
    with seated(own, 0) as ingester:
        wait(lambda: ingester._intake is not None and ingester._intake.drained)
        publisher.send(topic, {"value": 3})
        wait(lambda: ingester.metrics.acknowledged == 3)
    assert stored(plant) == [(1, True), (2, None), (3, None)]
