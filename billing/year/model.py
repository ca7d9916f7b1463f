"""Nouns of a year, and its arithmetic: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from coop.interval import Interval, local_midnight, month
from coop.money import Yen, split_by_largest_remainder


class Measure(StrEnum):
    """What of non-members' use is set against members': occupied time, or what was charged for it."""

    HOURS = "hours"
    YEN = "yen"


class Standing(StrEnum):
    """Where the gauge stands: within the limit, near it (to be warned of), or past it."""

    WITHIN = "within"
    NEAR = "near"
    PASSED = "passed"


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
    def standing(self) -> Standing:
        """How near the limit is; use by nobody but non-members is past any limit."""
        if 100 * self.nonmembers > self.rule.limit_percent * self.members:
            return Standing.PASSED
        near = self.members and 100 * self.nonmembers >= self.rule.warn_percent * self.members
        return Standing.NEAR if near else Standing.WITHIN

    @property
    def left(self) -> int:
        """How much more non-members may use at this use of members, in the measure's unit; negative: past the limit."""
        return int(self.rule.limit_percent * self.members / 100) - self.nonmembers


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


@dataclass(frozen=True, slots=True)
class Refund:
    """What the general meeting resolved for a year; `booked_on` None: the ledger does not have it yet."""

    fiscal_year: int
    amount_yen: Yen
    resolution: str
    booked_on: date | None
    shares: tuple[RefundShare, ...]


def fiscal_year_of(day: date, first_month: int) -> int:
    """The fiscal year that a day lies in, named by the calendar year it begins in."""
    return day.year if day.month >= first_month else day.year - 1


def fiscal_year(year: int, first_month: int, zone: ZoneInfo) -> Interval:
    """From local midnight of its first day to that of the next."""
    return Interval(*(local_midnight(date(each, first_month, 1), zone) for each in (year, year + 1)))


def fiscal_months(year: int, first_month: int, zone: ZoneInfo) -> dict[str, Interval]:
    """The twelve months of a fiscal year by name, in order."""
    firsts = [date(year + (first_month + n - 1) // 12, (first_month + n - 1) % 12 + 1, 1) for n in range(12)]
    return {f"{first:%Y-%m}": month(first.year, first.month, zone) for first in firsts}


def refund(amount_yen: Yen, used: Mapping[tuple[str, Decimal | None], Yen]) -> tuple[RefundShare, ...]:
    """`amount_yen` in proportion to what each member paid for use at each rate; leftover yen by largest remainder.

    Raises `coop.money.NoWeight` when nobody used anything.
    """
    paid = {key: yen for key, yen in used.items() if yen > 0}
    named = {f"{member} {rate}": (member, rate) for member, rate in paid}
    shares = split_by_largest_remainder(amount_yen, {label: paid[key] for label, key in named.items()})
    return tuple(RefundShare(*named[label], paid[named[label]], shares[label].yen) for label in sorted(named))
