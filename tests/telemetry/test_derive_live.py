"""What makes derivation run, who hears of it, and what is known between two readings."""

import threading
from datetime import UTC, datetime

import psycopg

from coop.database import Connection, Pool, open_pool
from coop.identity import SYSTEM
from coop.interval import Interval
from coop.settings import Settings
from telemetry.derive import derive_all, run_loop
from telemetry.states import live, rules
from tests.parts.databases import Database
from tests.telemetry.signals import MACHINE, POWER, at, signal, trace


def test_a_month_end_and_a_reservation_cut_usage_and_only_what_changed_is_written(conn: Connection) -> None:
    tool = signal(conn)
    minute = 1440 * 26 + 14 * 60  # 31 October, 23:00 in Tokyo
    tool.send(trace((minute - 30, minute, 50), (minute, minute + 120, 900), (minute + 120, minute + 200, 50)))
    tool.derive()
    first, last, midnight = at(minute), at(minute + 120), datetime(2026, 10, 31, 15, tzinfo=UTC)
    expected = [(first, midnight, 3600, "unassigned", None), (midnight, last, 3600, "unassigned", None)]
    assert tool.usages() == expected
    conn.commit()
    october = "SELECT ctid::text, xmin::text FROM telemetry.usage ORDER BY started_at LIMIT 1"
    before = conn.execute(october).fetchone()
    number = tool.reserve(at(minute + 90), at(minute + 105), "m02")
    tool.derive()
    conn.commit()
    assert [row[2:] for row in tool.usages()][1:] == [
        (1800, "unassigned", None),
        (900, "in_reservation", "m02"),
        (900, "overrun", "m02"),
    ]
    conn.execute("UPDATE booking.reservation SET status = 'cancelled' WHERE id = %s", [number])
    tool.derive()
    conn.commit()
    assert tool.usages() == expected
    tool.send([(at(minute + 300), 50.0)])
    after_both = conn.execute(october).fetchone()
    tool.derive()
    assert conn.execute(october).fetchone() == after_both
    assert before is not None


def test_marks_come_from_whatever_changed(conn: Connection) -> None:
    tool = signal(conn)
    tool.derive()

    def marks() -> list[tuple[datetime, datetime]]:
        return sorted(conn.execute("DELETE FROM telemetry.dirty RETURNING from_at, until_at"))

    number = tool.reserve(at(0), at(60))
    assert marks() == [(at(0), at(60))]
    conn.execute("UPDATE booking.reservation SET purpose = 'secret' WHERE id = %s", [number])
    assert marks() == []
    conn.execute("UPDATE booking.reservation SET ends_at = %s WHERE id = %s", [at(90), number])
    assert marks() == [(at(0), at(60)), (at(0), at(90))]
    rules.set_rule(conn, SYSTEM, MACHINE, POWER, at(600), at(700))
    assert marks()[0][0] == at(600), "from the change's start on, not before"
    conn.execute("DELETE FROM booking.reservation WHERE id = %s", [number])
    assert marks() == [(at(0), at(90))]


def test_the_loop_derives_tells_listeners_and_survives_a_database_that_goes_away(
    conn: Connection, database: Database
) -> None:
    tool = signal(conn)
    conn.commit()
    stop = threading.Event()
    config = Settings(database_url=database.app_url, derive_pause_ms=10)
    with psycopg.connect(database.app_url, autocommit=True) as listener, open_pool(config) as pool:
        listener.execute("LISTEN moyai_events")
        loop = threading.Thread(target=run_loop, args=(pool, config, stop))
        loop.start()
        try:
            tool.send(trace((0, 10, 50)))
            conn.commit()
            heard = [notice.payload for notice in listener.notifies(timeout=10, stop_after=1)]
            assert heard == ['{"kind": "machine", "id": "cmm-1"}']
            listener.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user"
                " AND pid NOT IN (pg_backend_pid(), %s)",
                [conn.info.backend_pid],
            )
            tool.send(trace((10, 20, 900)))
            conn.commit()
            assert [n.channel for n in listener.notifies(timeout=20, stop_after=1)] == ["moyai_events"]
        finally:
            stop.set()
            loop.join(20)
        assert not loop.is_alive()
    assert tool.states()[-1][:3] == (at(10), at(19), "running")


def test_four_at_once_derive_a_machine_once(conn: Connection, pool: Pool) -> None:
    tool = signal(conn)
    tool.send(trace((0, 60, 50), (60, 180, 900), (180, 300, 50)))
    conn.commit()
    counts: list[int] = []
    workers = [threading.Thread(target=lambda: counts.append(derive_all(pool))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sum(counts) == 1
    assert tool.usages() == [(at(60), at(180), 7200, "unassigned", None)]


def test_nothing_is_stored_until_now_and_what_is_known_now_is_computed(conn: Connection) -> None:
    tool = signal(conn)
    tool.send(trace((0, 10, 50), (10, 21, 900)))
    tool.derive()
    assert tool.states()[-1] == (at(10), at(20), "running", None)
    (now,) = live.current_states(conn, at(24))
    assert (now.state, now.since, now.last_at, now.signal_until) == ("running", at(10), at(20), at(25))
    (later,) = live.current_states(conn, at(26))
    assert (later.state, later.since) == ("unknown", at(20))
    window = Interval(at(5), at(60))
    assert [(each.started_at, each.ended_at, each.state) for each in live.states(conn, MACHINE, window, at(30))] == [
        (at(5), at(10), "idle"),
        (at(10), at(20), "running"),
        (at(20), at(30), "unknown"),
    ]
    tool.send([(at(21), 50.0)])
    tool.derive()
    assert [live.current_state(conn, MACHINE, at(minute)).state for minute in (22, 23)] == ["running", "idle"]
    assert live.current_state(conn, MACHINE, at(23)).since == at(21)
