"""Real server processes on a database, for races that threads of one process would not show."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx2

from moyai.parts.process import free_port

PATIENCE_SECONDS = 30


@contextmanager
def serving(app_url: str, processes: int) -> Iterator[list[str]]:
    """The base URLs of `processes` running `moyai serve`; each is stopped, by SIGTERM, at the end of the block."""
    with ExitStack() as stack:
        urls = [stack.enter_context(_server(app_url)) for _ in range(processes)]
        give_up = time.monotonic() + PATIENCE_SECONDS
        for url in urls:
            while not _ready(url):
                assert time.monotonic() < give_up, f"{url} does not answer"
                time.sleep(0.1)
        yield urls


@contextmanager
def _server(app_url: str) -> Iterator[str]:
    port = free_port()
    environment = os.environ | {"MOYAI_DATABASE_URL": app_url, "MOYAI_SECRET_KEY": "k" * 32, "MOYAI_POOL_SIZE": "8"}
    process = subprocess.Popen([sys.executable, "-m", "moyai", "serve", "--port", str(port)], env=environment)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", trust_env=False).is_success
    except httpx2.HTTPError:
        return False
