"""Change the slot or the machine of a reservation: never a cancel and a new one, the calendar UID stays."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from booking import store
from booking.claim import claim
from booking.listing import find
from booking.model import Holder, Reservation, Status, Terms
from booking.pending import standing
from booking.reserve import BOOKS_FOR_OTHERS
from booking.rules.policy import Question, cancel_until
from booking.rules.verdict import obey
from booking.services import store as store_services
from booking.services.model import Service, ServiceKind
from booking.tell import tell
from booking.training.supervision import supervised
from booking.waitlist import store as store_waitlist
from booking.waitlist.offer import offer_freed
from coop.database import Connection
from coop.errors import Conflict, Forbidden, Invalid, PreconditionFailed
from coop.identity import Role, Viewer
from coop.interval import Interval, subtract

HOLDS_TIME = frozenset({Status.HELD, Status.PENDING, Status.CONFIRMED, Status.IN_USE})


class AlreadyEnded(Conflict):
    """The reservation was cancelled, or is over."""

    code = "booking.already_ended"


class HasBegun(Conflict):
    """A reservation that has begun is shortened, not cancelled or swapped; the office may still cancel it."""

    code = "booking.has_begun"


class NotShorter(Invalid):
    """A reservation is shortened to an end before the one it has."""

    code = "booking.not_shorter"


class TooLate(Conflict):
    """The deadline for giving time back is over; the office may still cancel, or take another machine."""

    code = "booking.gives_back_too_late"


def move(
    conn: Connection,
    viewer: Viewer,
    reservation_id: UUID,
    when: Interval,
    now: datetime,
    *,
    version: int | None = None,
    offers: bool = True,
) -> Reservation:
    """Give a reservation the slot `when` if it is still `version` (None: whatever it is now); what it gives up is
    offered to who waits, unless the caller does that (`offers` False).

    Raises `NotFound`, `Forbidden`, `PreconditionFailed`, `AlreadyEnded`, `SlotDenied` or `SlotTaken`; then it keeps its
    old slot. Where the machine asks for approval, time that was not approved makes it a request again.
    """
    return _change(conn, viewer, reservation_id, lambda _: when, now, version, offers=offers)


def extend(
    conn: Connection, viewer: Viewer, reservation_id: UUID, by: timedelta, now: datetime, *, version: int | None = None
) -> Reservation:
    """Let a reservation end later by `by`; raises what `move` raises."""
    return _change(conn, viewer, reservation_id, lambda was: Interval(was.start, was.end + by), now, version)


def shorten(
    conn: Connection, viewer: Viewer, reservation_id: UUID, end: datetime, now: datetime, *, version: int | None = None
) -> Reservation:
    """Let a reservation end at `end` already; raises `NotShorter` and what `move` raises."""

    def shorter(was: Interval) -> Interval:
        if end >= was.end:
            raise NotShorter()
        return Interval(was.start, end)

    return _change(conn, viewer, reservation_id, shorter, now, version)


def swap(
    conn: Connection,
    viewer: Viewer,
    reservation_id: UUID,
    machine_id: str,
    now: datetime,
    *,
    version: int | None = None,
) -> Reservation:
    """Give a reservation that has not begun another machine at the same time.

    Raises `HasBegun`, `TooLate`, `MachineUnknown`, `ServiceUnknown` or `OptionUnknown`, and what `move` raises.
    """
    return _change(conn, viewer, reservation_id, lambda was: was, now, version, machine_id)


def give_back(viewer: Viewer, reservation: Reservation, terms: Terms, now: datetime) -> bool:
    """Whether time that was promised is given back after the deadline of its machine; raises `TooLate` for all but the
    office."""
    deadline = cancel_until(terms, reservation.when)
    promised = reservation.status in {Status.CONFIRMED, Status.IN_USE}
    late = bool(terms.conditions.cancel_minutes) and promised and deadline < now
    if late and not viewer.has(Role.OFFICE):
        raise TooLate(until=f"{deadline.astimezone(terms.zone):%Y-%m-%d %H:%M}")
    return late


def lock_to_change(
    conn: Connection, viewer: Viewer, reservation_id: UUID, version: int | None
) -> tuple[Reservation, Terms]:
    """The reservation as it is under the locks, if the viewer may change it: its person, the manager of its member, an
    operator, the office.

    Raises `NotFound`, `Forbidden`, or `PreconditionFailed` if it is not `version` any more.
    """
    known = _changeable(conn, viewer, reservation_id)
    return _locked(conn, viewer, known, version, known.machine_id, Service(known.service))


def _change(
    conn: Connection,
    viewer: Viewer,
    reservation_id: UUID,
    slot: Callable[[Interval], Interval],
    now: datetime,
    version: int | None,
    machine_id: str | None = None,
    *,
    offers: bool = True,
) -> Reservation:
    known = _changeable(conn, viewer, reservation_id)
    machine_id = machine_id or known.machine_id
    service = store_services.service(conn, machine_id, known.service, known.options)
    service = supervised(conn, service, reservation_id=known.id)
    was, terms = _locked(conn, viewer, known, version, machine_id, service)
    if was.status not in HOLDS_TIME:
        raise AlreadyEnded()
    if machine_id != was.machine_id:
        if was.when.start <= now:
            raise HasBegun()
        give_back(viewer, was, store.terms(conn, was.machine_id), now)
    becomes = replace(was, when=slot(was.when), machine_id=machine_id, expected_at=None)
    alone = was.service is ServiceKind.SELF_USE
    question = Question(becomes.when, terms, now, was.when, records_past=viewer.has(Role.OFFICE), alone=alone)
    warnings = obey(conn, viewer, question, was.holder, but_for=was.id)
    expires_at = None
    approved = machine_id == was.machine_id and was.when.covers(becomes.when)
    if was.status is Status.CONFIRMED and not approved:
        status, expires_at = standing(conn, viewer, service, becomes.when.start, now)
        becomes = replace(becomes, status=status)
    helped = store.helpers_of(conn, was.id) if service.needs or machine_id != was.machine_id else []
    claim(
        conn,
        viewer,
        terms,
        becomes.when,
        now,
        lambda claims: store.move(conn, becomes, claims, now, expires_at=expires_at),
        but_for=was.id,
        kept=store_services.units_of(conn, was.id) if service.needs else None,
    )
    moved = replace(becomes, version=was.version + 1, warnings=warnings)
    before: dict[str, object] = {
        "was_starts_at": was.when.start.isoformat(),
        "was_ends_at": was.when.end.isoformat(),
    }
    if machine_id != was.machine_id:
        before["was_machine_id"] = was.machine_id
    if helped:
        help_now = store.helpers_of(conn, was.id)
        before["was_helper_ids"] = [str(each) for each in helped if each not in help_now]
    tell(conn, "reservation.moved", viewer, moved, now, **before)
    for freed in subtract(was.when, [moved.when] if machine_id == was.machine_id else []) if offers else ():
        offer_freed(conn, was.machine_id, freed, now)
    return moved


def may_change(viewer: Viewer, holder: Holder) -> bool:
    """Whether the viewer may change what is `holder`'s: it is theirs, they manage its member or book for others."""
    own = viewer.person_id is not None and holder.person_id == viewer.person_id
    manages = viewer.has(Role.MEMBER_MANAGER) and holder.member_id == viewer.member_id
    return own or manages or viewer.has(*BOOKS_FOR_OTHERS)


def _changeable(conn: Connection, viewer: Viewer, reservation_id: UUID) -> Reservation:
    """The reservation if the viewer may change it; raises `NotFound` or `Forbidden`."""
    known = find(conn, viewer, reservation_id)
    if not may_change(viewer, known.holder):
        raise Forbidden()
    return known


def _locked(
    conn: Connection, viewer: Viewer, known: Reservation, version: int | None, machine_id: str, service: Service
) -> tuple[Reservation, Terms]:
    store_waitlist.lock_waiting(conn, known.machine_id, known.holder.member_id)
    _, terms = store.lock(conn, machine_id, known.holder.member_id, None, service, also=[known.machine_id])
    reservation = _changeable(conn, viewer, known.id)  # it may have been handed over meanwhile
    if version not in {None, reservation.version} or reservation.machine_id != known.machine_id:
        raise PreconditionFailed()
    return reservation, terms
