"""Live events for pages: one LISTEN a process, fanned out to every open board as server-sent events. Ids only."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import StreamingResponse

from coop.events import CHANNEL

router = APIRouter(include_in_schema=False)
log = logging.getLogger("dashboards.live")

COALESCE_SECONDS = 0.5  # a machine that reports ten times a second changes its card twice
KEEP_ALIVE_SECONDS = 15.0  # below the idle limit of common proxies
RECONNECT_SECONDS = 1.0
EVERYTHING = "*"


class Events:
    """Who is listening in this process, and what each has not been told yet."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._readers: set[_Reader] = set()
        self._closing = False

    def publish(self, machine_id: str) -> None:
        """Tell every reader that this machine changed (`EVERYTHING`: all of them may have)."""
        for reader in self._readers:
            reader.tell(machine_id)

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closing = True
        self.publish(EVERYTHING)

    async def stream(self) -> AsyncIterator[str]:
        """What one page is sent: each machine that changed, at most once in `COALESCE_SECONDS`."""
        reader = _Reader()
        self._readers.add(reader)
        try:
            yield "retry: 2000\n\n"
            while not self._closing:
                changed = await reader.next(KEEP_ALIVE_SECONDS)
                if self._closing:
                    return
                if not changed:
                    yield ": still here\n\n"
                elif EVERYTHING in changed:
                    yield "event: all\ndata:\n\n"
                else:
                    yield "".join(f"event: machine\ndata: {machine_id}\n\n" for machine_id in sorted(changed))
                await asyncio.sleep(COALESCE_SECONDS)
        finally:
            self._readers.discard(reader)

    async def listen(self) -> None:
        """Hold the one LISTEN of this process; after a lost connection every page is told to ask for everything."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._database_url, autocommit=True) as conn:
                    await conn.execute(f"LISTEN {CHANNEL}")
                    self.publish(EVERYTHING)
                    async for notice in conn.notifies():
                        self._hear(notice.payload)
            except psycopg.OperationalError as away:
                log.warning("events.listener_lost error=%s", type(away).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    def _hear(self, payload: str) -> None:
        try:
            event = json.loads(payload)
            if event["kind"] == "machine":
                self.publish(str(event["id"]))
        except (ValueError, KeyError, TypeError):
            log.warning("events.not_understood length=%s", len(payload))


class _Reader:
    """One open page: the machines it has not been told of."""

    def __init__(self) -> None:
        self._changed: set[str] = set()
        self._woken = asyncio.Event()

    def tell(self, machine_id: str) -> None:
        self._changed.add(machine_id)
        self._woken.set()

    async def next(self, patience_seconds: float) -> set[str]:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), patience_seconds)
        changed, self._changed = self._changed, set()
        self._woken.clear()
        return changed


@asynccontextmanager
async def listening(app: FastAPI, database_url: str) -> AsyncIterator[None]:
    """Hold the listener for as long as the application runs; enter it in the application's lifespan."""
    app.state.events = events = Events(database_url)
    listener = asyncio.create_task(events.listen())
    try:
        yield
    finally:
        events.close()
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


@router.get("/events")
async def events(request: Request) -> StreamingResponse:
    """Server-sent events: `machine` with the id of a machine that changed, `all` when everything may have."""
    stream: Events = request.app.state.events
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream.stream(), media_type="text/event-stream", headers=headers)
