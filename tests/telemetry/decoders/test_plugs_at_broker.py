"""Plugs at a real broker: what they publish by themselves arrives, also of one that is entered while we listen."""

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from coop.identity import SYSTEM
from coop.settings import Settings
from telemetry import devices
from telemetry.model import Device
from tests.parts.databases import Database
from tests.parts.mosquitto import Mosquitto
from tests.telemetry.plant import LONG_AGO, Publisher, found, ingesting, settings

NOTIFIED = (
    '{"src":"shellyplusplugs-aabbccddeeff","dst":"x/events","method":"NotifyStatus",'
    '"params":{"ts":%.2f,"switch:0":{"id":0,"apower":%.1f,"voltage":100.9}}}'
)


def wait(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def slug(request: pytest.FixtureRequest) -> str:
    return f"p{abs(hash(request.node.name)) % 10**8}"


@pytest.fixture
def plant(database: Database, mosquitto: Mosquitto, slug: str) -> Settings:
    found(database.app_url, slug)
    enter(database.app_url, Device("plug-1", "plug-1", "shelly"))
    return settings(database.app_url, mosquitto.url)


@pytest.fixture
def plug(mosquitto: Mosquitto, slug: str) -> Iterator[Publisher]:
    publisher = Publisher(mosquitto.url, f"{slug}-plug")
    yield publisher
    publisher.close()


def enter(url: str, device: Device) -> None:
    with psycopg.connect(url) as conn:
        devices.add_device(conn, SYSTEM, device, LONG_AGO)
        devices.bind(conn, SYSTEM, device.id, "cmm-1", LONG_AGO, LONG_AGO)


def heard(url: str) -> set[tuple[str, str, float | str]]:
    with psycopg.connect(url) as conn:
        rows = conn.execute(
            "SELECT c.device_id, c.name, coalesce(to_json(r.value), to_json(r.text)) FROM telemetry.reading r"
            " JOIN telemetry.channel c ON c.id = r.channel_id"
        )
        return {(device, name, value) for device, name, value in rows}


def test_a_shelly_plug_is_heard_with_every_field_and_its_last_will(plant: Settings, plug: Publisher, slug: str) -> None:
    own = f"moyai/{slug}/plug-1"
    with ingesting(plant) as ingester:
        wait(lambda: ingester.metrics.connected)
        plug.send(f"{own}/online", b"true")
        plug.send(f"{own}/events/rpc", (NOTIFIED % (time.time(), 812.5)).encode())
        plug.send(f"{own}/events/rpc", b'{"method":"NotifyStatus","params":{"ts":1707326927,"wifi":{"rssi":-53}}}')
        plug.send(f"{own}/status/switch:0", b'{"id":0,"output":true,"aenergy":{"total":7258.589}}')
        plug.send(f"{own}/online", b"false")
        wait(lambda: ingester.metrics.acknowledged == 5)
        assert ingester.metrics.rejected == 0
    assert heard(plant.database_url) == {
        ("plug-1", "availability", "online"),
        ("plug-1", "power", 812.5),
        ("plug-1", "voltage", 100.9),
        ("plug-1", "output", 1.0),
        ("plug-1", "energy_wh", 7258.589),
        ("plug-1", "availability", "offline"),
    }


def test_a_plug_that_is_entered_while_we_listen_is_heard_also_under_a_topic_of_its_own(
    plant: Settings, plug: Publisher, slug: str
) -> None:
    with ingesting(plant) as ingester:
        wait(lambda: ingester.metrics.connected)
        enter(plant.database_url, Device("tasmota-1", "tasmota-1", "tasmota"))
        enter(plant.database_url, Device("gen1-1", "gen1-1", "shelly", topic=f"shellies/{slug}"))
        plug.send(f"moyai/{slug}/tasmota-1/tele/SENSOR", b'{"ENERGY":{"Power":9}}')

        def gen1_is_heard() -> bool:
            plug.send(f"shellies/{slug}/relay/0/power", b"12.30")
            return ("gen1-1", "power", 12.3) in heard(plant.database_url)

        wait(gen1_is_heard)
    assert ("tasmota-1", "power", 9.0) in heard(plant.database_url)
    with psycopg.connect(plant.database_url) as conn:
        assert conn.execute("SELECT count(*) FROM telemetry.reject").fetchone() == (0,)
