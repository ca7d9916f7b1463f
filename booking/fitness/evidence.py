"""Whether a machine may be trusted: calibration, the daily check on a master, the room; and whom a failure concerns."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from psycopg import errors

from booking import store
from booking.messages.announcing import announce
from coop import audit, events, machines
from coop.database import Connection
from coop.errors import Conflict, Invalid, NotFound
from coop.identity import Role, Viewer
from coop.interval import Interval
from coop.machines import MachineUnknown
from coop.paging import WHOLE, Slice
from coop.queries import load

SQL = load("booking.fitness")
SEES_ALL_RECALLS = (Role.OFFICE, Role.OPERATOR)
CLOCKS_DIFFER = timedelta(minutes=5)
"""How far ahead of ours the clock of who measured may be."""


class EnteredBefore(Conflict):
    """A certificate with this number, a master of this name or a check at this moment was entered before."""

    code = "booking.entered_before"


class LimitsReversed(Invalid):
    """A limit or a day lies after the one that should follow it."""

    code = "booking.limits_reversed"


class NotMeasuredYet(Invalid):
    """What was measured was not measured in the future."""

    code = "booking.not_measured_yet"


@dataclass(frozen=True, slots=True)
class Calibration:
    """A certificate, valid to the end of the local day `valid_until`. `document` says where it is kept."""

    id: UUID
    machine_id: str
    number: str
    issued_on: date
    valid_until: date
    document: str


@dataclass(frozen=True, slots=True)
class Master:
    """What is measured each day; the value must lie in `[lower_limit, upper_limit]`. The last check may be None."""

    id: UUID
    machine_id: str
    name: str
    unit: str
    lower_limit: Decimal
    upper_limit: Decimal
    checked_at: datetime | None = None
    value: Decimal | None = None
    passed: bool | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A master was measured; the limits are those of its day."""

    id: UUID
    machine_id: str
    master: str
    unit: str
    checked_at: datetime
    value: Decimal
    lower_limit: Decimal
    upper_limit: Decimal
    passed: bool


@dataclass(frozen=True, slots=True)
class Recall:
    """A use between the last pass of a master and its failed check: what was measured then is to be looked at again.

    A use without a reservation has none.
    """

    id: UUID
    check_id: UUID
    machine_id: str
    master: str
    checked_at: datetime
    reservation_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    member_id: str
    member_name: str
    person_id: UUID | None
    person_name: str | None
    found_at: datetime
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a machine: the room's last temperature, the last day of its calibration, its masters."""

    celsius: Decimal | None
    celsius_at: datetime | None
    calibrated_until: date | None
    masters: list[Master]


def known(conn: Connection, machine_id: str) -> Known:
    """What is known of a machine's fitness; raises `MachineUnknown`."""
    row = conn.execute(SQL["fitness"], {"machine_id": machine_id}).fetchone()
    if row is None:
        raise MachineUnknown(machine=machine_id)
    celsius, celsius_at, calibrated_until = row
    masters = [Master(*each) for each in conn.execute(SQL["masters"], {"machine_id": machine_id})]
    return Known(celsius, celsius_at, calibrated_until, masters)


def calibrations(conn: Connection, machine_id: str, part: Slice = WHOLE) -> list[Calibration]:
    """The certificates of a machine, the newest first; raises `MachineUnknown`."""
    machines.machine(conn, machine_id)
    values = {"machine_id": machine_id} | part.values("after_until", "after_id")
    return [Calibration(*row) for row in conn.execute(SQL["calibrations"], values)]


def calibrate(conn: Connection, viewer: Viewer, certificate: Calibration, now: datetime) -> Calibration:
    """Enter a certificate; raises `MachineUnknown`, `EnteredBefore` or `LimitsReversed`."""
    with _named():
        conn.execute(SQL["add_calibration"], {name: getattr(certificate, name) for name in Calibration.__slots__})
    detail = {"number": certificate.number, "valid_until": str(certificate.valid_until)}
    _tell(conn, "calibration.entered", viewer, certificate.machine_id, now, **detail)
    return certificate


def add_master(conn: Connection, viewer: Viewer, master: Master, now: datetime) -> Master:
    """Say what is measured each day; raises `MachineUnknown`, `EnteredBefore` or `LimitsReversed`."""
    with _named():
        conn.execute(SQL["add_master"], {name: getattr(master, name) for name in Master.__slots__})
    detail = {"master_id": str(master.id), "lower": str(master.lower_limit), "upper": str(master.upper_limit)}
    _tell(conn, "master.added", viewer, master.machine_id, now, **detail)
    return master


def retire_master(conn: Connection, viewer: Viewer, master_id: UUID, now: datetime) -> None:
    """Measure a master no more; what failed on it blocks no more. Raises `NotFound`."""
    row = conn.execute(SQL["retire_master"], {"id": master_id, "now": now}).fetchone()
    if row is None:
        raise NotFound()
    _tell(conn, "master.retired", viewer, row[0], now, master_id=str(master_id))


