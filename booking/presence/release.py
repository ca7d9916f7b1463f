"""Who does not come is asked, then released: a sweep that may run at any time, any number of times.

It looks for what should have happened by now, never for what should happen at this minute: a sweep that was missed is
made up by the next.
"""

from datetime import datetime
from uuid import UUID

from booking.listing import find
from booking.move import AlreadyEnded, lock_to_change
from booking.presence import store as store_presence
from booking.presence.rules import Step
from booking.tell import tell
from booking.waitlist.offer import offer_freed
from coop.database import Connection
from coop.identity import SYSTEM, Viewer


def steps(conn: Connection, now: datetime) -> list[tuple[UUID, Step]]:
    """What is to be done about those who did not come, by start."""
    found = [(each.reservation_id, each.step(now)) for each in store_presence.missed(conn, now)]
    return [(identifier, step) for identifier, step in found if step is not Step.WAIT]


def take_step(conn: Connection, reservation_id: UUID, now: datetime) -> Step:
    """Ask or release one who did not come, if that is still to be done under the locks; what was done.

    Released time goes to the waitlist in this transaction, and the no-show is kept for the fee rules.
    """
    reservation, _ = lock_to_change(conn, SYSTEM, reservation_id, None)
    for missed in store_presence.missed(conn, now, reservation_id):
        step = missed.step(now)
        if step is Step.ASK and store_presence.ask(conn, reservation_id, now):
            answer_by = now + missed.rule.releases_after - missed.rule.asks_after
            tell(conn, "reservation.asked", SYSTEM, reservation, now, answer_by=answer_by.isoformat())
            return step
        if step is Step.RELEASE and store_presence.release(conn, reservation_id, now):
            store_presence.fee(conn, "no_show", reservation_id, now)
            tell(conn, "reservation.released", SYSTEM, find(conn, SYSTEM, reservation_id), now)
            offer_freed(conn, reservation.machine_id, reservation.when, now)
            return step
    return Step.WAIT


def coming(conn: Connection, viewer: Viewer, reservation_id: UUID, now: datetime) -> None:
    """ "I am on my way": the slot is kept. Raises `NotFound`, `Forbidden`, or `AlreadyEnded` when it is too late."""
    lock_to_change(conn, viewer, reservation_id, None)
    reservation = find(conn, viewer, reservation_id)
    if not store_presence.missed(conn, now, reservation_id):
        if reservation.when.start > now:  # before the start there is nothing to be asked
            return
        raise AlreadyEnded()
    store_presence.coming(conn, reservation_id, now)
    tell(conn, "reservation.coming", viewer, reservation, now)
