"""What a person must look at: raised once, brought up to date, and closed when it is no longer so."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from coop.database import Connection
from telemetry.findings.sweep import Swept, sweep
from telemetry.usage.closed import tell_closed
from tests.telemetry.signals import MACHINE, Signal, at, channel, signal, trace

NOW = at(600)


@pytest.fixture
def tool(conn: Connection) -> Signal:
    """Idle, and running from minute 60 to 120; the signal goes on to minute 240."""
    tool = signal(conn)
    tool.send(trace((0, 60, 50), (60, 120, 900), (120, 240, 50)))
    return tool


def found(tool: Signal, now: datetime = NOW) -> list[tuple[str, UUID | None, dict[str, Any]]]:
    """The open findings after derivation and a sweep."""
    tool.derive()
    sweep(tool.conn, now)
    return list(
        tool.conn.execute(
            "SELECT kind, reservation_id, detail FROM telemetry.finding WHERE closed_at IS NULL ORDER BY kind, id"
        )
    )


def late(tool: Signal, start: int, end: int) -> None:
    """It ran on, as readings say that come later."""
    tool.send([(when, watts, 7) for when, watts in trace((start, end, 900))])


def kinds(tool: Signal, now: datetime = NOW) -> list[str]:
    return [kind for kind, *_ in found(tool, now)]


def visit(tool: Signal, reservation_id: UUID, came: float, left: float | None, by: str = "code") -> None:
    tool.conn.execute(
        "INSERT INTO booking.visit (reservation_id, machine_id, came_at, came_by, left_at) VALUES (%s, %s, %s, %s, %s)",
        [reservation_id, MACHINE, at(came), by, None if left is None else at(left)],
    )


def test_usage_of_nobody_is_found_after_a_while_once_and_goes_with_its_cause(tool: Signal) -> None:
    assert kinds(tool, at(150)) == []
    assert kinds(tool) == ["nobody"]
    late(tool, 120, 130)
    tool.derive()
    assert sweep(tool.conn, NOW) == Swept(1, 0), "brought up to date, not raised again"
    assert tool.conn.execute("SELECT count(*), max(upper(during)) FROM telemetry.finding").fetchone() == (1, at(130))
    assert sweep(tool.conn, NOW) == Swept(0, 0)
    tool.reserve(at(50), at(140))
    assert kinds(tool) == []


def test_what_a_person_said_is_well_is_not_raised_again(tool: Signal) -> None:
    tool.reserve(at(0), at(20))
    tool.reserve(at(300), at(400), status="done")
    assert [kind for kind, *_ in found(tool)] == ["no_signal", "nobody"]
    person = tool.conn.execute(
        "INSERT INTO coop.person (id, name, member_id, email)"
        " VALUES (gen_random_uuid(), '事務', 'm01', 'a@b.test') RETURNING id"
    ).fetchone()
    assert person is not None
    tool.conn.execute(
        "UPDATE telemetry.finding SET closed_at = now(), settled_by = %s WHERE kind = 'no_signal'", [person[0]]
    )
    assert kinds(tool) == ["nobody"]


def test_a_machine_that_ran_through_a_hand_over_may_be_two_peoples(tool: Signal) -> None:
    first, second = tool.reserve(at(50), at(90), "m01"), tool.reserve(at(90), at(180), "m02")
    assert found(tool) == [("two", second, {"other_reservation_id": str(first), "because": "ran_through"})]
    visit(tool, second, 88, None)
    assert kinds(tool) == [], "who had checked in by then has it"


def test_a_person_checked_in_during_anothers_usage_is_found(tool: Signal) -> None:
    first, second = tool.reserve(at(50), at(130), "m01"), tool.reserve(at(130), at(180), "m02", "in_use")
    visit(tool, second, 100, None, "badge")
    assert ("two", first, {"other_reservation_id": str(second), "because": "checked_in"}) in found(tool)


def test_checked_in_while_it_is_known_that_nothing_ran(tool: Signal) -> None:
    number = tool.reserve(at(130), at(180), status="done")
    tool.reserve(at(50), at(125))
    visit(tool, number, 131, 170)
    assert found(tool) == [("sensor_disagrees", number, {"because": "never_ran"})]


@pytest.mark.parametrize(("came", "left"), [(131, 140), (100, 170), (235, 300)], ids=["short", "ran", "unknown"])
def test_otherwise_sensor_and_person_agree(tool: Signal, came: float, left: float) -> None:
    tool.reserve(at(50), at(95))
    visit(tool, tool.reserve(at(95), at(245), status="done"), came, left)
    assert "sensor_disagrees" not in kinds(tool)


def test_checked_out_and_running_on(tool: Signal) -> None:
    number = tool.reserve(at(50), at(130), status="done")
    visit(tool, number, 55, 100)
    ((kind, of, detail),) = found(tool)
    assert (kind, of, detail["because"]) == ("sensor_disagrees", number, "ran_on")


def test_no_signal_within_a_reservation_counts_gaps_and_what_follows_the_last_reading(tool: Signal) -> None:
    tool.reserve(at(50), at(125))
    lost = tool.reserve(at(200), at(300))
    assert found(tool, at(250)) == [], "eleven minutes since the last reading"
    assert found(tool, at(259)) == [("no_signal", lost, {"unknown_seconds": 20 * 60})]
    tool.send(trace((290, 300, 50)))
    assert found(tool) == [("no_signal", lost, {"unknown_seconds": 51 * 60})]
    tool.send(trace((240, 290, 50)))
    assert kinds(tool) == []


def test_a_counter_that_gained_more_than_idling_could_shows_that_it_ran(tool: Signal) -> None:
    """Three hours at the threshold of 100 W are 300 Wh."""
    tool.reserve(at(50), at(125))
    counter = Signal(tool.conn, channel(tool.conn, f"{MACHINE}-plug", "energy_wh"))
    counter.send([(at(239), 1000.0)])
    tool.send(trace((419, 430, 50)))
    assert kinds(tool) == []
    tool.conn.execute(
        "INSERT INTO telemetry.reading (channel_id, at, tie, value, received_at, queued)"
        " VALUES (%s, %s, 0, 1290, now(), true)",
        [counter.channel_id, at(418)],
    )
    assert kinds(tool) == [], "290 Wh may be idling"
    counter.send([(at(419), 3000.0)])
    assert found(tool) == [("ran_without_signal", None, {"energy_kwh": 2.0})]


def test_usage_that_changes_in_a_closed_month_is_announced_until_the_next_close(tool: Signal) -> None:
    tool.reserve(at(50), at(140))
    assert kinds(tool) == []
    november = datetime(2026, 10, 31, 15, tzinfo=UTC)
    tell_closed(tool.conn, november)
    late(tool, 120, 125)
    assert found(tool) == [("closed_month_changed", None, {"running_seconds": 300})]
    late(tool, 125, 127)
    assert found(tool) == [("closed_month_changed", None, {"running_seconds": 420})]
    row = tool.conn.execute("SELECT upper(during), usage_id FROM telemetry.finding").fetchone()
    assert row == (november, None)
    tell_closed(tool.conn, november + timedelta(days=30))
    assert kinds(tool) == []
