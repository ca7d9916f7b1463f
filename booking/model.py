"""The nouns of booking."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from booking.rules.calendar import Calendar, CalendarException, HolidayClosing
from booking.services.model import Service, ServiceKind
from coop.interval import Interval
from coop.machines import OpeningHours


class Status(StrEnum):
    """Where a reservation is in its life. The last three hold no time any more."""

    HELD = "held"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    IN_USE = "in_use"
    DONE = "done"
    RELEASED = "released"
    CANCELLED = "cancelled"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Holder:
    """For whom a reservation is: a member and, unless the office named nobody, one of its people."""

    member_id: str
    member_name: str
    person_id: UUID | None
    person_name: str | None


@dataclass(frozen=True, slots=True)
class Denial:
    """One reason against a slot: a stable code and what would be allowed. One that only `warns` does not refuse."""

    code: str
    params: dict[str, int | str] = field(default_factory=dict)
    warns: bool = False


@dataclass(frozen=True, slots=True)
class Reservation:
    """A machine for a slot. `uid` is its name in calendars and never changes; `version` rises with every change.

    For advice `machine_id` names the person who is booked without a machine. `options` are the optional needs that were
    asked for; who is late said that they come at `expected_at`.
    """

    id: UUID
    uid: str
    machine_id: str
    holder: Holder
    when: Interval
    status: Status
    purpose: str
    version: int
    created_at: datetime
    service: ServiceKind = ServiceKind.SELF_USE
    options: tuple[str, ...] = ()
    expected_at: datetime | None = None
    warnings: tuple[Denial, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A resource taken for a time, set-up and tear-down included; `need` is None for the machine itself."""

    resource_id: str
    blocked: Interval
    need: str | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a machine asks beyond grid, length and horizon; the columns of `booking.policy` say what each means."""

    notice_minutes: int = 0
    cancel_minutes: int = 0
    priority_horizon_days: int | None = None
    nonmembers_allowed: bool = True
    nonmember_horizon_days: int | None = None
    required_level: int = 0
    supervised_level: int | None = None
    calibration_required: bool = False
    daily_check_required: bool = False
    coldest_celsius: Decimal | None = None
    warmest_celsius: Decimal | None = None
    temperature_denies: bool = False
    soak_minutes: int = 0
    soak_denies: bool = False


@dataclass(frozen=True, slots=True)
class Fitness:
    """What is known of a machine's trustworthiness: the last local day of its calibration, a check on a master that
    failed and was not passed since, when the longest unchecked master passed last, and the room's last temperature."""

    calibrated_until: date | None = None
    failed_at: datetime | None = None
    passed_at: datetime | None = None
    celsius: Decimal | None = None
    celsius_at: datetime | None = None


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
    kind: str = ""
    conditions: Conditions = Conditions()
    fitness: Fitness = Fitness()
    closings: tuple[HolidayClosing, ...] = ()
    exceptions: tuple[CalendarException, ...] = ()
    service: Service = field(default_factory=Service)

    @property
    def calendar(self) -> Calendar:
        """When the machine is open."""
        return Calendar(self.hours, self.zone, self.closings, self.exceptions)

    def main_claim(self, when: Interval) -> Claim:
        """What a reservation of `when` takes of the machine itself."""
        return Claim(self.machine_id, Interval(when.start - self.set_up, when.end + self.tear_down))
