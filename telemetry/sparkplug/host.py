"""The elected consumers of the Sparkplug groups: each group is heard by one process, whichever holds its lock.

The lock belongs to a connection: a process that dies, or loses the database, gives it up. The next one takes over the
session at the broker and the nodes in the database, so that nothing said meanwhile is lost.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from coop.database import Connection
from coop.settings import Settings
from telemetry.ingest.ingester import AWAY, Ingester, Metrics
from telemetry.ingest.seat import Seat
from telemetry.sparkplug import store
from telemetry.sparkplug.ear import GroupEar
from telemetry.sparkplug.seat import GroupSeat

log = logging.getLogger("telemetry.sparkplug")

ELECTION_SECONDS = 2.0
STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class _Consumer:
    ingester: Ingester
    thread: threading.Thread
    stop: threading.Event


class SparkplugHosts:
    """Beside an ingester: hears the groups that nobody else hears."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.require("database_url", "mqtt_url")
        self._conn: Connection | None = None
        self._consumers: dict[str, _Consumer] = {}

    @property
    def metrics(self) -> dict[str, Metrics]:
        """The counters of the groups that are heard here; from any thread."""
        return {group: each.ingester.metrics for group, each in self._consumers.copy().items()}

    @contextmanager
    def beside(self, stop: threading.Event) -> Iterator[None]:
        """Run on a thread of its own while something else runs until `stop` is set."""
        thread = threading.Thread(target=self.run, args=(stop,), name="sparkplug-election")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def run(self, stop: threading.Event) -> None:
        """Stand for election until `stop` is set."""
        while not stop.is_set():
            try:
                self._elect()
            except AWAY as away:
                log.warning("sparkplug.database_away error=%s groups=%s", type(away).__name__, sorted(self._consumers))
                self._resign()
            stop.wait(ELECTION_SECONDS)
        self._resign()

    def _elect(self) -> None:
        if self._conn is None:
            self._conn = psycopg.connect(self._settings.database_url, autocommit=True, connect_timeout=5)
        for group in store.groups(self._conn) - self._consumers.keys():
            if store.elect(self._conn, group):
                self._consumers[group] = self._start(group)

    def _start(self, group: str) -> _Consumer:
        def seat(slug: str) -> Seat:
            return GroupSeat(slug, 0, self._settings.mqtt_version == 5, group)

        log.info("sparkplug.elected group=%s", group)
        stop = threading.Event()
        ingester = Ingester(self._settings, ear=GroupEar(group), seat=seat)
        thread = threading.Thread(target=ingester.run, args=(stop,), name=f"sparkplug-{group}", daemon=True)
        thread.start()
        return _Consumer(ingester, thread, stop)

    def _resign(self) -> None:
        """Stop listening, and only then let somebody else be elected."""
        for each in self._consumers.values():
            each.stop.set()
        for each in self._consumers.values():
            each.thread.join(STOP_SECONDS)
        self._consumers.clear()
        if self._conn is not None:
            self._conn.close()
            self._conn = None
