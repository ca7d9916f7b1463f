"""Numbers on documents: the registration number's check digit, fiscal years, and how a number is written."""

from datetime import date


def registration_is_plausible(number: str) -> bool:
    """Whether the check digit of a registration number (T and 13 digits) is that of a corporate number.

    9 - (sum of Pn * Qn mod 9) over the last 12 digits from the right, Q = 1 at odd and 2 at even places. Source:
    法人番号の指定等に関する省令 第2条. Sole proprietors' numbers need not follow it, so that False only warns.
    """
    check, digits = int(number[1]), number[2:]
    total = sum(int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits), 1))
    return check == 9 - total % 9


def fiscal_year(day: date, starts_month: int) -> int:
    """The fiscal year of `day`, named by the calendar year in which it begins in `starts_month`."""
    return day.year if day.month >= starts_month else day.year - 1


def written(fiscal_year: int, serial: int) -> str:
    """`2026-00012`: the year, then the number within it."""
    return f"{fiscal_year}-{serial:05}"
