"""A cooperative with one machine and its plug; a publisher, and an ingester to run against them."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import orjson
import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

from coop import machines, register
from coop.identity import SYSTEM
from coop.machines import Machine
from coop.register import Cooperative
from coop.settings import Settings
from telemetry import devices
from telemetry.ingest.ingester import Ingester
from telemetry.model import Device, Message

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def found(url: str, slug: str, machine_ids: Sequence[str] = ("cmm-1",)) -> None:
    """Found the cooperative `slug`; each machine has a plug of its own name, bound since long ago."""
    with psycopg.connect(url) as conn:
        register.found(conn, Cooperative(slug, slug, ZoneInfo("Asia/Tokyo"), None, ""), LONG_AGO)
        for machine_id in machine_ids:
            machines.add_machine(conn, Machine(machine_id, "cmm", machine_id, machine_id))
            devices.add_device(conn, SYSTEM, Device(f"plug-{machine_id}", machine_id), LONG_AGO)
            devices.bind(conn, SYSTEM, f"plug-{machine_id}", machine_id, LONG_AGO, LONG_AGO)


def settings(database_url: str, mqtt_url: str, **more: Any) -> Settings:
    return Settings(database_url=database_url, mqtt_url=mqtt_url, **more)


def delivered(mid: int = 1) -> Message:
    """A message as it comes from the broker, where only what it said matters."""
    return Message(0, mid, redelivered=False, retained=False, topic="", payload=b"", received_at=LONG_AGO)


@contextmanager
def ingesting(settings: Settings) -> Iterator[Ingester]:
    """An ingester at work; a clean stop at the end, which must not take long."""
    ingester, stop = Ingester(settings), threading.Event()
    thread = threading.Thread(target=ingester.run, args=(stop,))
    thread.start()
    try:
        yield ingester
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


class Publisher:
    """A machine's side: publishes at QoS 1 and knows what the broker acknowledged."""

    def __init__(self, url: str, name: str) -> None:
        parts = urlsplit(url)
        self.acknowledged: set[int] = set()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, name)
        self.client.username_pw_set(parts.username, parts.password)
        self.client.max_queued_messages_set(0)
        self.client.max_inflight_messages_set(500)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_publish = lambda c, d, mid, reason, properties: self.acknowledged.add(mid)
        self.client.connect(parts.hostname or "", parts.port or 1883)
        self.client.loop_start()

    def send(self, topic: str, *payloads: object, retain: bool = False) -> None:
        """Publish each and wait until the broker has it."""
        sent = [self.client.publish(topic, _bytes(payload), qos=1, retain=retain) for payload in payloads]
        for each in sent:
            each.wait_for_publish(30)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def _bytes(payload: object) -> bytes:
    return payload if isinstance(payload, bytes) else orjson.dumps(payload)
