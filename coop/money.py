"""Whole yen, exact shares, one rounding."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import TypeAlias

from coop.errors import Invalid

Yen: TypeAlias = int


class NoWeight(Invalid):
    """An amount cannot be divided when every weight is zero."""

    code = "coop.no_weight"


class NegativeWeight(Invalid):
    """A weight must not be negative."""

    code = "coop.negative_weight"


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a divided amount: `yen` = floor(`quota`) plus one where a leftover yen was handed here."""

    yen: Yen
    quota: Fraction
    leftover: bool


def split_by_largest_remainder(amount_yen: Yen, weights: Mapping[str, int | Fraction]) -> dict[str, Share]:
    """Divide `amount_yen` in proportion to `weights`; the parts sum to the amount exactly.

    Each part gets the floor of its exact quota; the yen left over go one each to the largest remainders, ties to the
    smaller key (Hamilton's method). A negative amount is divided like its positive and negated.

    Raises `NoWeight` when the weights sum to zero and there is something to divide, `NegativeWeight` otherwise.
    """
    if any(weight < 0 for weight in weights.values()):
        raise NegativeWeight()
    if amount_yen < 0:
        mirrored = split_by_largest_remainder(-amount_yen, weights)
        return {key: Share(-share.yen, -share.quota, share.leftover) for key, share in mirrored.items()}
    total = sum((Fraction(weight) for weight in weights.values()), Fraction(0))
    if total == 0:
        if amount_yen == 0:
            return {key: Share(0, Fraction(0), leftover=False) for key in weights}
        raise NoWeight(amount_yen=amount_yen)
    quotas = {key: amount_yen * Fraction(weight) / total for key, weight in weights.items()}
    floors = {key: quota.numerator // quota.denominator for key, quota in quotas.items()}
    left = amount_yen - sum(floors.values())
    lucky = set(sorted(quotas, key=lambda key: (floors[key] - quotas[key], key))[:left])
    return {key: Share(floors[key] + (key in lucky), quotas[key], leftover=key in lucky) for key in weights}


def round_half_up(amount: Decimal | Fraction) -> Yen:
    """Nearest whole yen, halves away from zero: the rounding of one fee line."""
    if isinstance(amount, Fraction):
        nearest = (2 * abs(amount.numerator) + amount.denominator) // (2 * amount.denominator)
        return nearest if amount >= 0 else -nearest
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def round_down(amount: Decimal) -> Yen:
    """The floor in whole yen: the default rounding of tax, once per invoice and rate."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_FLOOR))
