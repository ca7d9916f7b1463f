"""`moyai report`: the reports on the command line."""

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from coop import database, register
from coop.database import Connection
from coop.interval import Interval, month, parse_month
from coop.machines import machines
from coop.settings import Settings
from dashboards.reports.page import file, report
from dashboards.reports.utilisation import RATIOS
from dashboards.say import Say

app = typer.Typer(no_args_is_help=True, help="Reports, read only.")


class Form(StrEnum):
    """How a report is written."""

    TABLE = "table"
    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


@app.callback()
def reports() -> None:
    """Reports, read only."""


@app.command()
def utilisation(
    month_wanted: Annotated[str, typer.Option("--month", help="The month, YYYY-MM.", metavar="YYYY-MM")],
    form: Annotated[Form, typer.Option("--format", help="How to write it.")] = Form.TABLE,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
    lang: Annotated[str, typer.Option(help="Language of the headings: ja or en.")] = "ja",
) -> None:
    """Booked and used hours per machine, each share with its denominator."""
    with database.open_pool(Settings.from_environment(), size=1) as pool:
        wanted, say, frame, names = database.run(pool, lambda conn: _ask(conn, month_wanted, lang))
    if form is Form.TABLE:
        Console().print(table(frame, names, say))
        return
    if form is Form.JSON:
        content = (frame.to_json(orient="index", indent=1) + "\n").encode()
    else:
        content = file(form.value, frame, names, wanted, say)
    if out is not None:
        out.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)


def table(report: pd.DataFrame, names: dict[str, str], say: Say) -> Table:
    """The report for a terminal: each percentage under the hours that were divided."""
    drawn = Table(
        title=say("utilisation.title"),
        caption=say("utilisation.caption"),
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    drawn.add_column(say("utilisation.machine"))
    for name in RATIOS:
        drawn.add_column(say(f"utilisation.{name}"), justify="right")
    for machine_id, row in report.to_dict("index").items():
        shares = [
            f"{row[part] / 3600:,.1f}÷{row[whole] / 3600:,.1f}\n[bold]{say.percent(row[part], row[whole])}[/bold]"
            for part, whole in RATIOS.values()
        ]
        drawn.add_row(names[str(machine_id)], *shares)
    return drawn


def _ask(conn: Connection, month_wanted: str, lang: str) -> tuple[Interval, Say, pd.DataFrame, dict[str, str]]:
    zone = register.cooperative(conn).time_zone
    wanted = month(*parse_month(month_wanted), zone)
    names = {each.id: each.name(lang) for each in machines(conn)}
    return wanted, Say(lang, zone), report(conn, wanted, now=datetime.now(UTC)), names
