"""Freed time goes to who waits, in order, as offers that hold it; nobody finds it free in between."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from threading import Event
from time import sleep
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking import OutageKind, ServiceKind, SlotTaken, Status, Wish, cancel, close, find, jobs, reserve, store
from booking import decline as decline_request
from booking.model import Reservation
from booking.services.store import OptionUnknown, ServiceUnknown
from booking.waitlist import ask as waitlist
from booking.waitlist import offer
from booking.waitlist.offer import OfferOver
from booking.waitlist.waiting import Needs, Offer, Request
from coop import database
from coop.database import Connection, Pool
from coop.errors import NotFound
from coop.identity import Role, Viewer
from coop.interval import Interval
from tests.booking import services
from tests.booking.places import Place, settle_in
from tests.booking.races import race
from tests.booking.shop import Shop, at
from tests.callers import Callers

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
HOUR = timedelta(hours=1)
DAY = Interval.of(NOW + timedelta(days=1), timedelta(days=1))
OFFICE = Viewer(None, None, frozenset({Role.OFFICE}))


def slot(number: float, length: float = 1) -> Interval:
    return Interval.of(DAY.start + number * HOUR, length * HOUR)


def wait(conn: Connection, who: Viewer, window: Interval = DAY, length: timedelta = HOUR, order: int = 0) -> Request:
    """Ask for time on cmm-1; `order` tells who asked before whom."""
    at = NOW - HOUR + timedelta(seconds=order)
    return waitlist.ask(conn, who, Needs("cmm-1"), length, window, at)


def take(conn: Connection, who: Viewer, when: Interval = DAY) -> Reservation:
    return reserve(conn, who, Wish("cmm-1", when), NOW)


def offered(conn: Connection) -> list[Offer]:
    return sorted(offer.offers_of(conn, OFFICE), key=lambda each: each.when)


def expire_all(conn: Connection) -> list[Offer]:
    """Time passes until every open offer is over."""
    open_now = offered(conn)
    conn.execute("UPDATE booking.offer SET expires_at = clock_timestamp() - interval '1 ms' WHERE answer IS NULL")
    return open_now


def prefer(conn: Connection, member_id: str | None, reason: str, valid: str = "[2020-01-01,)") -> None:
    conn.execute(
        "INSERT INTO booking.priority (machine_id, member_id, reason, valid) VALUES ('cmm-1', %s, %s, %s)",
        [member_id, reason, valid],
    )


def place(conn: Connection, engineers: int) -> Place:
    return settle_in(conn, machines=1, members=engineers)


def test_a_cancelled_slot_is_held_for_the_oldest_that_fits(conn: Connection) -> None:
    sato, kato, suzuki, tanaka = place(conn, 4).engineers
    taken = take(conn, sato)
    wait(conn, tanaka, slot(30, 1), order=0)  # elsewhere
    first = wait(conn, kato, order=1)
    wait(conn, suzuki, order=2)
    cancel(conn, sato, taken.id, NOW)
    made = offered(conn)
    assert [(each.person_id, each.when) for each in made] == [
        (kato.person_id, slot(0)),
        (suzuki.person_id, slot(1)),
    ]
    with pytest.raises(SlotTaken):
        take(conn, tanaka, slot(0))
    accepted = offer.accept(conn, kato, made[0].id, NOW)
    assert (accepted.status, accepted.when, accepted.holder.person_id) == (Status.CONFIRMED, slot(0), kato.person_id)
    assert first.id not in {each.id for each in waitlist.waiting(conn, OFFICE)}


def test_owner_then_committed_then_age(conn: Connection) -> None:
    sato, *others = place(conn, 5).engineers
    old, committed, owner, young = others
    prefer(conn, committed.member_id, "committed")
    prefer(conn, owner.member_id, "owner")
    prefer(conn, young.member_id, "owner", "[2020-01-01,2021-01-01)")
    taken = take(conn, sato, slot(0))
    for order, who in enumerate((old, committed, owner, young)):
        wait(conn, who, slot(0), order=order)
    cancel(conn, sato, taken.id, NOW)
    served = []
    while made := expire_all(conn):
        assert [each.when for each in made] == [slot(0)]
        served.append(made[0].person_id)
        assert offer.expire(conn, made[0].id, NOW)
    assert served == [owner.person_id, committed.person_id, old.person_id, young.person_id]
    assert take(conn, sato, slot(0)).when == slot(0), "after the last one it is free"


def test_declining_passes_on_at_once_and_the_same_time_does_not_come_back(conn: Connection) -> None:
    sato, kato, suzuki = place(conn, 3).engineers
    taken = take(conn, sato, slot(0, 2))
    wait(conn, kato, slot(0, 2), order=0)
    wait(conn, suzuki, slot(0), order=1)
    cancel(conn, sato, taken.id, NOW)
    first = next(each for each in offered(conn) if each.person_id == kato.person_id)
    assert first.when == slot(0)
    offer.decline(conn, kato, first.id, NOW)
    assert [(each.person_id, each.when) for each in offered(conn)] == [(suzuki.person_id, slot(0))]
    offer.offer_whatever_is_free(conn, "cmm-1", NOW)
    assert {each.person_id: each.when for each in offered(conn)} == {suzuki.person_id: slot(0), kato.person_id: slot(1)}
    with pytest.raises(OfferOver):
        offer.decline(conn, kato, first.id, NOW)
    second = next(each for each in offered(conn) if each.person_id == kato.person_id)
    offer.decline(conn, kato, second.id, NOW)
    offer.offer_whatever_is_free(conn, "cmm-1", NOW)
    assert [each.person_id for each in offered(conn)] == [suzuki.person_id]


def test_who_withdraws_makes_room_for_the_next(conn: Connection) -> None:
    sato, kato, suzuki = place(conn, 3).engineers
    taken = take(conn, sato, slot(0))
    request = wait(conn, kato, slot(0), order=0)
    wait(conn, suzuki, slot(0), order=1)
    cancel(conn, sato, taken.id, NOW)
    with pytest.raises(NotFound):
        waitlist.withdraw(conn, suzuki, request.id, NOW)
    waitlist.withdraw(conn, kato, request.id, NOW)
    waitlist.withdraw(conn, kato, request.id, NOW)
    assert [each.person_id for each in offered(conn)] == [suzuki.person_id]


def test_an_offer_is_for_the_person_it_is_made_to(conn: Connection) -> None:
    sato, kato, suzuki = place(conn, 3).engineers
    taken = take(conn, sato, slot(0))
    wait(conn, kato, slot(0))
    cancel(conn, sato, taken.id, NOW)
    [made] = offered(conn)
    assert offer.offers_of(conn, suzuki) == []
    for use in (offer.accept, offer.decline):
        with pytest.raises(NotFound):
            use(conn, suzuki, made.id, NOW)
    assert offer.accept(conn, OFFICE, made.id, NOW).holder.person_id == kato.person_id


def test_a_late_answer_is_no_answer(conn: Connection) -> None:
    sato, kato = place(conn, 2).engineers
    taken = take(conn, sato, slot(0))
    wait(conn, kato, slot(0))
    cancel(conn, sato, taken.id, NOW)
    [made] = expire_all(conn)
    with pytest.raises(OfferOver):
        offer.accept(conn, kato, made.id, NOW)
    with pytest.raises(SlotTaken):  # only the sweep ends it, so that nobody slips in before the next in line
        take(conn, sato, slot(0))


def test_sweeping_twice_is_sweeping_once(conn: Connection) -> None:
    sato, kato, suzuki = place(conn, 3).engineers
    taken = take(conn, sato, slot(0))
    wait(conn, kato, slot(0), order=0)
    wait(conn, suzuki, slot(0), order=1)
    cancel(conn, sato, taken.id, NOW)
    [made] = expire_all(conn)
    assert [offer.expire(conn, made.id, NOW) for _ in range(3)] == [True, False, False]
    assert [each.person_id for each in offered(conn)] == [suzuki.person_id]
    assert conn.execute("SELECT count(*) FROM booking.offer").fetchone() == (2,)


def test_any_machine_that_is_big_enough_will_do(conn: Connection) -> None:
    sato, kato = settle_in(conn, machines=3, members=2).engineers
    conn.execute("UPDATE coop.machine SET range_x_mm = CASE id WHEN 'cmm-3' THEN 900 WHEN 'cmm-2' THEN 500 END")
    taken = [reserve(conn, sato, Wish(machine, slot(0)), NOW) for machine in ("cmm-1", "cmm-2", "cmm-3")]
    waitlist.ask(conn, kato, Needs(kind="cmm", range_x_mm=Decimal(600)), HOUR, slot(0), NOW)
    with pytest.raises(waitlist.NothingFits):
        waitlist.ask(conn, kato, Needs(kind="cmm", range_x_mm=Decimal(901)), HOUR, slot(0), NOW)
    for each in taken:
        cancel(conn, sato, each.id, NOW)
    assert [each.machine_id for each in offered(conn)] == ["cmm-3"]


def test_time_that_is_about_to_pass_is_not_offered(conn: Connection) -> None:
    sato, kato = place(conn, 2).engineers
    soon = Interval.of(NOW + HOUR, HOUR)
    taken = take(conn, sato, soon)
    wait(conn, kato, soon)
    cancel(conn, sato, taken.id, soon.start - timedelta(minutes=9))
    assert offered(conn) == []


def test_sixteen_accept_one_offer_and_one_has_it(conn: Connection, pool: Pool) -> None:
    sato, kato = place(conn, 2).engineers
    for number in range(5):
        taken = take(conn, sato, slot(number))
        wait(conn, kato, slot(number))
        cancel(conn, sato, taken.id, NOW)
        [made] = offered(conn)
        conn.commit()
        outcome = race(pool, [lambda c, made=made: offer.accept(c, kato, made.id, NOW) for _ in range(16)])
        assert outcome == {"won": 1, "OfferOver": 15}
        conn.rollback()


def test_accept_expiry_and_takers_at_one_moment(conn: Connection, pool: Pool) -> None:
    """Whoever comes first, the slot is the first person's or on offer to the second; nobody else gets it."""
    engineers = place(conn, 8).engineers
    sato, kato, suzuki, *others = engineers
    seen: Counter[str] = Counter()
    for number in range(12):
        taken = take(conn, sato, slot(number))
        wait(conn, kato, slot(number), order=0)
        wait(conn, suzuki, slot(number), order=1)
        cancel(conn, sato, taken.id, NOW)
        [made] = offered(conn)
        conn.execute(
            "UPDATE booking.offer SET expires_at = clock_timestamp() + %s WHERE id = %s",
            [timedelta(milliseconds=2 * number), made.id],
        )
        conn.commit()
        uses: list[Any] = [lambda c, made=made: offer.accept(c, kato, made.id, NOW)]
        uses += [lambda c, made=made: offer.expire(c, made.id, NOW)] * 3
        uses += [lambda c, who=who, number=number: take(c, who, slot(number)) for who in others]
        race(pool, uses)
        while made.id in {each.id for each in offered(conn)}:
            offer.expire(conn, made.id, NOW)
        conn.commit()
        row = conn.execute(
            "SELECT person_id, status FROM booking.reservation WHERE starts_at = %s AND status <> 'cancelled'",
            [slot(number).start],
        ).fetchall()
        assert row in ([(kato.person_id, "confirmed")], [(suzuki.person_id, "held")]), row
        seen[row[0][1]] += 1
        for each in offered(conn):
            offer.decline(conn, OFFICE, each.id, NOW)
        conn.commit()
    assert sum(seen.values()) == 12


