"""Rules, state intervals, checkpoints and frontier of one machine, in rows; what is folded is in microseconds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from coop.database import Connection
from coop.queries import load
from telemetry.states.chorus import Standing, Voice, last_heard
from telemetry.states.evidence import micros, moment
from telemetry.states.fold import Carry, Stretch
from telemetry.states.model import State, StateInterval, StateRule
from telemetry.states.rule_row import rule_of
from telemetry.states.segments import EARLIEST, LATEST
from telemetry.states.signals import Said

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


def checkpoint_before(conn: Connection, machine_id: str, at: int) -> tuple[int, Standing] | None:
    """Where derivation can begin anew to be right from `at` on; None: at the very first reading."""
    values = {"machine_id": machine_id, "at": moment(max(at, EARLIEST))}
    row = conn.execute(SQL["checkpoint_before"], values).fetchone()
    return (micros(row[0]), standing_of(row[1])) if row else None


def checkpoints(conn: Connection, machine_id: str, since: int, until: int) -> dict[int, Standing]:
    """The checkpoints after `since` and before `until`."""
    values = {"machine_id": machine_id, "since": moment(since), "until": moment(until)}
    return {micros(at): standing_of(stored) for at, stored in conn.execute(SQL["checkpoints"], values)}


def replace_checkpoints(
    conn: Connection, machine_id: str, was: Mapping[int, Standing], becomes: Mapping[int, Standing]
) -> None:
    """Write the difference."""
    gone = [moment(at) for at, standing in was.items() if becomes.get(at) != standing]
    if gone:
        conn.execute(SQL["drop_checkpoints"], {"machine_id": machine_id, "moments": gone})
    fresh = [(machine_id, moment(at), _json(standing)) for at, standing in becomes.items() if was.get(at) != standing]
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


def frontier(conn: Connection, machine_id: str) -> Standing | None:
    """What is known after the last reading."""
    row = conn.execute(SQL["frontier"], {"machine_id": machine_id}).fetchone()
    return standing_of(row[1]) if row else None


def move_frontier(conn: Connection, machine_id: str, standing: Standing | None) -> None:
    """Remember what is known after the last reading; None: there is none."""
    if standing is None:
        conn.execute(SQL["drop_frontier"], {"machine_id": machine_id})
    else:
        values = {"machine_id": machine_id, "last_at": moment(last_heard(standing)), "carry": _json(standing)}
        conn.execute(SQL["move_frontier"], values)


def states(conn: Connection, machine_id: str, since: datetime, until: datetime) -> list[StateInterval]:
    """The stored state intervals that meet `[since, until]`, whole."""
    rows = conn.execute(SQL["states_between"], {"machine_id": machine_id, "since": since, "until": until})
    return [StateInterval(start, end, State(state), native) for start, end, state, native in rows]


def rules(conn: Connection, machine_id: str) -> list[tuple[datetime | None, datetime | None, StateRule]]:
    """A machine's rule versions: from, until, rule."""
    rows = conn.execute(SQL["state_rules"], {"machine_id": machine_id})
    return [(since, until, rule_of(*rest)) for _, since, until, *rest in rows]


def machines_to_derive(conn: Connection) -> list[str]:
    """The machines of which something changed since their last derivation."""
    return [machine_id for (machine_id,) in conn.execute(SQL["machines_to_derive"])]


def _json(standing: Standing) -> Jsonb:
    return Jsonb([None if each.carry is None else _voice(each, each.carry) for each in standing])


def _voice(voice: Voice, carry: Carry) -> list[object]:
    simple: list[object] = [carry.last_at, carry.value, carry.said, carry.native, carry.pending_since]
    return simple if voice.was is None else [*simple, voice.was, voice.changes]


def standing_of(stored: Iterable[list[Any] | None]) -> Standing:
    """A standing as it stands in the database."""
    return tuple(Voice(None) if each is None else _voice_of(*each) for each in stored)


def _voice_of(
    last_at: int,
    value: float | str | None,
    said: str | None,
    native: str | None,
    pending_since: int | None,
    was: tuple[str | None, str | None] | None = None,
    changes: Sequence[tuple[int, str | None, str | None]] = (),
) -> Voice:
    number = float(value) if isinstance(value, int) else value  # JSON has one kind of number
    carry = Carry(last_at, number, _said(said), native, pending_since)
    if was is None:
        return Voice(carry)
    return Voice(carry, (_said(was[0]), was[1]), tuple((at, _said(each), word) for at, each, word in changes))


def _said(word: str | None) -> Said:
    return None if word is None else State(word)
