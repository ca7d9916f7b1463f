"""The real parts as fixtures, and what happens to a suite whose part could not be had."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser

from coop.database import Connection, Pool, open_pool
from coop.migrate import migrate
from coop.settings import Settings
from moyai.parts.postgres import EmbeddedPostgres
from tests.callers import Callers, callers
from tests.parts import missing, office
from tests.parts.chromium import chromium
from tests.parts.community import CommunityDatabase
from tests.parts.databases import Database, Template
from tests.parts.mosquitto import Mosquitto
from tests.parts.timescale import TimescaleCluster

LEFT_OUT = missing()
MEMORY, MEMORY_BYTES = Path("/dev/shm"), 4_000_000_000

# An example takes as long as the machine lets it: a loaded one finds no defect.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

Part = TypeVar("Part", TimescaleCluster, EmbeddedPostgres, Mosquitto)

# Who asks for the fixture needs the part: the marker comes by itself.
MARKER_OF_FIXTURE = {
    "timescale_template": "timescale",
    "timescale_cluster": "timescale",
    "mosquitto": "mosquitto",
    "own_mosquitto": "mosquitto",
    "browser": "browser",
    "community_database": "community",
    "recalculated": "office",
}


def pytest_configure(config: pytest.Config) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would hand down "ignored"
    if LEFT_OUT and os.environ.get("CI") == "true":
        raise pytest.UsageError(f"CI may not leave out: {', '.join(LEFT_OUT)}. Run python -m tests.parts first.")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in MARKER_OF_FIXTURE.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(MARKER_OF_FIXTURE[fixture])
        for marker in LEFT_OUT:
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=_left_out(marker)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for marker in LEFT_OUT:
        terminalreporter.write_line(f"*** LEFT OUT: {_left_out(marker)}", red=True, bold=True)


def _needs(marker: str) -> None:
    """For who asks by `request.getfixturevalue`, whose marker nobody could see before."""
    if marker in LEFT_OUT:
        pytest.skip(_left_out(marker))


def _left_out(marker: str) -> str:
    return f"the {marker} tests. {LEFT_OUT[marker]}"


@pytest.fixture(scope="session")
def timescale_template() -> Iterator[Template]:
    _needs("timescale")
    with _folder(memory=True) as folder, _started(TimescaleCluster(folder, durable=False)) as cluster:
        yield Template(cluster.owner_url, cluster.app_url)


@pytest.fixture(scope="session")
def embedded_template() -> Iterator[Template]:
    with _folder(memory=True) as folder, _started(EmbeddedPostgres(folder)) as cluster:
        yield Template(cluster.owner_url, cluster.app_url)


@pytest.fixture
def database(timescale_template: Template) -> Iterator[Database]:
    """An empty, migrated database of one's own, on TimescaleDB."""
    with timescale_template.clone() as database:
        yield database


@pytest.fixture
def embedded_database(embedded_template: Template) -> Iterator[Database]:
    """The same on the embedded PostgreSQL."""
    with embedded_template.clone() as database:
        yield database


@pytest.fixture
def conn(database: Database) -> Iterator[Connection]:
    """The application role's connection; what the test does not commit is rolled back."""
    with psycopg.connect(database.app_url, options="-c TimeZone=UTC") as conn:
        yield conn
        conn.rollback()


@pytest.fixture
def pool(database: Database) -> Iterator[Pool]:
    """The application role's pool."""
    with open_pool(Settings(database_url=database.app_url)) as pool:
        yield pool


@pytest.fixture
def api(database: Database) -> Iterator[Callers]:
    """The application on a database of its own, and people to call it."""
    with callers(database.app_url) as everybody:
        yield everybody


@pytest.fixture
def recalculated(tmp_path: Path) -> Callable[[bytes], bytes]:
    """A spreadsheet computed anew by LibreOffice."""

    def recalculate(content: bytes) -> bytes:
        file, folder = tmp_path / "book.xlsx", tmp_path / "out"
        file.write_bytes(content)
        return office.recalculated(file, folder).read_bytes()

    return recalculate


@pytest.fixture
def timescale_cluster() -> Iterator[TimescaleCluster]:
    """A durable, migrated TimescaleDB that the test may `kill()` and `start()` again."""
    _needs("timescale")
    with _folder() as folder, _started(TimescaleCluster(folder, durable=True)) as cluster:
        migrate(cluster.owner_url)
        yield cluster


@pytest.fixture(scope="session")
def mosquitto() -> Iterator[Mosquitto]:
    """A broker that all tests share: use topics and client ids of your own."""
    _needs("mosquitto")
    with _folder() as folder, _started(Mosquitto(folder)) as broker:
        yield broker


@pytest.fixture
def own_mosquitto() -> Iterator[Mosquitto]:
    """A broker that the test may `kill()`, `stop()` and `start()` again."""
    _needs("mosquitto")
    with _folder() as folder, _started(Mosquitto(folder)) as broker:
        yield broker


@pytest.fixture(scope="module")  # not longer: playwright keeps an event loop running in this thread
def browser() -> Iterator[Browser]:
    """Headless Chromium with one Japanese font; a test opens a page (or context) of its own and closes it."""
    _needs("browser")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def community_database() -> Iterator[str]:
    """The URL of an empty TimescaleDB with its community module, for one connection at a time."""
    _needs("community")
    with CommunityDatabase() as database:
        yield database.url


@contextmanager
def _folder(*, memory: bool = False) -> Iterator[Path]:
    """A temporary folder that PostgreSQL's own user may pass through (pytest's tmp_path is for us alone).

    In `memory` where there is room: cloning a database, over a thousand files, takes a tenth of the time there.
    """
    parent = MEMORY if memory and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES else None
    with tempfile.TemporaryDirectory(prefix="moyai-test-", dir=parent) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def _started(part: Part) -> Iterator[Part]:
    try:
        part.start()
        yield part
    finally:
        part.stop()
