"""Derivation: the same rows whatever order things arrive in, and a late reading touches its own hours only."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coop.database import Connection
from coop.queries import load
from telemetry.derive import Derived
from telemetry.states import evidence
from telemetry.states.model import StateRule
from tests.telemetry.signals import EXECUTION, MACHINE, POWER, START, Sent, Signal, at, attach, signal, trace

SQL = load("telemetry.states")
STEPS = [30, 60, 240, 300, 301, 1800, 3600, 7200]

power_signals = st.lists(
    st.tuples(st.sampled_from(STEPS), st.sampled_from([50.0, 150.0, 900.0]), st.integers(0, 1)), min_size=1, max_size=40
)
word_signals = st.lists(
    st.tuples(st.sampled_from([0, *STEPS]), st.sampled_from(["ACTIVE", "READY", "UNAVAILABLE"]), st.just(0)),
    min_size=1,
    max_size=40,
)


def timed(steps: list[tuple[int, float | str, int]]) -> list[Sent]:
    """Readings `step` seconds apart; a step of 0 shares the time of the reading before. One more tie each."""
    when, readings = START, []
    for number, (step, value, twin) in enumerate(steps):
        when += timedelta(seconds=step)
        readings.append((when, value, number))
        if twin:  # a second reading of the same moment
            readings.append((when, 50.0 if value == 900.0 else 900.0, number + 1000))
    return readings


@pytest.mark.parametrize("rule", [POWER, EXECUTION], ids=lambda rule: rule.kind)
def test_live_and_recomputed_are_the_same_in_any_order_of_arrival(conn: Connection, rule: StateRule) -> None:
    tool = signal(conn, rule)
    tool.reserve(at(20), at(50), "m01")
    tool.reserve(at(50), at(200), "m02")
    conn.commit()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        readings = timed(data.draw(power_signals if rule is POWER else word_signals))
        with conn.transaction(force_rollback=True):
            tool.send(readings)
            tool.derive()
            recomputed = tool.all_derived()
        shuffled = data.draw(st.permutations(readings))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(readings)), max_size=6)))
        with conn.transaction(force_rollback=True):
            for begin, end in zip([0, *cuts], [*cuts, len(readings)], strict=True):
                tool.send(shuffled[begin:end])
                tool.derive()
            live = tool.all_derived()
        assert live == recomputed

    holds()


def test_a_change_of_rule_device_or_clock_is_as_if_it_had_always_been_so(conn: Connection) -> None:
    """Rule versions, bindings and corrections in random order between readings end in the same rows."""
    tool = signal(conn)
    other = attach(conn, "other", MACHINE, "power", since="2026-10-05T06:00Z")
    spare = Signal(conn, other)
    conn.execute("INSERT INTO coop.machine (id, kind, name_ja, name_en) VALUES ('cmm-2', 'cmm', '', '')")
    conn.commit()
    plug = f"{MACHINE}-plug"
    changes = [
        f"UPDATE telemetry.state_rule SET valid = '[2000-01-01Z,2026-10-05T03:10Z)' WHERE machine_id = '{MACHINE}'"
        " AND upper_inf(valid) AND on_watts = 200; "
        "INSERT INTO telemetry.state_rule (machine_id, valid, kind, channel, on_watts, off_watts, gap_seconds)"
        f" VALUES ('{MACHINE}', '[2026-10-05T03:10Z,)', 'power', 'power', 120, 80, 600)",
        f"UPDATE telemetry.binding SET bound = '[2000-01-01Z,2026-10-05T05:30Z)' WHERE device_id = '{plug}'; "
        "INSERT INTO telemetry.binding (device_id, machine_id, bound)"
        f" VALUES ('{plug}', 'cmm-2', '[2026-10-05T05:30Z,)')",
        "INSERT INTO telemetry.clock_correction (device_id, during, offset_seconds, confirmed_at)"
        f" VALUES ('{plug}', '[2026-10-05T01:20Z,2026-10-05T04:45Z)', -90, now())",
    ]

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        levels = st.lists(st.sampled_from([50.0, 150.0, 900.0]), min_size=100, max_size=100)
        mine = [(at(4 * minute), watts) for minute, watts in enumerate(data.draw(levels))]
        theirs = [(at(360 + 4 * minute), watts) for minute, watts in enumerate(data.draw(levels)[:30])]

        def send(part: int) -> None:
            tool.send(mine[part * 50 : part * 50 + 50])
            spare.send(theirs[part * 15 : part * 15 + 15])

        with conn.transaction(force_rollback=True):
            for change in changes:
                conn.execute(change)
            send(0)
            send(1)
            tool.derive()
            recomputed = tool.all_derived()
        order = data.draw(st.permutations([*range(len(changes)), -1, -2]))
        with conn.transaction(force_rollback=True):
            for step in order:
                if step >= 0:
                    conn.execute(changes[step])
                else:
                    send(-step - 1)
                tool.derive()
            live = tool.all_derived()
        assert live == recomputed

    holds()


def stored_rows(conn: Connection) -> dict[str, set[tuple[Any, ...]]]:
    """Every derived row with its place and the transaction that wrote it: an untouched row keeps both."""
    return {
        table: set(conn.execute(f"SELECT {key}, ctid::text, xmin::text FROM telemetry.{table}"))
        for table, key in {"state_interval": "started_at", "checkpoint": "at", "usage": "started_at"}.items()
    }


def month_of_work(days: int) -> list[Sent]:
    """Each day the machine runs from hour 1 to 3 and from 5 to 6."""
    return [
        reading for day in range(days) for reading in trace(*((1440 * day + a, 1440 * day + b, w) for a, b, w in DAY))
    ]


DAY = [(0, 60, 50), (60, 180, 900), (180, 300, 50), (300, 360, 900), (360, 1440, 50)]


def test_a_late_reading_touches_only_its_own_hours(conn: Connection) -> None:
    tool = signal(conn)
    tool.send(month_of_work(5))
    tool.derive()
    conn.commit()
    before = stored_rows(conn)
    late = at(1440 * 2 + 80) + timedelta(seconds=30)
    tool.send([(late, 905.0)])
    derived = tool.derive()
    conn.commit()
    assert derived == Derived(MACHINE, 0, 0)
    assert stored_rows(conn) == before, "it says what was known: nothing is written"

    tool.send([(at(1440 * 2 + 420) + timedelta(seconds=each), 900.0, 7) for each in range(1, 59, 3)])
    tool.send([(at(1440 * 2 + minute), 900.0, 8) for minute in range(421, 425)])
    tool.derive()
    conn.commit()
    after = stored_rows(conn)
    day = (at(1440 * 2), at(1440 * 3))
    for table, rows in before.items():
        changed = {row[0] for row in rows ^ after[table]}
        assert all(day[0] <= when < day[1] for when in changed), table
    assert len(before["checkpoint"] ^ after["checkpoint"]) == 0, "the hours that follow begin as before"


def test_a_late_reading_that_closes_a_gap_brings_back_what_the_gap_had_hidden(conn: Connection) -> None:
    """The reading at 118 decided running, and left no interval: unknown began at its very moment."""
    tool = signal(conn)
    tool.send([(at(0), 50.0), (at(1), 50.0), (at(118), 900.0), (at(125), 900.0)])
    tool.derive()
    assert [row[2] for row in tool.states()] == ["idle", "unknown"]
    tool.send([(at(121), 900.0)])
    tool.derive()
    assert [row[:3] for row in tool.states()][1:] == [(at(1), at(118), "unknown"), (at(118), at(125), "running")]


@pytest.fixture
def read_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many readings each look into the database brought."""
    counts: list[int] = []
    original = evidence._packed

    def counting(*args: Any) -> Any:
        rows = original(*args)
        counts.append(len(rows[0]))
        return rows

    monkeypatch.setattr(evidence, "_packed", counting)
    return counts


