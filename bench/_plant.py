"""Machines that report: a cooperative with plugs, and messages that wait at the broker for an ingester."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import orjson
import psycopg

from moyai.publish import publish_trace
from moyai.replay import Message
from telemetry.ingest.ingester import Ingester
from tests.parts.mosquitto import Mosquitto
from tests.parts.timescale import TimescaleCluster
from tests.telemetry.plant import found, settings

MACHINES = [f"cmm-{number}" for number in range(1, 11)]
START = datetime(2026, 10, 1, tzinfo=UTC)


def open_plant(cluster: TimescaleCluster) -> None:
    """Ten machines, each with a plug."""
    found(cluster.app_url, "bench", MACHINES)


def messages(count: int, readings_each: int) -> Iterator[Message]:
    """One reading a second from each machine, in turn, so many to a message."""
    for number in range(count):
        at = START + timedelta(seconds=number // len(MACHINES) * readings_each)
        readings = [
            {"at": (at + timedelta(seconds=second)).isoformat(), "value": 400.0 + (number + second) % 100}
            for second in range(readings_each)
        ]
        payload = {"readings": readings} if readings_each > 1 else readings[0]
        yield Message(f"moyai/bench/{MACHINES[number % len(MACHINES)]}/power", orjson.dumps(payload), at)


def seconds_to_ingest(cluster: TimescaleCluster, broker: Mosquitto, count: int, readings_each: int) -> float:
    """From the start of an ingester until all that waited at the broker for it is committed and acknowledged."""
    plant = settings(cluster.app_url, broker.url)
    _run(Ingester(plant), until=lambda ingester: ingester.metrics.connected)
    publish(broker, messages(count, readings_each))
    took = _run(Ingester(plant), until=lambda ingester: ingester.metrics.acknowledged >= count)
    with psycopg.connect(cluster.app_url) as conn:
        assert conn.execute("SELECT count(*) FROM telemetry.reading").fetchone() == (count * readings_each,)
    return took


def publish(broker: Mosquitto, wanted: Iterable[Message]) -> None:
    """Publish all and return when the broker has them."""
    publish_trace(wanted, broker.url)


def _run(ingester: Ingester, *, until: Callable[[Ingester], bool]) -> float:
    stop = threading.Event()
    thread = threading.Thread(target=ingester.run, args=(stop,))
    begun = time.perf_counter()
    thread.start()
    while not until(ingester):
        time.sleep(0.005)
    took = time.perf_counter() - begun
    stop.set()
    thread.join()
    return took
