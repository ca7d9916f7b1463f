"""`/healthz` (alive), `/readyz` (can do its work) and `/metrics` of a process that has no other HTTP server."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import orjson
import psycopg

from coop.database import Connection, Result
from coop.migrate import missing
from coop.settings import Settings
from moyai.metrics import CONTENT_TYPE

log = logging.getLogger("moyai.health")


@contextmanager
def serving(
    host: str, port: int, state: Callable[[], Mapping[str, object]], metrics: Callable[[], bytes]
) -> Iterator[int]:
    """Answer on host and port (0 picks a free one; it is yielded) while the block runs.

    `/healthz` answers 200 as long as the process lives; `/readyz` answers with what `state()` says when it is asked,
    200 if that says `ready`, else 503. `/metrics` answers what `metrics()` says, for Prometheus.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            if self.path == "/healthz":
                self._answer(200, {"status": "ok"})
            elif self.path == "/readyz":
                said = state()
                self._answer(200 if said["ready"] else 503, said)
            elif self.path == "/metrics":
                self._send(200, metrics(), CONTENT_TYPE)
            else:
                self._answer(404, {"status": "not found"})

        def _answer(self, status: int, said: Mapping[str, object]) -> None:
            self._send(status, orjson.dumps(said), "application/json")

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
            log.debug(format, *args)

    with ThreadingHTTPServer((host, port), Handler) as server:
        thread = Thread(target=server.serve_forever, name="health", daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def ground(settings: Settings) -> dict[str, object]:
    """Whether what every process stands on is there: the database answers, and has this version's tables."""
    left = asking(settings)(missing)
    return {"ready": left == [], "database": left is not None, "migrations_missing": left or []}


def asking(settings: Settings) -> Callable[[Callable[[Connection], Result]], Result | None]:
    """What runs a question on the database of `settings` over a connection of its own; None when it is away."""

    def ask(question: Callable[[Connection], Result]) -> Result | None:
        try:
            with psycopg.connect(settings.database_url, connect_timeout=2, options="-c TimeZone=UTC") as conn:
                return question(conn)
        except psycopg.OperationalError:
            return None

    return ask
