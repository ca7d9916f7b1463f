"""Nouns of costs: what returns or is written down, what became known later, what members are weighed by, who hosts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from coop.money import Yen

Weights: TypeAlias = Mapping[str, Mapping[str, str]]
"""By which exact weights (fractions as text) the parts of a pool were divided: part → member → weight."""


class Allocation(StrEnum):
    """By which weights a pool is divided. `SERIAL` is for comparing rules only: no pool may be ruled by it."""

    BY_USE = "by_use"
    EQUAL = "equal"
    BY_COMMITMENT = "by_commitment"
    BY_UNITS = "by_units"
    TIERS = "tiers"
    SERIAL = "serial"


class LegalForm(StrEnum):
    """As what members owe a share: 使用料, 賦課金 (never netted against what they are owed) or 特別負担金."""

    USAGE_FEE = "usage_fee"
    LEVY = "levy"
    SPECIAL_CHARGE = "special_charge"


class Carry(StrEnum):
    """What happens with a pool's surplus or deficit: it stays in the pool, or enters the next division."""

    KEPT = "kept"
    DIVIDED = "divided"


class Measure(StrEnum):
    """What a member is weighed by: 1 for taking part, hours a month committed, units owned, the tier needed."""

    PARTICIPATION = "participation"
    COMMITMENT = "commitment"
    UNITS = "units"
    TIER = "tier"


class Method(StrEnum):
    """How an asset is written down: 定額法, or 定率法 at 200 % (acquired since 2012-04-01)."""

    STRAIGHT_LINE = "straight_line"
    DECLINING = "declining"


@dataclass(frozen=True, slots=True)
class Participant:
    """A member of the cooperative in a month, with the units that the register says."""

    id: str
    units: int = 1


@dataclass(frozen=True, slots=True)
class Weight:
    """What one member is weighed by in a month; `pool_id` None is every pool without a value of the member's own."""

    member_id: str
    measure: Measure
    value: Decimal
    pool_id: str | None = None


@dataclass(frozen=True, slots=True)
class Recurring:
    """A cost of every month."""

    id: UUID
    pool_id: str
    kind: str
    yen_per_month: Yen
    note: str = ""
    machine_id: str | None = None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Asset:
    """What was bought and is written down; `subsidy_yen` is deducted first (圧縮記帳).

    Its fiscal year begins with `fiscal_month`.
    """

    id: UUID
    pool_id: str
    name_ja: str
    name_en: str
    acquired_on: date
    cost_yen: Yen
    method: Method
    useful_life_years: int
    subsidy_yen: Yen = 0
    fiscal_month: int = 4
    machine_id: str | None = None


@dataclass(frozen=True, slots=True)
class Actual:
    """What a cost turned out to be instead of `before_yen`.

    Of a month that is closed, the difference is charged by that month's `weights` and `tax`.
    """

    id: UUID
    cost_id: UUID
    of_month: str
    pool_id: str
    kind: str
    before_yen: Yen
    amount_yen: Yen
    note: str = ""
    weights: Weights | None = None
    variable_kinds: tuple[str, ...] = ()
    tax: str = "standard"


@dataclass(frozen=True, slots=True)
class Hosting:
    """A machine that belongs to a member; the cooperative keeps `commission_percent` of its fees."""

    id: UUID
    machine_id: str
    member_id: str
    commission_percent: Decimal
    tax: str = "standard"
    resolution: str = ""


@dataclass(frozen=True, slots=True)
class OwnerCredit:
    """What a member is owed for its machine, tax-exclusive: a purchase of the cooperative (仕入明細書)."""

    member_id: str
    machine_id: str
    fee_yen: Yen
    commission_percent: Decimal
    commission_yen: Yen
    amount_yen: Yen
    tax_rate: Decimal | None
