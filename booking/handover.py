"""Hand a reservation over to a colleague of the same member, or say that one comes late."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from booking import store
from booking.model import Holder, Reservation
from booking.move import HOLDS_TIME, AlreadyEnded, lock_to_change
from booking.rules.policy import Question
from booking.rules.verdict import obey
from booking.services.model import ServiceKind
from booking.tell import tell
from coop.database import Connection
from coop.errors import Invalid, PreconditionFailed
from coop.identity import Role, Viewer

SQL = store.SQL


class NotAColleague(Invalid):
    """A reservation is handed over to an active person of the same member."""

    code = "booking.not_a_colleague"


class LateOutsideSlot(Invalid):
    """Who comes late comes within their reservation."""

    code = "booking.late_outside_slot"


def hand_over(
    conn: Connection,
    viewer: Viewer,
    reservation_id: UUID,
    person_id: UUID,
    now: datetime,
    *,
    version: int | None = None,
) -> Reservation:
    """Make a reservation that of a colleague, who must be allowed to use the machine; the slot stays taken throughout.

    Raises `NotFound`, `Forbidden`, `PreconditionFailed`, `AlreadyEnded`, `NotAColleague` or `SlotDenied`.
    """
    reservation, terms = lock_to_change(conn, viewer, reservation_id, version)
    if reservation.status not in HOLDS_TIME:
        raise AlreadyEnded()
    row = conn.execute(SQL["lock_holder"], {"person_id": person_id, "member_id": None}).fetchone()
    if row is None or row[0] != reservation.holder.member_id:
        raise NotAColleague()
    colleague, when = Holder(*row), reservation.when
    alone = reservation.service is ServiceKind.SELF_USE
    question = Question(when, terms, now, when, records_past=viewer.has(Role.OFFICE), alone=alone)
    warnings = obey(conn, viewer, question, colleague, but_for=reservation.id)
    handed = replace(reservation, holder=colleague, expected_at=None)
    changed = _change(conn, handed, now)
    tell(conn, "reservation.handed_over", viewer, changed, now, was_person_id=_id(reservation.holder))
    return replace(changed, warnings=warnings)


def announce_late(
    conn: Connection,
    viewer: Viewer,
    reservation_id: UUID,
    expected_at: datetime,
    now: datetime,
    *,
    version: int | None = None,
) -> Reservation:
    """Say that one comes at `expected_at` only; the reservation is kept for them.

    Raises `NotFound`, `Forbidden`, `PreconditionFailed`, `AlreadyEnded` or `LateOutsideSlot`.
    """
    reservation, _ = lock_to_change(conn, viewer, reservation_id, version)
    if reservation.status not in HOLDS_TIME:
        raise AlreadyEnded()
    if not reservation.when.contains(expected_at):
        raise LateOutsideSlot()
    changed = _change(conn, replace(reservation, expected_at=expected_at), now)
    tell(conn, "reservation.late", viewer, changed, now, expected_at=expected_at.isoformat())
    return changed


def _change(conn: Connection, reservation: Reservation, now: datetime) -> Reservation:
    values = {
        "id": reservation.id,
        "version": reservation.version,
        "person_id": reservation.holder.person_id,
        "expected_at": reservation.expected_at,
        "now": now,
    }
    if conn.execute(SQL["change_holder"], values).rowcount == 0:
        raise PreconditionFailed()
    return replace(reservation, version=reservation.version + 1)


def _id(holder: Holder) -> str | None:
    return str(holder.person_id) if holder.person_id else None
