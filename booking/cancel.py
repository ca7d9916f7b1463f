"""Cancel a reservation and give its time back."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from booking import store
from booking.model import Reservation, Status
from booking.move import HOLDS_TIME, AlreadyEnded, HasBegun, give_back, lock_to_change
from booking.presence import store as store_presence
from booking.tell import tell
from booking.waitlist.offer import offer_freed
from coop.database import Connection
from coop.identity import Role, Viewer


def cancel(
    conn: Connection, viewer: Viewer, reservation_id: UUID, now: datetime, *, version: int | None = None
) -> Reservation:
    """Cancel a reservation if it is still `version` (None: whatever it is now); a second time changes nothing.

    Raises `NotFound`, `Forbidden`, `PreconditionFailed`, `HasBegun`, `TooLate` or `AlreadyEnded`.
    """
    reservation, terms = lock_to_change(conn, viewer, reservation_id, version)
    if reservation.status is Status.CANCELLED:
        return reservation
    if reservation.status not in HOLDS_TIME:
        raise AlreadyEnded()
    if reservation.when.start <= now and not viewer.has(Role.OFFICE):
        raise HasBegun()
    late = give_back(viewer, reservation, terms, now)
    store.cancel(conn, reservation, now)
    cancelled = replace(reservation, status=Status.CANCELLED, version=reservation.version + 1)
    tell(conn, "reservation.cancelled", viewer, cancelled, now)
    if late:
        store_presence.fee(conn, "late_cancel", reservation.id, now)
    offer_freed(conn, reservation.machine_id, reservation.when, now)
    return cancelled
