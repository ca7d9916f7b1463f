"""The nouns of booking."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from coop.interval import Interval
from coop.machines import OpeningHours


class Status(StrEnum):
    """Where a reservation is in its life. The last two hold no time any more."""

    HELD = "held"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    IN_USE = "in_use"
    DONE = "done"
    RELEASED = "released"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Holder:
    """For whom a reservation is: a member and, unless the office named nobody, one of its people."""

    member_id: str
    member_name: str
    person_id: UUID | None
    person_name: str | None


@dataclass(frozen=True, slots=True)
class Reservation:
    """A machine for a slot. `uid` is its name in calendars and never changes; `version` rises with every change."""

    id: UUID
    uid: str
    machine_id: str
    holder: Holder
    when: Interval
    status: Status
    purpose: str
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A resource taken for a time, set-up and tear-down included."""

    resource_id: str
    blocked: Interval


@dataclass(frozen=True, slots=True)
class Terms:
    """What a machine asks of the times at which it is used. Opening hours are read in `zone`."""

    machine_id: str
    in_service: bool
    set_up: timedelta
    tear_down: timedelta
    granularity_minutes: int
    shortest_minutes: int
    longest_minutes: int
    horizon_days: int
    hours: tuple[OpeningHours, ...]
    zone: ZoneInfo

    def claims(self, when: Interval) -> tuple[Claim, ...]:
        """What a reservation of `when` takes, in the order in which resources are locked."""
        return (Claim(self.machine_id, Interval(when.start - self.set_up, when.end + self.tear_down)),)
