"""A badge over MQTT: who holds it to the reader comes, then leaves; its number is stored nowhere."""

from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

import psycopg

from booking import Wish, reserve
from booking.presence import check_in
from coop.identity import SYSTEM
from coop.interval import Interval
from telemetry import devices
from telemetry.model import Device
from tests.booking.places import settle_in
from tests.parts.databases import Database
from tests.parts.mosquitto import Mosquitto
from tests.telemetry.plant import Publisher, ingesting, settings

BADGE = "04A219F2B35C80"
KEY = "k" * 32


def test_a_badge_comes_and_leaves_over_mqtt(database: Database, own_mosquitto: Mosquitto) -> None:
    now = datetime.now(UTC)
    slot = Interval.of(now.replace(minute=0, second=0, microsecond=0), timedelta(hours=2))
    with psycopg.connect(database.app_url, autocommit=True) as conn:
        sato = settle_in(conn, machines=1, members=1).engineers[0]
        assert sato.person_id is not None
        devices.add_device(conn, SYSTEM, Device("reader-1", "cmm-1"), now)
        devices.bind(conn, SYSTEM, "reader-1", "cmm-1", now - timedelta(days=1), now)
        check_in.give_badge(conn, SYSTEM, check_in.badge_hash(KEY, BADGE), sato.person_id, now)
        reserve(conn, SYSTEM, Wish("cmm-1", slot, person_id=sato.person_id), now)

        def becomes(status: str) -> bool:
            until = monotonic() + 20
            while monotonic() < until:
                if conn.execute("SELECT status FROM booking.reservation").fetchone() == (status,):
                    return True
                sleep(0.05)
            return False

        publisher = Publisher(own_mosquitto.url, "reader-1")
        with ingesting(settings(database.app_url, own_mosquitto.url, secret_key=KEY)) as ingester:
            while not ingester.metrics.connected:
                sleep(0.05)
            publisher.send("moyai/test/cmm-1/badge", {"value": "0BADF00D"})
            publisher.send("moyai/test/cmm-1/badge", {"value": BADGE})
            assert becomes("in_use")
            publisher.send("moyai/test/cmm-1/badge", {"value": BADGE})
            assert becomes("done")
            assert ingester.metrics.rejected == 0
        publisher.close()
        assert conn.execute("SELECT count(*) FROM telemetry.reading").fetchone() == (0,)
        assert conn.execute("SELECT came_by FROM booking.visit").fetchall() == [("badge",)]
