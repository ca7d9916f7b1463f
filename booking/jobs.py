"""The sweep: what time alone brings about in booking. Idempotent, and safe to run in several processes at once.

Each thing is done in a transaction of its own and looked at again under its locks, so that one that fails or was done
by another sweep stops nothing.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from procrastinate import App, JobContext

from booking import pending
from booking.presence import overrun, release
from booking.waitlist import offer
from booking.waitlist import store as store_waitlist
from coop.database import Connection, Pool, run
from coop.errors import MoyaiError

log = logging.getLogger("booking.jobs")

EVERY_TEN_SECONDS = "* * * * * */10"

Thing = TypeVar("Thing")


def register(app: App) -> None:
    """Add the sweep to the tasks of `app`."""

    @app.periodic(cron=EVERY_TEN_SECONDS)
    @app.task(name="booking.sweep", lock="booking.sweep", queueing_lock="booking.sweep", pass_context=True)
    def sweep_booking(context: JobContext, timestamp: int) -> None:
        """Pass on offers, ask and release who did not come, warn of overruns, offer what is free."""
        del timestamp
        sweep(context.additional_context["pool"], datetime.now(UTC))


def sweep(pool: Pool, now: datetime) -> None:
    """All that is due by `now`; what was missed earlier is made up for."""
    _each(pool, run(pool, pending.over), lambda conn, resource_id: offer.offer_lapsed(conn, resource_id, now))
    _each(pool, run(pool, store_waitlist.offers_over), lambda conn, over: offer.expire(conn, over, now))
    _each(pool, run(pool, partial(release.steps, now=now)), lambda conn, due: release.take_step(conn, due[0], now))
    run(pool, lambda conn: overrun.warn(conn, now))
    run(pool, lambda conn: overrun.finish(conn, now))
    run(pool, lambda conn: store_waitlist.lapse(conn, now))
    waited_for = run(pool, lambda conn: store_waitlist.machines_waited_for(conn, now))
    _each(pool, waited_for, lambda conn, machine_id: offer.offer_whatever_is_free(conn, machine_id, now))


def _each(pool: Pool, things: Iterable[Thing], do: Callable[[Connection, Thing], object]) -> None:
    for thing in things:
        _one(pool, thing, do)


def _one(pool: Pool, thing: Thing, do: Callable[[Connection, Thing], object]) -> None:
    try:
        run(pool, lambda conn: do(conn, thing))
    except MoyaiError as refused:  # somebody changed it meanwhile: the next sweep looks again
        log.info("sweep.skipped thing=%s code=%s", thing, refused.code)