def claim_straight(conn: Connection, when: Interval) -> None:
    """Take a machine as no use case would: without a lock and without asking anybody."""
    outage = uuid4()
    conn.execute(
        "INSERT INTO booking.outage (id, resource_id, kind, during, entered_at)"
        " VALUES (%s, 'cmm-1', 'breakdown', tstzrange(%s, %s), now())",
        [outage, when.start, when.end],
    )
    conn.execute(
        "INSERT INTO booking.claim (outage_id, resource_id, blocked) VALUES (%s, 'cmm-1', tstzrange(%s, %s))",
        [outage, when.start, when.end],
    )


def test_the_slot_is_at_no_moment_free_between_two_offers(conn: Connection, pool: Pool) -> None:
    """Somebody tries to book it all the time while it passes through ten hands, by answers and by expiry."""
    watcher, sato, *waiting = place(conn, 12).engineers
    taken = take(conn, sato, slot(0))
    for order, who in enumerate(waiting):
        wait(conn, who, slot(0), order=order)
    conn.commit()
    over = Event()
    tries: list[int] = []

    def watch() -> None:
        while not over.is_set():
            with pytest.raises(SlotTaken):
                database.run(pool, lambda c: take(c, watcher, slot(0)))
            tries.append(1)

    def write_past_the_locks() -> None:
        while not over.is_set():
            with pytest.raises(psycopg.errors.ExclusionViolation):
                database.run(pool, lambda c: claim_straight(c, slot(0)))
            tries.append(1)

    with ThreadPoolExecutor(4) as threads:
        watchers = [threads.submit(each) for each in (watch, write_past_the_locks) * 2]
        try:
            database.run(pool, lambda c: cancel(c, sato, taken.id, NOW))
            hands = []
            for number, who in enumerate(waiting):
                [made] = database.run(pool, offered)
                hands.append(made.person_id)
                before = len(tries)
                while len(tries) < before + 2 and not any(each.done() for each in watchers):
                    sleep(0.005)
                if who is waiting[-1]:
                    database.run(pool, partial(offer.accept, viewer=OFFICE, offer_id=made.id, now=NOW))
                elif number % 2:
                    database.run(pool, partial(offer.decline, viewer=who, offer_id=made.id, now=NOW))
                else:
                    database.run(pool, expire_all)
                    assert database.run(pool, partial(offer.expire, offer_id=made.id, now=NOW))
        finally:
            over.set()
        for each in watchers:
            each.result()
    assert hands == [who.person_id for who in waiting]
    assert made.reservation_id is not None
    assert find(conn, OFFICE, made.reservation_id).holder.person_id == waiting[-1].person_id


