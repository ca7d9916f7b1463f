"""What machines do now: computed at the moment somebody asks, because nothing is stored beyond the last evidence."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from coop.database import Connection
from coop.interval import Interval
from coop.queries import load
from telemetry.states import store as store_states
from telemetry.states.evidence import micros, moment
from telemetry.states.fold import hold
from telemetry.states.model import State, StateInterval, StateRule
from telemetry.states.store import carry_of

SQL = load("telemetry.states")


@dataclass(frozen=True, slots=True)
class CurrentState:
    """A machine now. `since` and `last_at` (its last reading) are None for one that never reported.

    `signal_until`: without another reading the state is unknown from then on (and since `last_at`); None: its word
    holds until the next.
    """

    machine_id: str
    state: State
    native: str | None = None
    since: datetime | None = None
    last_at: datetime | None = None
    signal_until: datetime | None = None


def current_states(conn: Connection, now: datetime) -> list[CurrentState]:
    """Every machine's state now, by id: within the rule's gap after the last reading it goes on, then it is unknown."""
    return [_current(row, now) for row in conn.execute(SQL["current"], {"now": now, "machine_id": None})]


def current_state(conn: Connection, machine_id: str, now: datetime) -> CurrentState:
    """One machine's state now; unknown for a machine that does not exist."""
    row = conn.execute(SQL["current"], {"now": now, "machine_id": machine_id}).fetchone()
    return _current(row, now) if row else CurrentState(machine_id, State.UNKNOWN)


def states(conn: Connection, machine_id: str, window: Interval, now: datetime) -> list[StateInterval]:
    """What a machine did in `window`, clipped to it, in order; the stretch from the last evidence until `now` too."""
    known = store_states.states(conn, machine_id, window.start, window.end)
    current = current_state(conn, machine_id, now)
    if current.since is not None and current.since < now:
        known = [each for each in known if each.started_at < current.since]
        if known and known[-1].ended_at > current.since:
            known[-1] = StateInterval(known[-1].started_at, current.since, known[-1].state, known[-1].native)
        known.append(StateInterval(current.since, now, current.state, current.native))
    clipped = [(each, Interval(each.started_at, each.ended_at).intersect(window)) for each in known]
    return [StateInterval(part.start, part.end, each.state, each.native) for each, part in clipped if part is not None]


def _current(row: tuple[Any, ...], now: datetime) -> CurrentState:
    machine_id, stored, started_at, state, native, *of_rule, speaks = row
    if stored is None:
        return CurrentState(machine_id, State.UNKNOWN)
    carry = carry_of(stored)
    last_at = moment(carry.last_at)
    if not speaks:
        return CurrentState(machine_id, State.UNKNOWN, None, last_at, last_at)
    rule = StateRule(*of_rule)
    changes, after = hold(rule, carry, max(micros(now), carry.last_at))
    if changes:
        since = moment(changes[-1][0])
    else:
        since = started_at if (state, native) == (carry.state, carry.native) else last_at
    gap_seconds = rule.gap_seconds
    until = None if gap_seconds is None else last_at + timedelta(seconds=gap_seconds)
    return CurrentState(machine_id, after.state, after.native, since, last_at, until)
