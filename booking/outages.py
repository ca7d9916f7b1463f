"""Time in which a resource cannot be used: planned around reservations, or sudden and with the office deciding."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from psycopg import errors

from booking import projection, store
from booking.model import Reservation
from booking.pending import lapse
from booking.tell import tell
from coop import audit, events
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import Role, Viewer
from coop.interval import Interval
from coop.paging import WHOLE, Slice

SQL = store.SQL
CLOSES = (Role.OPERATOR, Role.OFFICE)


class OutageKind(StrEnum):
    """Why a resource cannot be used. Only a breakdown may fall on reservations."""

    BREAKDOWN = "breakdown"
    MAINTENANCE = "maintenance"
    CALIBRATION = "calibration"
    ABSENCE = "absence"


class OutageConflicts(Conflict):
    """There are reservations at that time; `reservations` of the problem document lists them, the office decides."""

    code = "booking.outage_conflicts"


class OutageOverlaps(Conflict):
    """An outage of this resource is entered for that time already."""

    code = "booking.outage_overlaps"


class OutageOver(Conflict):
    """The outage has ended."""

    code = "booking.outage_over"


class ResourceUnknown(NotFound):
    """There is no such machine, person, accessory or place."""

    code = "booking.resource_unknown"


@dataclass(frozen=True, slots=True)
class Outage:
    """A resource cannot be used for a time."""

    id: UUID
    resource_id: str
    kind: OutageKind
    during: Interval
    reason: str


def close(
    conn: Connection,
    viewer: Viewer,
    resource_id: str,
    kind: OutageKind,
    during: Interval,
    reason: str,
    now: datetime,
) -> Outage:
    """Enter an outage. A breakdown leaves the reservations that it affects and takes all else, and what they give back.

    Raises `Forbidden`, `ResourceUnknown`, `OutageOverlaps`, or `OutageConflicts` if it is planned over reservations.
    """
    viewer.require(*CLOSES)
    if conn.execute(SQL["lock_resources"], {"resource_ids": [resource_id]}).fetchone() is None:
        raise ResourceUnknown()
    conn.execute(SQL["drop_expired_holds"], {"resource_ids": [resource_id]})
    lapse(conn, now, resource_ids=[resource_id])
    outage = Outage(uuid4(), resource_id, kind, during, reason)
    values = {
        "id": outage.id,
        "resource_id": resource_id,
        "kind": kind.value,
        "from": during.start,
        "until": during.end,
        "reason": reason,
        "person_id": viewer.person_id,
        "now": now,
    }
    try:
        with conn.transaction():
            conn.execute(SQL["add_outage"], values)
            conn.execute(SQL["fill_outage" if kind is OutageKind.BREAKDOWN else "claim_outage"], values)
    except errors.ExclusionViolation as violation:
        if violation.diag.constraint_name == "outage_one_at_a_time":
            raise OutageOverlaps() from None
        taken = [projection.conflict(each, viewer) for each in store.taken(conn, [resource_id], during)]
        raise OutageConflicts(extra={"reservations": taken}) from None
    _record(conn, "outage.entered", viewer, outage, now)
    for reservation in affected(conn, outage):
        tell(conn, "reservation.affected", viewer, reservation, now, outage_id=str(outage.id))
    return outage


def affected(conn: Connection, outage: Outage) -> list[Reservation]:
    """The reservations that have the resource at a time of the outage, by start."""
    taken = store.taken(conn, [outage.resource_id], outage.during)
    return [each.reservation for each in taken if each.reservation]


def reopen(conn: Connection, viewer: Viewer, outage_id: UUID, now: datetime) -> Outage:
    """End an outage now and give back the rest of its time; one that has not begun is taken back.

    Raises `Forbidden`, `NotFound` or `OutageOver`.
    """
    viewer.require(*CLOSES)
    outage = find_outage(conn, outage_id)
    conn.execute(SQL["lock_resources"], {"resource_ids": [outage.resource_id]})
    outage = find_outage(conn, outage_id)
    if outage.during.end <= now:
        raise OutageOver()
    if now <= outage.during.start:
        conn.execute(SQL["delete_outage"], {"id": outage_id})
    else:
        conn.execute(SQL["end_outage"], {"id": outage_id, "now": now})
        outage = replace(outage, during=Interval(outage.during.start, now))
    _record(conn, "outage.ended", viewer, outage, now)
    return outage


def find_outage(conn: Connection, outage_id: UUID) -> Outage:
    """One outage; raises `NotFound`."""
    row = conn.execute(SQL["outage_by_id"], {"id": outage_id}).fetchone()
    if row is None:
        raise NotFound()
    return _outage(row)


def outages(conn: Connection, window: Interval, resource_id: str | None = None, part: Slice = WHOLE) -> list[Outage]:
    """The outages that touch `window`, of one resource or of all, by start."""
    values = {"from": window.start, "until": window.end, "resource_id": resource_id}
    values |= part.values("after_start", "after_id")
    return [_outage(row) for row in conn.execute(SQL["outages"], values)]


def _record(conn: Connection, action: str, viewer: Viewer, outage: Outage, now: datetime) -> None:
    detail: dict[str, object] = {"resource_id": outage.resource_id, "kind": outage.kind.value}
    detail |= {"starts_at": outage.during.start.isoformat(), "ends_at": outage.during.end.isoformat()}
    audit.record(conn, action, viewer=viewer, subject=f"outage:{outage.id}", now=now, detail=detail)
    events.notify(conn, "machine", outage.resource_id)


def _outage(row: tuple[Any, ...]) -> Outage:
    identifier, resource_id, kind, start, end, reason = row
    return Outage(identifier, resource_id, OutageKind(kind), Interval(start, end), reason)
