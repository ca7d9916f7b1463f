"""The nouns of usage: whose an occupied stretch is, and what a person decided about it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class UsageKind(StrEnum):
    """Whose an occupied stretch is, or that nobody's it is."""

    IN_RESERVATION = "in_reservation"
    EARLY = "early"
    OVERRUN = "overrun"
    UNASSIGNED = "unassigned"
    ASSIGNED = "assigned"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class Booked:
    """A reservation as far as attribution needs it."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    member_id: str
    person_id: UUID | None


@dataclass(frozen=True, slots=True)
class Usage:
    """One occupied stretch `[started_at, ended_at)` within one reservation, or none, and one local month.

    `energy_kwh` and `parts` are diagnostics: what the machine took and made meanwhile, None when nothing measured it.
    """

    id: UUID
    machine_id: str
    started_at: datetime
    ended_at: datetime
    running_seconds: int
    kind: UsageKind
    reservation_id: UUID | None
    member_id: str | None
    person_id: UUID | None
    evidence_hash: bytes
    decision_id: int | None = None
    energy_kwh: Decimal | None = None
    parts: int | None = None


class Resolution(StrEnum):
    """What a person may decide about a stretch."""

    ASSIGN = "assign"
    WAIVE = "waive"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about `[started_at, ended_at)` on the evidence with this hash. A higher id is later."""

    id: int
    started_at: datetime
    ended_at: datetime
    evidence_hash: bytes
    resolution: Resolution
    member_id: str | None
    reservation_id: UUID | None
    person_id: UUID | None
