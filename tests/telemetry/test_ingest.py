"""From the broker into the database: everything once, in any weather; what cannot be taken is kept."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
import pytest
from psycopg import sql

from coop.settings import Settings
from moyai.parts.broker import BrokerUser, EmbeddedBroker
from telemetry.ingest import intake
from telemetry.ingest.ingester import Ingester
from tests.parts.databases import Database
from tests.parts.mosquitto import Mosquitto
from tests.parts.timescale import TimescaleCluster
from tests.telemetry.plant import Publisher, found, ingesting, settings

START = datetime(2026, 10, 1, tzinfo=UTC)


def at(number: int) -> str:
    return (START + timedelta(seconds=number)).isoformat()


def wait(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, options="-c TimeZone=UTC") as conn:
        return conn.execute(sql.SQL(statement)).fetchall()


def values(url: str) -> list[float | str]:
    return [
        row[0]
        for row in rows(url, "SELECT coalesce(to_json(value), to_json(text)) FROM telemetry.reading ORDER BY at, tie")
    ]


@pytest.fixture
def slug(request: pytest.FixtureRequest) -> str:
    """The topic segment and the client ids of this test alone."""
    return f"t{abs(hash(request.node.name)) % 10**8}"


@pytest.fixture
def plant(database: Database, mosquitto: Mosquitto, slug: str) -> Settings:
    found(database.app_url, slug)
    return settings(database.app_url, mosquitto.url)


@pytest.fixture
def publisher(mosquitto: Mosquitto, slug: str) -> Iterator[Publisher]:
    publisher = Publisher(mosquitto.url, f"{slug}-machine")
    yield publisher
    publisher.close()


def subscribed(settings: Settings) -> None:
    """Let the ingester be known to the broker, so that it keeps messages for it from now on."""
    with ingesting(settings) as ingester:
        wait(lambda: ingester.metrics.connected)


def test_readings_arrive_once_and_mark_their_machine(plant: Settings, publisher: Publisher, slug: str) -> None:
    with ingesting(plant) as ingester:
        wait(lambda: ingester.metrics.connected)
        many = [{"at": at(number), "value": number, "seq": number} for number in range(100)]
        publisher.send(f"moyai/{slug}/cmm-1/power", {"readings": many}, {"readings": many[50:]})
        publisher.send(f"moyai/{slug}/cmm-1/execution", {"at": at(7), "value": "ACTIVE"})
        wait(lambda: ingester.metrics.acknowledged == 3)
        metrics = ingester.metrics
    assert (metrics.received, metrics.committed, metrics.readings_committed) == (3, 3, 101)
    assert (metrics.duplicates, metrics.rejected, metrics.queued) == (50, 0, 0)
    stored = values(plant.database_url)
    assert stored.pop(stored.index("ACTIVE")) == "ACTIVE"
    assert stored == list(range(100))
    marks = rows(
        plant.database_url,
        "SELECT machine_id, min(from_at), max(until_at) FROM telemetry.dirty WHERE from_at > '2026-01-01' GROUP BY 1",
    )
    assert marks == [("cmm-1", START, START + timedelta(seconds=99))]


def test_a_late_reading_marks_its_own_hour_only(plant: Settings, publisher: Publisher, slug: str) -> None:
    with ingesting(plant) as ingester:
        publisher.send(
            f"moyai/{slug}/cmm-1/power", {"readings": [{"at": at(0), "value": 1}, {"at": at(90_000), "value": 2}]}
        )
        wait(lambda: ingester.metrics.connected)
        publisher.send(
            f"moyai/{slug}/cmm-1/power", {"readings": [{"at": at(5), "value": 1}, {"at": at(90_005), "value": 2}]}
        )
        wait(lambda: ingester.metrics.acknowledged >= 1)
    marks = rows(
        plant.database_url,
        "SELECT until_at - from_at < interval '1 hour' FROM telemetry.dirty WHERE from_at > '2026-01-01'",
    )
    assert len(marks) >= 2
    assert all(small for (small,) in marks)


def test_a_bad_payload_is_kept_with_its_bytes_and_stops_nobody(
    plant: Settings, publisher: Publisher, slug: str
) -> None:
    bad = [b"\x00\xff not json", b'{"at": "2026-10-01T00:00:00", "value": 1}', b'{"value": "a\\u0000b", "\\u0000": 1}']
    with ingesting(plant) as ingester:
        wait(lambda: ingester.metrics.connected)
        publisher.send(f"moyai/{slug}/cmm-1/power", *bad, {"at": at(1), "value": 1})
        publisher.send(f"moyai/{slug}/stranger/power", {"at": at(1), "value": 2})
        publisher.send(f"moyai/{slug}/cmm-1", b"no channel")
        wait(lambda: ingester.metrics.acknowledged == 6)
        assert ingester.metrics.rejected == 5
    kept = rows(plant.database_url, "SELECT reason, topic, payload FROM telemetry.reject ORDER BY id")
    assert [(reason, payload) for reason, _, payload in kept] == [
        ("malformed", bad[0]),
        ("naive_time", bad[1]),
        ("unknown_field", bad[2]),
        ("unknown_device", orjson.dumps({"at": at(1), "value": 2})),
        ("topic", b"no channel"),
    ]
    assert kept[3][1] == f"moyai/{slug}/stranger/power"
    assert values(plant.database_url) == [1]
    subscribed(plant)  # nothing comes again
    assert rows(plant.database_url, "SELECT count(*) FROM telemetry.reject") == [(5,)]


def test_a_device_entered_later_is_heard_from_then_on(plant: Settings, publisher: Publisher, slug: str) -> None:
    with ingesting(plant) as ingester:
        wait(lambda: ingester.metrics.connected)
        publisher.send(f"moyai/{slug}/new/power", {"at": at(1), "value": 1})
        wait(lambda: ingester.metrics.acknowledged == 1)
        with psycopg.connect(plant.database_url) as conn:
            conn.execute("INSERT INTO telemetry.device (id, address, added_at) VALUES ('new', 'new', now())")
        publisher.send(f"moyai/{slug}/new/power", {"at": at(2), "value": 2})
        wait(lambda: ingester.metrics.acknowledged == 2)
    assert values(plant.database_url) == [2]


def test_a_message_the_database_refuses_is_kept_and_the_rest_of_its_batch_gets_through(
    plant: Settings, publisher: Publisher, slug: str, database: Database
) -> None:
    with psycopg.connect(database.owner_url) as conn:
        conn.execute("ALTER TABLE telemetry.reading ADD CONSTRAINT no_unlucky_number CHECK (value <> 13)")
    subscribed(plant)
    publisher.send(f"moyai/{slug}/cmm-1/power", *({"at": at(number), "value": number} for number in range(30)))
    with ingesting(plant) as ingester:
        wait(lambda: ingester.metrics.acknowledged == 30)
        assert ingester.metrics.rejected == 1
    assert values(plant.database_url) == [number for number in range(30) if number != 13]
    assert rows(plant.database_url, "SELECT reason, payload FROM telemetry.reject") == [
        ("refused_by_database", orjson.dumps({"at": at(13), "value": 13}))
    ]


def test_what_was_committed_but_not_acknowledged_comes_again_and_is_stored_once(
    plant: Settings, publisher: Publisher, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readings by their identity; a reading without a time, and a bad payload, by packet id and content."""
    subscribed(plant)
    with monkeypatch.context() as mute:
        mute.setattr(intake.Intake, "_acknowledge", lambda self: self._done.clear())
        with ingesting(plant) as ingester:
            wait(lambda: ingester.metrics.connected)
            publisher.send(f"moyai/{slug}/cmm-1/power", {"at": at(1), "value": 1}, {"value": 5}, {"value": 5}, b"bad")
            wait(lambda: ingester.metrics.committed == 4)
    assert len(values(plant.database_url)) == 4 - 1
    with ingesting(plant) as again:
        wait(lambda: again.metrics.acknowledged == 4)
        assert again.metrics.duplicates == 4
        assert again.metrics.readings_committed == 0
        # The broker may use the packet ids anew: the same words are now a new message.
        publisher.send(f"moyai/{slug}/cmm-1/power", {"value": 5}, b"bad")
        wait(lambda: again.metrics.acknowledged == 6)
    assert sorted(values(plant.database_url)) == [1, 5, 5, 5]
    assert rows(plant.database_url, "SELECT count(*) FROM telemetry.reject") == [(2,)]


