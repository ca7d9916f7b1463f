"""Old readings go; what they meant stays, and nothing of an open month goes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop.database import Connection, Pool, open_pool
from coop.settings import Settings
from telemetry.storage import forget, rollups
from telemetry.storage.forget import boundary
from tests.telemetry.signals import MACHINE, START, Signal, at, signal, trace

TOKYO = ZoneInfo("Asia/Tokyo")
NEXT_MONTH = datetime(2026, 10, 31, 15, tzinfo=UTC)  # November begins in Japan
LATER = datetime(2027, 11, 15, tzinfo=UTC)


@pytest.fixture(params=["database", "embedded_database"])
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """Chunks are dropped on TimescaleDB, rows deleted elsewhere."""
    with open_pool(Settings(database_url=request.getfixturevalue(request.param).app_url)) as pool:
        yield pool


@pytest.fixture
def conn(pool: Pool) -> Iterator[Connection]:
    with pool.connection() as conn:
        yield conn


@pytest.fixture
def cmm(conn: Connection) -> Signal:
    """It ran an hour in October and two in November; derived and reckoned."""
    sent = signal(conn)
    november = (NEXT_MONTH - START) / timedelta(minutes=1)
    sent.send(
        trace((0, 60, 500), (60, 90, 0), (november + 300, november + 420, 500), (november + 420, november + 450, 0))
    )
    sent.derive()
    rollups.renew(conn, MACHINE)
    conn.commit()
    return sent


def close(conn: Connection, until: datetime) -> None:
    conn.execute("INSERT INTO telemetry.closed (until) VALUES (%s)", [until])
    conn.commit()


def kept(conn: Connection) -> list[tuple[datetime]]:
    return conn.execute(
        "SELECT DISTINCT date_trunc('month', at, 'Asia/Tokyo') FROM telemetry.reading ORDER BY 1"
    ).fetchall()


def test_an_open_month_keeps_its_readings_however_old(cmm: Signal, pool: Pool) -> None:
    assert forget.forget(pool, 1, LATER) is None
    close(cmm.conn, datetime(2026, 9, 30, 15, tzinfo=UTC))
    forget.forget(pool, 1, LATER)
    assert len(kept(cmm.conn)) == 2


def test_what_was_let_go_stays_as_it_was_derived(cmm: Signal, pool: Pool) -> None:
    close(cmm.conn, NEXT_MONTH)
    october = [each for each in cmm.usages() if each[0] < NEXT_MONTH]
    hours = cmm.conn.execute("SELECT * FROM telemetry.rollup_hour ORDER BY at").fetchall()
    assert (len(october), len(cmm.usages())) == (1, 2)
    assert forget.forget(pool, 1, LATER) == NEXT_MONTH
    assert kept(cmm.conn) == [(NEXT_MONTH,)]
    cmm.conn.execute("UPDATE telemetry.state_rule SET on_watts = 1000")  # nothing ever ran, says who forgets nothing
    cmm.mark(datetime(1990, 1, 1, tzinfo=UTC), LATER)
    cmm.derive()
    rollups.renew(cmm.conn, MACHINE)
    assert cmm.usages() == october
    assert cmm.conn.execute("SELECT * FROM telemetry.rollup_hour ORDER BY at").fetchall() == hours


def test_what_was_kept_is_still_derived(cmm: Signal, pool: Pool) -> None:
    close(cmm.conn, NEXT_MONTH)
    forget.forget(pool, 1, LATER)
    october = [each for each in cmm.states() if each[0] < at(90)]
    late = (NEXT_MONTH - START) / timedelta(minutes=1) + 200
    cmm.send(trace((late, late + 10, 500), (late + 10, late + 20, 0)))
    cmm.derive()
    running = [each for each in cmm.states() if each[2] == "running"]
    assert [(end - start) // timedelta(minutes=1) for start, end, *_ in running] == [60, 10, 120]
    assert cmm.states()[: len(october) - 1] == october[:-1]


def test_a_machine_that_fell_silent_keeps_its_states(cmm: Signal, pool: Pool) -> None:
    december = datetime(2026, 11, 30, 15, tzinfo=UTC)
    close(cmm.conn, december)
    states = cmm.states()
    assert forget.forget(pool, 1, LATER) == december
    assert kept(cmm.conn) == []
    cmm.mark(datetime(1990, 1, 1, tzinfo=UTC), LATER)
    cmm.derive()
    assert cmm.states() == states
    cmm.send([(december + timedelta(days=40), 500.0)])
    cmm.derive()
    assert cmm.states()[: len(states)] == states


def test_months_are_kept_after_theirs() -> None:
    closed = datetime(2026, 10, 31, 15, tzinfo=UTC)
    assert boundary(datetime(2026, 11, 20, tzinfo=UTC), 1, closed, TOKYO) == datetime(2026, 9, 30, 15, tzinfo=UTC)
    assert boundary(datetime(2026, 12, 20, tzinfo=UTC), 1, closed, TOKYO) == closed
    assert boundary(datetime(2027, 12, 20, tzinfo=UTC), 1, closed, TOKYO) == closed
    assert boundary(datetime(2027, 12, 20, tzinfo=UTC), 0, closed, TOKYO) is None
    assert boundary(datetime(2027, 12, 20, tzinfo=UTC), 1, None, TOKYO) is None


MOMENTS = st.integers(0, 3650).map(lambda days: START + timedelta(days=days, hours=7))


@given(now=MOMENTS, closed=MOMENTS, months=st.integers(1, 100))
def test_nothing_open_and_nothing_young_is_let_go(now: datetime, closed: datetime, months: int) -> None:
    found = boundary(now, months, closed, TOKYO)
    assert found is not None
    assert found <= closed
    assert now - found >= timedelta(days=28 * months)
