"""How an asset is written down, year by year and month by month.

Source: 減価償却資産の耐用年数等に関する省令 別表第八 (straight-line) and 別表第十 (declining balance
at 200 %, acquired since 2012-04-01); 法人税法施行令 第48条の2.

Fractions of a yen are cut off, one yen of book value stays to the end.
"""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from billing.costs.model import Asset, Method
from coop.money import Yen

REMAINS_YEN = 1

# Rates in thousandths by useful life in years.
_STRAIGHT = {
    2: 500, 3: 334, 4: 250, 5: 200, 6: 167, 7: 143, 8: 125, 9: 112, 10: 100, 11: 91, 12: 84, 13: 77, 14: 72, 15: 67,
    16: 63, 17: 59, 18: 56, 19: 53, 20: 50,
}  # fmt: skip

# Rate and revised rate in thousandths, guarantee rate in hundred-thousandths.
_DECLINING = {
    2: (1000, 1000, 0), 3: (667, 1000, 11089), 4: (500, 1000, 12499), 5: (400, 500, 10800), 6: (333, 334, 9911),
    7: (286, 334, 8680), 8: (250, 334, 7909), 9: (222, 250, 7126), 10: (200, 250, 6552), 11: (182, 200, 5992),
    12: (167, 200, 5566), 13: (154, 167, 5180), 14: (143, 167, 4854), 15: (133, 143, 4565), 16: (125, 143, 4294),
    17: (118, 125, 4038), 18: (111, 112, 3884), 19: (105, 112, 3693), 20: (100, 112, 3486),
}  # fmt: skip


def years(asset: Asset) -> Iterator[Yen]:
    """What is written down in each fiscal year, from the one it was acquired in until one yen remains."""
    base = asset.cost_yen - asset.subsidy_yen
    book, months, revised = base, _months_of_first_year(asset), None
    rate, revised_rate, guarantee = _DECLINING[asset.useful_life_years]
    while book > REMAINS_YEN:
        if asset.method is Method.STRAIGHT_LINE:
            full = Fraction(base * _STRAIGHT[asset.useful_life_years], 1000)
        else:
            full = Fraction(book * rate, 1000)
            if revised is None and full < Fraction(base * guarantee, 100_000):
                revised = book
            if revised is not None:
                full = Fraction(revised * revised_rate, 1000)
        amount = min(int(full * months / 12), book - REMAINS_YEN)
        yield max(amount, 1)
        book, months = book - max(amount, 1), 12


def month(asset: Asset, of: date) -> Yen:
    """What is written down in the month of `of`: its fiscal year's amount in equal parts that sum to it."""
    since_first = _year(of, asset.fiscal_month) - _year(asset.acquired_on, asset.fiscal_month)
    if since_first < 0 or (of.year, of.month) < (asset.acquired_on.year, asset.acquired_on.month):
        return 0
    amount = next((yen for n, yen in enumerate(years(asset)) if n == since_first), 0)
    months = _months_of_first_year(asset) if since_first == 0 else 12
    n = months - (asset.fiscal_month - 1 - of.month) % 12
    return amount * n // months - amount * (n - 1) // months


def _year(day: date, first_month: int) -> int:
    """The fiscal year of a day, named by the calendar year in which it began."""
    return day.year if day.month >= first_month else day.year - 1


def _months_of_first_year(asset: Asset) -> int:
    """The month of acquisition and those after it in its fiscal year."""
    return (asset.fiscal_month - 1 - asset.acquired_on.month) % 12 + 1