@pytest.mark.parametrize("days", [2, 8])
def test_what_a_late_reading_costs_does_not_depend_on_how_much_there_is(
    conn: Connection, read_rows: list[int], days: int
) -> None:
    tool = signal(conn)
    tool.send(month_of_work(days))
    tool.derive()
    read_rows.clear()
    tool.send([(at(80) + timedelta(seconds=30), 905.0)])
    tool.derive()
    assert 0 < sum(read_rows) <= 5 * 60, "two hours of one reading a minute, and the usage whose energy it is"


def test_changes_in_two_places_do_not_fold_what_lies_between(conn: Connection, read_rows: list[int]) -> None:
    tool = signal(conn)
    tool.send(month_of_work(8))
    tool.derive()
    read_rows.clear()
    tool.send([(at(80) + timedelta(seconds=30), 905.0)])
    tool.send([(at(1440 * 8), 50.0)])
    tool.derive()
    assert 0 < sum(read_rows) <= 6 * 60


def test_readings_are_read_in_order_from_their_key(conn: Connection) -> None:
    """No sort and no scan of the whole table, or derivation reads all that was ever stored for each late reading."""
    tool = signal(conn)
    conn.execute(
        "INSERT INTO telemetry.reading (channel_id, at, tie, value, received_at)"
        " SELECT channel, %s + minute * interval '1 minute', 0, 50, now()"
        " FROM generate_series(1, 20000) minute, generate_series(%s::int, %s::int) channel",
        [START, tool.channel_id, tool.channel_id + 3],
    )
    values = {"channel_id": tool.channel_id, "since": at(600), "until": at(660), "text": None}
    for name in ("numbers", "words", "first_and_last_reading"):
        with psycopg.ClientCursor(conn) as cursor:
            plan = "\n".join(line for (line,) in cursor.execute(f"EXPLAIN {SQL[name]}", values))
        assert "Sort" not in plan, f"{name} sorts:\n{plan}"
        assert "Seq Scan" not in plan, f"{name} does not use the key:\n{plan}"
