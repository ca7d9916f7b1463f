"""Consumption tax: rounded once per statement and rate, never per line.

Source: 消費税法施行令 第70条の10 and the National Tax Agency's Q&A on qualified invoices (インボイス Q&A 問57).
"""

from collections.abc import Mapping
from decimal import Decimal

from billing.model import TaxTotal
from coop.money import Yen, round_down


def tax_by_rate(sums: Mapping[Decimal | None, Yen]) -> tuple[TaxTotal, ...]:
    """The tax-exclusive sum and its tax (floor) per rate, highest rate first; amounts outside the tax come last."""
    rates = sorted((rate for rate in sums if rate is not None), reverse=True)
    totals = [TaxTotal(rate, sums[rate], round_down(sums[rate] * rate)) for rate in rates]
    if None in sums:
        totals.append(TaxTotal(None, sums[None], 0))
    return tuple(totals)
