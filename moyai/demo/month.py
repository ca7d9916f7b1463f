"""A month of the example through the doors that everybody uses."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx2
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from coop.database import Pool, transaction
from moyai.demo.plan import PlannedUse

BOOKINGS_AT_ONCE = 4
LOOK_SECONDS = 0.2


class Api:
    """The API as one person sees it. An answer that is no success raises `RuntimeError` with the problem's sentence."""

    def __init__(self, base_url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "ja"}
        self._client = httpx2.Client(base_url=f"{base_url}/api/v1", headers=headers, timeout=60, trust_env=False)

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON answer to a request."""
        answer = self._answer(method, path, body)
        return answer.json() if answer.content else None

    def every(self, path: str) -> Iterator[Any]:
        """The entries of a list, page after page."""
        following: str | None = path
        while following:
            answer = self._answer("GET", following)
            yield from answer.json()
            link = answer.links.get("next")
            following = str(answer.url.join(link["url"])) if link else None

    def _answer(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx2.Response:
        answer = self._client.request(method, path, json=body)
        if not answer.is_success:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer


def book(api: Api, uses: Sequence[PlannedUse], people: dict[str, UUID], advance: Callable[[], None]) -> int:
    """Reserve what was planned, for the person who planned it; return how many reservations that made."""

    def one(use: PlannedUse) -> None:
        assert use.slot is not None
        body = {
            "machine_id": use.machine_id,
            "starts_at": use.slot.start.isoformat(),
            "ends_at": use.slot.end.isoformat(),
            "person_id": str(people[use.email]),
        }
        api.call("POST", "/reservations", body)
        advance()

    reserved = [use for use in uses if use.slot is not None]
    with ThreadPoolExecutor(BOOKINGS_AT_ONCE) as threads:
        for _ in threads.map(one, reserved):
            pass
    return len(reserved)


def stored_readings(pool: Pool) -> int:
    """How many readings the ingester has committed."""
    return _count(pool, "SELECT count(*) FROM telemetry.reading")


def waiting_marks(pool: Pool) -> int:
    """How many changed stretches still wait for derivation."""
    return _count(pool, "SELECT count(*) FROM telemetry.dirty")


def wait_until(done: Callable[[], bool], seconds: float) -> None:
    """Look again and again; raises `TimeoutError` when it takes longer than `seconds`."""
    give_up = time.monotonic() + seconds
    while not done():
        if time.monotonic() > give_up:
            raise TimeoutError(f"not done after {seconds:.0f} s")
        time.sleep(LOOK_SECONDS)


@contextmanager
def bar(title: str, total: float) -> Iterator[Callable[[float], None]]:
    """A progress bar; the block is given the function that sets how far it has come."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        task = progress.add_task(f"{title:<32}", total=total)
        yield lambda completed: progress.update(task, completed=completed)


def _count(pool: Pool, statement: str) -> int:
    with transaction(pool) as conn:
        row = conn.execute(statement).fetchone()
    assert row is not None
    return int(row[0])
