"""Devices at permissive inputs hear over a real broker whether a start is permitted, and why not."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from booking import Wish, cancel, reserve
from booking.presence import check_in, permits
from booking.presence.interlock import Form, Interlock, OnLoss
from booking.presence.rules import Signal
from coop.database import Pool
from coop.identity import SYSTEM
from coop.interval import Interval
from coop.settings import Settings
from moyai import permissive
from tests.booking.places import settle_in
from tests.parts.databases import Database
from tests.parts.mosquitto import Mosquitto
from tests.telemetry.plant import ingesting

PATIENCE_SECONDS = 20.0


class Device:
    """What a device hears on its topics."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.heard: dict[str, bytes] = {}
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self.client.username_pw_set(parts.username, parts.password)
        self.client.on_message = lambda c, d, message: self.heard.update({message.topic: bytes(message.payload)})
        self.client.on_connect = lambda c, *_: c.subscribe("#", qos=1)
        self.client.connect(parts.hostname or "", parts.port or 1883)
        self.client.loop_start()

    def hears(self, topic: str, expected: object) -> None:
        """Wait until the last word on `topic` is `expected` (of JSON what it says)."""
        until = monotonic() + PATIENCE_SECONDS
        said: object = None
        while monotonic() < until:
            said = self.heard.get(topic)
            if isinstance(said, bytes) and said.startswith(b"{"):
                word = json.loads(said)
                said = (word["enable"], word["reason"]) if "enable" in word else word.get("params", word.get("answer"))
            if said == expected:
                return
            sleep(0.05)
        pytest.fail(f"{topic}: {said!r} instead of {expected!r}")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def speaking(pool: Pool, settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=permissive.run_loop, args=(pool, settings, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def test_a_device_hears_what_is_permitted_now_and_after_it_was_away(
    database: Database, pool: Pool, own_mosquitto: Mosquitto
) -> None:
    settings = Settings(database_url=database.app_url, mqtt_url=own_mosquitto.url)
    now = datetime.now(UTC)
    with psycopg.connect(database.app_url) as conn:
        place = settle_in(conn, machines=3, members=1)
        permits.set_interlock(conn, SYSTEM, Interlock("cmm-1", on_network_loss=OnLoss.STAY), now)
        permits.set_interlock(conn, SYSTEM, Interlock("cmm-2", Form.SHELLY, "shelly-2"), now)
        permits.set_interlock(conn, SYSTEM, Interlock("cmm-3", Form.TASMOTA, "tasmota-3"), now)
        for machine_id in place.machine_ids:
            check_in.hear(conn, machine_id, Signal(idle_since=now - timedelta(hours=1)), now)
        conn.commit()
        device = Device(own_mosquitto.url)
        try:
            with ingesting(settings) as ingester, speaking(pool, settings):
                device.hears("moyai/test/cmm-1/command/enable", (False, "no_booking"))
                device.hears("shelly-2/rpc", {"id": 0, "on": False, "toggle_after": 300})
                device.hears("moyai/test/cmm-2/command/enable", (False, "no_booking"))
                device.hears("cmnd/tasmota-3/POWER", b"OFF")
                slot = Interval.of(now.replace(minute=0, second=0, microsecond=0), timedelta(hours=2))
                made = reserve(conn, SYSTEM, Wish("cmm-1", slot, member_id="m01"), now)
                conn.commit()
                device.hears("moyai/test/cmm-1/command/enable", (True, None))
                cancel(conn, SYSTEM, made.id, now)
                check_in.hear(conn, "cmm-2", Signal(running_since=now), now)
                check_in.hear(conn, "cmm-3", Signal(), now)
                conn.commit()
                device.hears("moyai/test/cmm-1/command/enable", (False, "no_booking"))
                device.hears("shelly-2/rpc", {"id": 0, "on": True})
                device.hears("cmnd/tasmota-3/POWER", b"ON")
                check_in.badge(conn, check_in.badge_hash("k" * 32, "never given"), "cmm-1", datetime.now(UTC))
                conn.commit()
                device.hears("moyai/test/cmm-1/command/badge", "unknown_badge")
                until = monotonic() + PATIENCE_SECONDS
                while ingester.metrics.acknowledged < 3 and monotonic() < until:
                    sleep(0.05)
                assert ingester.metrics.rejected == 0, "what we say ourselves is no reading"
                later = Device(own_mosquitto.url)
                later.hears("moyai/test/cmm-1/command/enable", (False, "no_booking"))
                later.close()
        finally:
            device.close()
