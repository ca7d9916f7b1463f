"""A hold keeps a slot for five minutes, by the clock of the database, and becomes a reservation in place."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from booking import SlotTaken, Status, Wish, find, hold, reserve
from booking.hold import HoldOver
from coop import database
from coop.database import Connection, Pool
from coop.errors import Forbidden, NotFound
from coop.interval import Interval
from tests.booking.places import settle_in

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
HOUR = timedelta(hours=1)
SLOT = Interval.of(NOW + 5 * HOUR, HOUR)


def lapse(conn: Connection) -> None:
    """All holds are over a moment ago."""
    conn.execute(
        "UPDATE booking.claim SET expires_at = clock_timestamp() - interval '1 ms' WHERE expires_at IS NOT NULL"
    )


def test_a_hold_keeps_others_out_and_becomes_the_reservation(conn: Connection) -> None:
    sato, kato = settle_in(conn, machines=1, members=2).engineers
    held, expires_at = hold.hold(conn, sato, Wish("cmm-1", SLOT), NOW)
    assert held.status is Status.HELD
    assert timedelta(minutes=4) < expires_at - datetime.now(UTC) <= timedelta(minutes=5)
    with pytest.raises(SlotTaken):
        reserve(conn, kato, Wish("cmm-1", SLOT), NOW)
    made = hold.confirm(conn, sato, held.id, "ボルト穴", NOW)
    assert (made.id, made.uid, made.status, made.purpose) == (held.id, held.uid, Status.CONFIRMED, "ボルト穴")
    lapse(conn)
    with pytest.raises(SlotTaken):
        reserve(conn, kato, Wish("cmm-1", SLOT), NOW)


def test_a_hold_that_is_over_is_gone(conn: Connection) -> None:
    sato, kato = settle_in(conn, machines=1, members=2).engineers
    held, _ = hold.hold(conn, sato, Wish("cmm-1", SLOT), NOW)
    lapse(conn)
    with pytest.raises(HoldOver):
        hold.confirm(conn, sato, held.id, "", NOW)
    assert reserve(conn, kato, Wish("cmm-1", SLOT), NOW).when == SLOT


def test_a_person_holds_one_slot_at_a_time_and_may_let_go(conn: Connection) -> None:
    sato, kato = settle_in(conn, machines=2, members=2).engineers
    hold.hold(conn, sato, Wish("cmm-1", SLOT), NOW)
    second, _ = hold.hold(conn, sato, Wish("cmm-2", SLOT), NOW)
    reserve(conn, kato, Wish("cmm-1", SLOT), NOW)
    hold.let_go(conn, sato, second.id, NOW)
    reserve(conn, kato, Wish("cmm-2", SLOT), NOW)


def test_a_hold_is_its_owners(conn: Connection) -> None:
    sato, kato = settle_in(conn, machines=1, members=2).engineers
    held, _ = hold.hold(conn, sato, Wish("cmm-1", SLOT), NOW)
    for use in (lambda: hold.confirm(conn, kato, held.id, "", NOW), lambda: hold.let_go(conn, kato, held.id, NOW)):
        with pytest.raises((NotFound, Forbidden)):
            use()
    made = reserve(conn, kato, Wish("cmm-1", Interval.of(SLOT.end, HOUR)), NOW)
    with pytest.raises(HoldOver):  # a reservation is no hold: it is cancelled, not let go
        hold.let_go(conn, kato, made.id, NOW)


def test_at_its_end_a_hold_goes_to_its_owner_or_to_one_other(conn: Connection, pool: Pool) -> None:
    """Sixteen who want the slot and its owner, at the very moment at which the hold ends, twenty times."""
    place = settle_in(conn, machines=1, members=17)
    owner, *others = place.engineers
    for number in range(20):
        slot = Interval.of(NOW + number * HOUR, HOUR)
        held, _ = hold.hold(conn, owner, Wish("cmm-1", slot), NOW)
        conn.execute("UPDATE booking.claim SET expires_at = clock_timestamp() + %s WHERE expires_at IS NOT NULL",
                     [timedelta(milliseconds=number * 2)])  # fmt: skip  # one statement, one line
        conn.commit()
        uses: list[Any] = [lambda c, held=held: hold.confirm(c, owner, held.id, "", NOW)]
        uses += [lambda c, who=who, slot=slot: reserve(c, who, Wish("cmm-1", slot), NOW) for who in others]
        start = Barrier(len(uses))

        def attempt(use: Any, start: Barrier = start) -> str:
            start.wait()
            try:
                database.run(pool, use)
            except (SlotTaken, HoldOver) as refused:
                return type(refused).__name__
            return "won"

        with ThreadPoolExecutor(len(uses)) as threads:
            outcome = Counter(threads.map(attempt, uses))
        assert outcome["won"] == 1, outcome
        assert conn.execute(
            "SELECT count(*) FROM booking.claim WHERE released_at IS NULL AND blocked && tstzrange(%s, %s)",
            [slot.start, slot.end],
        ).fetchone() == (1,)
        assert find(conn, owner, held.id).status is Status.CONFIRMED if outcome["HoldOver"] == 0 else True
        conn.rollback()
