"""The report as files: a workbook with the months behind it, and an A4 page."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel.dates import format_date

from billing.documents.model import Issuer
from billing.documents.printing import printed
from billing.subsidies.model import Report
from billing.subsidies.table import FIGURES, WITHHELD, Unit, figures, value, year_name
from coop import sheet
from coop.messages import translate

NUMBER = "#,##0"
FORMATS = {Unit.COUNT: NUMBER, Unit.SECONDS: sheet.HOURS, Unit.PERCENT: sheet.PERCENT, Unit.YEN: NUMBER}


def workbook(report: Report, locale: str) -> bytes:
    """An XLSX: a row for each fiscal year, and on a second sheet the months that they are added up from."""
    header = [say("fiscal_year", locale), *(say(key, locale) for key in FIGURES)]
    rows = [
        [year_name(year.fiscal_year, locale), *(_cell(unit, value(year, key)) for key, unit in FIGURES.items())]
        for year in report.years
    ]
    formats = [None, *(FORMATS[unit] for unit in FIGURES.values())]
    sheets = [(say("title", locale), header, rows, formats)]
    months = [month for year in report.years for month in year.months]
    if months:
        kinds = sorted({kind for month in months for kind in month.costs_yen})
        names = ("month", "closed", "uses", "used_seconds", "open_seconds")
        more: list[list[sheet.Cell]] = [
            [
                month.month,
                say("yes" if month.closed else "no", locale),
                month.uses,
                _cell(Unit.SECONDS, month.used_seconds),
                _cell(Unit.SECONDS, month.open_seconds),
                *(month.costs_yen.get(kind, 0) for kind in kinds),
                month.income_yen,
            ]
            for month in months
        ]
        titles = [*(say(name, locale) for name in names), *kinds, say("income_yen", locale)]
        hours = [None, None, NUMBER, sheet.HOURS, sheet.HOURS, *[NUMBER] * (len(kinds) + 1)]
        sheets.append((say("months", locale), titles, more, hours))
    return sheet.to_book(sheets)


def pdf(report: Report, issuer: Issuer, locale: str, today: date, now: datetime) -> bytes:
    """One A4 page (PDF/A-2u)."""
    content = page(report, issuer, locale, today)
    return printed(content, now, package=__package__, template="report.typ")


def page(report: Report, issuer: Issuer, locale: str, today: date) -> dict[str, Any]:
    """What stands on the page, in words."""
    asset = report.asset
    return {
        "lang": locale,
        "title": say("title", locale),
        "name": asset.name_ja if locale == "ja" else asset.name_en,
        "issuer": issuer.name,
        "on": say("as_of", locale, day=format_date(today, format="long", locale=locale)),
        "facts": [
            [say("machine", locale), report.machine(locale)],
            [say("acquired_on", locale), format_date(asset.acquired_on, format="long", locale=locale)],
            [say("acquired_yen", locale), f"¥{asset.cost_yen:,}"],
            [say("own_yen", locale), f"¥{report.own_yen:,}"],
        ],
        "grant_words": [say(key, locale) for key in ("funder", "grant_number", "granted", "share", "restricted_until")],
        "grants": [
            [
                each.funder,
                each.grant_number,
                f"¥{each.granted_yen:,}",
                f"{each.share_percent(asset.cost_yen)} %",
                format_date(each.restricted_until, format="long", locale=locale),
            ]
            for each in report.subsidies
        ],
        "years": [
            year_name(year.fiscal_year, locale) + ("" if year.over else say("under_way", locale))
            for year in report.years
        ],
        "rows": [[say(each.key, locale), *each.texts()] for each in figures(report.years)],
        "strong": [n for n, key in enumerate(FIGURES) if key in {"used_of_open_percent", "cost_yen", "income_yen"}],
        "notes": notes(report, locale),
    }


def notes(report: Report, locale: str) -> list[str]:
    """What the figures mean, with the denominators, and what is left out for this reader."""
    keys = ["note.rate", "note.money", "note.year"]
    if any(WITHHELD in each.texts() for each in figures(report.years)):
        keys.append("note.withheld")
    return [say(key, locale, month=report.fiscal_first_month) for key in keys]


def say(key: str, locale: str, **params: object) -> str:
    """A word of the report."""
    return translate(f"billing.subsidy.{key}", locale, **params)


def _cell(unit: Unit, amount: int | Decimal | None) -> sheet.Cell:
    if amount is None:
        return None
    if unit is Unit.SECONDS:
        return round(float(amount) / 3600, 2)
    return float(amount / 100) if unit is Unit.PERCENT else int(amount)