def check(
    conn: Connection, viewer: Viewer, master_id: UUID, value: Decimal, checked_at: datetime, now: datetime
) -> bool:
    """Enter what a master measured; whether it passed.

    A failure blocks the machine until a later check passes, and recalls every use since the last pass. Raises
    `NotFound`, `NotMeasuredYet` or `EnteredBefore`.
    """
    if checked_at > now + CLOCKS_DIFFER:
        raise NotMeasuredYet()
    master = conn.execute(SQL["lock_master"], {"master_id": master_id}).fetchone()
    if master is None:
        raise NotFound()
    machine_id, lower, upper = master
    values = {"id": uuid4(), "master_id": master_id, "checked_at": checked_at, "value": value}
    values |= {"lower_limit": lower, "upper_limit": upper, "checked_by": viewer.person_id}
    with _named():
        row = conn.execute(SQL["add_check"], values).fetchone()
    assert row is not None
    passed: bool = row[0]
    recalled = [] if passed else conn.execute(SQL["recall_uses"], {"id": values["id"], "now": now}).fetchall()
    walk_ups = [] if passed else conn.execute(SQL["recall_walk_ups"], {"machine_id": machine_id}).fetchall()
    for (reservation_id,) in recalled:
        reservation = store.reservation(conn, reservation_id)
        assert reservation is not None, "reservations are never deleted"
        announce(conn, "reservation.recalled", reservation, now)
    master_of, many = str(master_id), len(recalled) + len(walk_ups)
    _tell(conn, "master.checked", viewer, machine_id, now, master_id=master_of, passed=passed, recalled=many)
    return passed


def checks(conn: Connection, machine_id: str, window: Interval, part: Slice = WHOLE) -> list[Check]:
    """The checks of a machine within `window`, the newest first; raises `MachineUnknown`."""
    machines.machine(conn, machine_id)
    values = {"machine_id": machine_id, "from": window.start, "until": window.end}
    values |= part.values("after_checked", "after_id")
    return [Check(*row) for row in conn.execute(SQL["checks"], values)]


def recalls(conn: Connection, viewer: Viewer, part: Slice = WHOLE) -> list[Recall]:
    """One's own uses in doubt, the newest first; all for the office and operators. Nobody else learns of them.

    What the office booked for a member without naming anybody concerns all of that member's people.
    """
    values = {"everybody": viewer.has(*SEES_ALL_RECALLS), **_whose(viewer)}
    values |= part.values("after_found", "after_start", "after_id")
    return [Recall(*row) for row in conn.execute(SQL["recalls"], values)]


@dataclass(frozen=True, slots=True)
class WalkUp:
    """A use of a machine without a reservation, by its usage's id, and whose it was."""

    id: UUID
    when: Interval
    member_id: str
    person_id: UUID | None


def tell_walk_ups(conn: Connection, machine_id: str, gone: Sequence[UUID], known: Sequence[WalkUp]) -> None:
    """Telemetry tells whose uses without a reservation were, and which it takes back; recalls those in doubt."""
    if gone:
        conn.execute(SQL["forget_walk_ups"], {"ids": list(gone)})
    for each in known:
        values = {"id": each.id, "machine_id": machine_id, "from": each.when.start, "until": each.when.end}
        conn.execute(SQL["add_walk_up"], {**values, "member_id": each.member_id, "person_id": each.person_id})
    if known:
        conn.execute(SQL["recall_walk_ups"], {"machine_id": machine_id})


def see_recall(conn: Connection, viewer: Viewer, recall_id: UUID, now: datetime) -> None:
    """Say that one has read a recall of one's own; raises `NotFound`."""
    if conn.execute(SQL["see_recall"], {"id": recall_id, "now": now, **_whose(viewer)}).fetchone() is None:
        raise NotFound()


def record_temperature(conn: Connection, machine_id: str, celsius: Decimal, at: datetime, now: datetime) -> None:
    """Keep the last temperature of the room around a machine; an older one changes nothing.

    Raises `MachineUnknown` or `NotMeasuredYet`.
    """
    if at > now + CLOCKS_DIFFER:
        raise NotMeasuredYet()
    with _named():
        conn.execute(SQL["record_temperature"], {"machine_id": machine_id, "celsius": celsius, "at": at})


def _whose(viewer: Viewer) -> dict[str, object]:
    return {"person_id": viewer.person_id, "member_id": viewer.member_id}


@contextmanager
def _named() -> Iterator[None]:
    """What the schema refuses, as the room's errors; the transaction stays usable where nothing else was written."""
    try:
        yield
    except errors.UniqueViolation:
        raise EnteredBefore() from None
    except errors.CheckViolation:
        raise LimitsReversed() from None
    except errors.ForeignKeyViolation:
        raise MachineUnknown() from None


def _tell(conn: Connection, action: str, viewer: Viewer, machine_id: str, now: datetime, **detail: object) -> None:
    audit.record(conn, action, viewer=viewer, subject=f"machine:{machine_id}", now=now, detail=detail)
    events.notify(conn, "machine", machine_id)
