"""Who gives time to others takes the locks in the order of everybody: members by id, then machines."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg

from booking import Wish, cancel, reserve, store
from booking.waitlist import offer
from booking.waitlist.ask import ask
from booking.waitlist.waiting import Needs
from coop.interval import Interval
from tests.booking.places import settle_in
from tests.parts.databases import Database


def test_an_offer_is_passed_on_while_the_next_in_line_books_without_a_deadlock(database: Database) -> None:
    """The next in line has the lock of their member and wants the machine when the first one declines."""
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    slot = Interval.of((now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0), hour)
    with psycopg.connect(database.app_url, options="-c TimeZone=UTC") as conn:
        place = settle_in(conn, machines=1, members=3)
        machine_id, [holder, first, second] = place.machine_ids[0], place.engineers
        taken = reserve(conn, holder, Wish(machine_id, slot), now)
        ask(conn, first, Needs(machine_id), hour, slot, now - hour)
        ask(conn, second, Needs(machine_id), hour, slot, now)
        cancel(conn, holder, taken.id, now)
        [offered] = offer.offers_of(conn, first)
        conn.commit()

        def decline() -> None:
            with psycopg.connect(database.app_url, options="-c TimeZone=UTC") as other:
                offer.decline(other, first, offered.id, now)

        values = {"machine_id": machine_id, "member_id": second.member_id, "person_id": second.person_id}
        conn.execute(store.SQL["lock_holder"], values)
        with ThreadPoolExecutor(1) as thread, psycopg.connect(database.app_url, autocommit=True) as watch:
            declined = thread.submit(decline)
            while not watch.execute("SELECT pid FROM pg_locks WHERE NOT granted").fetchone():
                assert not declined.done()
                time.sleep(0.01)
            conn.execute(store.SQL["lock_machine"], values)
            conn.commit()
            declined.result(30)
        [passed_on] = offer.offers_of(conn, second)
        assert passed_on.when == slot
