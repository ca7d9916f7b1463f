"""The room's temperature over MQTT: from the broker to the rules of booking."""

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg

from booking.fitness import evidence as fitness
from coop.database import Connection, open_pool
from telemetry.derive import derive_all
from tests.parts.databases import Database
from tests.parts.mosquitto import Mosquitto
from tests.telemetry.plant import Publisher, found, ingesting, settings

NOW = datetime.now(UTC).replace(microsecond=0)


def known(conn: Connection) -> tuple[Decimal | None, datetime | None]:
    found = fitness.known(conn, "cmm-1")
    return found.celsius, found.celsius_at


def test_a_sensor_tells_booking_over_mqtt(database: Database, mosquitto: Mosquitto) -> None:
    found(database.app_url, "room")
    payload = {
        "readings": [
            {"at": (NOW - timedelta(minutes=10)).isoformat(), "value": 22.456, "seq": 1},
            {"at": (NOW - timedelta(minutes=5)).isoformat(), "value": 20.123, "seq": 2},
            {"at": (NOW - timedelta(minutes=20)).isoformat(), "value": 25.0, "seq": 3},
            {"at": (NOW - timedelta(minutes=4)).isoformat(), "value": 850.0, "seq": 4},
        ]
    }
    here = settings(database.app_url, mosquitto.url)
    with psycopg.connect(database.app_url, autocommit=True) as conn, open_pool(here) as pool:
        assert known(conn) == (None, None)
        with ingesting(here), closing(Publisher(mosquitto.url, "room-sensor")) as sensor:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and known(conn)[0] is None:
                sensor.send("moyai/room/cmm-1/room_temperature", payload)  # again, until somebody listens
                derive_all(pool)
                time.sleep(0.1)
        assert known(conn) == (Decimal("20.12"), NOW - timedelta(minutes=5))
