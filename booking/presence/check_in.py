"""Somebody comes and goes: by the code at the machine, by badge, told to the office, or seen by the machine running."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from booking import store
from booking.listing import find
from booking.model import Reservation, Status
from booking.move import lock_to_change, move
from booking.presence import store as store_presence
from booking.presence.rules import Came, Signal
from booking.presence.store import Due
from booking.rules.policy import SlotDenied, on_grid_after
from booking.store import HolderUnknown
from booking.taken import SlotTaken
from booking.tell import tell
from booking.waitlist import store as store_waitlist
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, Forbidden, NotFound, PreconditionFailed
from coop.identity import SYSTEM, Role, Viewer
from coop.interval import Interval

OFFICE = (Role.OFFICE, Role.OPERATOR)


class NothingToBegin(Conflict):
    """The viewer has no reservation of this machine that could begin now."""

    code = "booking.nothing_to_begin"


class NotInUse(Conflict):
    """The reservation is not in use."""

    code = "booking.not_in_use"


class NotAtMachine(Forbidden):
    """The code is not the one at the machine; the office may check in without it."""

    code = "booking.not_at_machine"


class Tapped(StrEnum):
    """What a badge did at a machine, or why nothing: the machine's device shows it."""

    CAME = "came"
    LEFT = "left"
    UNKNOWN_BADGE = "unknown_badge"
    NO_BOOKING = "no_booking"


@dataclass(frozen=True, slots=True)
class Tap:
    """The answer to a badge; `reservation_id` is the reservation that began or ended."""

    what: Tapped
    reservation_id: UUID | None = None


def code_of(conn: Connection, secret_key: str, machine_id: str) -> str:
    """The secret of the QR code at a machine; renewing the machine's code makes it void. Raises `MachineUnknown`."""
    _, serial = store_presence.rule(conn, machine_id)
    return _keyed(secret_key, f"check-in/{machine_id}/{serial}").hex()[:32]


def prove(conn: Connection, secret_key: str, machine_id: str, code: str) -> bool:
    """True: who has the code at a machine stands before it. Raises `NotAtMachine` or `MachineUnknown`."""
    if not hmac.compare_digest(code.encode(), code_of(conn, secret_key, machine_id).encode()):
        raise NotAtMachine()
    return True


def check_in(
    conn: Connection, viewer: Viewer, machine_id: str, now: datetime, *, code: str | None = None, secret_key: str = ""
) -> Reservation:
    """Begin one's reservation of a machine, with the code at the machine; once more changes nothing.

    The office and operators need no code, and begin whichever reservation is due. Raises `NotAtMachine`,
    `NothingToBegin` or `MachineUnknown`.
    """
    if not (viewer.has(*OFFICE) if code is None else prove(conn, secret_key, machine_id, code)):
        raise NotAtMachine()
    due = theirs(store_presence.due(conn, machine_id, now), viewer, anybody=code is None)
    if due is None:
        raise NothingToBegin(machine=machine_id)
    return begin_due(conn, viewer, due.reservation_id, Came.OFFICE if code is None else Came.CODE, now)


@dataclass(frozen=True, slots=True)
class Left:
    """How somebody says that they leave a machine; None: they were not asked."""

    data_removed: bool | None = None
    probe_back: bool | None = None


def check_out(
    conn: Connection, viewer: Viewer, reservation_id: UUID, now: datetime, *, left: Left | None = None
) -> Reservation:
    """End the use of a machine; what is left of the slot is given back, and `left` stands on the audit trail.

    Raises `NotFound`, `Forbidden`, `NotInUse`.
    """
    reservation, terms = lock_to_change(conn, viewer, reservation_id, None)
    if reservation.status is not Status.IN_USE:
        raise NotInUse()
    when = reservation.when
    least = when.start + timedelta(minutes=terms.shortest_minutes)
    end = max(on_grid_after(terms, now), least)
    if end < when.end:
        try:
            move(conn, SYSTEM, reservation_id, Interval(when.start, end), now)
        except (SlotDenied, SlotTaken):  # a rule that the office would have to lift: the slot stays as it was booked
            end = when.end
    store_presence.end_use(conn, reservation_id, now, now)
    done = find(conn, SYSTEM, reservation_id)
    said = {} if left is None else {name: getattr(left, name) for name in Left.__slots__}
    tell(conn, "reservation.checked_out", viewer, done, now, **said)
    return done


