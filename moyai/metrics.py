"""What Prometheus is told: of a process by its own counters, of the whole installation by one look at the database.

Everything is computed when it is asked for, so nothing is counted that nobody watches. The names are in
docs/reference/metrics.md; a test compares.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from coop.database import Connection
from coop.queries import load
from telemetry.devices.listing import heard_devices
from telemetry.devices.liveness import Liveness
from telemetry.ingest.ingester import Metrics

SQL = load("moyai")
CONTENT_TYPE = CONTENT_TYPE_LATEST


class OfIngester(Collector):
    """One ingester's counters since it started."""

    def __init__(self, read: Callable[[], Metrics]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """The counters now."""
        now = self._read()
        counters = {
            "received": ("Messages that the broker delivered", now.received),
            "committed": ("Messages whose batch was committed", now.committed),
            "acknowledged": ("Messages acknowledged to the broker, after their commit", now.acknowledged),
            "duplicates": ("Messages and readings that had been stored before", now.duplicates),
            "rejected": ("Messages that could not be taken", now.rejected),
            "readings": ("Readings stored", now.readings_committed),
        }
        for name, (what, count) in counters.items():
            yield CounterMetricFamily(f"moyai_ingest_{name}", what, count)
        yield GaugeMetricFamily("moyai_ingest_connected", "1 while messages flow", int(now.connected))
        yield GaugeMetricFamily("moyai_ingest_queue_messages", "Messages that wait to be written", now.queued)
        yield GaugeMetricFamily(
            "moyai_ingest_lag_seconds", "How long the oldest message that is not committed has waited", now.lag_seconds
        )
        if now.last_commit_at is not None:
            at = now.last_commit_at.timestamp()
            yield GaugeMetricFamily("moyai_ingest_last_commit_timestamp_seconds", "When it last committed", at)


class OfInstallation(Collector):
    """What the database says of everything."""

    def __init__(self, run: Callable[[Callable[[Connection], list[Metric]]], list[Metric] | None]) -> None:
        self._run = run

    def collect(self) -> Iterable[Metric]:
        """The state now; only that the database is away when it is."""
        now = datetime.now(UTC)
        found = self._run(lambda conn: installation(conn, now))
        yield GaugeMetricFamily("moyai_database_up", "1 when the database answers", int(found is not None))
        yield from found or ()


def installation(conn: Connection, now: datetime) -> list[Metric]:
    """What waits to be derived, jobs, reservations, devices, alerts and rejected messages at `now`."""
    values = {"now": now}
    waiting, derive_lag = _row(conn, "to_derive", now)
    todo, doing, failed, job_lag = _row(conn, "jobs", now)
    devices = Counter(each.liveness for each in heard_devices(conn, now))
    return [
        GaugeMetricFamily("moyai_derive_waiting_machines", "Machines that wait to be derived", waiting),
        GaugeMetricFamily(
            "moyai_derive_lag_seconds", "Age of the oldest reading that waits to be derived", max(0.0, derive_lag or 0)
        ),
        _by("moyai_jobs", "Jobs", "status", {"todo": todo, "doing": doing, "failed": failed}),
        GaugeMetricFamily("moyai_jobs_lag_seconds", "How long a job that could run has waited", job_lag or 0),
        _by(
            "moyai_reservations",
            "Reservations under way or to come",
            "status",
            dict(conn.execute(SQL["reservations"], values).fetchall()),
        ),
        _by("moyai_devices", "Devices", "liveness", {each.value: devices[each] for each in Liveness}),
        _by("moyai_alerts", "Open alerts", "kind", dict(conn.execute(SQL["alerts"], values).fetchall())),
        CounterMetricFamily("moyai_rejected_messages", "Messages rejected, ever", _row(conn, "rejected", now)[0]),
    ]


def exposition(*collectors: Collector) -> bytes:
    """These metrics and those of the process itself, as Prometheus reads them."""
    registry = CollectorRegistry()
    for each in collectors:
        registry.register(each)
    return generate_latest(REGISTRY) + generate_latest(registry)


def _row(conn: Connection, name: str, now: datetime) -> tuple[float, ...]:
    row = conn.execute(SQL[name], {"now": now}).fetchone()
    assert row is not None
    return row


def _by(name: str, what: str, label: str, counts: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=[label])
    for key, count in counts.items():
        family.add_metric([key], count)
    return family