def test_an_offer_holds_the_operator_too(conn: Connection) -> None:
    sato, kato, suzuki = place(conn, 3).engineers
    meister = services.operator(conn, "meister")
    services.offer(conn, "cmm-1", ServiceKind.ATTENDED, services.unit("operator", "meister"))
    taken = take(conn, sato)
    attended = Needs("cmm-1", service=ServiceKind.ATTENDED)
    waitlist.ask(conn, kato, attended, HOUR, slot(0, 2), NOW)
    with pytest.raises(OptionUnknown):
        waitlist.ask(conn, suzuki, replace(attended, options=("fixture",)), HOUR, slot(0), NOW)
    with pytest.raises(ServiceUnknown):
        waitlist.ask(conn, suzuki, Needs(kind="cmm", service=ServiceKind.LOAN), HOUR, slot(0), NOW)
    close(conn, OFFICE, "meister", OutageKind.ABSENCE, slot(0), "", NOW)
    cancel(conn, sato, taken.id, NOW)
    [made] = offered(conn)
    assert made.when == slot(1), "the operator is away in the first hour"
    assert made.reservation_id is not None
    held = {each.resource_id: each.blocked for each in store.claims_of(conn, made.reservation_id)}
    assert held == {"cmm-1": slot(1), "meister": slot(1)}
    with pytest.raises(SlotTaken):
        reserve(conn, suzuki, Wish("meister", slot(1), service=ServiceKind.ADVICE), NOW)
    accepted = offer.accept(conn, kato, made.id, NOW)
    assert (accepted.service, accepted.status) == (ServiceKind.ATTENDED, Status.CONFIRMED)
    assert meister.person_id is not None


