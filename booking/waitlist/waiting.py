"""Who waits for time, what they were offered, and which slot of the time that became free fits them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from booking.model import Terms
from booking.rules.policy import on_grid_after
from booking.services.model import ServiceKind
from coop.identity import Role, Viewer
from coop.interval import Interval, subtract

SEES_ALL = (Role.OFFICE, Role.OPERATOR)


@dataclass(frozen=True, slots=True)
class Needs:
    """What would do: one machine, or any of `kind` with at least this measuring range (mm) and table load (kg).

    An offer holds all that `service` with `options` needs beside it, and the instructor of who may not be alone.
    """

    machine_id: str | None = None
    kind: str | None = None
    range_x_mm: Decimal | None = None
    range_y_mm: Decimal | None = None
    range_z_mm: Decimal | None = None
    table_load_kg: Decimal | None = None
    service: ServiceKind = ServiceKind.SELF_USE
    options: tuple[str, ...] = ()
    instructor_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody waits for `length` on a machine that meets `needs`, within `window`."""

    id: UUID
    needs: Needs
    member_id: str
    person_id: UUID
    purpose: str
    length: timedelta
    window: Interval
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """`when` on a machine is held for a person until `expires_at`; `reservation_id` holds it."""

    id: UUID
    request_id: UUID
    reservation_id: UUID | None
    machine_id: str
    when: Interval
    expires_at: datetime
    answer: str | None
    member_id: str
    person_id: UUID


@dataclass(frozen=True, slots=True)
class Whose:
    """A person of a member, all of its people (no person), or everybody (neither)."""

    member_id: str | None
    person_id: UUID | None


EVERYBODY = Whose(None, None)


def fits(
    request: Request, free: Iterable[Interval], freed: Interval, offered: Sequence[Interval], terms: Terms
) -> Iterator[Interval]:
    """The slots for `request` within `free`, the earliest first, one after the other.

    Each takes some of what was `freed`, lies in the request's window and on the machine's grid, and touches nothing
    that was `offered` for the request before.
    """
    soonest = freed.start - request.length + timedelta(minutes=terms.granularity_minutes)
    for stretch in free:
        possible = stretch.intersect(request.window)
        for room in subtract(possible, offered) if possible else ():
            start = on_grid_after(terms, max(room.start, soonest))
            while start < freed.end and start + request.length <= room.end:
                slot = Interval.of(start, request.length)
                if slot.overlaps(freed):
                    yield slot
                start += request.length


def whose(viewer: Viewer) -> Whose:
    """Of whom the viewer may know that they wait."""
    if viewer.has(*SEES_ALL):
        return EVERYBODY
    return Whose(viewer.member_id, None if viewer.has(Role.MEMBER_MANAGER) else viewer.person_id)


def answers_for(viewer: Viewer, member_id: str, person_id: UUID) -> bool:
    """Whether the viewer may answer for a person: it is themselves, one of the member they manage, or they are the
    office."""
    manages = viewer.has(Role.MEMBER_MANAGER) and viewer.member_id == member_id
    return viewer.person_id == person_id or manages or viewer.has(*SEES_ALL)
