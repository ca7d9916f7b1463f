"""`moyai telemetry`: what is stored of the machines, on the command line."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from coop import database
from coop.settings import Settings

app = typer.Typer(no_args_is_help=True, help="What is stored of the machines.")


@app.callback()
def telemetry() -> None:
    """What is stored of the machines."""


@app.command()
def export(
    month: Annotated[str, typer.Option("--month", help="The month, YYYY-MM.", metavar="YYYY-MM")],
    to: Annotated[Path, typer.Option("--to", help="The folder to write into.", metavar="FOLDER")],
) -> None:
    """Write a month's readings as Parquet files, one folder a month and machine. Needs MOYAI_DATABASE_URL.

    DuckDB, Spark and pandas read the folder as one table with the columns month and machine. A file that is there is
    replaced once the new one is whole.

    **Example**

        moyai telemetry export --month 2026-10 --to readings
    """
    from telemetry.storage.export import export as write  # pyarrow, which no other command needs

    with (
        database.open_pool(Settings.from_environment(), size=1) as pool,
        database.transaction(pool) as conn,
        Console(stderr=True).status(month) as status,
    ):
        for done in write(conn, month, to, lambda machine, readings: status.update(f"{machine} {readings:,}")):
            if done.path is not None:
                typer.echo(f"{done.path}\t{done.readings}")
