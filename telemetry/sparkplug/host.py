"""The elected consumers of the Sparkplug groups: each group is heard by one process, whichever holds its lock.

The lock belongs to a connection: a process that dies, or loses the database, gives it up. The next one takes over the
session at the broker and the nodes in the database, so that nothing said meanwhile is lost.
"""

import logging
import threading

import psycopg

from coop.database import Connection
from coop.settings import Settings
from telemetry.ingest.ingester import AWAY, Ingester
from telemetry.ingest.seat import Seat
from telemetry.sparkplug import store
from telemetry.sparkplug.ear import GroupEar
from telemetry.sparkplug.seat import GroupSeat

log = logging.getLogger("telemetry.sparkplug")

ELECTION_SECONDS = 2.0
STOP_SECONDS = 20.0


class SparkplugHosts:
    """Beside an ingester: hears the groups that nobody else hears."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.require("database_url", "mqtt_url")
        self._conn: Connection | None = None
        self._consumers: dict[str, tuple[threading.Thread, threading.Event]] = {}

    @property
    def groups(self) -> set[str]:
        """What is heard here."""
        return set(self._consumers)

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

    def _start(self, group: str) -> tuple[threading.Thread, threading.Event]:
        def seat(slug: str) -> Seat:
            return GroupSeat(slug, 0, self._settings.mqtt_version == 5, group)

        log.info("sparkplug.elected group=%s", group)
        stop = threading.Event()
        consumer = Ingester(self._settings, ear=GroupEar(group), seat=seat)
        thread = threading.Thread(target=consumer.run, args=(stop,), name=f"sparkplug-{group}", daemon=True)
        thread.start()
        return thread, stop

    def _resign(self) -> None:
        """Stop listening, and only then let somebody else be elected."""
        for _, stop in self._consumers.values():
            stop.set()
        for thread, _ in self._consumers.values():
            thread.join(STOP_SECONDS)
        self._consumers.clear()
        if self._conn is not None:
            self._conn.close()
            self._conn = None