def badge_hash(secret_key: str, badge_id: str) -> bytes:
    """What is stored of a badge instead of its number, which is short enough to be guessed from a plain hash."""
    return _keyed(secret_key, f"badge/{badge_id.strip().upper()}")


def give_badge(conn: Connection, viewer: Viewer, hashed: bytes, person_id: UUID, now: datetime) -> None:
    """A badge is somebody's from now on. Raises `Forbidden` or `HolderUnknown`."""
    viewer.require(*OFFICE)
    store_waitlist.viewer_of(conn, person_id)
    store_presence.give_badge(conn, hashed, person_id, now)
    audit.record(conn, "badge.given", viewer=viewer.acting_for(person_id), subject="badge", now=now)


def badge(conn: Connection, hashed: bytes, machine_id: str, now: datetime) -> Tap:
    """Somebody holds a badge to a machine: who is not there yet comes, who is there leaves. Never raises for a person
    who may not: the reader shows why."""
    tap = _tap(conn, hashed, machine_id, now)
    store_presence.keep_tap(conn, machine_id, tap.what, now)
    return tap


def _tap(conn: Connection, hashed: bytes, machine_id: str, now: datetime) -> Tap:
    person_id = store_presence.badge_holder(conn, hashed)
    if person_id is None:
        return Tap(Tapped.UNKNOWN_BADGE)
    try:
        viewer = store_waitlist.viewer_of(conn, person_id)
    except HolderUnknown:
        return Tap(Tapped.UNKNOWN_BADGE)
    due = theirs(store_presence.due(conn, machine_id, now), viewer, anybody=False)
    if due is None:
        return Tap(Tapped.NO_BOOKING)
    if due.in_use:
        return Tap(Tapped.LEFT, check_out(conn, SYSTEM, due.reservation_id, now).id)
    return Tap(Tapped.CAME, begin_due(conn, viewer, due.reservation_id, Came.BADGE, now).id)


def hear(conn: Connection, machine_id: str, signal: Signal, now: datetime) -> None:
    """Telemetry tells what a machine does. Running begins the reservation that it started in, unless it is still the
    one before that runs."""
    store_presence.keep_signal(conn, machine_id, signal)
    if signal.running_since is None or not signal.running(now):
        return
    due = store_presence.due(conn, machine_id, signal.running_since)
    if any(each.in_use for each in due):
        return
    begins = next((each for each in due if each.when.end > now), None)
    if begins is not None:
        try:
            begin_due(conn, SYSTEM, begins.reservation_id, Came.RUNNING, now)
        except (NothingToBegin, NotFound, PreconditionFailed):  # cancelled or moved at this moment
            return


def theirs(due: list[Due], viewer: Viewer, *, anybody: bool) -> Due | None:
    """What the viewer comes for or is at: their own before a colleague's, one in use before the next."""
    own = [each for each in due if viewer.person_id is not None and each.person_id == viewer.person_id]
    members = [each for each in due if viewer.member_id is not None and each.member_id == viewer.member_id]
    possible = own or members or (due if anybody else [])
    return next((each for each in possible if each.in_use), possible[0] if possible else None)


def begin_due(conn: Connection, viewer: Viewer, reservation_id: UUID, by: Came, now: datetime) -> Reservation:
    """Begin a reservation; one in use stays as it is. Raises `NothingToBegin` if it does not wait for anybody."""
    reservation, _ = lock_to_change(conn, SYSTEM, reservation_id, None)
    if reservation.status is Status.IN_USE:
        return reservation
    if not store_presence.begin_use(conn, reservation_id, by, now):
        raise NothingToBegin(machine=reservation.machine_id)
    begun = store.reservation(conn, reservation_id)
    assert begun is not None
    tell(conn, "reservation.checked_in", viewer, begun, now, by=by.value)
    return begun


def _keyed(secret_key: str, what: str) -> bytes:
    return hmac.digest(secret_key.encode(), what.encode(), hashlib.sha256)
