"""Approve or decline a request where a machine asks for it."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from booking import store
from booking.model import Reservation, Status
from booking.move import lock_to_change
from booking.pending import APPROVES
from booking.tell import tell
from booking.waitlist.offer import offer_freed
from coop.database import Connection
from coop.errors import Conflict
from coop.identity import Viewer


class NotPending(Conflict):
    """The request was answered already, or nobody answered it in time."""

    code = "booking.not_pending"


def approve(
    conn: Connection, viewer: Viewer, reservation_id: UUID, now: datetime, *, version: int | None = None
) -> Reservation:
    """Confirm a request whose time is not over by the database's clock.

    Raises `NotFound`, `Forbidden`, `PreconditionFailed` or `NotPending`.
    """
    return _answer(conn, viewer, reservation_id, Status.CONFIRMED, now, version)


def decline(
    conn: Connection, viewer: Viewer, reservation_id: UUID, now: datetime, *, version: int | None = None
) -> Reservation:
    """Refuse a request; its time goes to who waits for it. Raises what `approve` raises."""
    return _answer(conn, viewer, reservation_id, Status.DECLINED, now, version)


def _answer(
    conn: Connection, viewer: Viewer, reservation_id: UUID, answer: Status, now: datetime, version: int | None
) -> Reservation:
    viewer.require(*APPROVES)
    reservation, _ = lock_to_change(conn, viewer, reservation_id, version)
    if reservation.status is not Status.PENDING or not store.answer(conn, reservation, answer, now):
        raise NotPending()
    answered = replace(reservation, status=answer, version=reservation.version + 1)
    tell(conn, f"reservation.{'approved' if answer is Status.CONFIRMED else 'declined'}", viewer, answered, now)
    if answer is Status.DECLINED:
        offer_freed(conn, reservation.machine_id, reservation.when, now)
    return answered
