"""Nouns of a subsidised asset's report: who paid for it, and fiscal years side by side. All values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from billing.costs.model import Asset
from coop.money import Yen

MAINTENANCE = frozenset({"maintenance", "calibration"})
"""Kinds of cost that municipalities publish together as 維持管理費."""
DEPRECIATION = "depreciation"


@dataclass(frozen=True, slots=True)
class Subsidy:
    """Who gave how much for an asset, and the last day on which it is not disposed of without leave (処分制限)."""

    asset_id: UUID
    grant_number: str
    funder: str
    granted_yen: Yen
    restricted_until: date

    def share_percent(self, cost_yen: Yen) -> Decimal:
        """What part of the asset's cost it paid."""
        return tenth(Decimal(100 * self.granted_yen) / cost_yen)


@dataclass(frozen=True, slots=True)
class Month:
    """Where a year's figures come from: one month of the machine, its costs by kind and its income once closed."""

    month: str
    closed: bool
    uses: int
    used_seconds: int
    open_seconds: int
    costs_yen: Mapping[str, Yen] = field(default_factory=dict)
    income_yen: Yen = 0


@dataclass(frozen=True, slots=True)
class Year:
    """One fiscal year of a machine, until now if it is under way; money tax-exclusive, of its closed months.

    `users` are members and non-members; what is None is not told to this reader. `used_before_seconds` are of the year
    before, None where they are not told either.
    """

    fiscal_year: int
    over: bool
    users: int | None
    uses: int | None
    used_seconds: int | None
    open_seconds: int
    used_before_seconds: int | None
    closed_months: int
    costs_yen: Mapping[str, Yen]
    income_yen: Yen | None
    months: tuple[Month, ...] = ()

    @property
    def cost_yen(self) -> Yen:
        """All that it cost."""
        return sum(self.costs_yen.values())

    @property
    def maintenance_yen(self) -> Yen:
        return sum(yen for kind, yen in self.costs_yen.items() if kind in MAINTENANCE)

    @property
    def depreciation_yen(self) -> Yen:
        return self.costs_yen.get(DEPRECIATION, 0)

    @property
    def used_of_open_percent(self) -> Decimal | None:
        """稼働率: hours used within opening hours ÷ opening hours."""
        return _percent(self.used_seconds, self.open_seconds)

    @property
    def of_year_before_percent(self) -> Decimal | None:
        """Hours used ÷ those of the year before."""
        return _percent(self.used_seconds, self.used_before_seconds)

    @property
    def cost_per_use_yen(self) -> Yen | None:
        if not self.uses:
            return None
        return int((Decimal(self.cost_yen) / self.uses).quantize(Decimal(1), ROUND_HALF_UP))

    @property
    def income_of_cost_percent(self) -> Decimal | None:
        return _percent(self.income_yen, self.cost_yen)


@dataclass(frozen=True, slots=True)
class Report:
    """What an asset was used for and cost, oldest year first."""

    asset: Asset
    machine_id: str
    machine_ja: str
    machine_en: str
    fiscal_first_month: int
    subsidies: tuple[Subsidy, ...]
    years: tuple[Year, ...]

    @property
    def own_yen(self) -> Yen:
        """What the cooperative paid itself."""
        return self.asset.cost_yen - sum(each.granted_yen for each in self.subsidies)

    def machine(self, locale: str) -> str:
        """What the machine is called."""
        return self.machine_ja if locale == "ja" else self.machine_en


def tenth(value: Decimal) -> Decimal:
    """Rounded half up to one decimal, as percentages are published."""
    return value.quantize(Decimal("0.1"), ROUND_HALF_UP)


def _percent(part: int | None, of: int | None) -> Decimal | None:
    return tenth(Decimal(100 * part) / of) if part is not None and of else None
