"""Taking a machine that is free now: reserved, begun with the code at it, and counted once however often one taps."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from threading import Barrier

import pytest

from booking import Holder, SlotTaken, Status, Wish, extend, find, reserve, room_until, terms
from booking.model import Reservation
from booking.presence import check_in
from booking.presence.check_in import Left, NotAtMachine
from booking.presence.take import NotFreeNow, take
from booking.store import HolderUnknown
from coop import database
from coop.database import Connection, Pool
from coop.identity import Role, Viewer
from coop.interval import Interval
from tests.booking.places import Place, settle_in

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NOW = datetime.combine(datetime.now(UTC) + timedelta(days=2), time(3, 7), tzinfo=UTC)
GRID = NOW.replace(minute=0)
KEY = "k" * 32
OFFICE = Viewer(None, None, frozenset({Role.OFFICE}))


@pytest.fixture
def place(conn: Connection) -> Place:
    return settle_in(conn, machines=2, members=3)


def at_machine(conn: Connection, who: Viewer, now: datetime = NOW) -> Reservation:
    return take(conn, who, "cmm-1", now, code=check_in.code_of(conn, KEY, "cmm-1"), secret_key=KEY)


def test_with_the_code_it_is_begun_and_again_changes_nothing(conn: Connection, place: Place) -> None:
    sato, kato = place.engineers[:2]
    taken = at_machine(conn, sato)
    assert (taken.status, taken.when) == (Status.IN_USE, Interval.of(GRID, HOUR))
    assert at_machine(conn, sato, NOW + MINUTE).version == taken.version
    with pytest.raises(NotFreeNow) as refused:
        at_machine(conn, kato)
    assert refused.value.extra["next_free"][0]["starts_at"] == (GRID + HOUR).isoformat().replace("+00:00", "Z")


def test_without_the_code_it_is_reserved_and_waits(conn: Connection, place: Place) -> None:
    sato = place.engineers[0]
    taken = take(conn, sato, "cmm-1", NOW)
    assert taken.status is Status.CONFIRMED
    assert take(conn, sato, "cmm-1", NOW).id == taken.id
    with pytest.raises(NotAtMachine):
        take(conn, sato, "cmm-1", NOW, code="0" * 32, secret_key=KEY)
    assert at_machine(conn, sato).id == taken.id


def test_it_lasts_as_long_as_it_is_free(conn: Connection, place: Place) -> None:
    sato, kato = place.engineers[:2]
    reserve(conn, kato, Wish("cmm-1", Interval.of(GRID + 30 * MINUTE, HOUR)), NOW)
    taken = at_machine(conn, sato)
    assert taken.when == Interval.of(GRID, 30 * MINUTE)
    assert room_until(conn, terms(conn, "cmm-1"), taken.when, taken.id) == taken.when.end
    assert room_until(conn, terms(conn, "cmm-2"), taken.when, taken.id) > taken.when.end


def test_the_room_behind_a_reservation_is_what_it_can_be_extended_into(conn: Connection, place: Place) -> None:
    sato, kato = place.engineers[:2]
    taken = at_machine(conn, sato)
    reserve(conn, kato, Wish("cmm-1", Interval.of(GRID + HOUR + 30 * MINUTE, HOUR)), NOW)
    last = room_until(conn, terms(conn, "cmm-1"), taken.when, taken.id)
    assert last == GRID + HOUR + 30 * MINUTE
    assert extend(conn, sato, taken.id, last - taken.when.end, NOW).when.end == last


def test_the_office_begins_who_is_due_and_takes_nothing_for_itself(conn: Connection, place: Place) -> None:
    with pytest.raises(HolderUnknown):
        take(conn, OFFICE, "cmm-1", NOW)
    booked = take(conn, place.engineers[0], "cmm-1", NOW)
    assert isinstance(booked.holder, Holder)
    assert take(conn, OFFICE, "cmm-1", NOW).status is Status.IN_USE


def test_two_fingers_at_once_take_it_once(pool: Pool) -> None:
    with pool.connection() as conn:
        place = settle_in(conn, machines=1, members=2)
    start = Barrier(6)

    def tap(who: Viewer) -> str:
        start.wait()
        try:
            return str(database.run(pool, lambda conn: take(conn, who, "cmm-1", NOW).id))
        except (NotFreeNow, SlotTaken):
            return "taken"

    with ThreadPoolExecutor(6) as fingers:
        got = list(fingers.map(tap, [*[place.engineers[0]] * 3, *[place.engineers[1]] * 3]))
    assert len(set(got) - {"taken"}) == 1
    assert got.count("taken") == 3


def test_what_one_says_when_leaving_is_kept(conn: Connection, place: Place) -> None:
    sato = place.engineers[0]
    taken = at_machine(conn, sato)
    done = check_in.check_out(conn, sato, taken.id, NOW + MINUTE, left=Left(data_removed=True, probe_back=False))
    assert find(conn, OFFICE, done.id).status is Status.DONE
    row = conn.execute("SELECT detail FROM coop.audit WHERE action = 'reservation.checked_out'").fetchone()
    assert row is not None
    assert (row[0]["data_removed"], row[0]["probe_back"]) == (True, False)
