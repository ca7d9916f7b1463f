"""Quotas: what counts, and that sixteen at once never exceed one."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from booking import SlotDenied, Wish, cancel, move, reserve, reserve_any
from booking.hold import hold
from booking.rules.edit import LimitWanted, RuleInThePast, quotas, set_quota
from booking.rules.quota import Counted, Span, week_of
from booking.series.reserve import Conflicts, reserve_series
from booking.waitlist import ask as waitlist
from booking.waitlist.offer import offer_whatever_is_free
from booking.waitlist.waiting import Needs
from coop import database, people
from coop.database import Connection, Pool
from coop.identity import SYSTEM, Role, Viewer
from coop.interval import Interval
from tests.booking.places import settle_in
from tests.booking.races import Use, race
from tests.booking.services import pool as units

NOW = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
HOUR = timedelta(hours=1)
TODAY = NOW.astimezone(ZoneInfo("Asia/Tokyo")).date()


def monday(weeks: int, hours: int = 0) -> datetime:
    """A moment in a coming local week."""
    return week_of(NOW + timedelta(weeks=weeks), ZoneInfo("Asia/Tokyo")).start + hours * HOUR


def limit(conn: Connection, counted: Counted, span: Span, most: int | None, machine_id: str | None = None) -> None:
    set_quota(conn, SYSTEM, LimitWanted(machine_id, counted, span, most, TODAY), NOW)
    conn.commit()


@contextmanager
def denied(*codes: str) -> Iterator[None]:
    with pytest.raises(SlotDenied) as refused:
        yield
    assert [each["code"].removeprefix("booking.") for each in refused.value.extra["reasons"]] == list(codes)


def test_a_week_is_local_from_monday_to_sunday() -> None:
    tokyo, berlin = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin")
    sunday_in_utc = datetime(2026, 10, 4, 15, tzinfo=UTC)  # Monday 00:00 in Tokyo
    assert week_of(sunday_in_utc, tokyo) == Interval.of(sunday_in_utc, timedelta(days=7))
    assert week_of(sunday_in_utc - timedelta(seconds=1), tokyo).end == sunday_in_utc
    assert week_of(datetime(2026, 10, 21, tzinfo=UTC), berlin).seconds == 169 * 3600  # the clock goes back


def test_minutes_of_a_week_and_of_another(conn: Connection) -> None:
    place = settle_in(conn, machines=2, members=1)
    who = place.engineers[0]
    limit(conn, Counted.PERSON, Span.WEEK, 180)
    first = reserve(conn, who, Wish("cmm-1", Interval.of(monday(2), 2 * HOUR)), NOW)
    with denied("person_quota_week"):
        reserve(conn, who, Wish("cmm-2", Interval.of(monday(2, 24), 2 * HOUR)), NOW)
    reserve(conn, who, Wish("cmm-2", Interval.of(monday(2, 24), HOUR)), NOW)
    reserve(conn, who, Wish("cmm-1", Interval.of(monday(3), 3 * HOUR)), NOW)
    with denied("person_quota_week"):
        move(conn, who, first.id, Interval.of(monday(2), 2 * HOUR + timedelta(minutes=15)), NOW)
    move(conn, who, first.id, Interval.of(monday(2, 3), 2 * HOUR), NOW)
    with denied("person_quota_week"):
        move(conn, who, first.id, Interval.of(monday(3, 12), HOUR), NOW)
    cancel(conn, who, first.id, NOW)
    reserve(conn, who, Wish("cmm-1", Interval.of(monday(2), 2 * HOUR)), NOW)


def test_a_slot_counts_where_it_starts(conn: Connection) -> None:
    place = settle_in(conn, machines=1, members=1)
    who = place.engineers[0]
    limit(conn, Counted.MEMBER, Span.WEEK, 120)
    reserve(conn, who, Wish("cmm-1", Interval.of(monday(3, -2), 2 * HOUR)), NOW)
    reserve(conn, who, Wish("cmm-1", Interval.of(monday(3), 2 * HOUR)), NOW)
    with denied("member_quota_week"):
        reserve(conn, who, Wish("cmm-1", Interval.of(monday(3, 100), timedelta(minutes=15))), NOW)


def test_colleagues_share_the_members_quota_only(conn: Connection) -> None:
    place = settle_in(conn, machines=2, members=2)
    sato, other = place.engineers
    kato = colleague(conn, sato)
    limit(conn, Counted.MEMBER, Span.AT_ONCE, 2)
    limit(conn, Counted.PERSON, Span.AT_ONCE, 1)
    reserve(conn, sato, Wish("cmm-1", Interval.of(monday(2), HOUR)), NOW)
    with denied("person_quota_at_once"):
        reserve(conn, sato, Wish("cmm-1", Interval.of(monday(2, 2), HOUR)), NOW)
    reserve(conn, kato, Wish("cmm-1", Interval.of(monday(2, 2), HOUR)), NOW)
    with denied("member_quota_at_once", "person_quota_at_once"):
        reserve(conn, kato, Wish("cmm-2", Interval.of(monday(2, 2), HOUR)), NOW)
    reserve(conn, other, Wish("cmm-2", Interval.of(monday(2), HOUR)), NOW)
    office = Viewer(None, None, frozenset({Role.OFFICE}))
    with denied("member_quota_at_once"):
        reserve(conn, office, Wish("cmm-2", Interval.of(monday(2, 5), HOUR), member_id="m01"), NOW)


def test_a_quota_of_one_machine(conn: Connection) -> None:
    place = settle_in(conn, machines=2, members=1)
    who = place.engineers[0]
    limit(conn, Counted.PERSON, Span.MONTH, 60, machine_id="cmm-1")
    reserve(conn, who, Wish("cmm-2", Interval.of(monday(2), 5 * HOUR)), NOW)
    with denied("person_quota_month"):
        reserve(conn, who, Wish("cmm-1", Interval.of(monday(2), 2 * HOUR)), NOW)
    reserve(conn, who, Wish("cmm-1", Interval.of(monday(2), HOUR)), NOW)


def test_a_quota_is_replaced_and_ended(conn: Connection) -> None:
    settle_in(conn, machines=1, members=1)
    for most in (5, 6):
        limit(conn, Counted.MEMBER, Span.WEEK, most)
    later = LimitWanted(None, Counted.MEMBER, Span.WEEK, 7, TODAY + timedelta(days=10))
    set_quota(conn, SYSTEM, later, NOW)
    assert [(each.most, each.valid_from, each.valid_until) for each in quotas(conn)] == [
        (6, TODAY, TODAY + timedelta(days=10)),
        (7, TODAY + timedelta(days=10), None),
    ]
    set_quota(conn, SYSTEM, replace(later, most=None), NOW)
    assert [(each.most, each.valid_until) for each in quotas(conn)] == [(6, TODAY + timedelta(days=10))]
    limit(conn, Counted.MEMBER, Span.WEEK, None)
    assert quotas(conn) == []


@pytest.mark.parametrize("counted", list(Counted))
def test_sixteen_at_once_never_exceed_a_quota(conn: Connection, pool: Pool, counted: Counted) -> None:
    """One person with sixteen browsers, on eight machines, twice each; three may win."""
    place = settle_in(conn, machines=8, members=1)
    who = place.engineers[0]
    limit(conn, counted, Span.AT_ONCE, 3)
    limit(conn, counted, Span.WEEK, 240)
    start = Barrier(16)

    def attempt(number: int) -> str:
        wish = Wish(f"cmm-{number % 8 + 1}", Interval.of(monday(2, 3 * number), HOUR))
        start.wait()
        try:
            database.run(pool, lambda c: reserve(c, who, wish, NOW))
        except SlotDenied:
            return "denied"
        return "won"

    with ThreadPoolExecutor(16) as threads:
        assert Counter(threads.map(attempt, range(16))) == {"won": 3, "denied": 13}
    row = conn.execute("SELECT count(*) FROM booking.reservation WHERE status = 'confirmed'").fetchone()
    assert row == (3,)


def test_no_way_in_goes_round_a_quota(conn: Connection, pool: Pool) -> None:
    """Create, hold, series, pool and offers at one moment, for two people of one member: three may win."""
    place = settle_in(conn, machines=8, members=1)
    who = place.engineers[0]
    colleague_id = people.add_person(conn, name="C", email="c@m.example", roles=[Role.ENGINEER], member_id="m01")
    colleague = Viewer(colleague_id, "m01", frozenset({Role.ENGINEER}))
    units(conn, "cmms", *place.machine_ids)
    limit(conn, Counted.MEMBER, Span.AT_ONCE, 3)

    def slot(number: int) -> Interval:
        return Interval.of(monday(2, 3 * number), HOUR)

    for number in (6, 7):
        waitlist.ask(conn, who, Needs(f"cmm-{number}"), HOUR, slot(20 + number), NOW)
    conn.commit()
    uses: list[Use] = [lambda c, n=n: reserve(c, who, Wish(f"cmm-{n}", slot(n)), NOW) for n in range(1, 5)]
    uses += [lambda c, n=n: hold(c, colleague, Wish(f"cmm-{n}", slot(5 + n)), NOW) for n in range(1, 5)]
    uses += [
        lambda c, n=n: reserve_series(
            c, colleague, Wish(f"cmm-{n}", slot(10 + n)), "FREQ=DAILY;COUNT=2", Conflicts.SKIP, NOW
        )
        for n in range(1, 3)
    ]
    uses += [lambda c: reserve_any(c, who, "cmms", Wish("", slot(40)), NOW)] * 4
    uses += [lambda c, n=n: offer_whatever_is_free(c, f"cmm-{n}", NOW) for n in (6, 7)]
    race(pool, uses)
    rows = conn.execute("SELECT count(*) FROM booking.reservation WHERE status IN ('held', 'confirmed')").fetchone()
    assert rows == (3,)


def test_moves_into_one_week_at_once_stay_within_its_minutes(conn: Connection, pool: Pool) -> None:
    who = settle_in(conn, machines=6, members=1).engineers[0]
    made = [reserve(conn, who, Wish(f"cmm-{n}", Interval.of(monday(3, 3 * n), HOUR)), NOW) for n in range(1, 7)]
    limit(conn, Counted.PERSON, Span.WEEK, 120)
    outcome = race(
        pool, [lambda c, each=each: move(c, who, each.id, Interval.of(monday(2, 5), HOUR), NOW) for each in made]
    )
    assert outcome == {"won": 2, "SlotDenied": 4}


def test_an_expired_hold_counts_no_more(conn: Connection) -> None:
    place = settle_in(conn, machines=2, members=1)
    who = place.engineers[0]
    limit(conn, Counted.PERSON, Span.AT_ONCE, 1)
    made = reserve(conn, who, Wish("cmm-1", Interval.of(monday(2), HOUR)), NOW)
    conn.execute("UPDATE booking.reservation SET status = 'held' WHERE id = %s", [made.id])
    with denied("person_quota_at_once"):
        reserve(conn, who, Wish("cmm-2", Interval.of(monday(2), HOUR)), NOW)
    conn.execute("UPDATE booking.claim SET expires_at = clock_timestamp() - interval '1 second'")
    reserve(conn, who, Wish("cmm-2", Interval.of(monday(2), HOUR)), NOW)


def colleague(conn: Connection, of: Viewer) -> Viewer:
    person_id = people.add_person(
        conn, name="加藤", email=f"{uuid4().hex}@m.example", roles=[Role.ENGINEER], member_id=of.member_id
    )
    return replace(of, person_id=person_id)


def test_a_quota_begins_today_or_later(conn: Connection) -> None:
    settle_in(conn, machines=1, members=1)
    wanted = LimitWanted(None, Counted.MEMBER, Span.WEEK, 1, TODAY - timedelta(days=1))
    with pytest.raises(RuleInThePast):
        set_quota(conn, SYSTEM, wanted, NOW)
