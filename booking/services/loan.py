"""Portable testers on loan: out, due at the end of the reservation, returned."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from booking import store
from booking.model import Reservation, Status
from booking.move import lock_to_change
from booking.services.model import ServiceKind
from booking.tell import tell
from booking.waitlist.offer import offer_freed
from coop.database import Connection
from coop.errors import Conflict
from coop.identity import Role, Viewer
from coop.paging import WHOLE, Slice
from coop.queries import load

SQL = load("booking.services")
LENDS = (Role.OPERATOR, Role.OFFICE)


class NotALoan(Conflict):
    """The reservation is not for a loan, or does not stand."""

    code = "booking.not_a_loan"


class LoanOut(Conflict):
    """It left the house already."""

    code = "booking.loan_out"


class LoanNotOut(Conflict):
    """It never left the house, or is back already."""

    code = "booking.loan_not_out"


@dataclass(frozen=True, slots=True)
class Loan:
    """What is out of the house. It is due at the end of its reservation."""

    reservation: Reservation
    out_at: datetime

    def overdue(self, now: datetime) -> bool:
        """Whether it should be back."""
        return self.reservation.when.end <= now


def lend(
    conn: Connection, viewer: Viewer, reservation_id: UUID, now: datetime, *, version: int | None = None
) -> Reservation:
    """Hand a tester out; its reservation is in use. Accessories that its service claims go with it.

    Raises `NotFound`, `Forbidden`, `PreconditionFailed`, `NotALoan` or `LoanOut`.
    """
    reservation = _locked(conn, viewer, reservation_id, version)
    if reservation.status is not Status.CONFIRMED:
        raise LoanOut() if reservation.status is Status.IN_USE else NotALoan()
    return _change(conn, viewer, reservation, Status.IN_USE, "lend", now)


def take_back(
    conn: Connection, viewer: Viewer, reservation_id: UUID, now: datetime, *, version: int | None = None
) -> Reservation:
    """Take a tester back; the rest of its time is free again. Raises as `lend` does, or `LoanNotOut`."""
    reservation = _locked(conn, viewer, reservation_id, version)
    if reservation.status is not Status.IN_USE:
        raise LoanNotOut()
    returned = _change(conn, viewer, reservation, Status.DONE, "take_back", now)
    if reservation.when.end > now:
        offer_freed(conn, reservation.machine_id, reservation.when, now)
    return returned


def loans(conn: Connection, viewer: Viewer, part: Slice = WHOLE) -> list[Loan]:
    """What is out of the house, the earliest due first; for the office and operators."""
    viewer.require(*LENDS)
    rows = conn.execute(SQL["loans_out"], part.values("after_due", "after_id")).fetchall()
    found = [(store.reservation(conn, identifier), out_at) for identifier, out_at in rows]
    return [Loan(reservation, out_at) for reservation, out_at in found if reservation]


def _locked(conn: Connection, viewer: Viewer, reservation_id: UUID, version: int | None) -> Reservation:
    viewer.require(*LENDS)
    reservation, _ = lock_to_change(conn, viewer, reservation_id, version)
    if reservation.service is not ServiceKind.LOAN:
        raise NotALoan()
    return reservation


def _change(
    conn: Connection, viewer: Viewer, reservation: Reservation, status: Status, statement: str, now: datetime
) -> Reservation:
    conn.execute(SQL[statement], {"id": reservation.id, "now": now})
    changed = replace(reservation, status=status, version=reservation.version + 1)
    tell(conn, "loan.out" if status is Status.IN_USE else "loan.returned", viewer, changed, now)
    return changed
