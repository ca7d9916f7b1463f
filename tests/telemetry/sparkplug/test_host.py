"""An edge node at a real broker: birth, data, a consumer that dies, the next one, a gap, a rebirth, a death."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from coop.identity import SYSTEM
from coop.settings import Settings
from telemetry import devices
from telemetry.decoders.sparkplug_payload import parse, payload
from telemetry.model import Device
from telemetry.sparkplug.host import ELECTION_SECONDS, SparkplugHosts
from tests.parts.databases import Database
from tests.parts.mosquitto import Mosquitto
from tests.telemetry.plant import LONG_AGO, found, settings

NAMES = {"Machine/Power": 1, "Machine/Execution": 2}


def wait(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


class EdgeNode:
    """Behaves as the specification demands of an edge node with one device: it is born again when it is asked to."""

    def __init__(self, url: str, group: str) -> None:
        self.group, self.births = group, 0
        self._seq, self._bd = 0, 0
        parts = urlsplit(url)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, f"{group}-edge")
        self._client.username_pw_set(parts.username, parts.password)
        will = payload(metrics=[{"name": "bdSeq", "datatype": 8, "long_value": self._bd}])
        self._client.will_set(f"spBv1.0/{group}/NDEATH/Edge1", will.SerializeToString(), qos=1)
        self._client.on_message = self._told
        self._client.connect(parts.hostname or "", parts.port or 1883)
        self._client.subscribe(f"spBv1.0/{group}/NCMD/Edge1", qos=1)
        self._client.loop_start()
        self.bear()

    def bear(self) -> None:
        self.births += 1
        self._seq = 0
        self._say("NBIRTH/Edge1", {"name": "bdSeq", "datatype": 8, "long_value": self._bd})
        named = [{"name": name, "alias": alias} for name, alias in NAMES.items()]
        self._say(
            "DBIRTH/Edge1/Mill",
            {**named[0], "datatype": 10, "double_value": 0.0},
            {**named[1], "datatype": 12, "string_value": "READY"},
        )

    def report(self, power: float, execution: str) -> None:
        self._say("DDATA/Edge1/Mill", {"alias": 1, "double_value": power}, {"alias": 2, "string_value": execution})

    def lose_one(self) -> None:
        self._seq += 1

    def die(self) -> None:
        """Lose the connection without a word."""
        sock = self._client.socket()
        assert sock is not None
        self._client.loop_stop()
        sock.close()

    def _say(self, topic: str, *metrics: dict[str, Any]) -> None:
        now = round(time.time() * 1000)
        said = payload(timestamp=now, seq=self._seq % 256, metrics=[{**each, "timestamp": now} for each in metrics])
        self._seq += 1
        kind, own = topic.split("/", 1)
        self._client.publish(f"spBv1.0/{self.group}/{kind}/{own}", said.SerializeToString(), qos=1)

    def _told(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if any(each.name == "Node Control/Rebirth" and each.boolean_value for each in parse(message.payload).metrics):
            self.bear()


@contextmanager
def hosting(plant: Settings) -> Iterator[SparkplugHosts]:
    hosts, stop = SparkplugHosts(plant), threading.Event()
    thread = threading.Thread(target=hosts.run, args=(stop,))
    thread.start()
    try:
        yield hosts
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def group(request: pytest.FixtureRequest) -> str:
    return f"g{abs(hash(request.node.name)) % 10**8}"


@pytest.fixture
def plant(database: Database, mosquitto: Mosquitto, group: str) -> Settings:
    found(database.app_url, group)
    mapping = {"Machine/Power": "power", "Machine/Execution": "execution"}
    with psycopg.connect(database.app_url) as conn:
        for device, topic in (("edge", f"spBv1.0/{group}/Edge1"), ("mill", f"spBv1.0/{group}/Edge1/Mill")):
            devices.add_device(conn, SYSTEM, Device(device, device, "sparkplug", topic, mapping), LONG_AGO)
    return settings(database.app_url, mosquitto.url)


def connected(hosts: SparkplugHosts) -> bool:
    return any(each.connected for each in hosts.metrics.values())


def said(url: str, device: str, channel: str) -> list[float | str]:
    with psycopg.connect(url) as conn:
        rows = conn.execute(
            "SELECT coalesce(to_json(r.value), to_json(r.text)) FROM telemetry.reading r"
            " JOIN telemetry.channel c ON c.id = r.channel_id WHERE c.device_id = %s AND c.name = %s"
            " ORDER BY at, received_at",
            (device, channel),
        )
        return [row[0] for row in rows]


def test_birth_data_a_killed_consumer_a_gap_a_rebirth_and_a_death(
    plant: Settings, mosquitto: Mosquitto, group: str
) -> None:
    url = plant.database_url
    with hosting(plant) as hosts:
        wait(lambda: connected(hosts))
        edge = EdgeNode(mosquitto.url, group)
        edge.report(800.5, "ACTIVE")
        wait(lambda: said(url, "mill", "power") == [0.0, 800.5])
    assert said(url, "mill", "execution") == ["READY", "ACTIVE"]
    assert said(url, "mill", "availability") == said(url, "edge", "availability") == ["online"]

    edge.report(801.5, "ACTIVE")  # nobody listens: the broker keeps it, and the names are in the database
    with hosting(plant):
        wait(lambda: 801.5 in said(url, "mill", "power"))
        assert edge.births == 1

        edge.lose_one()
        edge.report(802.5, "ACTIVE")
        wait(lambda: edge.births == 2)
        edge.report(803.5, "READY")
        wait(lambda: 803.5 in said(url, "mill", "power"))
        assert 802.5 in said(url, "mill", "power")

        edge.die()
        wait(lambda: said(url, "mill", "availability")[-1] == "offline")
    assert said(url, "edge", "availability")[-1] == "offline"
    assert edge.births == 2
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT count(*) FROM telemetry.reject").fetchone() == (0,)


def test_one_of_two_processes_is_elected_and_the_other_takes_over(plant: Settings) -> None:
    with ExitStack() as first_ends:
        first = first_ends.enter_context(hosting(plant))
        wait(lambda: connected(first))
        with hosting(plant) as second:
            time.sleep(2 * ELECTION_SECONDS)
            assert second.metrics == {}
            first_ends.close()
            wait(lambda: connected(second))
            assert first.metrics == {}


def test_a_node_that_was_never_heard_is_asked_for_its_birth(plant: Settings, mosquitto: Mosquitto, group: str) -> None:
    edge = EdgeNode(mosquitto.url, group)
    time.sleep(0.5)  # its birth is over
    with hosting(plant) as hosts:
        wait(lambda: connected(hosts))
        edge.report(1.5, "ACTIVE")
        wait(lambda: edge.births == 2)
        edge.report(2.5, "ACTIVE")
        wait(lambda: 2.5 in said(plant.database_url, "mill", "power"))
    with psycopg.connect(plant.database_url) as conn:
        assert conn.execute("SELECT reason FROM telemetry.reject").fetchall() == [("not_born",)]
    edge.die()
