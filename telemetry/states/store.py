"""Rules, state intervals, checkpoints and frontier of one machine, in rows; what is folded is in microseconds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from psycopg.types.json import Jsonb

from coop.database import Connection
from coop.queries import load
from telemetry.states.evidence import micros, moment
from telemetry.states.fold import Carry, Stretch
from telemetry.states.model import State, StateInterval, StateRule
from telemetry.states.segments import EARLIEST, LATEST

SQL = load("telemetry.states")


def take_marks(conn: Connection, machine_id: str) -> list[tuple[int, int]]:
    """What changed since the last derivation, as merged stretches in order (ends included); waits for its turn.

    The marks go before anything is read: what is committed later has marks of its own.
    """
    conn.execute(SQL["lock_derivation"], {"machine_id": machine_id})
    rows = conn.execute(SQL["take_marks"], {"machine_id": machine_id})
    merged: list[tuple[int, int]] = []
    for since, until in sorted((micros(since), micros(until)) for since, until in rows):
        if merged and since <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(until, merged[-1][1])
        else:
            merged.append((since, until))
    return merged


def checkpoint_before(conn: Connection, machine_id: str, at: int) -> tuple[int, Carry] | None:
    """Where derivation can begin anew to be right from `at` on; None: at the very first reading."""
    values = {"machine_id": machine_id, "at": moment(max(at, EARLIEST))}
    row = conn.execute(SQL["checkpoint_before"], values).fetchone()
    return (micros(row[0]), carry_of(row[1])) if row else None


def checkpoints(conn: Connection, machine_id: str, since: int, until: int) -> dict[int, Carry]:
    """The checkpoints after `since` and before `until`."""
    values = {"machine_id": machine_id, "since": moment(since), "until": moment(until)}
    return {micros(at): carry_of(carry) for at, carry in conn.execute(SQL["checkpoints"], values)}


def replace_checkpoints(
    conn: Connection, machine_id: str, was: Mapping[int, Carry], becomes: Mapping[int, Carry]
) -> None:
    """Write the difference."""
    gone = [moment(at) for at, carry in was.items() if becomes.get(at) != carry]
    if gone:
        conn.execute(SQL["drop_checkpoints"], {"machine_id": machine_id, "moments": gone})
    fresh = [(machine_id, moment(at), _json(carry)) for at, carry in becomes.items() if was.get(at) != carry]
    if fresh:
        with conn.cursor().copy(SQL["copy_checkpoints"]) as copy:
            for row in fresh:
                copy.write_row(row)


def intervals_around(conn: Connection, machine_id: str, since: int, until: int) -> list[Stretch]:
    """From the last but one that starts at or before `since` to the last that starts at or before `until`."""
    values = {"machine_id": machine_id, "since": moment(since), "until": moment(min(until, LATEST))}
    rows = conn.execute(SQL["intervals_around"], values)
    return [(micros(start), micros(end), State(state), native) for start, end, state, native in rows]


def replace_intervals(
    conn: Connection, machine_id: str, was: Sequence[Stretch], becomes: Sequence[Stretch]
) -> list[tuple[int, int]]:
    """Write the difference; return the stretches that are no longer as they were."""
    gone = sorted(set(was).difference(becomes))
    fresh = sorted(set(becomes).difference(was))
    if gone:
        moments = [moment(start) for start, *_ in gone]
        conn.execute(SQL["drop_intervals"], {"machine_id": machine_id, "moments": moments})
    if fresh:
        with conn.cursor().copy(SQL["copy_intervals"]) as copy:
            for start, end, state, native in fresh:
                copy.write_row((machine_id, moment(start), moment(end), state.value, native))
    return [(start, end) for start, end, *_ in (*gone, *fresh)]


def frontier(conn: Connection, machine_id: str) -> Carry | None:
    """What is known after the last reading."""
    row = conn.execute(SQL["frontier"], {"machine_id": machine_id}).fetchone()
    return carry_of(row[1]) if row else None


def move_frontier(conn: Connection, machine_id: str, carry: Carry | None) -> None:
    """Remember what is known after the last reading; None: there is none."""
    if carry is None:
        conn.execute(SQL["drop_frontier"], {"machine_id": machine_id})
    else:
        values = {"machine_id": machine_id, "last_at": moment(carry.last_at), "carry": _json(carry)}
        conn.execute(SQL["move_frontier"], values)


def states(conn: Connection, machine_id: str, since: datetime, until: datetime) -> list[StateInterval]:
    """The stored state intervals that meet `[since, until]`, whole."""
    rows = conn.execute(SQL["states_between"], {"machine_id": machine_id, "since": since, "until": until})
    return [StateInterval(start, end, State(state), native) for start, end, state, native in rows]


def rules(conn: Connection, machine_id: str) -> list[tuple[datetime | None, datetime | None, StateRule]]:
    """A machine's rule versions: from, until, rule."""
    rows = conn.execute(SQL["state_rules"], {"machine_id": machine_id})
    return [(since, until, StateRule(*rest)) for since, until, *rest in rows]


def machines_to_derive(conn: Connection) -> list[str]:
    """The machines of which something changed since their last derivation."""
    return [machine_id for (machine_id,) in conn.execute(SQL["machines_to_derive"])]


def _json(carry: Carry) -> Jsonb:
    return Jsonb([[carry.last_at, carry.value, carry.state.value, carry.native, carry.pending_since]])


def carry_of(stored: Iterable[Iterable[object]]) -> Carry:
    """A carry as it stands in the database."""
    ((last_at, value, state, native, pending_since),) = stored
    number = float(value) if isinstance(value, int) else value  # JSON has one kind of number
    return Carry(last_at, number, State(state), native, pending_since)  # type: ignore[arg-type]  # as `_json` wrote it