def test_declined_and_unanswered_requests_pass_on_their_time_at_once(conn: Connection, pool: Pool) -> None:
    sato, kato, suzuki = place(conn, 3).engineers
    services.offer(conn, "cmm-1", ServiceKind.SELF_USE, approval_minutes=60)
    declined, unanswered = take(conn, sato, slot(0)), take(conn, sato, slot(1))
    wait(conn, kato, slot(0, 2), length=HOUR)
    decline_request(conn, OFFICE, declined.id, NOW)
    [made] = offered(conn)
    assert (made.person_id, made.when) == (kato.person_id, slot(0))
    offer.accept(conn, OFFICE, made.id, NOW)
    wait(conn, kato, slot(1))
    conn.execute("UPDATE booking.claim SET expires_at = clock_timestamp() - interval '1 s' WHERE expires_at > now()")
    with pytest.raises(SlotTaken):  # who waits comes first
        take(conn, suzuki, slot(1))
    conn.commit()
    jobs.sweep(pool, NOW)
    [made] = offered(conn)
    assert (made.person_id, made.when) == (kato.person_id, slot(1))
    assert find(conn, OFFICE, unanswered.id).status is Status.DECLINED


def test_who_waits_and_has_left_stands_in_nobodys_way(conn: Connection) -> None:
    sato, kato, suzuki = place(conn, 3).engineers
    taken = take(conn, sato, slot(0))
    wait(conn, kato, slot(0), order=0)
    wait(conn, suzuki, slot(0), order=1)
    conn.execute("UPDATE coop.person SET active = false WHERE id = %s", [kato.person_id])
    cancel(conn, sato, taken.id, NOW)
    assert [each.person_id for each in offered(conn)] == [suzuki.person_id]


