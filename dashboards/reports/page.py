"""The utilisation report as a page, as files, and as the rows that all of them share."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import pandas as pd
from fastapi import APIRouter, Response

from coop import register, sheet
from coop.database import Connection
from coop.disclosure import told_sums_only
from coop.door import Door, Entrance
from coop.interval import Interval, month, month_of, parse_month
from coop.machines import machines
from coop.problems import locale_of
from dashboards.reports import outside, utilisation
from dashboards.reports.store import evidence
from dashboards.reports.utilisation import RATIOS
from dashboards.say import Say
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

HOUR_COLUMNS = ("open", "booked", "occupied", "running", "unknown")


def report(conn: Connection, month: Interval, *, now: datetime) -> pd.DataFrame:
    """Utilisation per machine in `month`; names no member and no person, so every viewer may read it.

    Index: `machine_id`. Columns: see `utilisation.by_machine`.
    """
    return utilisation.by_machine(_buckets(conn, month, now))


@router.get("/utilisation")
def utilisation_page(door: Entrance, month: str | None = None) -> Response:
    """A month's utilisation: the table with its denominators, and the days as a chart."""
    wanted, say, seconds, names = _asked(door, month)
    shown = figures(seconds, names, wanted, say)
    if told_sums_only(door.viewer):
        row = door.run(lambda conn: outside.told(conn, seconds, wanted, door.now))
        shown |= {"whole": _known(row), "machines": [], "by_day": [], "days": {}}
    return page(door, "reports/utilisation.html", zone=say.zone, here="utilisation", **shown)


@router.get("/utilisation.{form}")
def utilisation_file(form: Literal["csv", "xlsx"], door: Entrance, month: str | None = None) -> Response:
    """The same table as a file."""
    wanted, say, seconds, names = _asked(door, month)
    rows = utilisation.by_machine(seconds)
    if told_sums_only(door.viewer):
        rows = door.run(lambda conn: outside.told(conn, seconds, wanted, door.now))
        names = {str(name): say("utilisation.total") for name in rows.index}
    content = file(form, rows, names, wanted, say)
    kind = {
        "csv": "text/csv; charset=utf-8",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }[form]
    name = f"utilisation-{say.local(wanted.start):%Y-%m}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=kind, headers=headers)


def file(form: str, report: pd.DataFrame, names: Mapping[str, str], month: Interval, say: Say) -> bytes:
    """The report as `csv` or `xlsx`: hours beside every share, so that a reader can divide again."""
    header = [
        say("utilisation.machine"),
        *(say(f"utilisation.{name}") for name in HOUR_COLUMNS),
        *(say(f"utilisation.{name}") for name in RATIOS),
    ]
    rows: list[list[sheet.Cell]] = []
    for machine_id, row in report.to_dict("index").items():
        hours = [None if pd.isna(row[name]) else round(row[name] / 3600, 2) for name in HOUR_COLUMNS]
        shares = [None if pd.isna(row[name]) else round(row[name], 4) for name in RATIOS]
        rows.append([names[str(machine_id)], *hours, *shares])
    if form == "csv":
        return sheet.to_csv(header, rows)
    formats = [None, *[sheet.HOURS] * len(HOUR_COLUMNS), *[sheet.PERCENT] * len(RATIOS)]
    return sheet.to_xlsx(f"{say('utilisation.title')} {say.local(month.start):%Y-%m}", header, rows, formats)


def figures(seconds: pd.DataFrame, names: Mapping[str, str], month: Interval, say: Say) -> dict[str, Any]:
    """What the page shows of the day buckets."""
    days = utilisation.by_day(seconds)
    numbers = [int(day.day) for day in days.index]
    first = say.local(month.start)
    return {
        "month": month,
        "this": f"{first:%Y-%m}",
        "previous": f"{first - timedelta(days=1):%Y-%m}",
        "next": f"{say.local(month.end):%Y-%m}",
        "ratios": RATIOS,
        "whole": utilisation.total(seconds).to_dict("records")[0],
        "machines": [
            {"name": names[str(machine_id)], **row}
            for machine_id, row in utilisation.by_machine(seconds).to_dict("index").items()
        ],
        "by_day": list(zip(numbers, days.to_dict("records"), strict=True)),
        "days": {
            "day": numbers,
            **{name: _hours(days[name]) for name in ("open", "booked", "occupied", "unknown")},
        },
        "words": {
            "day": say("utilisation.day"),
            **{name: say(f"utilisation.word.{name}") for name in ("open", "booked", "occupied", "unknown")},
        },
    }


def _known(row: pd.DataFrame) -> dict[str, float | None]:
    """A row of figures, None for those that are withheld."""
    (values,) = row.to_dict("records")
    return {str(name): None if pd.isna(value) else value for name, value in values.items()}


def _hours(seconds: "pd.Series[int]") -> Sequence[float]:
    return [round(value / 3600, 2) for value in seconds]


def _asked(door: Door, text: str | None) -> tuple[Interval, Say, pd.DataFrame, dict[str, str]]:
    locale = locale_of(door.request)

    def ask(conn: Connection) -> tuple[Interval, Say, pd.DataFrame, dict[str, str]]:
        zone = register.cooperative(conn).time_zone
        wanted = month(*parse_month(text), zone) if text else month_of(door.now, zone)
        names = {each.id: each.name(locale) for each in machines(conn)}
        return wanted, Say(locale, zone), _buckets(conn, wanted, door.now), names

    return door.run(ask)


def _buckets(conn: Connection, month: Interval, now: datetime) -> pd.DataFrame:
    zone = register.cooperative(conn).time_zone
    return utilisation.buckets(evidence(conn, month), month, zone, now)
