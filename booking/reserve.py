"""Reserve a machine for a slot."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from booking import store
from booking.claim import claim
from booking.model import Holder, Reservation, Status, Terms
from booking.pending import standing
from booking.rules.facts import Preparation, for_member, prepare
from booking.rules.policy import Question
from booking.rules.verdict import obey
from booking.services import store as store_services
from booking.services.model import ServiceKind
from booking.store import HolderUnknown
from booking.tell import tell
from booking.training.supervision import supervised
from coop.database import Connection
from coop.errors import Forbidden
from coop.identity import Role, Viewer
from coop.interval import Interval

BOOKS_FOR_OTHERS = (Role.OFFICE, Role.OPERATOR)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants. The office and operators name a person, or a member if nobody there is to be named.

    For advice `machine_id` is the person who advises. `options` names optional needs of the service, `units` those
    units that a need shall take where it could take others.
    """

    machine_id: str
    when: Interval
    purpose: str = ""
    person_id: UUID | None = None
    member_id: str | None = None
    service: ServiceKind = ServiceKind.SELF_USE
    options: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    preparation: Preparation = field(default_factory=Preparation)


def reserve(conn: Connection, viewer: Viewer, wish: Wish, now: datetime) -> Reservation:
    """Reserve, or request where the machine asks for approval.

    Raises `SlotDenied` with every reason, `SlotTaken`, `Forbidden`, `HolderUnknown`, `MachineUnknown`, `ServiceUnknown`
    or `OptionUnknown`.
    """
    return book(conn, viewer, wish, now)


def book(
    conn: Connection,
    viewer: Viewer,
    wish: Wish,
    now: datetime,
    *,
    status: Status = Status.CONFIRMED,
    expires_at: datetime | None = None,
    admitted: tuple[Holder, Terms] | None = None,
) -> Reservation:
    """The one way in, for whoever makes a reservation: it is judged, then claimed, then told.

    A hold or an offer is `Status.HELD` with `expires_at`, by the database's clock; what would be confirmed is pending
    where the machine asks for approval. `admitted` is what `admit` said in this transaction of the same wish for
    another time. Raises what `reserve` raises and leaves the transaction usable.
    """
    holder, terms = admitted or admit(conn, viewer, wish)
    alone = wish.service is ServiceKind.SELF_USE
    question = Question(wish.when, terms, now, records_past=viewer.has(Role.OFFICE), alone=alone)
    warnings = obey(conn, viewer, question, holder, preparation=wish.preparation)
    if status is Status.CONFIRMED:
        status, expires_at = standing(conn, viewer, terms.service, wish.when.start, now)
    identifier = uuid4()
    reservation = Reservation(
        identifier,
        str(identifier),
        wish.machine_id,
        holder,
        wish.when,
        status,
        wish.purpose,
        1,
        now,
        wish.service,
        wish.options,
        warnings=warnings,
    )
    terms = for_member(conn, terms, holder.member_id)  # what is free instead is offered within their horizon
    claim(conn, viewer, terms, wish.when, now, lambda claims: store.add(conn, reservation, claims, expires_at))
    prepare(conn, reservation.id, wish.preparation)
    tell(conn, "reservation.held" if status is Status.HELD else "reservation.created", viewer, reservation, now)
    return reservation


def admit(conn: Connection, viewer: Viewer, wish: Wish) -> tuple[Holder, Terms]:
    """For whom and under which terms a wish is booked, whenever it is; both stay locked until the transaction ends.

    Raises `Forbidden`, `HolderUnknown`, `MachineUnknown`, `ServiceUnknown` or `OptionUnknown`.
    """
    member_id, person_id = for_whom(viewer, wish)
    service = store_services.service(conn, wish.machine_id, wish.service, wish.options, wish.units)
    if wish.preparation.instructor_id is not None:
        service = supervised(conn, service, instructor_id=wish.preparation.instructor_id)
    holder, terms = store.lock(conn, wish.machine_id, member_id, person_id, service)
    if wish.member_id not in {None, holder.member_id}:
        raise HolderUnknown()
    return holder, terms


def for_whom(viewer: Viewer, wish: Wish) -> tuple[str | None, UUID | None]:
    """The member and person to book for; for oneself unless the wish names somebody."""
    if wish.person_id in {None, viewer.person_id} and wish.member_id in {None, viewer.member_id}:
        return viewer.member_id, viewer.person_id
    if not viewer.has(*BOOKS_FOR_OTHERS):
        raise Forbidden()
    return wish.member_id, wish.person_id
