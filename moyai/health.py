"""`/healthz` (alive) and `/readyz` (can do its work) of a process that has no other HTTP server."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import orjson
import psycopg

from coop.settings import Settings

log = logging.getLogger("moyai.health")


@contextmanager
def serving(host: str, port: int, state: Callable[[], Mapping[str, object]]) -> Iterator[int]:
    """Answer on host and port (0 picks a free one; it is yielded) while the block runs.

    `/healthz` answers 200 as long as the process lives; `/readyz` answers with what `state()` says when it is asked,
    200 if that says `ready`, else 503.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            if self.path == "/healthz":
                self._answer(200, {"status": "ok"})
            elif self.path == "/readyz":
                said = state()
                self._answer(200 if said["ready"] else 503, said)
            else:
                self._answer(404, {"status": "not found"})

        def _answer(self, status: int, said: Mapping[str, object]) -> None:
            body = orjson.dumps(said)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
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


def database_answers(settings: Settings) -> bool:
    """Whether the application's role gets an answer within two seconds."""
    try:
        with psycopg.connect(settings.database_url, connect_timeout=2) as conn:
            conn.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True
