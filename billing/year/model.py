"""Nouns of a year, and its arithmetic: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from coop.interval import Interval, local_midnight
from coop.money import Yen, split_by_largest_remainder


class Measure(StrEnum):
    """What of non-members' use is set against members': occupied time, or what was charged for it."""

    HOURS = "hours"
    YEN = "yen"


@dataclass(frozen=True, slots=True)
class NonmemberRule:
    """How non-members' use is measured, from which month a year runs, and when to warn and to refuse (percent)."""

    measure: Measure = Measure.HOURS
    fiscal_first_month: int = 4
    warn_percent: Decimal = Decimal(16)
    limit_percent: Decimal = Decimal(20)


@dataclass(frozen=True, slots=True)
class Gauge:
    """Non-members' use ÷ members' use in a fiscal year so far, in seconds or yen; `percent` None: no member used."""

    fiscal_year: int
    rule: NonmemberRule
    members: int
    nonmembers: int

    @property
    def percent(self) -> Decimal | None:
        if self.members == 0:
            return None
        return (Decimal(100 * self.nonmembers) / self.members).quantize(Decimal("0.01"), ROUND_HALF_UP)

    @property
    def standing(self) -> str:
        """`within`, `near` (the warning is reached), or `passed`; use by nobody but non-members is past any limit."""
        if self.members == 0:
            return "passed" if self.nonmembers else "within"
        if 100 * self.nonmembers > self.rule.limit_percent * self.members:
            return "passed"
        return "near" if 100 * self.nonmembers >= self.rule.warn_percent * self.members else "within"


@dataclass(frozen=True, slots=True)
class RefundShare:
    """A member's part of a refund at one tax rate: data of a return invoice. `tax_yen` is inside `amount_yen`."""

    member_id: str
    tax_rate: Decimal | None
    used_yen: Yen
    amount_yen: Yen

    @property
    def tax_yen(self) -> Yen:
        rate = self.tax_rate or Decimal(0)
        return int(self.amount_yen * rate / (1 + rate))


def fiscal_year_of(day: date, first_month: int) -> int:
    """The fiscal year that a day lies in, named by the calendar year it begins in."""
    return day.year if day.month >= first_month else day.year - 1


def fiscal_year(year: int, first_month: int, zone: ZoneInfo) -> Interval:
    """From local midnight of its first day to that of the next."""
    return Interval(*(local_midnight(date(each, first_month, 1), zone) for each in (year, year + 1)))


def refund(amount_yen: Yen, used: Mapping[tuple[str, Decimal | None], Yen]) -> tuple[RefundShare, ...]:
    """`amount_yen` in proportion to what each member paid for use at each rate; leftover yen by largest remainder.

    Raises `coop.money.NoWeight` when nobody used anything.
    """
    paid = {key: yen for key, yen in used.items() if yen > 0}
    named = {f"{member} {rate}": (member, rate) for member, rate in paid}
    shares = split_by_largest_remainder(amount_yen, {label: paid[key] for label, key in named.items()})
    return tuple(RefundShare(*named[label], paid[named[label]], shares[label].yen) for label in sorted(named))
