"""`moyai journal`: the books for a bookkeeping package, on the command line."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from billing.ledger.journal import Package, export
from coop import database
from coop.identity import SYSTEM
from coop.messages import translate
from coop.settings import Settings

Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")]


def journal(
    since: Day,
    last: Day,
    file: Annotated[Path, typer.Argument(help="Where to write: .csv, or .xlsx for the plain one.", dir_okay=False)],
    package: Annotated[Package, typer.Option(help="Who reads it.")] = Package.PLAIN,
    lang: Annotated[str, typer.Option("--lang", help="Language of the notes: ja or en.")] = "ja",
) -> None:
    """Write the journal of some days for a bookkeeping package, and print its sums, which are the ledger's.

    **Examples**

        moyai journal 2026-10-01 2026-10-31 yayoi.csv --package yayoi
        moyai journal 2026-04-01 2027-03-31 journal.xlsx
    """
    form = file.suffix.removeprefix(".").lower()
    with database.open_pool(Settings.from_environment(), size=1) as pool:
        made = database.run(
            pool, lambda conn: export(conn, SYSTEM, package, since.date(), last.date(), form=form, locale=lang)
        )
    file.write_bytes(made.content)
    sums = {"entries": made.entries, "debit": f"{made.debit_yen:,}", "credit": f"{made.credit_yen:,}"}
    Console().print(translate("billing.cli.journal", lang, file=str(file), **sums), markup=False)
