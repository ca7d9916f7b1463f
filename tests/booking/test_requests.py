"""Requests hold their time until somebody answers or nobody did; a reservation passes on; one comes late."""

from datetime import timedelta
from typing import Any

import pytest

from booking import (
    NotPending,
    ServiceKind,
    SlotTaken,
    Status,
    Wish,
    announce_late,
    approve,
    decline,
    find,
    free_slots,
    hand_over,
    move,
    reserve,
    terms,
)
from booking import hold as holding
from booking.handover import LateOutsideSlot, NotAColleague
from booking.pending import lapse
from coop import people
from coop.database import Connection
from coop.errors import Forbidden, NotFound, PreconditionFailed
from coop.identity import SYSTEM, Role, Viewer
from coop.interval import Interval
from tests.booking.places import Place, settle_in
from tests.booking.services import NOW, offer

HOUR = timedelta(hours=1)


def hour(number: float, length: float = 1) -> Interval:
    return Interval.of(NOW + number * HOUR, length * HOUR)


def let_time_pass(conn: Connection) -> None:
    """The database's clock cannot be set: what waits is made to have waited."""
    conn.execute(
        "UPDATE booking.claim SET expires_at = clock_timestamp() - interval '1 second' WHERE expires_at > now()"
    )


@pytest.fixture
def place(conn: Connection) -> Place:
    """`cmm-1` asks for approval."""
    place = settle_in(conn, machines=2, members=2)
    offer(conn, "cmm-1", ServiceKind.SELF_USE, approval_minutes=60)
    return place


def test_a_request_holds_its_time_until_it_is_approved(conn: Connection, place: Place) -> None:
    mine, other = place.engineers
    asked = reserve(conn, mine, Wish("cmm-1", hour(2)), NOW)
    assert asked.status is Status.PENDING
    with pytest.raises(SlotTaken):
        reserve(conn, other, Wish("cmm-1", hour(2)), NOW)
    with pytest.raises(Forbidden):
        approve(conn, mine, asked.id, NOW)
    approved = approve(conn, SYSTEM, asked.id, NOW, version=1)
    assert (approved.status, approved.version) == (Status.CONFIRMED, 2)
    let_time_pass(conn)
    assert lapse(conn, NOW) == []
    assert find(conn, mine, asked.id) == approved
    for answer in (approve, decline):
        with pytest.raises(NotPending):
            answer(conn, SYSTEM, asked.id, NOW)


def test_a_declined_request_gives_its_time_back(conn: Connection, place: Place) -> None:
    mine, other = place.engineers
    asked = reserve(conn, mine, Wish("cmm-1", hour(2)), NOW)
    assert decline(conn, SYSTEM, asked.id, NOW).status is Status.DECLINED
    assert free_slots(conn, terms(conn, "cmm-1"), hour(0, 24), NOW) == [hour(0, 24)]
    reserve(conn, other, Wish("cmm-1", hour(2)), NOW)


def test_a_request_that_nobody_answered_is_over(conn: Connection, place: Place) -> None:
    mine, other = place.engineers
    asked = reserve(conn, mine, Wish("cmm-1", hour(2)), NOW)
    assert lapse(conn, NOW) == []
    let_time_pass(conn)
    with pytest.raises(NotPending):
        approve(conn, SYSTEM, asked.id, NOW)
    reserve(conn, other, Wish("cmm-1", hour(2)), NOW)  # before any sweep
    assert find(conn, mine, asked.id).status is Status.DECLINED
    again = reserve(conn, mine, Wish("cmm-1", hour(4)), NOW)
    let_time_pass(conn)
    assert again.id in lapse(conn, NOW)
    assert lapse(conn, NOW) == []
    rows = conn.execute("SELECT count(*) FROM coop.audit WHERE action = 'reservation.lapsed'").fetchone()
    assert rows == (3,)


def test_nobody_asks_the_operator_and_no_door_goes_round_approval(conn: Connection, place: Place) -> None:
    mine, _ = place.engineers
    agreed = reserve(conn, SYSTEM, Wish("cmm-1", hour(1), person_id=mine.person_id), NOW)
    assert agreed.status is Status.CONFIRMED
    assert move(conn, mine, agreed.id, hour(1, 0.5), NOW).status is Status.CONFIRMED  # within what was approved
    assert move(conn, mine, agreed.id, hour(5), NOW).status is Status.PENDING
    held, _ = holding.hold(conn, mine, Wish("cmm-1", hour(8)), NOW)
    assert holding.confirm(conn, mine, held.id, "", NOW).status is Status.PENDING
    elsewhere = reserve(conn, mine, Wish("cmm-2", hour(8)), NOW)
    assert elsewhere.status is Status.CONFIRMED


def test_a_request_ends_when_its_slot_begins(conn: Connection, place: Place) -> None:
    reserve(conn, place.engineers[0], Wish("cmm-1", hour(0.25)), NOW)
    row = conn.execute("SELECT expires_at - clock_timestamp() FROM booking.claim").fetchone()
    assert row is not None
    assert timedelta(minutes=14) < row[0] <= timedelta(minutes=15)


def colleague(conn: Connection, member_id: str, **more: Any) -> Viewer:
    person_id = people.add_person(
        conn, name="加藤", email=f"kato@{member_id}.example", roles=[Role.ENGINEER], member_id=member_id, **more
    )
    return Viewer(person_id, member_id, frozenset({Role.ENGINEER}))


def test_a_reservation_passes_to_a_colleague(conn: Connection, place: Place) -> None:
    mine, other = place.engineers
    kato = colleague(conn, "m01")
    made = reserve(conn, mine, Wish("cmm-2", hour(2)), NOW)
    for nobody in (other.person_id, made.id):
        with pytest.raises(NotAColleague):
            hand_over(conn, mine, made.id, nobody, NOW)
    assert kato.person_id is not None
    with pytest.raises(PreconditionFailed):
        hand_over(conn, mine, made.id, kato.person_id, NOW, version=2)
    handed = hand_over(conn, mine, made.id, kato.person_id, NOW, version=1)
    assert (handed.holder.person_name, handed.uid, handed.version, handed.when) == ("加藤", made.uid, 2, made.when)
    with pytest.raises(Forbidden):
        move(conn, mine, made.id, hour(5), NOW)
    move(conn, kato, made.id, hour(5), NOW)
    with pytest.raises(NotFound):
        hand_over(conn, other, made.id, kato.person_id, NOW)


def test_who_comes_late_says_so(conn: Connection, place: Place) -> None:
    mine, _ = place.engineers
    made = reserve(conn, mine, Wish("cmm-2", hour(2)), NOW)
    late = announce_late(conn, mine, made.id, hour(2.5).start, NOW, version=1)
    assert (late.expected_at, late.version) == (hour(2.5).start, 2)
    assert find(conn, mine, made.id).expected_at == hour(2.5).start
    for outside in (hour(1).start, hour(3).start):
        with pytest.raises(LateOutsideSlot):
            announce_late(conn, mine, made.id, outside, NOW)
    assert move(conn, mine, made.id, hour(4), NOW).expected_at is None
