"""The parts that the other tests stand on are the real ones, and whole."""

import time
from collections.abc import Callable

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser

from coop.database import Pool, transaction
from tests.parts.databases import Database
from tests.parts.mosquitto import PASSWORD, USER, Mosquitto
from tests.parts.timescale import TimescaleCluster

READINGS = "CREATE TABLE readings (at timestamptz NOT NULL, machine text NOT NULL, watts float8)"
HYPERTABLE = "SELECT create_hypertable('readings', by_range('at', interval '1 day'))"


def test_timescaledb_makes_a_hypertable(database: Database) -> None:
    with psycopg.connect(database.owner_url) as conn:
        conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        conn.execute(READINGS)
        conn.execute(HYPERTABLE)
        conn.execute("INSERT INTO readings VALUES ('2026-10-01', 'cmm-1', 1), ('2026-10-02', 'cmm-1', 2)")
        version = conn.execute("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
        chunks = conn.execute("SELECT count(*) FROM show_chunks('readings')").fetchone()
    assert version is not None
    assert tuple(int(number) for number in version[0].split(".")[:2]) >= (2, 19)
    assert chunks == (2,)


@pytest.mark.parametrize("kind", ["database", "embedded_database"])
def test_each_test_has_a_migrated_database_that_the_application_cannot_alter(
    kind: str, request: pytest.FixtureRequest
) -> None:
    database: Database = request.getfixturevalue(kind)
    with psycopg.connect(database.app_url) as conn:
        assert conn.execute("SELECT count(*) FROM coop.member").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("DROP TABLE coop.member")


def test_a_pool_speaks_as_the_application_in_utc(pool: Pool) -> None:
    with transaction(pool) as conn:
        assert conn.execute("SELECT current_user, current_setting('TimeZone')").fetchone() == ("moyai_app", "UTC")


@pytest.mark.kills
def test_a_killed_timescaledb_keeps_what_was_committed(timescale_cluster: TimescaleCluster) -> None:
    with psycopg.connect(timescale_cluster.owner_url) as conn:
        conn.execute("CREATE TABLE kept (number int)")
        conn.execute("INSERT INTO kept VALUES (7)")
    bystander = psycopg.connect(timescale_cluster.app_url)
    timescale_cluster.kill()
    with pytest.raises(psycopg.OperationalError):
        bystander.execute("SELECT 1")
    bystander.close()
    timescale_cluster.start()
    with psycopg.connect(timescale_cluster.owner_url) as conn:
        assert conn.execute("SELECT number FROM kept").fetchall() == [(7,)]


def test_mosquitto_gives_back_what_it_acknowledged(mosquitto: Mosquitto) -> None:
    received = _round_trip(mosquitto, "test/parts/round-trip", [f"{n}".encode() for n in range(50)])
    assert received == [f"{n}".encode() for n in range(50)]


@pytest.mark.kills
def test_a_restarted_mosquitto_keeps_a_session_and_its_messages(own_mosquitto: Mosquitto) -> None:
    sleeper = _client(own_mosquitto, "sleeper")
    sleeper.subscribe("test/parts/kept", qos=1)
    _until(lambda: sleeper.subscribed)
    _end(sleeper)
    publisher = _client(own_mosquitto, "publisher")
    publisher.publish("test/parts/kept", b"still here", qos=1).wait_for_publish(10)
    _end(publisher)

    own_mosquitto.stop()
    own_mosquitto.start()
    woken = _client(own_mosquitto, "sleeper")
    _until(lambda: woken.received)
    _end(woken)
    assert woken.received == [b"still here"]


def test_the_browser_draws_japanese(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 200}, locale="ja-JP")
    widths, pictures = {}, {}
    for word in ("日本語", "稼働率", "\uffff\uffff\uffff"):  # the last has no glyph in any font
        page.goto(f"data:text/html;charset=utf-8,<span style='font-size:48px'>{word}</span>")
        box = page.locator("span").bounding_box()
        widths[word] = box and box["width"]
        pictures[word] = page.screenshot()
    page.close()
    assert widths["日本語"] == widths["稼働率"] == pytest.approx(3 * 48)  # a Japanese font sets full-width squares
    assert len(set(pictures.values())) == 3


def test_the_community_edition_takes_what_debian_refuses(community_database: str) -> None:
    with psycopg.connect(community_database, autocommit=True, prepare_threshold=None) as conn:
        conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        conn.execute(READINGS)
        conn.execute(HYPERTABLE)
        conn.execute("INSERT INTO readings VALUES ('2026-10-01 00:10Z', 'cmm-1', 1), ('2026-10-01 00:50Z', 'cmm-1', 3)")
        conn.execute(
            "CREATE MATERIALIZED VIEW hourly WITH (timescaledb.continuous) AS SELECT time_bucket('1 hour', at) AS hour,"
            " machine, avg(watts) AS watts FROM readings GROUP BY 1, 2 WITH NO DATA"
        )
        conn.execute("CALL refresh_continuous_aggregate('hourly', NULL, NULL)")
        assert conn.execute("SELECT machine, watts FROM hourly").fetchall() == [("cmm-1", 2.0)]
        conn.execute("ALTER TABLE readings SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'machine')")
        conn.execute("CALL add_columnstore_policy('readings', after => interval '7 days')")
        conn.execute("SELECT add_retention_policy('readings', interval '1 year')")
        jobs = conn.execute("SELECT proc_name FROM timescaledb_information.jobs WHERE hypertable_name = 'readings'")
        assert {row[0] for row in jobs} == {"policy_compression", "policy_retention"}


class _Client(mqtt.Client):
    """A paho client in its own thread that notes what it hears."""

    def __init__(self, name: str) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        self.received: list[bytes] = []
        self.subscribed = False


def _client(broker: Mosquitto, name: str) -> _Client:
    client = _Client(name)
    client.username_pw_set(USER, PASSWORD)
    client.on_message = lambda _client, _data, message: client.received.append(bytes(message.payload))
    client.on_subscribe = lambda *_: setattr(client, "subscribed", True)
    client.connect(broker.host, broker.port)
    client.loop_start()
    _until(client.is_connected)
    return client


def _end(client: _Client) -> None:
    client.disconnect()
    client.loop_stop()


def _round_trip(broker: Mosquitto, topic: str, payloads: list[bytes]) -> list[bytes]:
    client = _client(broker, "round-trip")
    client.subscribe(topic, qos=1)
    _until(lambda: client.subscribed)
    for payload in payloads:
        client.publish(topic, payload, qos=1)
    _until(lambda: len(client.received) >= len(payloads))
    _end(client)
    return client.received


def _until(true: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "nothing came in time"
        time.sleep(0.01)
