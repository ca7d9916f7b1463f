"""What machines do now: computed at the moment somebody asks, because nothing is stored beyond the last evidence."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from coop.database import Connection
from coop.interval import Interval
from coop.queries import load
from telemetry.states import store as store_states
from telemetry.states.chorus import Chorus, last_heard
from telemetry.states.evidence import Evidence, micros, moment
from telemetry.states.fold import intervals
from telemetry.states.model import QUIET, State, StateInterval
from telemetry.states.store import standing_of

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
    evidence = Evidence.of_all(conn)
    rows = conn.execute(SQL["known"], {"machine_id": None})
    return [_current(evidence[machine_id], now, machine_id, *known) for machine_id, *known in rows]


def current_state(conn: Connection, machine_id: str, now: datetime) -> CurrentState:
    """One machine's state now; unknown for a machine that does not exist."""
    row = conn.execute(SQL["known"], {"machine_id": machine_id}).fetchone()
    return _current(Evidence.of(conn, machine_id), now, *row) if row else CurrentState(machine_id, State.UNKNOWN)


def quiet_since(conn: Connection, current: CurrentState) -> datetime | None:
    """Since when a machine that is idle, off or faulty did not run, whatever it was meanwhile; None: it is not."""
    if current.state not in QUIET or current.since is None:
        return None
    values = {"machine_id": current.machine_id, "since": current.since}
    row = conn.execute(SQL["quiet_since"], values).fetchone()
    return row[0] if row and row[0] else current.since


def states(conn: Connection, machine_id: str, window: Interval, now: datetime) -> list[StateInterval]:
    """What a machine did in `window`, clipped to it, in order; the stretch from the last evidence until `now` too."""
    known = store_states.states(conn, machine_id, window.start, window.end)
    current = current_state(conn, machine_id, now)
    if current.since is not None and current.since < now:
        known = [each for each in known if each.started_at < current.since]
        started_at = current.since
        if known and (known[-1].state, known[-1].native) == (current.state, current.native):
            started_at = known.pop().started_at
        if known and known[-1].ended_at > started_at:
            known[-1] = replace(known[-1], ended_at=started_at)
        known.append(StateInterval(started_at, now, current.state, current.native))
    clipped = [(each, Interval(each.started_at, each.ended_at).intersect(window)) for each in known]
    return [StateInterval(part.start, part.end, each.state, each.native) for each, part in clipped if part is not None]


def _current(
    evidence: Evidence,
    now: datetime,
    machine_id: str,
    stored: list[Any] | None,
    started_at: datetime | None,
    state: str | None,
    native: str | None,
) -> CurrentState:
    if stored is None:
        return CurrentState(machine_id, State.UNKNOWN)
    standing = standing_of(stored)
    last_at = last_heard(standing)
    chorus = Chorus.resumed(evidence.segments, evidence.segment_at(last_at), standing)
    if chorus is None:  # its rule has just changed: derivation has not come by yet
        return CurrentState(machine_id, State.UNKNOWN, None, moment(last_at), moment(last_at))
    until = max(micros(now), last_at)
    chorus.cross(until)
    chorus.hold(until)
    *before, (since, _, is_now, word) = intervals(chorus.turns, until + 1)
    if not before and started_at is not None and (state, native) == (is_now, word):
        since = min(since, micros(started_at))
    known_until = chorus.known_until
    signal_until = None if known_until is None else moment(known_until)
    return CurrentState(machine_id, is_now, word, moment(since), moment(last_at), signal_until)
