"""What the database decides: one winner, holds that end, and plans that stay quick."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from booking import SlotTaken, Wish, cancel, find, free_slots, move, on_board, reserve, terms
from coop import database
from coop.database import Connection, Pool
from coop.interval import Interval
from coop.queries import load
from tests.booking.places import Place, settle_in
from tests.booking.races import race
from tests.parts.databases import Database

SQL = {**load("booking"), **load("booking.services")}
NOW = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hour(number: int, length: int = 1) -> Interval:
    return Interval.of(NOW + number * HOUR, length * HOUR)


def test_sixteen_people_want_one_slot_and_one_gets_it(conn: Connection, pool: Pool) -> None:
    place = settle_in(conn, machines=1, members=16, set_up=10, tear_down=5)
    for number in range(0, 20, 2):
        wish = Wish("cmm-1", hour(number))
        outcome = race(pool, [lambda c, who=who, wish=wish: reserve(c, who, wish, NOW) for who in place.engineers])
        assert outcome == {"won": 1, "SlotTaken": 15}
    assert live_claims(conn) == 10


def test_sixteen_moves_into_one_slot_leave_fifteen_where_they_were(conn: Connection, pool: Pool) -> None:
    place = settle_in(conn, machines=1, members=16)
    made = [reserve(conn, who, Wish("cmm-1", hour(2 * n)), NOW) for n, who in enumerate(place.engineers)]
    conn.commit()
    uses = [
        lambda c, who=who, r=r: move(c, who, r.id, hour(40), NOW) for who, r in zip(place.engineers, made, strict=True)
    ]
    assert race(pool, uses) == {"won": 1, "SlotTaken": 15}
    after = [find(conn, who, r.id).when for who, r in zip(place.engineers, made, strict=True)]
    assert sorted(after) == sorted([*(r.when for r in made if r.when in after), hour(40)])
    assert live_claims(conn) == 16


def test_one_version_is_changed_once(conn: Connection, pool: Pool) -> None:
    place = settle_in(conn, machines=1, members=1)
    who = place.engineers[0]
    made = reserve(conn, who, Wish("cmm-1", hour(1)), NOW)
    conn.commit()
    uses = [lambda c, n=n: move(c, who, made.id, hour(10 + n), NOW, version=1) for n in range(8)]
    assert race(pool, uses) == {"won": 1, "PreconditionFailed": 7}
    assert find(conn, who, made.id).version == 2


def test_a_cancel_from_two_sides_happens_once(conn: Connection, pool: Pool) -> None:
    place = settle_in(conn, machines=1, members=1)
    who = place.engineers[0]
    made = reserve(conn, who, Wish("cmm-1", hour(1)), NOW)
    conn.commit()
    assert race(pool, [lambda c: cancel(c, who, made.id, NOW) for _ in range(8)]) == {"won": 8}
    assert find(conn, who, made.id).version == 2
    said = conn.execute("SELECT count(*) FROM coop.audit WHERE action = 'reservation.cancelled'").fetchone()
    assert said == (1,)


def test_a_refusal_leaves_the_transaction_usable(conn: Connection) -> None:
    place = settle_in(conn, machines=1, members=2)
    mine, other = place.engineers
    reserve(conn, mine, Wish("cmm-1", hour(1)), NOW)
    with pytest.raises(SlotTaken) as refused:
        reserve(conn, other, Wish("cmm-1", hour(1)), NOW)
    assert refused.value.extra["next_free"][0]["starts_at"] == "2026-10-01T02:00:00Z"
    reserve(conn, other, Wish("cmm-1", hour(2)), NOW)
    conn.commit()
    assert live_claims(conn) == 2


def test_touching_slots_do_not_conflict(conn: Connection) -> None:
    place = settle_in(conn, machines=1, members=1)
    for number in (1, 0, 2):
        reserve(conn, place.engineers[0], Wish("cmm-1", hour(number)), NOW)
    assert live_claims(conn) == 3


def test_a_hold_takes_its_time_until_the_database_says_it_is_over(conn: Connection) -> None:
    place = settle_in(conn, machines=1, members=2)
    mine, other = place.engineers
    held = hold(conn, mine.person_id, hour(1), expires="1 hour")
    with pytest.raises(SlotTaken):
        reserve(conn, other, Wish("cmm-1", hour(1)), NOW)
    over = hold(conn, mine.person_id, hour(5), expires="-1 second")
    day = hour(0, 24)
    assert [each.when for each in on_board(conn, mine, ["cmm-1"], day)["cmm-1"]] == [hour(1)]
    assert free_slots(conn, terms(conn, "cmm-1"), day, NOW) == [hour(0), hour(2, 22)]
    reserve(conn, other, Wish("cmm-1", hour(5)), NOW)
    left = conn.execute("SELECT id FROM booking.reservation WHERE status = 'held'").fetchall()
    assert [row[0] for row in left] == [held]
    assert over != held


def test_the_board_tells_each_viewer_what_they_may_know(conn: Connection) -> None:
    place = settle_in(conn, machines=2, members=2)
    mine, other = place.engineers
    reserve(conn, mine, Wish("cmm-1", hour(1), purpose="part 7"), NOW)
    reserve(conn, other, Wish("cmm-1", hour(3)), NOW)
    board = on_board(conn, mine, place.machine_ids, hour(0, 24))
    assert [(each.when, each.mine, each.person_name, each.purpose) for each in board["cmm-1"]] == [
        (hour(1), True, "P1", "part 7"),
        (hour(3), False, None, None),
    ]
    assert board["cmm-2"] == []


def test_reading_what_is_free_waits_for_nobody(conn: Connection, database: Database) -> None:
    place = settle_in(conn, machines=1, members=1)
    reserve(conn, place.engineers[0], Wish("cmm-1", hour(1)), NOW)  # holds its locks: not committed
    with psycopg.connect(database.app_url, options="-c lock_timeout=500") as reader:
        assert free_slots(reader, terms(reader, "cmm-1"), hour(0, 24), NOW) == [hour(0, 24)]


def test_a_reservation_that_loses_a_deadlock_is_tried_again(conn: Connection, pool: Pool) -> None:
    """Somebody takes the machine and then the member: the wrong way round."""
    place = settle_in(conn, machines=1, members=1)
    conn.execute("SELECT 1 FROM booking.resource FOR UPDATE")
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(
            database.run, pool, lambda c: reserve(c, place.engineers[0], Wish("cmm-1", hour(1)), NOW)
        )
        while conn.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is None:
            sleep(0.2)
        conn.execute("SELECT 1 FROM coop.member FOR UPDATE")  # whoever waits longer finds the deadlock and gives way
        conn.commit()
        assert waiting.result().when == hour(1)
    assert live_claims(conn) == 1


def test_a_machine_entered_later_can_be_booked(conn: Connection) -> None:
    settle_in(conn, machines=2, members=1)
    rows = conn.execute("SELECT id, kind, machine_id FROM booking.resource ORDER BY id").fetchall()
    assert rows == [("cmm-1", "machine", "cmm-1"), ("cmm-2", "machine", "cmm-2")]


WINDOW = {"from": NOW + 480 * HOUR, "until": NOW + 504 * HOUR}
CLAIMS = {"resource_ids": ["cmm-2", "cmm-3"], "resource_id": "cmm-2", "machine_id": "cmm-2", "but_for": None}


HOT = {
    "blocked": ("claim_no_overlap", WINDOW | CLAIMS),
    "taken": ("claim_no_overlap", WINDOW | CLAIMS),
    "busy": ("claim_no_overlap", WINDOW | CLAIMS),
    "drop_expired_holds": ("claim_held", CLAIMS),
    "lapse_requests": ("claim_held", CLAIMS | {"now": NOW, "for_taker": True}),
    "claims_of": ("claim_by_reservation", {"reservation_id": UUID(int=0)}),
    "reservations": (
        "reservation_by_machine",
        WINDOW
        | {
            "machine_id": "cmm-2",
            "person_id": None,
            "member_id": None,
            "after_start": None,
            "after_id": None,
            "limit": 50,
        },
    ),
}


def test_hot_statements_use_their_index(conn: Connection, database: Database) -> None:
    """20,000 reservations on 20 machines. If this fails, look at the plan it prints: a scan of all claims is slow."""
    place = settle_in(conn, machines=20, members=1)
    fill(conn, place)
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("ANALYZE booking.claim, booking.reservation")
    for statement, (index, values) in HOT.items():
        row = conn.execute(f"EXPLAIN (FORMAT JSON) {SQL[statement]}", values).fetchone()
        assert row is not None
        plan = row[0][0]["Plan"]
        assert index in indexes(plan), f"{statement}: {json.dumps(plan, indent=1)}"
        assert ("Seq Scan", "claim") not in scans(plan), f"{statement}: {json.dumps(plan, indent=1)}"


def live_claims(conn: Connection) -> int:
    row = conn.execute("SELECT count(*) FROM booking.claim WHERE released_at IS NULL").fetchone()
    assert row is not None
    return int(row[0])


def hold(conn: Connection, person_id: UUID | None, when: Interval, expires: str) -> UUID:
    """A hold, as issue B will make them."""
    identifier = uuid4()
    conn.execute(
        "INSERT INTO booking.reservation (id, uid, machine_id, member_id, person_id, starts_at, ends_at, status,"
        " created_at, changed_at) SELECT %s, %s, 'cmm-1', member_id, id, %s, %s, 'held', now(), now()"
        " FROM coop.person WHERE id = %s",
        [identifier, str(identifier), when.start, when.end, person_id],
    )
    conn.execute(
        "INSERT INTO booking.claim (reservation_id, resource_id, blocked, expires_at)"
        " VALUES (%s, 'cmm-1', tstzrange(%s, %s), clock_timestamp() + %s::interval)",
        [identifier, when.start, when.end, expires],
    )
    return identifier


def fill(conn: Connection, place: Place) -> None:
    """An hour in two of every machine, 1,000 times, with its claims."""
    conn.execute(
        "INSERT INTO booking.reservation (id, uid, machine_id, member_id, person_id, starts_at, ends_at, status,"
        " created_at, changed_at)"
        " SELECT gen_random_uuid(), gen_random_uuid(), machine, 'm01', %(person)s, %(now)s + n * interval '2 hours',"
        " %(now)s + n * interval '2 hours' + interval '1 hour', 'confirmed', %(now)s, %(now)s"
        " FROM unnest(%(machines)s::text[]) machine, generate_series(0, 999) n",
        {"person": place.engineers[0].person_id, "now": NOW, "machines": place.machine_ids},
    )
    conn.execute(
        "INSERT INTO booking.claim (reservation_id, resource_id, blocked)"
        " SELECT id, machine_id, tstzrange(starts_at, ends_at) FROM booking.reservation"
    )
    conn.commit()


def indexes(plan: dict[str, Any]) -> set[str]:
    below = {name for child in plan.get("Plans", []) for name in indexes(child)}
    return below | {plan["Index Name"]} if "Index Name" in plan else below


def scans(plan: dict[str, Any]) -> set[tuple[str, str]]:
    below = {scan for child in plan.get("Plans", []) for scan in scans(child)}
    return below | {(plan["Node Type"], plan.get("Relation Name", ""))}
