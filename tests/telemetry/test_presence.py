"""What derivation tells booking: real readings begin a reservation, and a silence is no absence."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from booking.jobs import sweep
from booking.presence import store as store_presence
from booking.presence.rules import Signal
from coop.database import Connection, Pool
from tests.telemetry.signals import MACHINE, signal

MINUTE = timedelta(minutes=1)
Ago = Callable[[float], datetime]


@pytest.fixture
def ago() -> Ago:
    """The moment so many minutes before this test began; the application goes by its own clock."""
    now = datetime.now(UTC).replace(microsecond=0)
    return lambda minutes: now - minutes * MINUTE


def minutely(ago: Ago, since: float, until: float, watts: float) -> list[tuple[datetime, float]]:
    """A reading each minute from `since` minutes ago to `until` minutes ago."""
    return [(ago(since - n), watts) for n in range(int(since - until) + 1)]


def status(conn: Connection) -> str:
    row = conn.execute("SELECT status FROM booking.reservation").fetchone()
    assert row is not None
    return str(row[0])


def test_a_machine_that_starts_to_run_begins_its_reservation(conn: Connection, ago: Ago) -> None:
    tool = signal(conn)
    tool.reserve(ago(30), ago(-60))
    tool.send(minutely(ago, 40, 11, 50))
    tool.derive()
    assert status(conn) == "confirmed"
    tool.send(minutely(ago, 10, 0, 900))
    tool.derive()
    told = store_presence.signal(conn, MACHINE)
    assert told == Signal(running_since=ago(10), valid_until=ago(-5)), "the rule's gap is five minutes"
    assert status(conn) == "in_use"
    tool.derive()
    assert conn.execute("SELECT came_by FROM booking.visit").fetchall() == [("running",)]


def test_idle_is_told_with_its_end(conn: Connection, ago: Ago) -> None:
    tool = signal(conn)
    tool.send(minutely(ago, 40, 1, 50))
    tool.derive()
    assert store_presence.signal(conn, MACHINE) == Signal(idle_since=ago(40), valid_until=ago(-4))


def test_a_plug_that_fell_silent_is_unknown(conn: Connection, ago: Ago) -> None:
    tool = signal(conn)
    tool.send(minutely(ago, 60, 40, 50))
    tool.derive()
    assert store_presence.signal(conn, MACHINE) == Signal()


@pytest.mark.parametrize(("last", "expected"), [(0, "released"), (6, "confirmed")], ids=["reports", "is silent"])
def test_a_no_show_is_released_only_while_the_plug_reports(
    conn: Connection, pool: Pool, ago: Ago, last: int, expected: str
) -> None:
    tool = signal(conn)
    tool.reserve(ago(25), ago(-60))
    tool.send(minutely(ago, 40, last, 50))
    tool.derive()
    conn.commit()
    sweep(pool, ago(10))
    sweep(pool, ago(0))
    assert status(conn) == expected
