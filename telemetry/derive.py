"""From readings to states to usage, for whatever changed: one machine in one transaction."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from prometheus_client import Histogram

from coop import database, events
from coop.database import Connection, DatabaseAway, Pool
from coop.settings import Settings
from telemetry.presence import tell_signal
from telemetry.room import tell_temperature
from telemetry.states import store as store_states
from telemetry.states.refold import Refold
from telemetry.storage.forget import remembered
from telemetry.usage.account import account

log = logging.getLogger("telemetry.derive")

_AFTER_FAILURE_SECONDS, _LONGEST_REST_SECONDS = 1.0, 300.0
DERIVE_SECONDS = Histogram("moyai_derive_seconds", "Deriving what changed of one machine")


@dataclass(frozen=True, slots=True)
class Derived:
    """What one derivation changed: state intervals and usages written or removed."""

    machine_id: str
    intervals: int
    usages: int


def derive(conn: Connection, machine_id: str) -> Derived | None:
    """Derive what changed of one machine; None when nothing did. Listeners are told once the transaction commits."""
    marks = store_states.take_marks(conn, machine_id)
    if not marks:
        return None
    before = store_states.frontier(conn, machine_id)
    changed = Refold(conn, machine_id).run(remembered(conn, machine_id, marks))
    usages = account(conn, machine_id, [*marks, *changed])
    tell_temperature(conn, machine_id)
    if changed or usages or before != store_states.frontier(conn, machine_id):
        tell_signal(conn, machine_id, datetime.now(UTC))
        events.notify(conn, "machine", machine_id)
    return Derived(machine_id, len(changed), usages)


def derive_next(pool: Pool, machine_id: str) -> Derived | None:
    """Derive a machine in a transaction of its own."""
    with DERIVE_SECONDS.time():
        derived = database.run(pool, partial(derive, machine_id=machine_id))
    if derived is not None:
        log.info("derived machine=%s intervals=%s usages=%s", machine_id, derived.intervals, derived.usages)
    return derived


def _derive_unwaited(conn: Connection, machine_id: str) -> Derived | None:
    """Derive without waiting for the disk: what a crash of the database takes back comes again, with its marks."""
    conn.execute("SET LOCAL synchronous_commit = off")
    return derive(conn, machine_id)


def derive_all(pool: Pool, progress: Callable[[Derived], None] | None = None) -> int:
    """Derive until nothing waits for it; return how many times a machine was derived."""
    total, taken = 0, -1
    while total != taken:
        taken = total
        for machine_id in database.run(pool, store_states.machines_to_derive):
            if derived := derive_next(pool, machine_id):
                total += 1
                if progress is not None:
                    progress(derived)
    return total


def run_loop(pool: Pool, settings: Settings, stop: threading.Event) -> None:
    """Derive whatever changes until `stop` is set; a database that goes away is waited for.

    A machine that cannot be derived is tried again after a while, each time a longer one; the others never wait for it.
    """
    failing: dict[str, _Failing] = {}
    while not stop.is_set():
        pause_seconds = settings.derive_pause_ms / 1000
        try:
            _round(pool, stop, failing)
        except DatabaseAway:
            log.warning("derive.waits reason=database_away")
            pause_seconds = _AFTER_FAILURE_SECONDS
        stop.wait(pause_seconds)


@dataclass(slots=True)
class _Failing:
    """A machine that could not be derived rests until then (monotonic seconds)."""

    rests_until: float = 0.0
    rest_seconds: float = _AFTER_FAILURE_SECONDS


def _round(pool: Pool, stop: threading.Event, failing: dict[str, _Failing]) -> None:
    for machine_id in database.run(pool, store_states.machines_to_derive):
        if stop.is_set():
            return
        if machine_id in failing and time.monotonic() < failing[machine_id].rests_until:
            continue
        try:
            derive_next(pool, machine_id)
            failing.pop(machine_id, None)
        except DatabaseAway:
            raise
        except Exception:  # the edge of the process: the marks are still there
            each = failing.setdefault(machine_id, _Failing())
            log.exception("derive.failed machine=%s again_after_seconds=%s", machine_id, each.rest_seconds)
            each.rests_until = time.monotonic() + each.rest_seconds
            each.rest_seconds = min(2 * each.rest_seconds, _LONGEST_REST_SECONDS)
