"""What a viewer may see of a reservation: of others only that the time is taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from booking.model import Denial, Reservation, Status
from booking.services.model import ServiceKind
from booking.store import Taken
from coop.identity import Role, Viewer
from coop.interval import Interval
from coop.messages import translate


@dataclass(frozen=True, slots=True)
class Seen:
    """A reservation as one viewer sees it. Where they may not know whose it is, all after `mine` is None: it is taken.

    `purpose` is for the person of the reservation and the operator.
    """

    machine_id: str
    when: Interval
    mine: bool
    id: UUID | None = None
    uid: str | None = None
    status: Status | None = None
    member_id: str | None = None
    member_name: str | None = None
    person_id: UUID | None = None
    person_name: str | None = None
    purpose: str | None = None
    version: int | None = None
    created_at: datetime | None = None
    service: ServiceKind | None = None
    expected_at: datetime | None = None
    warnings: Sequence[dict[str, Any]] = ()


def seen(reservation: Reservation, viewer: Viewer) -> Seen:
    """`reservation` as `viewer` may see it."""
    holder = reservation.holder
    mine = viewer.person_id is not None and holder.person_id == viewer.person_id
    if not knows(viewer, reservation):
        return Seen(reservation.machine_id, reservation.when, mine)
    return Seen(
        reservation.machine_id,
        reservation.when,
        mine,
        reservation.id,
        reservation.uid,
        reservation.status,
        holder.member_id,
        holder.member_name,
        holder.person_id,
        holder.person_name,
        reservation.purpose if mine or viewer.has(Role.OPERATOR) else None,
        reservation.version,
        reservation.created_at,
        reservation.service,
        reservation.expected_at,
        [reason(each, viewer) for each in reservation.warnings],
    )


def knows(viewer: Viewer, reservation: Reservation) -> bool:
    """Whether the viewer may know whose reservation it is: one of their own member's, or their office asks it."""
    return viewer.sees_names_of(reservation.holder.member_id)


def conflict(taken: Taken, viewer: Viewer) -> dict[str, Any]:
    """What stands in the way, JSON-ready: the blocked time, the kind of outage, and the reservation behind it where
    the viewer may know."""
    said: dict[str, Any] = {"resource_id": taken.claim.resource_id, **span(taken.claim.blocked)}
    if taken.outage:
        said["outage"] = taken.outage
    if taken.reservation and knows(viewer, taken.reservation):
        said["reservation"] = {"id": str(taken.reservation.id), **span(taken.reservation.when)}
        said["reservation"]["person_name"] = taken.reservation.holder.person_name
        said["reservation"]["member_name"] = taken.reservation.holder.member_name
    return said


def free(machine_id: str, slot: Interval) -> dict[str, str]:
    """A slot that can be booked instead, JSON-ready."""
    return {"machine_id": machine_id, **span(slot)}


def reason(denial: Denial, viewer: Viewer) -> dict[str, Any]:
    """A reason against a slot, JSON-ready, with its sentence in the viewer's language."""
    detail = translate(denial.code, viewer.locale, **denial.params)
    return {"code": denial.code, "detail": detail, "params": denial.params}


def span(when: Interval) -> dict[str, str]:
    """An interval, JSON-ready."""
    return {"starts_at": written(when.start), "ends_at": written(when.end)}


def written(moment: datetime) -> str:
    """A moment in UTC as RFC 3339 writes it."""
    return moment.isoformat().replace("+00:00", "Z")
