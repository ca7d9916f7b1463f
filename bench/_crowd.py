"""People at the API: each on a connection of their own that stays open, with a token."""

import http.client
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg

from booking import Wish, reserve
from coop import people
from coop.database import Connection
from coop.identity import Viewer
from tests.booking.places import Place, settle_in


@dataclass(slots=True)
class Caller:
    """One connection; `seconds` are the lengths of its calls."""

    url: str
    token: str
    seconds: list[float] = field(default_factory=list)
    _connection: http.client.HTTPConnection | None = None

    def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body. A connection that broke raises OSError or HTTPException; the next call opens another."""
        begun = time.perf_counter()
        if self._connection is None:
            self._connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **(headers or {})}
        try:
            self._connection.request(method, f"/api/v1{path}", json.dumps(body) if body else None, sent)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        self.seconds.append(time.perf_counter() - begun)
        return answer.status, content

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def people_at(app_url: str, *, machines: int, members: int) -> tuple[Place, list[str]]:
    """A cooperative whose machines are always open, and a token for the engineer of each member."""
    with psycopg.connect(app_url) as conn:
        place = settle_in(conn, machines=machines, members=members)
        now = datetime.now(UTC)
        return place, [people.add_token(conn, each, name="bench", now=now)[1] for each in place.engineers]


def all_at_once(callers: list[Caller], work: Callable[[int, Caller], None]) -> float:
    """Let everybody work in a thread of their own; seconds until the last is done."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(len(callers)) as threads:
        list(threads.map(work, range(len(callers)), callers))
    return time.perf_counter() - begun


def quantile_ms(seconds: list[float], share: float) -> float:
    """The length that this share of the calls did not exceed, in milliseconds."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def book_directly(conn: Connection, token: str, viewer: Viewer, wish: Wish) -> None:
    """What one request does to the database: who is it, then the reservation, each in a transaction."""
    now = datetime.now(UTC)
    with conn.transaction():
        people.viewer_of_token(conn, token, now)
    with conn.transaction():
        reserve(conn, viewer, wish, now)