def test_a_lost_connection_brings_everything_unacknowledged_again_once(
    database: Database, own_mosquitto: Mosquitto, slug: str
) -> None:
    """Clean restarts of the broker while messages flow: packet ids begin anew, nothing is lost or doubled."""
    found(database.app_url, slug)
    plant = settings(database.app_url, own_mosquitto.url, ingest_batch_messages=20)
    publisher = Publisher(own_mosquitto.url, "machine")
    with ingesting(plant) as ingester:
        wait(lambda: ingester.metrics.connected)
        for part in range(3):
            sent = [
                publisher.client.publish(
                    f"moyai/{slug}/cmm-1/power", orjson.dumps({"at": at(number), "value": number}), qos=1
                )
                for number in range(part * 500, part * 500 + 500)
            ]
            if part < 2:
                own_mosquitto.stop()
                own_mosquitto.start()
            for each in sent:
                each.wait_for_publish(30)
        wait(lambda: len(values(plant.database_url)) == 1500)
        wait(lambda: ingester.metrics.queued == 0)
    publisher.close()
    assert values(plant.database_url) == list(range(1500))


def test_an_acknowledgement_never_crosses_a_reconnect(
    database: Database, own_mosquitto: Mosquitto, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker forgets the session and begins its packet ids anew while the writer holds the old ones."""
    found(database.app_url, slug)
    plant = settings(database.app_url, own_mosquitto.url, ingest_batch_messages=1)
    held: list[Any] = []
    commit = Ingester._commit

    def slow(self: Ingester, conn: Any, batch: Any) -> None:
        commit(self, conn, batch)
        if not held:
            held.append(batch)
            own_mosquitto.kill()
            own_mosquitto.start()
            wait(lambda: self.metrics.connected, 20)
            machine = Publisher(own_mosquitto.url, "machine-2")
            machine.send(f"moyai/{slug}/cmm-1/power", {"at": at(2), "value": 2})
            machine.close()
            wait(lambda: self.metrics.received == 2)

    monkeypatch.setattr(Ingester, "_commit", slow)
    with ingesting(plant) as ingester:
        wait(lambda: ingester.metrics.connected)
        machine = Publisher(own_mosquitto.url, "machine-1")
        machine.send(f"moyai/{slug}/cmm-1/power", {"at": at(1), "value": 1})
        machine.close()
        wait(lambda: ingester.metrics.committed == 2)
        wait(lambda: ingester.metrics.acknowledged == 1)
    assert ingester.metrics.acknowledged == 1  # the first one's went nowhere: its connection was over
    assert values(plant.database_url) == [1, 2]


def test_while_the_database_is_away_nothing_is_acknowledged_and_nothing_is_lost(
    timescale_cluster: TimescaleCluster, mosquitto: Mosquitto, slug: str
) -> None:
    found(timescale_cluster.app_url, slug)
    plant = settings(timescale_cluster.app_url, mosquitto.url)
    publisher = Publisher(mosquitto.url, f"{slug}-machine")
    topic = f"moyai/{slug}/cmm-1/power"
    with ingesting(plant) as ingester:
        wait(lambda: ingester.metrics.connected)
        publisher.send(topic, {"at": at(0), "value": 0}, b"bad")
        wait(lambda: ingester.metrics.acknowledged == 2)
        timescale_cluster.stop()
        publisher.send(topic, *({"at": at(number), "value": number} for number in range(1, 400)), b"worse")
        wait(lambda: ingester.metrics.received == 402)
        time.sleep(1)
        assert ingester.metrics.acknowledged == 2
        timescale_cluster.start()
        wait(lambda: ingester.metrics.acknowledged == 402)
    publisher.close()
    assert values(plant.database_url) == list(range(400))
    assert rows(plant.database_url, "SELECT payload FROM telemetry.reject ORDER BY id") == [(b"bad",), (b"worse",)]


def test_connections_that_are_cut_cost_nothing(plant: Settings, publisher: Publisher, slug: str) -> None:
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = user"
    with ingesting(plant) as ingester:
        wait(lambda: ingester.metrics.connected)
        for part in range(4):
            some = ({"value": number} for number in range(part * 50, part * 50 + 50))
            publisher.send(f"moyai/{slug}/cmm-1/power", *some)
            with psycopg.connect(plant.database_url, autocommit=True) as conn:
                conn.execute(f"{cut} AND pid <> pg_backend_pid()")
        wait(lambda: ingester.metrics.acknowledged == 200)
    assert sorted(values(plant.database_url)) == list(range(200))


def test_a_stop_while_the_database_is_away_leaves_the_rest_to_the_broker(
    plant: Settings, publisher: Publisher, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = f"moyai/{slug}/cmm-1/power"

    def away(self: Ingester) -> Any:
        raise psycopg.OperationalError("away")

    with monkeypatch.context() as outage:
        outage.setattr(Ingester, "_connect", away)
        outage.setattr("telemetry.ingest.ingester.LAST_TRY_SECONDS", 0.3)
        with ingesting(plant) as ingester:
            wait(lambda: ingester.metrics.connected)
            publisher.send(topic, {"at": at(1), "value": 1}, b"bad")
            wait(lambda: ingester.metrics.received == 2)
    assert ingester.metrics.acknowledged == 0
    with ingesting(plant) as again:
        wait(lambda: again.metrics.acknowledged == 2)
    assert values(plant.database_url) == [1]
    assert rows(plant.database_url, "SELECT payload FROM telemetry.reject") == [(b"bad",)]


def test_a_defect_in_the_intake_costs_a_reconnect_and_no_message(
    plant: Settings, publisher: Publisher, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, failures = intake.Intake._on_message, [MemoryError(), ValueError()]

    def failing(self: intake.Intake, *arrived: Any) -> None:
        if failures and self.received == 3:
            raise failures.pop()
        take(self, *arrived)

    monkeypatch.setattr(intake.Intake, "_on_message", failing)
    with ingesting(plant) as ingester:
        wait(lambda: ingester.metrics.connected)
        publisher.send(f"moyai/{slug}/cmm-1/power", *({"at": at(number), "value": number} for number in range(10)))
        wait(lambda: len(values(plant.database_url)) == 10)
        wait(lambda: ingester.metrics.queued == 0)
    assert failures == []


def test_a_stop_writes_and_acknowledges_what_had_arrived(plant: Settings, publisher: Publisher, slug: str) -> None:
    patient = settings(plant.database_url, plant.mqtt_url, ingest_batch_messages=400, ingest_batch_ms=60_000)
    with ingesting(patient) as ingester:
        wait(lambda: ingester.metrics.connected)
        publisher.send(f"moyai/{slug}/cmm-1/power", *({"at": at(number), "value": number} for number in range(300)))
        wait(lambda: ingester.metrics.received == 300)
        assert ingester.metrics.committed == 0
    assert ingester.metrics.acknowledged == 300
    assert len(values(plant.database_url)) == 300


def test_a_full_queue_slows_the_intake_and_loses_nothing(
    plant: Settings, publisher: Publisher, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "QUEUE_BYTES", 2_000)
    monkeypatch.setattr(intake, "QUEUE_MESSAGES", 50)
    commit, most = Ingester._commit, []

    def slow(self: Ingester, conn: Any, batch: Any) -> None:
        time.sleep(0.02)
        most.append(self.metrics.queued)
        commit(self, conn, batch)

    monkeypatch.setattr(Ingester, "_commit", slow)
    few = settings(plant.database_url, plant.mqtt_url, ingest_batch_messages=20, mqtt_version=3)
    subscribed(few)
    publisher.send(f"moyai/{slug}/cmm-1/power", *({"at": at(number), "value": number} for number in range(1000)))
    with ingesting(few) as ingester:
        wait(lambda: ingester.metrics.acknowledged == 1000)
    assert max(most) <= 50
    assert len(values(plant.database_url)) == 1000


def test_a_retained_reading_without_a_time_is_not_a_reading_of_now(
    plant: Settings, publisher: Publisher, slug: str
) -> None:
    """With MQTT 5 none is sent to begin with: a shared subscription gets no retained messages."""
    publisher.send(f"moyai/{slug}/cmm-1/power", {"value": 99}, retain=True)
    alone = settings(plant.database_url, plant.mqtt_url, mqtt_version=3)
    with ingesting(alone) as ingester:
        wait(lambda: ingester.metrics.acknowledged == 1)
        publisher.send(f"moyai/{slug}/cmm-1/power", b"", retain=True)
    assert values(plant.database_url) == []
    assert rows(plant.database_url, "SELECT reason FROM telemetry.reject ORDER BY id LIMIT 1") == [
        ("retained_without_time",)
    ]


def test_it_waits_for_the_cooperative_to_be_founded(database: Database, mosquitto: Mosquitto, slug: str) -> None:
    with ingesting(settings(database.app_url, mosquitto.url)) as ingester:
        time.sleep(0.3)
        assert not ingester.metrics.connected
        found(database.app_url, slug)
        wait(lambda: ingester.metrics.connected)


def test_the_embedded_parts_do_the_same(
    embedded_database: Database, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored, twins collapsed, rejected, and again after an acknowledgement that was lost."""
    broker = EmbeddedBroker(tmp_path_factory.mktemp("broker"), users=(BrokerUser("moyai", "only-for-tests"),))
    broker.start()
    found(embedded_database.app_url, "demo")
    plant = settings(embedded_database.app_url, broker.url, mqtt_version=3)
    publisher = Publisher(broker.url, "machine")
    with monkeypatch.context() as mute:
        mute.setattr(intake.Intake, "_acknowledge", lambda self: self._done.clear())
        with ingesting(plant) as ingester:
            wait(lambda: ingester.metrics.connected)
            publisher.send("moyai/demo/cmm-1/power", {"at": at(1), "value": 1}, {"value": 5}, b"bad")
            wait(lambda: ingester.metrics.committed == 3)
    with ingesting(plant) as again:
        publisher.send("moyai/demo/cmm-1/power", {"at": at(2), "value": 2})
        wait(lambda: again.metrics.acknowledged == 4, 30)
    publisher.close()
    broker.stop()
    assert sorted(values(plant.database_url)) == [1, 2, 5]
    assert rows(plant.database_url, "SELECT reason FROM telemetry.reject") == [("malformed",)]


def test_twins_that_the_broker_sends_while_the_first_waits_are_collapsed(
    embedded_database: Database, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded broker sends again after ten seconds without an acknowledgement, on the same connection."""
    broker = EmbeddedBroker(tmp_path_factory.mktemp("broker"), users=(BrokerUser("moyai", "only-for-tests"),))
    broker.start()
    found(embedded_database.app_url, "demo")
    publisher = Publisher(broker.url, "machine")
    commit = Ingester._commit

    def late(self: Ingester, conn: Any, batch: Any) -> None:
        wait(lambda: self.metrics.received >= 20)
        commit(self, conn, batch)

    monkeypatch.setattr(Ingester, "_commit", late)
    plant = settings(embedded_database.app_url, broker.url, mqtt_version=3, ingest_batch_messages=4)
    with ingesting(plant) as ingester:
        wait(lambda: ingester.metrics.connected)
        publisher.send("moyai/demo/cmm-1/power", *({"value": number} for number in range(10)))
        wait(lambda: ingester.metrics.acknowledged == 10, 40)
    assert (ingester.metrics.received, ingester.metrics.acknowledged, ingester.metrics.duplicates) == (20, 10, 10)
    publisher.close()
    broker.stop()
    assert sorted(values(plant.database_url)) == list(range(10))
