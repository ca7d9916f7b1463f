"""What the ward is told of a month: the sums of all machines together, without those that few members stand behind."""

from collections import defaultdict
from datetime import datetime

import pandas as pd

from billing.year.gauge import rule
from billing.year.model import fiscal_months, fiscal_year_of
from coop.database import Connection
from coop.disclosure import Part, withheld
from coop.interval import Interval
from coop.register import cooperative
from dashboards.reports.store import SQL
from dashboards.reports.utilisation import RATIOS, total, with_shares

STANDS_ON = {
    "booked": ("booked",),
    "occupied": ("occupied",),
    "running": ("occupied",),
    "occupied_booked": ("booked", "occupied"),
}
"""Whose members stand behind each column; behind opening hours and silence stands nobody."""


def told(conn: Connection, seconds: pd.DataFrame, wanted: Interval, now: datetime) -> pd.DataFrame:
    """The one row of `utilisation.total` over `seconds`, with NaN for what is withheld.

    A month is told once it is over, and beside the other months of its fiscal year: docs/decisions/0021.
    """
    hidden = _hidden(conn, wanted) if wanted.end <= now else set(STANDS_ON)
    columns = [name for name, measures in STANDS_ON.items() if hidden.intersection(measures)]
    row = total(seconds).drop(columns=list(RATIOS)).astype(float)
    row[columns] = float("nan")
    return with_shares(row)


def _hidden(conn: Connection, wanted: Interval) -> set[str]:
    """The measures that are not told of a month."""
    zone, first = cooperative(conn).time_zone, rule(conn).fiscal_first_month
    this = wanted.start.astimezone(zone)
    months = fiscal_months(fiscal_year_of(this.date(), first), first, zone)
    values = {
        "names": list(months),
        "starts": [each.start for each in months.values()],
        "ends": [each.end for each in months.values()],
    }
    parts: dict[str, dict[str, Part]] = defaultdict(dict)
    for name, measure, seconds, members in conn.execute(SQL["behind"], values):
        parts[measure][name] = Part(seconds, frozenset(members))
    return {measure for measure, of_month in parts.items() if f"{this:%Y-%m}" in withheld(of_month)}