def test_over_http_one_waits_for_a_service_and_a_hold_keeps_what_was_asked(api: Callers) -> None:
    shop = Shop.open(api)
    with database.transaction(api.pool) as conn:
        services.operator(conn, "meister")
        services.offer(conn, "cmm-1", ServiceKind.ATTENDED, services.unit("operator", "meister"))
    wanted = {"minutes": 60, "earliest_start": at("10:00"), "latest_end": at("12:00"), "machine_id": "cmm-1"}
    told = shop.sato.post("/api/v1/waitlist", json=wanted | {"service": "attended"})
    assert (told.status_code, told.json()["service"], told.json()["options"]) == (201, "attended", [])
    for wrong in ({"service": "advice"}, {"service": "loan"}, {"options": ["fixture"]}):
        assert shop.sato.post("/api/v1/waitlist", json=wanted | wrong).status_code == 422, wrong
    slot = {"machine_id": "cmm-1", "starts_at": at("14:00"), "ends_at": at("15:00")}
    held = shop.sato.post("/api/v1/holds", json=slot | {"service": "attended"})
    assert held.status_code == 201, held.text
    taken = shop.suzuki.post("/api/v1/reservations", json=slot | {"machine_id": "meister", "service": "advice"})
    assert taken.status_code == 409, "the hold keeps the operator too"
    confirmed = shop.sato.post(f"/api/v1/holds/{held.json()['id']}/confirm", json={})
    assert confirmed.json()["service"] == "attended"


