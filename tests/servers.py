"""Real processes on a database and a broker: `moyai serve`, `moyai ingest`, `moyai work`."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx2

from moyai.parts.process import free_port

PATIENCE_SECONDS = 120  # a loaded machine starts a process in half a minute


@dataclass(frozen=True, slots=True)
class Served:
    """A running `moyai serve`, and how to end it before its time."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def serving(app_url: str, processes: int, pool_size: int = 8) -> Iterator[list[str]]:
    """The base URLs of `processes` running `moyai serve`; each is stopped, by SIGTERM, at the end of the block."""
    with ExitStack() as stack:
        servers = [stack.enter_context(server(app_url, pool_size=pool_size)) for _ in range(processes)]
        for each in servers:
            wait_until_ready(each.url)
        yield [each.url for each in servers]


@contextmanager
def server(app_url: str, *, port: int | None = None, pool_size: int = 8) -> Iterator[Served]:
    """One `moyai serve` that is starting; it may be killed before the end of the block."""
    port = port or free_port()
    own = {
        "MOYAI_SECRET_KEY": "k" * 32,
        "MOYAI_POOL_SIZE": str(pool_size),
        "MOYAI_SECOND_FACTOR_FOR_OFFICE": "no",
        "MOYAI_REQUESTS_PER_MINUTE": "0",
        "MOYAI_ENTRIES_PER_MINUTE": "0",
    }
    with _process("serve", "--port", str(port), MOYAI_DATABASE_URL=app_url, **own) as process:
        yield Served(f"http://127.0.0.1:{port}", process)


@contextmanager
def working(app_url: str, mqtt_url: str, mqtt_version: int = 5) -> Iterator[None]:
    """`moyai ingest` and `moyai work` for one cooperative, ready to hear and to derive."""
    with ExitStack() as stack:
        urls = []
        for command in ("ingest", "work"):
            port = free_port()
            own = {"MOYAI_MQTT_URL": mqtt_url, "MOYAI_MQTT_VERSION": str(mqtt_version)}
            process = _process(command, "--health-port", str(port), MOYAI_DATABASE_URL=app_url, **own)
            stack.enter_context(process)
            urls.append(f"http://127.0.0.1:{port}")
        for url in urls:
            wait_until_ready(url)
        yield


def wait_until_ready(url: str) -> None:
    """Return when the process behind `url` can do its work."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not _ready(url):
        assert time.monotonic() < give_up, f"{url} does not answer"
        time.sleep(0.1)


@contextmanager
def _process(*command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "moyai", *command], env=os.environ | environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", trust_env=False).is_success
    except httpx2.HTTPError:
        return False
