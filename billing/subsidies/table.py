"""The report as rows of figures, one column a fiscal year: what the page, the files and the terminal all show. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from billing.subsidies.model import DEPRECIATION, MAINTENANCE, Year
from coop.messages import translate

WITHHELD = "＊"
NOTHING = "–"


class Unit(StrEnum):
    """What a figure counts, which says how it is written."""

    COUNT = "count"
    SECONDS = "seconds"
    PERCENT = "percent"
    YEN = "yen"


FIGURES = {
    "users": Unit.COUNT,
    "uses": Unit.COUNT,
    "used_seconds": Unit.SECONDS,
    "open_seconds": Unit.SECONDS,
    "used_of_open_percent": Unit.PERCENT,
    "of_year_before_percent": Unit.PERCENT,
    "maintenance_yen": Unit.YEN,
    "depreciation_yen": Unit.YEN,
    "other_yen": Unit.YEN,
    "cost_yen": Unit.YEN,
    "income_yen": Unit.YEN,
    "cost_per_use_yen": Unit.YEN,
    "income_of_cost_percent": Unit.PERCENT,
}
"""The figures of a year in the order in which they are published."""

OF_COSTS = MAINTENANCE | {DEPRECIATION}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of every year. None: there is nothing to divide by, or it is `withheld` from this reader."""

    key: str
    unit: Unit
    values: tuple[int | Decimal | None, ...]
    withheld: tuple[bool, ...]

    def texts(self) -> list[str]:
        """As they are read: `1,234`, `56.7 %`, `¥89,000`, `12.50 h`."""
        return [
            WITHHELD if hidden else written(self.unit, value)
            for value, hidden in zip(self.values, self.withheld, strict=True)
        ]


def figures(years: Sequence[Year]) -> list[Figure]:
    """The report's rows."""
    return [
        Figure(
            key,
            unit,
            tuple(value(year, key) for year in years),
            tuple(value(year, key) is None and hides(year, key) for year in years),
        )
        for key, unit in FIGURES.items()
    ]


def value(year: Year, key: str) -> int | Decimal | None:
    """One figure of a year; its hours in seconds."""
    if key == "other_yen":
        return sum(yen for kind, yen in year.costs_yen.items() if kind not in OF_COSTS)
    found: int | Decimal | None = getattr(year, key)
    return found


def hides(year: Year, key: str) -> bool:
    """Whether a figure that is not there is withheld: what it is computed from is not told."""
    return year.users is None or (key == "of_year_before_percent" and year.used_before_seconds is None)


def written(unit: Unit, amount: int | Decimal | None) -> str:
    """A figure as it is read."""
    if amount is None:
        return NOTHING
    match unit:
        case Unit.COUNT:
            return f"{amount:,}"
        case Unit.SECONDS:
            return f"{amount / 3600:,.2f} h"
        case Unit.PERCENT:
            return f"{amount:,.1f} %"
        case Unit.YEN:
            return f"{'−' if amount < 0 else ''}¥{abs(amount):,}"


def year_name(fiscal_year: int, locale: str) -> str:
    """`2026年度`."""
    return translate("billing.subsidy.year", locale, year=fiscal_year)