@pytest.fixture(scope="module")
def many(timescale_template: Any) -> Iterator[tuple[Connection, Place]]:
    with timescale_template.clone() as own, psycopg.connect(own.app_url, options="-c TimeZone=UTC") as conn:
        there = settle_in(conn, machines=1, members=6)
        for member, reason in (("m05", "committed"), ("m06", "owner")):
            prefer(conn, member, reason)
        conn.commit()
        yield conn, there


RANK = {"m05": 1, "m06": 2}


@settings(deadline=None, max_examples=60)
@given(
    freed=st.tuples(st.integers(0, 20), st.integers(1, 16)),
    wishes=st.lists(
        st.tuples(st.integers(0, 4), st.integers(1, 8), st.integers(0, 36), st.integers(0, 30)), min_size=1, max_size=6
    ),
)
def test_the_first_offer_goes_to_the_first_in_order_that_fits(
    many: tuple[Connection, Place], freed: tuple[int, int], wishes: list[tuple[int, int, int, int]]
) -> None:
    """In quarters of an hour. The day is full but for what is freed: who fits is plain arithmetic."""
    conn, there = many
    start, length = freed
    quarter = timedelta(minutes=15)
    sato = there.engineers[0]
    try:
        for edge in (Interval(DAY.start - HOUR, DAY.start + start * quarter),
                     Interval(DAY.start + (start + length) * quarter, DAY.start + 15 * HOUR)):  # fmt: skip
            take(conn, sato, edge)
        between = take(conn, sato, Interval.of(DAY.start + start * quarter, length * quarter))
        asked = []
        for order, (who, needed, opens, slack) in enumerate(wishes):
            engineer = there.engineers[1 + who]
            window = Interval.of(DAY.start + opens * quarter, (needed + slack) * quarter)
            wait(conn, engineer, window, needed * quarter, order)
            asked.append((-RANK.get(engineer.member_id or "", 0), order, who, needed, opens, opens + needed + slack))
        cancel(conn, sato, between.id, NOW)
        made = offered(conn)
        left = [(start, start + length)]
        expected = []
        for _, _, who, needed, opens, closes in sorted(asked):
            for piece in left:
                begin = max(piece[0], opens)
                if begin + needed <= min(piece[1], closes):
                    expected.append((there.engineers[1 + who].person_id, begin, begin + needed))
                    left.remove(piece)
                    left += [each for each in ((piece[0], begin), (begin + needed, piece[1])) if each[0] < each[1]]
                    left.sort()
                    break
        got = [
            (each.person_id, (each.when.start - DAY.start) // quarter, (each.when.end - DAY.start) // quarter)
            for each in made
        ]
        assert sorted(got, key=str) == sorted(expected, key=str)
    finally:
        conn.rollback()


def test_across_a_clock_change_an_hour_is_an_hour(conn: Connection) -> None:
    """Berlin, the night summer time ends: the hour that the clock shows twice is two hours long."""
    there = place(conn, 2)
    conn.execute("UPDATE coop.cooperative SET time_zone = 'Europe/Berlin'")
    berlin = ZoneInfo("Europe/Berlin")
    sato, kato = there.engineers
    night = Interval(
        datetime.combine(date(2027, 10, 31), time(1, 30), tzinfo=berlin).astimezone(UTC),
        datetime.combine(date(2027, 10, 31), time(4), tzinfo=berlin).astimezone(UTC),
    )
    assert night.seconds == 3.5 * 3600
    now = night.start - timedelta(days=2)
    taken = reserve(conn, sato, Wish("cmm-1", night), now)
    waitlist.ask(conn, kato, Needs("cmm-1"), 3 * HOUR + timedelta(minutes=30), night, now)
    waitlist.ask(conn, sato, Needs("cmm-1"), 4 * HOUR, Interval(night.start, night.end + HOUR), now + HOUR / 4)
    cancel(conn, sato, taken.id, now)
    made = {each.person_id: each.when for each in offered(conn)}
    assert made == {kato.person_id: night}
