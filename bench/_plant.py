"""Machines that report: a cooperative with plugs, and messages that wait at the broker for an ingester."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

import orjson
import psycopg

from moyai.publish import publish_trace
from moyai.replay import Message
from telemetry.ingest.ingester import Ingester
from tests.parts.mosquitto import Mosquitto
from tests.parts.timescale import TimescaleCluster
from tests.telemetry.plant import LONG_AGO, found, settings

MACHINES = [f"cmm-{number}" for number in range(1, 11)]
START = datetime(2026, 10, 1, tzinfo=UTC)


def open_plant(cluster: TimescaleCluster) -> None:
    """Ten machines, each with a plug."""
    found(cluster.app_url, "bench", MACHINES)


def messages(count: int, readings_each: int, since: datetime = START) -> Iterator[Message]:
    """One reading a second from each machine, in turn, so many to a message."""
    for number in range(count):
        at = since + timedelta(seconds=number // len(MACHINES) * readings_each)
        readings = [
            {"at": (at + timedelta(seconds=second)).isoformat(), "value": 400.0 + (number + second) % 100}
            for second in range(readings_each)
        ]
        payload = {"readings": readings} if readings_each > 1 else readings[0]
        yield Message(f"moyai/bench/{MACHINES[number % len(MACHINES)]}/power", orjson.dumps(payload), at)


@dataclass(frozen=True, slots=True)
class Ingested:
    """From the start of the ingesters until all is committed and acknowledged; `peak_mb` is the largest of them."""

    seconds: float
    peak_mb: float


def ingest_waiting(
    cluster: TimescaleCluster, broker: Mosquitto, waiting: list[Message], *, seats: int = 1, stored: int | None = None
) -> Ingested:
    """Let ingesters, each a process of its own, take what waits for them at the broker."""
    plant = settings(cluster.app_url, broker.url)
    for slot in range(seats):
        _run(Ingester(plant, slot), until=lambda ingester: ingester.metrics.connected)
    publish(broker, waiting)
    spawning = multiprocessing.get_context("spawn")
    go, stop = spawning.Event(), spawning.Event()
    counters = [spawning.Value("q", -1) for _ in range(seats)]
    peaks = [spawning.Value("q", 0) for _ in range(seats)]
    processes = [
        spawning.Process(target=_seat, args=(cluster.app_url, broker.url, slot, go, stop, counters[slot], peaks[slot]))
        for slot in range(seats)
    ]
    for process in processes:
        process.start()
    while any(counter.value < 0 for counter in counters):
        time.sleep(0.01)
    begun = time.perf_counter()
    go.set()
    while sum(counter.value for counter in counters) < len(waiting):
        time.sleep(0.002)
    took = time.perf_counter() - begun
    stop.set()
    for process in processes:
        process.join()
    with psycopg.connect(cluster.app_url) as conn:
        found = conn.execute("SELECT count(*) FROM telemetry.reading WHERE received_at > %s", [LONG_AGO]).fetchone()
    assert stored is None or found == (stored,), found
    return Ingested(took, max(peak.value for peak in peaks) / 1000)


def _seat(
    app_url: str,
    mqtt_url: str,
    slot: int,
    go: Event,
    stop: Event,
    counter: "Synchronized[int]",
    peak: "Synchronized[int]",
) -> None:
    """One ingester; how many messages it acknowledged, and its largest resident size in kB."""
    ingester, over = Ingester(settings(app_url, mqtt_url), slot), threading.Event()
    thread = threading.Thread(target=ingester.run, args=(over,))
    counter.value = 0
    go.wait()
    thread.start()
    while not stop.wait(0.005):
        counter.value = ingester.metrics.acknowledged
    over.set()
    thread.join()
    peak.value = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])  # kB


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
