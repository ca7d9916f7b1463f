"""Messages become readings: take, decode, one transaction a batch, commit, and only then acknowledge.

`run` is the process `moyai ingest`. It keeps nothing that it could not lose: what is not acknowledged comes again.
While the database is away it keeps the batch in hand and tries again; while the broker is away it connects again.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from prometheus_client import Histogram

from coop import register
from coop.database import Connection
from coop.mqtt import Tls
from coop.settings import Settings
from telemetry.badges import hear_taps, without_taps
from telemetry.ingest import store
from telemetry.ingest.hearing import CONTEXT_SECONDS, DevicesEar, Ear
from telemetry.ingest.intake import Intake
from telemetry.ingest.seat import Seat, require_seat
from telemetry.ingest.store import Stored
from telemetry.model import Decoded, Message, Reason, Rejected

log = logging.getLogger("telemetry.ingest")

AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.ProgrammingError)
"""Not the batch's fault: no connection, no space, a deadlock, tables that are not migrated yet."""

COMMIT_SECONDS = Histogram("moyai_ingest_commit_seconds", "Writing one batch, commit included")

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
LAST_TRY_SECONDS = 10.0  # a stop with the database away leaves the rest to the broker after this
FOUNDING_PAUSE_SECONDS = 2.0

COLLECT_AFTER = 100_000
"""Python looks for dead cycles after so many new objects: messages and readings are many, live long, and have none. Its
default of 700 costs a tenth of the throughput."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """What one ingester did since it started. Messages, except where a name says readings."""

    connected: bool
    received: int
    committed: int
    readings_committed: int
    duplicates: int
    rejected: int
    acknowledged: int
    queued: int
    last_commit_at: datetime | None
    lag_seconds: float


class Ingester:
    """One process slot: its number makes the client id, under which the broker keeps what it did not take yet."""

    def __init__(
        self,
        settings: Settings,
        slot: int = 0,
        *,
        leaving: bool = False,
        ear: Ear | None = None,
        seat: Callable[[str], Seat] | None = None,
    ) -> None:
        """One that is `leaving` takes what waits for its slot, and gives the slot up; raises `SlotNeedsMqtt5`.

        Another `ear` hears other topics, at a `seat` of its own (of the cooperative's slug).
        """
        self._settings = settings.require("database_url", "mqtt_url")
        require_seat(slot, settings.mqtt_version, leaving=leaving)
        self._slot, self._leaving = slot, leaving
        self._ear = DevicesEar() if ear is None else ear
        self._seat = (lambda slug: Seat.of(slug, slot, settings.mqtt_version)) if seat is None else seat
        self._listens_at = 0.0
        self._client_id = ""
        self._intake: Intake | None = None
        self._conn: Connection | None = None
        self._channels: dict[tuple[str, str], int] = {}
        self._committed = self._readings = self._duplicates = self._rejected = 0
        self._last_commit_at: datetime | None = None

    @property
    def metrics(self) -> Metrics:
        """The counters now; from any thread."""
        intake = self._intake
        return Metrics(
            connected=intake is not None and intake.subscribed,
            received=intake.received if intake else 0,
            committed=self._committed,
            readings_committed=self._readings,
            duplicates=self._duplicates + (intake.twins if intake else 0),
            rejected=self._rejected,
            acknowledged=intake.acknowledged if intake else 0,
            queued=intake.queued if intake else 0,
            last_commit_at=self._last_commit_at,
            lag_seconds=intake.lag_seconds if intake else 0.0,
        )

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then write and acknowledge what has arrived, and leave."""
        founded = self._await_founding(stop)
        if founded is None:
            return
        slug, topics = founded
        seat = self._seat(slug)
        self._client_id = seat.client_id
        tls = Tls.of(self._settings)
        self._intake = intake = Intake(self._settings.mqtt_url, seat, topics, tls, leaving=self._leaving)
        gc.set_threshold(COLLECT_AFTER, 10, 10)
        intake.start()
        try:
            while True:
                self._listen(intake)
                stopping = stop.is_set() or (self._leaving and intake.drained)
                if stopping:
                    intake.pause()
                batch = intake.take(self._settings.ingest_batch_messages, self._settings.ingest_batch_ms / 1000)
                if not batch and stopping:
                    break
                if batch and not self._write(batch, stop):
                    break
                intake.done(batch)
        finally:
            intake.close()
            self._disconnect()
            log.info("ingest.stopped metrics=%s", self.metrics)

    def _listen(self, intake: Intake) -> None:
        """Hear also the devices that were entered meanwhile."""
        if time.monotonic() < self._listens_at:
            return
        self._listens_at = time.monotonic() + CONTEXT_SECONDS
        try:
            intake.listen(self._ear.topics(self._conn or self._connect()))
        except AWAY as away:
            self._disconnect()
            log.warning("ingest.database_away error=%s sqlstate=%s", type(away).__name__, away.sqlstate)

    def _write(self, messages: Sequence[Message], stop: threading.Event) -> bool:
        """Return True once the batch is committed; False if that was not possible before a stop."""
        pause, gives_up_at = FIRST_PAUSE_SECONDS, None
        refused = False
        while True:
            try:
                conn = self._conn or self._connect()
                batch = self._ear.hear(conn, messages)
                if refused:
                    batch = [(message, Rejected(Reason.REFUSED_BY_DATABASE)) for message, _ in batch]
                self._commit(conn, batch)
            except AWAY as away:
                self._disconnect()
                log.warning(
                    "ingest.database_away error=%s sqlstate=%s messages=%s pause_seconds=%.1f",
                    type(away).__name__,
                    away.sqlstate,
                    len(messages),
                    pause,
                )
            except Exception:  # the edge of the process: whatever one message does, the others must get through
                log.exception("ingest.batch_refused messages=%s", len(messages))
                if len(messages) > 1:
                    return all(self._write([message], stop) for message in messages)
                refused = True
            else:
                return True
            if stop.is_set():
                gives_up_at = gives_up_at or time.monotonic() + LAST_TRY_SECONDS
                if time.monotonic() > gives_up_at:
                    log.warning("ingest.left_to_broker messages=%s", len(messages))
                    return False
                time.sleep(pause)
            else:
                stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _commit(self, conn: Connection, batch: Sequence[Decoded]) -> None:
        with COMMIT_SECONDS.time(), conn.transaction():
            stored = store.save(conn, self._client_id, without_taps(batch), self._channels)
            hear_taps(conn, self._settings.secret_key, batch)
            self._ear.keep(conn)
        self._count(batch, stored)
        if self._intake is not None:
            self._intake.say(self._ear.kept())

    def _count(self, batch: Sequence[Decoded], stored: Stored) -> None:
        self._channels.update(stored.channels)
        self._committed += len(batch)
        self._readings += stored.entered
        self._duplicates += stored.duplicates
        self._rejected += stored.rejected
        self._last_commit_at = datetime.now(UTC)

    def _await_founding(self, stop: threading.Event) -> tuple[str, Sequence[str]] | None:
        """The cooperative's slug and what is to be heard, as soon as there is one."""
        while not stop.is_set():
            try:
                with psycopg.connect(self._settings.database_url, connect_timeout=5) as conn:
                    return register.cooperative(conn).slug, self._ear.topics(conn)
            except register.NotFounded:
                log.info("ingest.waiting for=cooperative")
            except AWAY as away:
                log.warning("ingest.waiting for=database error=%s", type(away).__name__)
            stop.wait(FOUNDING_PAUSE_SECONDS)
        return None

    def _connect(self) -> Connection:
        self._conn = psycopg.connect(
            self._settings.database_url, autocommit=True, connect_timeout=5, options="-c TimeZone=UTC"
        )
        store.prepare(self._conn)
        return self._conn

    def _disconnect(self) -> None:
        """What was looked up goes too: another database may answer next."""
        self._channels.clear()
        if self._conn is not None:
            self._conn.close()
            self._conn = None


def run(settings: Settings, stop: threading.Event, slot: int = 0) -> None:
    """Ingest until `stop` is set."""
    Ingester(settings, slot).run(stop)
