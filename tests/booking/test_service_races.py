"""Races on real connections: pools, several claims, answers to a request, a handover and a cancel."""

from datetime import timedelta

from booking import (
    OutageKind,
    ServiceKind,
    Wish,
    approve,
    cancel,
    close,
    decline,
    find,
    hand_over,
    move,
    reserve,
    reserve_any,
    swap,
)
from coop import people
from coop.database import Connection, Pool
from coop.identity import SYSTEM, Role
from coop.interval import Interval
from tests.booking.places import Place, settle_in
from tests.booking.races import Use, race
from tests.booking.services import NOW, any_of, offer, things, unit
from tests.booking.services import pool as units

HOUR = timedelta(hours=1)
GAUGES = ("gauge-a", "gauge-b", "gauge-c")


def hour(number: float, length: float = 1) -> Interval:
    return Interval.of(NOW + number * HOUR, length * HOUR)


def room(conn: Connection, *, machines: int, members: int) -> Place:
    place = settle_in(conn, machines=machines, members=members)
    things(conn, *GAUGES, "fixture")
    units(conn, "gauges", *GAUGES)
    conn.commit()
    return place


def overlaps(conn: Connection) -> int:
    """Pairs of claims that share a resource and a time, found without the constraint's help."""
    row = conn.execute(
        "SELECT count(*) FROM booking.claim a JOIN booking.claim b ON a.id < b.id AND a.resource_id = b.resource_id"
        " AND lower(a.blocked) < upper(b.blocked) AND lower(b.blocked) < upper(a.blocked)"
        " WHERE a.released_at IS NULL AND b.released_at IS NULL"
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_pool_of_three_serves_three_of_sixteen(conn: Connection, pool: Pool) -> None:
    place = room(conn, machines=16, members=16)
    for machine_id in place.machine_ids:
        offer(conn, machine_id, ServiceKind.ATTENDED, any_of("gauge", "gauges"))
    conn.commit()
    for number in range(0, 10, 2):
        uses = [
            lambda c, who=who, m=m, n=number: reserve(c, who, Wish(m, hour(n), service=ServiceKind.ATTENDED), NOW)
            for who, m in zip(place.engineers, place.machine_ids, strict=True)
        ]
        assert race(pool, uses) == {"won": 3, "SlotTaken": 13}
    row = conn.execute(
        "SELECT count(*), count(DISTINCT resource_id) FROM booking.claim WHERE need = 'gauge'"
    ).fetchone()
    assert row == (15, 3)
    assert overlaps(conn) == 0


def test_three_machines_of_a_pool_go_to_three_of_twelve(conn: Connection, pool: Pool) -> None:
    place = room(conn, machines=3, members=12)
    units(conn, "cmms", *place.machine_ids)
    conn.commit()
    uses = [lambda c, who=who: reserve_any(c, who, "cmms", Wish("", hour(1)), NOW) for who in place.engineers]
    assert race(pool, uses) == {"won": 3, "SlotTaken": 9}
    assert overlaps(conn) == 0


def test_claims_in_opposite_order_do_not_lock_each_other_out(conn: Connection, pool: Pool) -> None:
    """Each machine is the other's accessory: whoever locked in the order of asking would meet in the middle."""
    place = room(conn, machines=2, members=12)
    offer(conn, "cmm-1", ServiceKind.ATTENDED, unit("helper", "cmm-2"), unit("fixture", "fixture"))
    offer(conn, "cmm-2", ServiceKind.ATTENDED, unit("fixture", "fixture"), unit("helper", "cmm-1"))
    conn.commit()
    for number in range(0, 12, 2):
        uses = [
            lambda c, who=who, m=m, n=number: reserve(c, who, Wish(m, hour(n), service=ServiceKind.ATTENDED), NOW)
            for who, m in zip(place.engineers, place.machine_ids * 6, strict=True)
        ]
        assert race(pool, uses) == {"won": 1, "SlotTaken": 11}
    row = conn.execute("SELECT count(*), count(DISTINCT reservation_id) FROM booking.claim").fetchone()
    assert row == (18, 6)


def test_a_request_is_answered_once(conn: Connection, pool: Pool) -> None:
    place = room(conn, machines=1, members=1)
    offer(conn, "cmm-1", ServiceKind.SELF_USE, approval_minutes=60)
    conn.commit()
    for number in range(5):
        asked = reserve(conn, place.engineers[0], Wish("cmm-1", hour(number)), NOW)
        conn.commit()
        answers = [approve, decline] * 4
        outcome = race(pool, [lambda c, a=a, i=asked.id: a(c, SYSTEM, i, NOW) for a in answers])
        assert outcome == {"won": 1, "NotPending": 7}
        assert find(conn, SYSTEM, asked.id).version == 2
        conn.commit()


def test_a_handover_and_a_cancel_come_one_after_the_other(conn: Connection, pool: Pool) -> None:
    place = room(conn, machines=1, members=1)
    mine = place.engineers[0]
    kato = people.add_person(conn, name="加藤", email="k@m.example", roles=[Role.ENGINEER], member_id="m01")
    for number in range(6):
        made = reserve(conn, mine, Wish("cmm-1", hour(1 + number)), NOW)
        conn.commit()
        uses: list[Use] = [
            lambda c, i=made.id: hand_over(c, mine, i, kato, NOW),
            lambda c, i=made.id: cancel(c, mine, i, NOW),
        ]
        outcome = race(pool, uses)
        after = find(conn, SYSTEM, made.id)
        if after.holder.person_id == kato:  # handed over first: then it is no longer theirs to cancel
            assert outcome == {"won": 1, "Forbidden": 1}
            assert after.status == "confirmed"
        else:
            assert outcome == {"won": 1, "AlreadyEnded": 1}
            assert after.status == "cancelled"
        conn.execute("UPDATE booking.claim SET released_at = now()")
        conn.commit()


def test_a_breakdown_while_everybody_books_leaves_no_hole_and_no_overlap(conn: Connection, pool: Pool) -> None:
    place = room(conn, machines=2, members=12)
    made = [reserve(conn, who, Wish("cmm-1", hour(1 + n)), NOW) for n, who in enumerate(place.engineers[:6])]
    conn.commit()
    down: list[Use] = [lambda c: close(c, SYSTEM, "cmm-1", OutageKind.BREAKDOWN, hour(0, 24), "", NOW)]
    leave: list[Use] = [lambda c, r=r: swap(c, SYSTEM, r.id, "cmm-2", NOW) for r in made[:2]]
    leave += [lambda c, r=r: cancel(c, SYSTEM, r.id, NOW) for r in made[2:4]]
    leave += [lambda c, r=r: move(c, SYSTEM, r.id, hour(20), NOW) for r in made[4:5]]
    book: list[Use] = [
        lambda c, who=who, n=n: reserve(c, who, Wish("cmm-1", hour(n)), NOW)
        for n, who in enumerate(place.engineers[6:], start=7)
    ]
    outcome = race(pool, [*leave, *down, *book])
    assert set(outcome) <= {"won", "SlotTaken"}
    assert overlaps(conn) == 0
    row = conn.execute(
        "SELECT range_agg(blocked) = tstzmultirange(tstzrange(%s, %s)) FROM booking.claim"
        " WHERE resource_id = 'cmm-1' AND released_at IS NULL",
        [hour(0).start, hour(24).start],
    ).fetchone()
    assert row == (True,)
