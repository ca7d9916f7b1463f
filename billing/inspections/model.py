"""Nouns of an inspection, and how names are masked. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from coop.interval import Interval
from coop.money import Yen


class Standing(StrEnum):
    """Where an inspection is in its life, by the database's clock."""

    PROPOSED = "proposed"
    OPEN = "open"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Inspection:
    """A person of the ward may look into the uses of an asset in a fiscal year, for `days` from its approval on."""

    id: UUID
    asset_id: UUID
    fiscal_year: int
    person_id: UUID
    person: str
    reason: str
    days: int
    standing: Standing
    proposed_at: datetime
    proposed_by: UUID
    approved_at: datetime | None
    approved_by: UUID | None
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class MaskedUse:
    """A use with its member's mask instead of its name, and nothing of what was measured or what it cost."""

    interval: Interval
    running_seconds: int
    is_member: bool
    mask: str


@dataclass(frozen=True, slots=True)
class MonthSum:
    """What the statements of a closed month charge for the machine, all members together, tax-exclusive."""

    month: str
    statements: int
    income_yen: Yen


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an inspection shows."""

    inspection: Inspection
    machine_ja: str
    machine_en: str
    uses: tuple[MaskedUse, ...]
    months: tuple[MonthSum, ...]


def masks(inspection_id: UUID, member_ids: Collection[str]) -> dict[str, str]:
    """A letter for each member: the same throughout an inspection, and another one in the next.

    Their order comes from a hash with the inspection's id, so that it says nothing of the members' own.
    """
    hashed = sorted((sha256(f"{inspection_id}:{member}".encode()).digest(), member) for member in set(member_ids))
    return {member: letters(n) for n, (_, member) in enumerate(hashed)}


def letters(n: int) -> str:
    """0 → A, 25 → Z, 26 → AA, as spreadsheets count columns."""
    rest, last = divmod(n, 26)
    return (letters(rest - 1) if rest else "") + chr(ord("A") + last)
