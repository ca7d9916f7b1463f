"""People come, leave and stay away, against the real database."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest

from booking import Status, Wish, announce_late, cancel, find, reserve
from booking.jobs import sweep
from booking.model import Reservation
from booking.presence import check_in, overrun, release
from booking.presence.check_in import NotAtMachine, NothingToBegin, Tapped
from booking.presence.rules import Signal, Step
from booking.waitlist import ask as waitlist
from booking.waitlist import offer
from booking.waitlist.waiting import Needs
from coop import database
from coop.database import Connection, Pool
from coop.errors import Forbidden
from coop.identity import Role, Viewer
from coop.interval import Interval
from tests.booking.places import Place, settle_in

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
SLOT = Interval.of(START, 2 * HOUR)
BEFORE = START - timedelta(days=1)
OFFICE = Viewer(None, None, frozenset({Role.OFFICE}))
KEY = "k" * 32


def at(minutes: float) -> datetime:
    return START + minutes * MINUTE


@pytest.fixture
def place(conn: Connection) -> Place:
    return settle_in(conn, machines=2, members=4)


@pytest.fixture
def sato(place: Place) -> Viewer:
    return place.engineers[0]


@pytest.fixture
def booked(conn: Connection, sato: Viewer) -> Reservation:
    return reserve(conn, sato, Wish("cmm-1", SLOT), BEFORE)


def status(conn: Connection, reservation: Reservation) -> Status:
    return find(conn, OFFICE, reservation.id).status


def fees(conn: Connection) -> list[tuple[str, str]]:
    return conn.execute("SELECT kind, member_id FROM booking.fee_event ORDER BY id").fetchall()  # type: ignore[return-value]  # two texts


def test_the_code_at_the_machine_begins_ones_own_reservation(
    conn: Connection, place: Place, booked: Reservation
) -> None:
    sato, kato = place.engineers[:2]
    code = check_in.code_of(conn, KEY, "cmm-1")
    for who, machine, given in ((sato, "cmm-1", "0" * 32), (sato, "cmm-2", code), (sato, "cmm-1", None)):
        with pytest.raises(NotAtMachine):
            check_in.check_in(conn, who, machine, at(1), code=given, secret_key=KEY)
    with pytest.raises(NothingToBegin):
        check_in.check_in(conn, kato, "cmm-1", at(1), code=code, secret_key=KEY)
    with pytest.raises(NothingToBegin):  # sixteen minutes before is too early
        check_in.check_in(conn, sato, "cmm-1", at(-16), code=code, secret_key=KEY)
    begun = check_in.check_in(conn, sato, "cmm-1", at(-15), code=code, secret_key=KEY)
    assert (begun.id, begun.status) == (booked.id, Status.IN_USE)
    assert check_in.check_in(conn, sato, "cmm-1", at(3), code=code, secret_key=KEY).version == begun.version


def test_a_renewed_code_voids_the_old_one(conn: Connection, sato: Viewer, booked: Reservation) -> None:
    old = check_in.code_of(conn, KEY, "cmm-1")
    conn.execute("UPDATE booking.presence_rule SET code_serial = code_serial + 1")
    with pytest.raises(NotAtMachine):
        check_in.check_in(conn, sato, "cmm-1", at(1), code=old, secret_key=KEY)
    assert check_in.code_of(conn, "other" * 8, "cmm-1") != check_in.code_of(conn, KEY, "cmm-1")


def test_the_office_checks_in_whoever_is_due(conn: Connection, booked: Reservation) -> None:
    assert check_in.check_in(conn, OFFICE, "cmm-1", at(2)).id == booked.id
    assert conn.execute("SELECT came_by, came_at FROM booking.visit").fetchone() == ("office", at(2))


def test_a_badge_comes_and_goes_and_says_why_not(conn: Connection, place: Place, booked: Reservation) -> None:
    sato, kato = place.engineers[:2]
    assert sato.person_id is not None
    assert kato.person_id is not None
    satos, katos = check_in.badge_hash(KEY, "04:A2:19:F2"), check_in.badge_hash(KEY, "0BADF00D")
    with pytest.raises(Forbidden):
        check_in.give_badge(conn, sato, satos, sato.person_id, BEFORE)
    check_in.give_badge(conn, OFFICE, satos, sato.person_id, BEFORE)
    check_in.give_badge(conn, OFFICE, katos, kato.person_id, BEFORE)
    assert check_in.badge_hash(KEY, " 04:a2:19:f2 ") == satos
    taps = [
        check_in.badge(conn, check_in.badge_hash(KEY, "unknown"), "cmm-1", at(1)).what,
        check_in.badge(conn, katos, "cmm-1", at(1)).what,
        check_in.badge(conn, satos, "cmm-2", at(1)).what,
        check_in.badge(conn, satos, "cmm-1", at(1)).what,
        check_in.badge(conn, satos, "cmm-1", at(100)).what,
        check_in.badge(conn, satos, "cmm-1", at(101)).what,
    ]
    assert taps == [
        Tapped.UNKNOWN_BADGE,
        Tapped.NO_BOOKING,
        Tapped.NO_BOOKING,
        Tapped.CAME,
        Tapped.LEFT,
        Tapped.NO_BOOKING,
    ]
    stored = conn.execute("SELECT badge_hash FROM booking.badge").fetchall()
    assert all(len(each) == 32 and b"04:A2" not in each for (each,) in stored)


def test_a_machine_that_starts_to_run_begins_the_reservation(
    conn: Connection, sato: Viewer, booked: Reservation
) -> None:
    check_in.hear(conn, "cmm-1", Signal(running_since=at(-20), valid_until=at(-10)), at(-15))
    assert status(conn, booked) is Status.CONFIRMED, "twenty minutes before is somebody else's"
    check_in.hear(conn, "cmm-1", Signal(idle_since=at(-9), valid_until=at(10)), at(1))
    check_in.hear(conn, "cmm-1", Signal(), at(2))
    assert status(conn, booked) is Status.CONFIRMED
    check_in.hear(conn, "cmm-1", Signal(running_since=at(4), valid_until=at(10)), at(5))
    assert status(conn, booked) is Status.IN_USE
    check_in.hear(conn, "cmm-1", Signal(running_since=at(4), valid_until=at(15)), at(10))
    assert conn.execute("SELECT count(*), min(came_by) FROM booking.visit").fetchone() == (1, "running")


def test_what_runs_on_does_not_begin_the_next_reservation(conn: Connection, place: Place, booked: Reservation) -> None:
    following = reserve(conn, place.engineers[1], Wish("cmm-1", Interval.of(SLOT.end, HOUR)), BEFORE)
    check_in.hear(conn, "cmm-1", Signal(running_since=at(4), valid_until=at(15)), at(5))
    check_in.hear(conn, "cmm-1", Signal(running_since=at(110), valid_until=at(131)), at(121))
    assert (status(conn, booked), status(conn, following)) == (Status.IN_USE, Status.CONFIRMED)
    assert overrun.warn(conn, at(121)) == [following.id]
    assert overrun.warn(conn, at(122)) == [], "told once"
    assert overrun.finish(conn, at(125)) == [], "it still runs"
    slots = overrun.alternatives(conn, place.engineers[1], following.id, at(121))
    assert slots[0] == ("cmm-2", Interval.of(SLOT.end, HOUR))
    check_in.hear(conn, "cmm-1", Signal(idle_since=at(126), valid_until=at(140)), at(127))
    assert overrun.finish(conn, at(127)) == [booked.id]
    check_in.hear(conn, "cmm-1", Signal(running_since=at(128), valid_until=at(140)), at(129))
    assert status(conn, following) is Status.IN_USE


def test_an_early_finish_gives_the_rest_to_who_waits(conn: Connection, place: Place, booked: Reservation) -> None:
    sato, kato = place.engineers[:2]
    waitlist.ask(conn, kato, Needs("cmm-1"), HOUR, SLOT, BEFORE)
    check_in.check_in(conn, OFFICE, "cmm-1", at(0))
    done = check_in.check_out(conn, sato, booked.id, at(31))
    assert (done.status, done.when, done.uid) == (Status.DONE, Interval(START, at(45)), booked.uid)
    [made] = offer.offers_of(conn, kato)
    assert made.when == Interval(at(45), at(105))
    assert conn.execute("SELECT left_at FROM booking.visit").fetchone() == (at(31),)


def test_who_does_not_come_is_asked_then_released_and_the_time_offered(
    conn: Connection, pool: Pool, place: Place, booked: Reservation
) -> None:
    """The sweep at every minute, twice: each thing happens once."""
    kato = place.engineers[1]
    waitlist.ask(conn, kato, Needs("cmm-1"), HOUR, SLOT, BEFORE)
    check_in.hear(conn, "cmm-1", Signal(idle_since=at(-30)), BEFORE)
    conn.commit()
    seen = []
    for minute in range(30):
        for _ in range(2):
            sweep(pool, at(minute))
        asked = conn.execute("SELECT count(*) FROM booking.no_show_question").fetchone()
        seen.append((status(conn, booked), asked == (1,)))
        conn.rollback()
    assert seen == [(Status.CONFIRMED, False)] * 10 + [(Status.CONFIRMED, True)] * 10 + [(Status.RELEASED, True)] * 10
    assert fees(conn) == [("no_show", "m01")]
    assert [(each.person_id, each.when) for each in offer.offers_of(conn, kato)] == [
        (kato.person_id, Interval(at(30), at(90)))
    ]
    told = conn.execute(
        "SELECT action, count(*) FROM coop.audit WHERE action ~ 'asked|released' AND subject ~ 'reservation' GROUP BY 1"
    ).fetchall()
    assert dict(told) == {"reservation.asked": 1, "reservation.released": 1}


@pytest.mark.parametrize(
    "signal",
    [
        Signal(),
        Signal(idle_since=at(-30), valid_until=at(19)),
        Signal(idle_since=at(2)),
        Signal(running_since=at(-60)),
    ],
    ids=["unknown", "silent before the cutoff", "not idle all the time", "running"],
)
def test_the_sweep_releases_nobody_on_such_a_signal(
    conn: Connection, pool: Pool, booked: Reservation, signal: Signal
) -> None:
    conn.execute(
        "INSERT INTO booking.signal VALUES ('cmm-1', %s, %s, %s)",
        [signal.running_since, signal.idle_since, signal.valid_until],
    )
    conn.commit()
    for minute in (10, 20, 21, 60, 119, 121, 500):
        sweep(pool, at(minute))
    assert status(conn, booked) is Status.CONFIRMED
    assert fees(conn) == []


def test_who_announced_to_be_late_is_waited_for(
    conn: Connection, pool: Pool, sato: Viewer, booked: Reservation
) -> None:
    check_in.hear(conn, "cmm-1", Signal(idle_since=at(-30)), BEFORE)
    announce_late(conn, sato, booked.id, at(15), BEFORE)
    conn.commit()
    seen = []
    for minute in range(40):
        sweep(pool, at(minute))
        asked = conn.execute("SELECT count(*) FROM booking.no_show_question").fetchone()
        seen.append((status(conn, booked), asked == (1,)))
        conn.rollback()
    assert seen == [(Status.CONFIRMED, False)] * 25 + [(Status.CONFIRMED, True)] * 10 + [(Status.RELEASED, True)] * 5


def test_who_says_they_are_coming_keeps_the_slot(
    conn: Connection, pool: Pool, sato: Viewer, booked: Reservation
) -> None:
    check_in.hear(conn, "cmm-1", Signal(idle_since=at(-30)), BEFORE)
    conn.commit()
    sweep(pool, at(10))
    database.run(pool, lambda c: release.coming(c, sato, booked.id, at(12)))
    sweep(pool, at(60))
    assert status(conn, booked) is Status.CONFIRMED


def test_coming_and_being_released_at_one_moment(conn: Connection, pool: Pool, place: Place) -> None:
    """Whoever is first: in use and nothing else, or released with its fee, and never both."""
    sato = place.engineers[0]
    seen: Counter[Status] = Counter()
    for number in range(8):
        when = Interval.of(START + number * HOUR, HOUR)
        booked = reserve(conn, sato, Wish("cmm-1", when), BEFORE)
        check_in.hear(conn, "cmm-1", Signal(idle_since=at(-30)), BEFORE)
        conn.execute(
            "INSERT INTO booking.no_show_question (reservation_id, asked_at) VALUES (%s, %s)",
            [booked.id, when.start + 10 * MINUTE],
        )
        conn.commit()
        now, start = when.start + 20 * MINUTE, Barrier(4)

        def attempt(use: int, booked: Reservation = booked, now: datetime = now, start: Barrier = start) -> object:
            start.wait()
            if use == 0:
                try:
                    return database.run(pool, lambda c: check_in.check_in(c, OFFICE, "cmm-1", now)).status
                except NothingToBegin:
                    return None
            return database.run(pool, lambda c: release.take_step(c, booked.id, now))

        with ThreadPoolExecutor(4) as threads:
            outcome = Counter(threads.map(attempt, range(4)))
        after = status(conn, booked)
        seen[after] += 1
        assert (outcome[Status.IN_USE], outcome[Step.RELEASE]) == ((1, 0) if after is Status.IN_USE else (0, 1))
        assert len(fees(conn)) == seen[Status.RELEASED]
        conn.rollback()
    assert set(seen) <= {Status.IN_USE, Status.RELEASED}


def test_a_late_cancel_is_kept_for_the_fee_rules(conn: Connection, sato: Viewer, booked: Reservation) -> None:
    conn.execute("UPDATE booking.policy SET cancel_minutes = 60")
    cancel(conn, OFFICE, booked.id, at(-30))
    assert fees(conn) == [("late_cancel", "m01")]


def test_a_cancel_in_time_costs_nothing(conn: Connection, sato: Viewer, booked: Reservation) -> None:
    conn.execute("UPDATE booking.policy SET cancel_minutes = 60")
    cancel(conn, sato, booked.id, at(-61))
    assert fees(conn) == []


def test_in_the_night_the_clock_changes_ten_minutes_are_ten_minutes(conn: Connection, pool: Pool, sato: Viewer) -> None:
    """Berlin: from 02:00 summer time to 02:45 winter time lie an hour and three quarters, and the slot begins once."""
    conn.execute("UPDATE coop.cooperative SET time_zone = 'Europe/Berlin'")
    conn.execute("UPDATE booking.policy SET horizon_days = 1000")
    berlin = ZoneInfo("Europe/Berlin")
    night = date(2027, 10, 31)
    start = datetime.combine(night, time(2), tzinfo=berlin).astimezone(UTC)
    end = datetime.combine(night, time(2, 45), tzinfo=berlin).replace(fold=1).astimezone(UTC)
    booked = reserve(conn, sato, Wish("cmm-1", Interval(start, end)), BEFORE)
    assert booked.when.seconds == 105 * 60
    check_in.hear(conn, "cmm-1", Signal(idle_since=start - HOUR), BEFORE)
    conn.commit()
    for minute, expected in (
        (9, Status.CONFIRMED),
        (10, Status.CONFIRMED),
        (19, Status.CONFIRMED),
        (20, Status.RELEASED),
    ):
        sweep(pool, start + minute * MINUTE)
        assert status(conn, booked) is expected, minute
        conn.rollback()
    assert reserve(conn, sato, Wish("cmm-1", Interval(start + HOUR, end)), BEFORE).when.seconds == 45 * 60
