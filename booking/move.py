"""Move, extend or shorten a reservation: one change of its slot, the calendar UID stays."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from booking import store
from booking.listing import find
from booking.model import Reservation, Status, Terms
from booking.policy import Question
from booking.reserve import BOOKS_FOR_OTHERS, obey, tell
from booking.store import Overlap
from booking.taken import slot_taken
from coop.database import Connection
from coop.errors import Conflict, Forbidden, PreconditionFailed
from coop.identity import Role, Viewer
from coop.interval import Interval

HOLDS_TIME = frozenset({Status.HELD, Status.PENDING, Status.CONFIRMED, Status.IN_USE})


class AlreadyEnded(Conflict):
    """The reservation was cancelled, or is over."""

    code = "booking.already_ended"


def move(
    conn: Connection,
    viewer: Viewer,
    reservation_id: UUID,
    when: Interval,
    now: datetime,
    *,
    version: int | None = None,
) -> Reservation:
    """Give a reservation the slot `when` if it is still `version` (None: whatever it is now).

    Raises `NotFound`, `Forbidden`, `PreconditionFailed`, `AlreadyEnded`, `SlotDenied` or `SlotTaken`; then it keeps its
    old slot.
    """
    reservation, terms = lock_to_change(conn, viewer, reservation_id, version)
    if reservation.status not in HOLDS_TIME:
        raise AlreadyEnded()
    obey(viewer, Question(when, terms, now, held=reservation.when, records_past=viewer.has(Role.OFFICE)))
    try:
        store.move(conn, reservation, when, terms.claims(when), now)
    except Overlap:
        raise slot_taken(conn, viewer, terms, when, now, but_for=reservation.id) from None
    moved = replace(reservation, when=when, version=reservation.version + 1)
    was = {"was_starts_at": reservation.when.start.isoformat(), "was_ends_at": reservation.when.end.isoformat()}
    tell(conn, "reservation.moved", viewer, moved, now, **was)
    return moved


def lock_to_change(
    conn: Connection, viewer: Viewer, reservation_id: UUID, version: int | None
) -> tuple[Reservation, Terms]:
    """The reservation as it is under the locks, if the viewer may change it: its person, the manager of its member, an
    operator, the office.

    Raises `NotFound`, `Forbidden`, or `PreconditionFailed` if it is not `version` any more.
    """
    known = find(conn, viewer, reservation_id)
    own = viewer.person_id is not None and known.holder.person_id == viewer.person_id
    manages = viewer.has(Role.MEMBER_MANAGER) and known.holder.member_id == viewer.member_id
    if not (own or manages or viewer.has(*BOOKS_FOR_OTHERS)):
        raise Forbidden()
    _, terms = store.lock(conn, known.machine_id, known.holder.member_id, None)
    reservation = find(conn, viewer, reservation_id)
    if version not in {None, reservation.version}:
        raise PreconditionFailed()
    return reservation, terms
