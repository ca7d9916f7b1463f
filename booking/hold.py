"""A hold: a machine kept for five minutes while a person fills in the form, then made a reservation in place."""

from datetime import datetime, timedelta
from uuid import UUID

from booking import store
from booking.listing import find
from booking.model import Reservation, Status
from booking.move import lock_to_change
from booking.pending import ask
from booking.reserve import Wish, book
from booking.tell import tell
from booking.waitlist.offer import offer_freed
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Viewer

LASTS = timedelta(minutes=5)

SQL = store.SQL


class HoldOver(NotFound):
    """There is no such hold any more: it is over, and the time is free again."""

    code = "booking.hold_over"


def hold(conn: Connection, viewer: Viewer, wish: Wish, now: datetime) -> tuple[Reservation, datetime]:
    """Keep the machine for `LASTS` by the database's clock; the hold, and when it is over.

    Who holds for themselves lets go of what they held before: one form at a time. Raises what `reserve` raises.
    """
    if viewer.person_id is not None and wish.person_id in {None, viewer.person_id}:
        conn.execute(SQL["forget_hold_of"], {"person_id": viewer.person_id})
    row = conn.execute(SQL["moment_from_now"], {"length": LASTS}).fetchone()
    assert row is not None
    expires_at: datetime = row[0]
    return book(conn, viewer, wish, now, status=Status.HELD, expires_at=expires_at), expires_at


def confirm(conn: Connection, viewer: Viewer, reservation_id: UUID, purpose: str, now: datetime) -> Reservation:
    """Make a hold a reservation: the same one, so nobody can come between. Raises `Forbidden` or `HoldOver`."""
    held = _held(conn, viewer, reservation_id)
    row = conn.execute(SQL["confirm_hold"], {"id": held.id, "purpose": purpose, "now": now}).fetchone()
    if row is None:
        raise HoldOver()
    confirmed = ask(conn, viewer, find(conn, viewer, held.id), now)
    tell(conn, "reservation.created", viewer, confirmed, now)
    return confirmed


def let_go(conn: Connection, viewer: Viewer, reservation_id: UUID, now: datetime) -> None:
    """End a hold before its time; who waits comes first. Raises `Forbidden` or `HoldOver`."""
    held = _held(conn, viewer, reservation_id)
    conn.execute(SQL["drop_held"], {"id": held.id})
    tell(conn, "reservation.let_go", viewer, held, now)
    offer_freed(conn, held.machine_id, held.when, now)


def _held(conn: Connection, viewer: Viewer, reservation_id: UUID) -> Reservation:
    """The hold under the locks; those that are over were dropped by taking them."""
    try:
        held, _ = lock_to_change(conn, viewer, reservation_id, None)
    except NotFound:
        raise HoldOver() from None
    row = conn.execute(SQL["hold_expiry"], {"id": held.id}).fetchone()
    if held.status is not Status.HELD or row is None or row[0] is None:
        raise HoldOver()
    return held
