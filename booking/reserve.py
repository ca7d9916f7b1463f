"""Reserve a machine for a slot."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from booking import projection, store
from booking.model import Reservation, Status
from booking.policy import Question, SlotDenied, judge
from booking.store import HolderUnknown, Overlap
from booking.taken import slot_taken
from coop import audit, events
from coop.database import Connection
from coop.errors import Forbidden
from coop.identity import Role, Viewer
from coop.interval import Interval

BOOKS_FOR_OTHERS = (Role.OFFICE, Role.OPERATOR)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants. The office and operators name a person, or a member if nobody there is to be named."""

    machine_id: str
    when: Interval
    purpose: str = ""
    person_id: UUID | None = None
    member_id: str | None = None


def reserve(conn: Connection, viewer: Viewer, wish: Wish, now: datetime) -> Reservation:
    """Reserve; raises `SlotDenied` with every reason, `SlotTaken`, `Forbidden`, `HolderUnknown` or `MachineUnknown`."""
    return book(conn, viewer, wish, now)


def book(
    conn: Connection,
    viewer: Viewer,
    wish: Wish,
    now: datetime,
    *,
    status: Status = Status.CONFIRMED,
    expires_at: datetime | None = None,
) -> Reservation:
    """The one way in, for whoever makes a reservation: it is judged, then claimed, then told.

    A hold or an offer is `Status.HELD` with `expires_at`, by the database's clock. Raises what `reserve` raises and
    leaves the transaction usable.
    """
    member_id, person_id = _for_whom(viewer, wish)
    holder, terms = store.lock(conn, wish.machine_id, member_id, person_id)
    if wish.member_id not in {None, holder.member_id}:
        raise HolderUnknown()
    obey(viewer, Question(wish.when, terms, now, records_past=viewer.has(Role.OFFICE)))
    identifier = uuid4()
    reservation = Reservation(
        identifier, str(identifier), wish.machine_id, holder, wish.when, status, wish.purpose, 1, now
    )
    try:
        store.add(conn, reservation, terms.claims(wish.when), expires_at)
    except Overlap:
        raise slot_taken(conn, viewer, terms, wish.when, now) from None
    tell(conn, "reservation.held" if status is Status.HELD else "reservation.created", viewer, reservation, now)
    return reservation


def obey(viewer: Viewer, question: Question) -> None:
    """Raise `SlotDenied` with every reason against the slot, if there is any."""
    denials = judge(question)
    if denials:
        raise SlotDenied(
            machine=question.terms.machine_id,
            extra={"reasons": [projection.reason(denial, viewer) for denial in denials]},
        )


def tell(
    conn: Connection,
    action: str,
    viewer: Viewer,
    reservation: Reservation,
    now: datetime,
    **more: object,
) -> None:
    """Write what happened to `reservation` on the audit trail, with whom it was done for, and wake the live board."""
    person_id = reservation.holder.person_id
    actor = viewer if person_id == viewer.person_id else replace(viewer, on_behalf_of=person_id)
    detail = {
        "machine_id": reservation.machine_id,
        "member_id": reservation.holder.member_id,
        "starts_at": reservation.when.start.isoformat(),
        "ends_at": reservation.when.end.isoformat(),
        **more,
    }
    with conn.pipeline():
        audit.record(conn, action, viewer=actor, subject=f"reservation:{reservation.id}", now=now, detail=detail)
        events.notify(conn, "machine", reservation.machine_id)


def _for_whom(viewer: Viewer, wish: Wish) -> tuple[str | None, UUID | None]:
    """The member and person to book for; for oneself unless the wish names somebody."""
    if wish.person_id in {None, viewer.person_id} and wish.member_id in {None, viewer.member_id}:
        return viewer.member_id, viewer.person_id
    if not viewer.has(*BOOKS_FOR_OTHERS):
        raise Forbidden()
    return wish.member_id, wish.person_id
