"""Hours and days of channels, against what a reader would reckon by hand."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coop import machines
from coop.database import Connection, Pool
from coop.identity import SYSTEM
from coop.interval import Interval
from coop.machines import Machine
from telemetry.devices import register
from telemetry.storage import rollups
from tests.telemetry.signals import MACHINE, Signal, at, attach, signal, trace

MIDNIGHT = timedelta(hours=15)  # 24:00 in Japan, after the start of the test's day in UTC


def reckon(sent: Signal) -> None:
    """Derive what was sent, and reckon what derivation handed over."""
    sent.derive()
    while rollups.renew(sent.conn, sent.machine_id):
        pass


def rows(conn: Connection, view: str, columns: str) -> list[tuple[Any, ...]]:
    return conn.execute(f"SELECT {columns} FROM telemetry.{view} ORDER BY channel_id, at").fetchall()


def another(conn: Connection, machine_id: str) -> Signal:
    """A second machine, with a plug but no rule."""
    machines.add_machine(conn, Machine(machine_id, "cmm", machine_id, machine_id))
    return Signal(conn, attach(conn, f"{machine_id}-plug", machine_id, "power"), machine_id)


def test_an_hour_says_what_its_readings_came_to(conn: Connection) -> None:
    cmm = signal(conn)
    cmm.send([(at(0), 100.0), (at(10), 400.0), (at(30), 100.0), (at(61), 50.0)])
    reckon(cmm)
    first, second = rows(
        conn, "rollup_hour", "at, numbers, lowest, highest, total, held_seconds, held_total, last_value"
    )
    # 100 W holds 10 min, 400 W 15 min at most of its 20, 100 W 15 min at most of its 30
    assert first == (at(0), 3, 100, 400, 600, 40 * 60, (10 * 100 + 15 * 400 + 15 * 100) * 60, 100)
    assert second == (at(60), 1, 50, 50, 50, 15 * 60, 50 * 15 * 60, 50)
    average, over_time = rows(conn, "hourly", "average, average_over_time")[0]
    assert (average, over_time) == (200, 8500 / 40)


def test_a_late_reading_costs_its_own_hour(conn: Connection) -> None:
    cmm = signal(conn)
    cmm.send(trace((0, 300, 50)))
    reckon(cmm)
    before = dict(rows(conn, "rollup_hour", "at, xmin::text"))
    conn.commit()
    cmm.send([(at(125.5), 900.0)])
    reckon(cmm)
    after = dict(rows(conn, "rollup_hour", "at, xmin::text"))
    assert {hour for hour in after if after[hour] != before[hour]} == {at(120)}
    assert rows(conn, "rollup_hour", "highest")[2] == (900,)


def test_a_counter_gains_over_hours_days_and_its_own_restart(conn: Connection) -> None:
    cmm = signal(conn)
    midnight = MIDNIGHT.total_seconds() / 60
    readings = [(-61, 10.0), (-30, 12.0), (-1, 13.0), (5, 13.5), (20, 14.5), (90, 0.25), (95, 1.0)]
    cmm.send([(at(midnight + minutes), value) for minutes, value in readings])
    reckon(cmm)
    assert rows(conn, "hourly", "growth") == [(0,), (3,), (1.5,), (1,)]
    yesterday, today = rows(conn, "daily", "at, growth, readings, last_value")
    assert yesterday == (at(midnight) - timedelta(days=1), 3, 3, 13)
    assert today == (at(midnight), 2.5, 4, 1)


def test_words_are_counted_and_the_last_is_kept(conn: Connection) -> None:
    cmm = signal(conn)
    cmm.send([(at(0), "ACTIVE"), (at(10), "READY"), (at(10), 5.0, 1)])
    reckon(cmm)
    assert rows(conn, "hourly", "readings, numbers, average, last_text") == [(3, 1, 5, "READY")]


def test_hours_lie_in_true_time(conn: Connection) -> None:
    """A clock that was 50 minutes slow: the reading moves to the next hour, and leaves nothing where it was."""
    cmm = signal(conn)
    cmm.send([(at(15), 5.0), (at(30), 7.0)])
    reckon(cmm)
    assert rows(conn, "rollup_hour", "at, total") == [(at(0), 12)]
    register.confirm_clock_correction(conn, SYSTEM, f"{MACHINE}-plug", Interval(at(20), at(60)), 3000, at(0))
    reckon(cmm)
    assert rows(conn, "rollup_hour", "at, total") == [(at(0), 5), (at(60), 7)]


def test_a_plug_that_moves_leaves_its_old_hours(conn: Connection) -> None:
    cmm = signal(conn)
    other = another(conn, "ct-1")
    cmm.send([(at(15), 5.0), (at(130), 7.0)])
    register.bind(conn, SYSTEM, f"{MACHINE}-plug", "ct-1", at(60), at(0))
    for each in (cmm, other):
        reckon(each)
    assert rows(conn, "rollup_hour", "machine_id, at") == [(MACHINE, at(0)), ("ct-1", at(120))]
    register.bind(conn, SYSTEM, f"{MACHINE}-plug", MACHINE, at(100), at(0))
    for each in (cmm, other):
        reckon(each)
    assert rows(conn, "rollup_hour", "machine_id, at") == [(MACHINE, at(0)), (MACHINE, at(120))]


def test_years_are_reckoned_a_month_at_a_time(conn: Connection) -> None:
    cmm = signal(conn)
    days = [at(day * 1440) for day in range(0, 100, 7)]
    cmm.send([(day, 1.0) for day in days])
    cmm.derive()
    assert sum(rollups.renew(conn, MACHINE) for _ in range(20)) == 3  # each begins where there are readings
    assert rows(conn, "rollup_hour", "at") == [(day,) for day in days]


def test_what_was_forgotten_keeps_its_hours(conn: Connection) -> None:
    cmm = signal(conn)
    cmm.send(trace((0, 180, 50)))
    reckon(cmm)
    conn.execute("INSERT INTO telemetry.forgotten VALUES (%s)", [at(120)])
    conn.execute("DELETE FROM telemetry.reading WHERE at < %s", [at(120)])
    cmm.mark(at(-1000), at(1000))
    reckon(cmm)
    assert rows(conn, "rollup_hour", "at, readings") == [(at(0), 60), (at(60), 60), (at(120), 60)]


@pytest.fixture
def cmm(conn: Connection) -> Signal:
    sent = signal(conn)
    conn.commit()
    return sent


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    readings=st.lists(
        st.tuples(st.integers(0, 600), st.integers(0, 500), st.integers(0, 2)),
        min_size=1,
        unique_by=lambda each: (each[0], each[2]),
    ),
    cuts=st.integers(1, 4),
    seed=st.integers(0, 100),
)
def test_hours_do_not_depend_on_the_order_of_arrival(
    cmm: Signal, readings: Sequence[tuple[int, int, int]], cuts: int, seed: int
) -> None:
    sent = [(at(minute), float(value), tie) for minute, value, tie in readings]
    shuffled = random.Random(seed).sample(sent, len(sent))
    found = []
    for batches in ([sent], [shuffled[start::cuts] for start in range(cuts)]):
        for batch in batches:
            cmm.send(batch)
            reckon(cmm)
        found.append(rows(cmm.conn, "rollup_hour", "*"))
        cmm.conn.rollback()
    assert found[0] == found[1]


def test_every_machine_that_waits_is_reckoned(pool: Pool) -> None:
    with pool.connection() as conn:
        for each in (signal(conn), another(conn, "ct-1")):
            each.send([(at(0), 5.0)])
            each.derive()
    rollups.renew_waiting(pool)
    with pool.connection() as conn:
        assert rows(conn, "rollup_hour", "machine_id") == [(MACHINE,), ("ct-1",)]
        assert conn.execute("SELECT count(*) FROM telemetry.rollup_due").fetchall() == [(0,)]


def test_derivation_hands_over_each_changed_hour_once(conn: Connection) -> None:
    cmm = signal(conn)
    cmm.derive()
    conn.execute("DELETE FROM telemetry.rollup_due")
    for _ in range(3):
        cmm.mark(at(1), at(2))
        cmm.mark(at(1), at(3))
        cmm.derive()
    due = conn.execute("SELECT from_at, until_at FROM telemetry.rollup_due").fetchall()
    assert due == [(at(0), at(60))]
