"""`moyai work`: derives usage from readings, runs the jobs that others enqueued, and tells devices whether machines
may start, until it is told to stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from threading import Event, Thread

import procrastinate
from procrastinate import App

from billing.documents import sending as documents
from billing.periods import asking
from billing.tariffs import quote
from billing.year import documents as refunds
from booking import jobs
from booking.messages import sending
from coop import database
from coop.accounts import letters
from coop.database import Pool
from coop.jobs import create_app
from coop.settings import Settings
from moyai import permissive
from telemetry import derive
from telemetry.devices import jobs as device_jobs
from telemetry.findings import jobs as finding_jobs
from telemetry.storage import jobs as storage_jobs

log = logging.getLogger("moyai.work")

TASKS: tuple[Callable[[App], None], ...] = (
    partial(sending.register, quote=quote.at_most),
    jobs.register,
    storage_jobs.register,
    device_jobs.register,
    finding_jobs.register,
    documents.register,
    asking.register,
    letters.register,
    refunds.register,
)
"""Every room's `register(app)`: what it adds to the tasks that run here."""

Loop = Callable[[Pool, Settings, Event], None]

JOBS_AT_ONCE = 4
DRAIN_SECONDS = 20.0


def run(settings: Settings, stop: Event) -> None:
    """Work until `stop` is set, then finish the running jobs (20 s at most) and the current derivation.

    If one part fails the others are stopped too and the failure is raised: a process that does half of its work
    and looks alive would be worse than one that its supervisor starts again.
    """
    failures: list[BaseException] = []

    def until_stopped(loop: Loop, size: int | None) -> None:
        try:
            with database.open_pool(settings, size=size) as pool:
                loop(pool, settings, stop)
        except Exception as failure:  # noqa: BLE001  # the edge of a thread: kept, and raised by `run`
            failures.append(failure)
        finally:
            stop.set()

    threads = [Thread(target=until_stopped, args=(derive.run_loop, None), name="derive")]
    if settings.mqtt_url:
        threads.append(Thread(target=until_stopped, args=(permissive.run_loop, 1), name="permissive"))
    for thread in threads:
        thread.start()
    try:
        with database.open_pool(settings, size=JOBS_AT_ONCE) as pool:
            asyncio.run(_run_jobs(settings, pool, stop))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


async def _run_jobs(settings: Settings, pool: Pool, stop: Event) -> None:
    app = create_app()
    for register in TASKS:
        register(app)
    connector = procrastinate.PsycopgConnector(conninfo=settings.database_url)
    with app.replace_connector(connector):
        async with app.open_async():
            worker = asyncio.create_task(
                app.run_worker_async(
                    concurrency=JOBS_AT_ONCE,
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=DRAIN_SECONDS,
                    delete_jobs="successful",
                    additional_context={"settings": settings, "pool": pool},
                )
            )
            stopped = asyncio.create_task(asyncio.to_thread(stop.wait))
            await asyncio.wait({worker, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            await stopped
            worker.cancel()
            await _unless_cancelled(worker)


async def _unless_cancelled(worker: Awaitable[None]) -> None:
    try:
        await worker
    except asyncio.CancelledError:
        log.info("work.drained")
