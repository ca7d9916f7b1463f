"""kWh and parts of a usage, worked out by hand; and a machine that is occupied though nothing runs."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coop.database import Connection
from tests.telemetry.signals import MACHINE, Signal, at, attach, channel, signal, trace


def measured(conn: Connection) -> list[tuple[Decimal | None, int | None]]:
    return list(conn.execute("SELECT energy_kwh, parts FROM telemetry.usage ORDER BY started_at"))


@pytest.fixture
def tool(conn: Connection) -> Signal:
    """Runs from minute 10 to 70 at 900 W, and is idle at 50 W before and after."""
    tool = signal(conn)
    tool.send(trace((0, 10, 50), (10, 70, 900), (70, 90, 50)))
    return tool


def also(tool: Signal, name: str) -> Signal:
    return Signal(tool.conn, channel(tool.conn, f"{MACHINE}-plug", name))


def test_energy_is_power_times_time_where_there_is_no_counter(tool: Signal) -> None:
    tool.derive()
    assert measured(tool.conn) == [(Decimal("0.9000"), None)]


def test_a_counter_prevails_and_its_growth_is_spread_between_readings(tool: Signal) -> None:
    """5000 → 5100 Wh until minute 40, → 5400 until minute 100: 75 Wh of the first, 150 of the second."""
    also(tool, "energy_wh").send([(at(0), 5000.0), (at(40), 5100.0), (at(100), 5400.0)])
    tool.derive()
    assert measured(tool.conn) == [(Decimal("0.2250"), None)]


def test_a_counter_that_goes_down_began_anew(tool: Signal) -> None:
    also(tool, "energy_wh").send([(at(10), 9000.0), (at(40), 9100.0), (at(50), 20.0), (at(70), 50.0)])
    tool.derive()
    assert measured(tool.conn) == [(Decimal("0.1500"), None)]


def test_parts_are_what_a_counter_gained_meanwhile(tool: Signal) -> None:
    """The last count before was 7, however long ago; one is counted as it stops, one after."""
    also(tool, "part_count").send([(at(-3000), 7.0), (at(30), 9.0), (at(50), 2.0), (at(70), 3.0), (at(71), 4.0)])
    tool.derive()
    assert [parts for _, parts in measured(tool.conn)] == [2 + 2 + 1]


def test_parts_by_pulses(tool: Signal) -> None:
    also(tool, "part_increment").send([(at(5), 1.0), (at(30), 1.0), (at(40), 2.0), (at(80), 1.0)])
    tool.derive()
    assert [parts for _, parts in measured(tool.conn)] == [3]


def test_two_plugs_of_a_machine_add_up(tool: Signal) -> None:
    other = Signal(tool.conn, attach(tool.conn, "pump", MACHINE, "energy_wh"))
    other.send([(at(10), 0.0), (at(70), 100.0)])
    tool.derive()
    assert measured(tool.conn) == [(Decimal("1.0000"), None)]


def test_pieces_of_a_stretch_add_up(tool: Signal) -> None:
    also(tool, "energy_wh").send([(at(minute), 3.0 * minute) for minute in range(0, 90, 7)])
    also(tool, "part_count").send([(at(minute), minute // 4 + 0.0) for minute in range(0, 90, 4)])
    tool.derive()
    ((whole_kwh, whole_parts),) = measured(tool.conn)
    tool.reserve(at(20), at(28), "m01")
    tool.derive()
    pieces = measured(tool.conn)
    assert len(pieces) == 3
    assert sum(kwh for kwh, _ in pieces if kwh is not None) == whole_kwh
    assert sum(parts for _, parts in pieces if parts is not None) == whole_parts


def test_diagnostics_are_the_same_in_any_order_of_arrival(tool: Signal) -> None:
    tool.derive()
    tool.conn.commit()
    energy, count = also(tool, "energy_wh"), also(tool, "part_count")
    readings = st.lists(
        st.tuples(st.integers(-200, 200), st.integers(0, 500)), unique_by=lambda one: one[0], max_size=12
    )

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        drawn = [
            (meter, at(minute), float(value)) for meter in (energy, count) for minute, value in data.draw(readings)
        ]
        with tool.conn.transaction(force_rollback=True):
            for meter, when, value in drawn:
                meter.send([(when, value)])
            tool.derive()
            at_once = measured(tool.conn)
        with tool.conn.transaction(force_rollback=True):
            for meter, when, value in data.draw(st.permutations(drawn)):
                meter.send([(when, value)])
                tool.derive()
            one_by_one = measured(tool.conn)
        assert one_by_one == at_once

    holds()


def visit(tool: Signal, came: float, left: float | None, by: str = "code", status: str = "done") -> None:
    """Somebody checked in and out at a reservation from minute 0 to 120."""
    number = tool.reserve(at(0), at(120), "m01", status)
    tool.conn.execute(
        "INSERT INTO booking.visit (reservation_id, machine_id, came_at, came_by, left_at) VALUES (%s, %s, %s, %s, %s)",
        [number, MACHINE, at(came), by, None if left is None else at(left)],
    )
    tool.derive()


def test_a_machine_is_occupied_from_check_in_to_check_out(tool: Signal) -> None:
    visit(tool, -5, 100)
    assert tool.usages() == [(at(0), at(100), 3600, "in_reservation", "m01")]


@pytest.mark.parametrize(
    ("left", "by", "status"),
    [(None, "code", "in_use"), (100, "running", "done")],
    ids=["still there", "only seen running"],
)
def test_without_a_check_out_it_is_what_ran(tool: Signal, left: float | None, by: str, status: str) -> None:
    visit(tool, 5, left, by, status)
    assert tool.usages() == [(at(10), at(70), 3600, "in_reservation", "m01")]


def test_who_never_checks_out_was_there_to_the_end(tool: Signal) -> None:
    visit(tool, 5, None)
    assert tool.usages() == [(at(5), at(120), 3600, "in_reservation", "m01")]
