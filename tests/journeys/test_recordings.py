"""Recordings of real machine tools, published again through broker and ingester: their durations are the published."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import psycopg
import pytest

from coop import machines, register
from coop.database import Pool, open_pool
from coop.identity import SYSTEM
from coop.machines import Machine
from coop.register import Cooperative
from moyai.publish import publish_trace, replay
from moyai.replay import Message, read_trace
from telemetry import devices
from telemetry.derive import derive_all
from telemetry.model import Device
from telemetry.states import rules
from telemetry.states.model import StateRule
from tests.parts.databases import Database
from tests.parts.mosquitto import Mosquitto
from tests.telemetry.plant import LONG_AGO, ingesting, settings

EXCERPT = Path(__file__).parents[1] / "moyai/recordings/nist-mazak01-excerpt.txt"
DAYS = Path(__file__).parents[3] / "shared/data/nist-sms"
PATIENCE_SECONDS = 120

# Milliseconds by the machine's own word. The excerpt's were added up by hand; the days' were published with them.
TRUTH = {
    EXCERPT: {"STOPPED": 964_319, "READY": 70_360, "ACTIVE": 7_371, "UNAVAILABLE": 46_295},
    DAYS / "Mazak01-20161101-20161102.txt": {
        "ACTIVE": 2_355_622,
        "FEED_HOLD": 4_207,
        "INTERRUPTED": 52_576,
        "READY": 3_227_404,
        "STOPPED": 2_666_233,
        "UNAVAILABLE": 79_249_804,
    },
    DAYS / "Mazak03-20161101-20161102.txt": {
        "ACTIVE": 13_138_188,
        "FEED_HOLD": 111_105,
        "INTERRUPTED": 4_778_218,
        "READY": 15_893_042,
        "STOPPED": 2_384_678,
        "UNAVAILABLE": 48_093_432,
    },
}
PRESENT = [pytest.param(file, id=file.stem) for file in TRUTH if file.exists()]


@pytest.fixture
def pool(database: Database) -> Iterator[Pool]:
    """A cooperative whose one machine tool tells its own state."""
    with psycopg.connect(database.app_url) as conn:
        register.found(conn, Cooperative("nist", "nist", ZoneInfo("Asia/Tokyo"), None, ""), LONG_AGO)
        machines.add_machine(conn, Machine("mazak", "mc", "マザック", "Mazak"))
        devices.add_device(conn, SYSTEM, Device("adapter", "mazak"), LONG_AGO)
        since = datetime.fromisoformat("2016-01-01T00:00:00Z")
        devices.bind(conn, SYSTEM, "adapter", "mazak", since, LONG_AGO)
        rules.set_rule(conn, SYSTEM, "mazak", StateRule("execution", "execution"), since, LONG_AGO)
    with open_pool(settings(database.app_url, "")) as pool:
        yield pool


@pytest.mark.parametrize("file", PRESENT)
def test_a_replayed_recording_has_its_published_durations(
    file: Path, database: Database, own_mosquitto: Mosquitto, pool: Pool
) -> None:
    with ingesting(settings(database.app_url, own_mosquitto.url)) as ingester:
        wait_for(lambda: ingester.metrics.connected)
        replay(file, own_mosquitto.url, "nist", "mazak")
        wait_for(lambda: ingester.metrics.readings_committed == readings_in(file))
    derive_all(pool)
    assert milliseconds_by_word(pool) == TRUTH[file]


@pytest.mark.parametrize("file", PRESENT)
def test_so_it_has_in_any_order_of_arrival_derived_all_the_while(
    file: Path, database: Database, own_mosquitto: Mosquitto, pool: Pool
) -> None:
    messages = list(read_trace(file, "nist", "mazak", per_message=7))
    random.Random(20161101).shuffle(messages)
    parts = [messages[part::5] for part in range(5)]
    with ingesting(settings(database.app_url, own_mosquitto.url)) as ingester:
        wait_for(lambda: ingester.metrics.connected)
        published = 0
        for part in parts:
            publish_trace(part, own_mosquitto.url)
            published += sum(len(readings_of(message)) for message in part)
            wait_for(lambda: ingester.metrics.readings_committed == published)  # noqa: B023  # called within the turn
            derive_all(pool)
    assert milliseconds_by_word(pool) == TRUTH[file]


def readings_of(message: Message) -> list[object]:
    readings: list[object] = orjson.loads(message.payload)["readings"]
    return readings


def readings_in(file: Path) -> int:
    return sum(len(readings_of(message)) for message in read_trace(file, "nist", "mazak", per_message=300))


def milliseconds_by_word(pool: Pool) -> dict[str, int]:
    spent: Counter[str] = Counter()
    with pool.connection() as conn:
        for native, length in conn.execute("SELECT native, ended_at - started_at FROM telemetry.state_interval"):
            spent[native] += length // timedelta(microseconds=1)
    return {native: round(microseconds / 1_000) for native, microseconds in spent.items()}


def wait_for(condition: Callable[[], bool]) -> None:
    """Return when the condition holds."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)
