"""`moyai report`: the reports on the command line."""

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import pandas as pd
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from billing.documents.store import issuer
from billing.subsidies.api import report_view
from billing.subsidies.edit import subsidies, subsidised
from billing.subsidies.files import notes, pdf, workbook
from billing.subsidies.files import say as say_subsidy
from billing.subsidies.model import Report
from billing.subsidies.report import report as report_of_asset
from billing.subsidies.table import figures, year_name
from coop import database, register
from coop.database import Connection
from coop.identity import SYSTEM
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


class SubsidyForm(StrEnum):
    """How a subsidised asset's report is written."""

    TABLE = "table"
    XLSX = "xlsx"
    PDF = "pdf"
    JSON = "json"


@app.command()
def subsidy(
    asset: Annotated[UUID | None, typer.Argument(help="An asset; all are listed if none is named.")] = None,
    form: Annotated[SubsidyForm, typer.Option("--format", help="How to write it.")] = SubsidyForm.TABLE,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
    lang: Annotated[str, typer.Option(help="Language of the headings: ja or en.")] = "ja",
) -> None:
    """A subsidised asset over four fiscal years, as municipalities publish it."""
    now = datetime.now(UTC)
    with database.open_pool(Settings.from_environment(), size=1) as pool:
        if asset is None:
            Console().print(database.run(pool, lambda conn: _subsidised(conn, lang)))
            return
        found, of, today = database.run(
            pool,
            lambda conn: (
                report_of_asset(conn, SYSTEM, asset, now),
                issuer(conn),
                now.astimezone(register.cooperative(conn).time_zone).date(),
            ),
        )
    if form is SubsidyForm.TABLE:
        Console().print(_years(found, lang))
        return
    if form is SubsidyForm.XLSX:
        content = workbook(found, lang)
    elif form is SubsidyForm.PDF:
        content = pdf(found, of, lang, today, now)
    else:
        content = (report_view(found).model_dump_json(indent=1) + "\n").encode()
    if out is not None:
        out.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)


def _subsidised(conn: Connection, lang: str) -> Table:
    paid = subsidies(conn)
    drawn = Table(title=say_subsidy("title", lang), box=SIMPLE_HEAD, pad_edge=False)
    drawn.add_column("ID")
    for name in ("machine", "funder", "granted", "restricted_until"):
        drawn.add_column(say_subsidy(name, lang), justify="right" if name == "granted" else "left")
    for asset, ja, en in subsidised(conn, SYSTEM):
        for each in paid:
            if each.asset_id == asset.id:
                granted = f"¥{each.granted_yen:,}"
                drawn.add_row(
                    str(asset.id), ja if lang == "ja" else en, each.funder, granted, str(each.restricted_until)
                )
    return drawn


def _years(found: Report, lang: str) -> Table:
    drawn = Table(title=found.machine(lang), caption="\n".join(notes(found, lang)), box=SIMPLE_HEAD, pad_edge=False)
    drawn.add_column(say_subsidy("fiscal_year", lang))
    for year in found.years:
        under_way = "" if year.over else say_subsidy("under_way", lang)
        drawn.add_column(year_name(year.fiscal_year, lang) + under_way, justify="right")
    for each in figures(found.years):
        drawn.add_row(say_subsidy(each.key, lang), *each.texts())
    return drawn


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
