"""The real parts a benchmark runs on: a durable TimescaleDB, Mosquitto, and a cooperative in it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from coop.migrate import migrate
from tests.parts.mosquitto import Mosquitto
from tests.parts.timescale import TimescaleCluster


@contextmanager
def database() -> Iterator[TimescaleCluster]:
    """An empty, migrated TimescaleDB that waits for the disk at each commit."""
    with _folder() as folder:
        cluster = TimescaleCluster(folder, durable=True)
        cluster.start()
        try:
            migrate(cluster.owner_url)
            yield cluster
        finally:
            cluster.stop()


@contextmanager
def broker() -> Iterator[Mosquitto]:
    """A persistent Mosquitto."""
    with _folder() as folder:
        mosquitto = Mosquitto(folder)
        mosquitto.start()
        try:
            yield mosquitto
        finally:
            mosquitto.stop()


def settle_tables(owner_url: str) -> None:
    """Statistics as autovacuum would have made them by the time somebody looks."""
    with psycopg.connect(owner_url, autocommit=True) as conn:
        conn.execute("ANALYZE")


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="moyai-bench-") as name:
        Path(name).chmod(0o711)
        yield Path(name)
