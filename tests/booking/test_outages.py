"""Outages use the constraint of reservations: planned ones give way, a breakdown takes what is free or given back."""

from datetime import timedelta

import pytest

from booking import OutageKind, SlotTaken, Wish, cancel, close, free_slots, move, reopen, reserve, swap, terms
from booking.outages import OutageConflicts, OutageOver, OutageOverlaps, ResourceUnknown, affected, outages
from coop.database import Connection
from coop.errors import Forbidden, NotFound
from coop.identity import SYSTEM
from coop.interval import Interval
from tests.booking.places import Place, settle_in
from tests.booking.services import NOW

HOUR = timedelta(hours=1)
DAY = Interval.of(NOW, timedelta(days=1))
CALIBRATION, BREAKDOWN = OutageKind.CALIBRATION, OutageKind.BREAKDOWN


def hour(number: float, length: float = 1) -> Interval:
    return Interval.of(NOW + number * HOUR, length * HOUR)


def free(conn: Connection, machine_id: str = "cmm-1") -> list[Interval]:
    return free_slots(conn, terms(conn, machine_id), DAY, NOW)


def shut(conn: Connection) -> list[Interval]:
    rows = conn.execute(
        "SELECT lower(blocked), upper(blocked) FROM booking.claim WHERE outage_id IS NOT NULL ORDER BY blocked"
    )
    return [Interval(*row) for row in rows]


@pytest.fixture
def place(conn: Connection) -> Place:
    return settle_in(conn, machines=2, members=2)


def test_a_planned_outage_blocks_and_gives_way(conn: Connection, place: Place) -> None:
    mine, other = place.engineers
    made = reserve(conn, mine, Wish("cmm-1", hour(2)), NOW)
    with pytest.raises(OutageConflicts) as refused:
        close(conn, SYSTEM, "cmm-1", CALIBRATION, hour(1, 3), "JCSS", NOW)
    [listed] = refused.value.extra["reservations"]
    assert listed["reservation"]["id"] == str(made.id)
    assert outages(conn, DAY) == []
    close(conn, SYSTEM, "cmm-1", CALIBRATION, hour(3, 3), "JCSS", NOW)
    with pytest.raises(SlotTaken) as taken:
        reserve(conn, other, Wish("cmm-1", hour(4)), NOW)
    assert [each["outage"] for each in taken.value.extra["conflicts"]] == ["calibration"]
    assert free(conn) == [hour(0, 2), hour(6, 18)]
    with pytest.raises(OutageOverlaps):
        close(conn, SYSTEM, "cmm-1", OutageKind.MAINTENANCE, hour(5, 3), "", NOW)


def test_a_breakdown_keeps_the_reservations_and_takes_what_they_give_back(conn: Connection, place: Place) -> None:
    mine, other = place.engineers
    first = reserve(conn, mine, Wish("cmm-1", hour(2)), NOW)
    second = reserve(conn, other, Wish("cmm-1", hour(4)), NOW)
    reserve(conn, other, Wish("cmm-1", hour(9)), NOW)
    down = close(conn, SYSTEM, "cmm-1", BREAKDOWN, hour(1, 7), "probe", NOW)
    assert [each.id for each in affected(conn, down)] == [first.id, second.id]
    assert shut(conn) == [hour(1), hour(3), hour(5, 3)]
    assert free(conn) == [hour(0), hour(8), hour(10, 14)]
    told = conn.execute("SELECT subject FROM coop.audit WHERE action = 'reservation.affected' ORDER BY id").fetchall()
    assert told == [(f"reservation:{first.id}",), (f"reservation:{second.id}",)]
    swap(conn, mine, first.id, "cmm-2", NOW)
    cancel(conn, other, second.id, NOW)
    assert affected(conn, down) == []
    assert free(conn) == [hour(0), hour(8), hour(10, 14)]
    with pytest.raises(SlotTaken):
        reserve(conn, mine, Wish("cmm-1", hour(2)), NOW)


def test_a_reservation_that_moves_within_a_breakdown_leaves_no_hole(conn: Connection, place: Place) -> None:
    made = reserve(conn, place.engineers[0], Wish("cmm-1", hour(2, 2)), NOW)
    close(conn, SYSTEM, "cmm-1", BREAKDOWN, hour(3, 3), "", NOW)
    move(conn, place.engineers[0], made.id, hour(1, 2), NOW)
    assert shut(conn) == [hour(3), hour(4, 2)]
    assert free(conn) == [hour(0), hour(6, 18)]


def test_a_machine_that_works_again_is_free_from_then_on(conn: Connection, place: Place) -> None:
    down = close(conn, SYSTEM, "cmm-1", BREAKDOWN, hour(1, 7), "probe", NOW)
    ended = reopen(conn, SYSTEM, down.id, hour(3).start)
    assert ended.during == hour(1, 2)
    assert free(conn) == [hour(0), hour(3, 21)]
    with pytest.raises(OutageOver):
        reopen(conn, SYSTEM, down.id, hour(4).start)
    planned = close(conn, SYSTEM, "cmm-1", CALIBRATION, hour(10), "", NOW)
    reopen(conn, SYSTEM, planned.id, NOW)
    assert free(conn) == [hour(0), hour(3, 21)]
    with pytest.raises(NotFound):
        reopen(conn, SYSTEM, planned.id, NOW)


def test_only_operators_and_the_office_close_what_there_is(conn: Connection, place: Place) -> None:
    with pytest.raises(Forbidden):
        close(conn, place.engineers[0], "cmm-1", BREAKDOWN, hour(1), "", NOW)
    with pytest.raises(ResourceUnknown):
        close(conn, SYSTEM, "cmm-9", BREAKDOWN, hour(1), "", NOW)
