"""What happened to a reservation becomes one job in the transaction that did it; `moyai work` then tells people."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from procrastinate.types import JSONValue
from pydantic import TypeAdapter

from booking.model import Reservation, Status
from coop.database import Connection
from coop.interval import Interval
from coop.jobs import enqueue

SPREAD = "booking.spread"
UNTOLD = frozenset({"reservation.held", "reservation.let_go"})
"""A form being filled in is nobody's business."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a reservation, as it was right then: ids, codes and times, no names and no purpose.

    `id` stays the same however often the event is told.
    """

    id: UUID
    type: str
    at: datetime
    reservation_id: UUID
    machine_id: str
    member_id: str
    person_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    status: Status
    version: int
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def when(self) -> Interval:
        """The slot."""
        return Interval(self.starts_at, self.ends_at)

    @property
    def asks(self) -> bool:
        """Whether it is a request that somebody is to approve."""
        return self.status is Status.PENDING and self.type in {"reservation.created", "reservation.moved"}

    @property
    def was_person_id(self) -> UUID | None:
        """Whose the reservation was before it was handed over."""
        before = self.detail.get("was_person_id")
        return UUID(before) if before else None

    @property
    def was_helper_ids(self) -> list[UUID]:
        """Who helped before the reservation was moved, and does not any more."""
        return [UUID(each) for each in self.detail.get("was_helper_ids", ())]

    @property
    def was(self) -> tuple[str, Interval]:
        """The machine and the slot before the reservation was moved; those that it has if it was not."""
        start, end = (self.detail.get(name) for name in ("was_starts_at", "was_ends_at"))
        when = Interval(datetime.fromisoformat(start), datetime.fromisoformat(end)) if start and end else self.when
        return self.detail.get("was_machine_id", self.machine_id), when

    def written(self) -> dict[str, JSONValue]:
        """The event as JSON."""
        written: dict[str, JSONValue] = _AS_JSON.dump_python(self, mode="json")
        return written

    @classmethod
    def read(cls, written: dict[str, JSONValue]) -> "Event":
        """The event that `written` made of it."""
        return _AS_JSON.validate_python(written)


_AS_JSON = TypeAdapter(Event)


def announce(
    conn: Connection, action: str, reservation: Reservation, now: datetime, detail: dict[str, object] | None = None
) -> None:
    """Have `action` told to whom it concerns once this transaction commits."""
    if action in UNTOLD:
        return
    event = Event(
        id=uuid4(),
        type=action,
        at=now,
        reservation_id=reservation.id,
        machine_id=reservation.machine_id,
        member_id=reservation.holder.member_id,
        person_id=reservation.holder.person_id,
        starts_at=reservation.when.start,
        ends_at=reservation.when.end,
        status=reservation.status,
        version=reservation.version,
        detail=detail or {},
    )
    enqueue(conn, SPREAD, event=event.written())
