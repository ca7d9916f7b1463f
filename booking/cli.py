"""`moyai import` and `moyai export`: tables and calendars on the command line."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from booking.tables import exporting
from booking.tables.forms import Kind
from booking.tables.ical_import import import_calendar
from booking.tables.importing import Finding, Imported, ImportRefused, import_table, said
from booking.tables.registering import Change
from coop import database, people
from coop.database import Connection
from coop.identity import SYSTEM
from coop.messages import translate
from coop.settings import Settings

Language = Annotated[str, typer.Option("--lang", help="Language of what is printed: ja or en.")]
Person = Annotated[
    str | None, typer.Option("--as", help="E-mail address of who does this, for the audit trail.", metavar="EMAIL")
]


class Source(StrEnum):
    """What can be imported."""

    MACHINES = "machines"
    MEMBERS = "members"
    PEOPLE = "people"
    RESERVATIONS = "reservations"
    CALENDAR = "calendar"


class FileForm(StrEnum):
    """How a table is written."""

    XLSX = "xlsx"
    CSV = "csv"


def import_file(
    kind: Annotated[Source, typer.Argument(help="What the file holds.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="XLSX, CSV or .ics.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of it, and keep nothing.")] = False,
    machine: Annotated[str | None, typer.Option(help="Which machine a calendar is of.")] = None,
    member: Annotated[str | None, typer.Option(help="For whom, where its organizer is nobody known here.")] = None,
    person: Person = None,
    lang: Language = "ja",
) -> None:
    """Enter a table or a calendar: all of it or nothing, with every error by row and column. Twice is harmless.

    The columns are named as in `moyai export`, in Japanese or English. Of a calendar what ends later than now is
    entered, its rules expanded. Exit code 1 when something is wrong.

    **Examples**

        moyai import members members.xlsx --dry-run
        moyai import calendar outlook.ics --machine cmm-1 --member m07 --as office@example.jp
    """
    if (kind is Source.CALENDAR) != (machine is not None and member is not None):
        raise typer.BadParameter("a calendar needs --machine and --member, a table has them in its rows")
    content, now = file.read_bytes(), datetime.now(UTC)

    def use_case(conn: Connection) -> Imported:
        viewer = people.viewer_by_email(conn, person) if person else SYSTEM
        if machine is not None and member is not None:
            return import_calendar(conn, viewer, content, machine, member, now, since=now, dry_run=dry_run)
        return import_table(conn, viewer, Kind(kind.value), content, now, dry_run=dry_run)

    with database.open_pool(Settings.from_environment(), size=1) as pool:
        try:
            imported = database.run(pool, use_case)
        except ImportRefused as refused:
            Console().print(_findings(refused.findings, lang))
            raise
    if imported.findings:
        Console().print(_findings(imported.findings, lang))
    counts = {change.value: imported.counts[change] for change in Change}
    typer.echo(translate("booking.cli.would_import" if dry_run else "booking.cli.imported", lang, **counts))
    if imported.findings:
        raise typer.Exit(1)


def export_file(
    kind: Annotated[Kind, typer.Argument(help="What to write.")],
    out: Annotated[Path, typer.Argument(help="The file, .xlsx or .csv.", dir_okay=False, writable=True)],
    since: Annotated[
        datetime | None, typer.Option("--from", help="Reservations from then on, in UTC.", show_default="now")
    ] = None,
    template: Annotated[bool, typer.Option("--template", help="Only the headers, to be filled in.")] = False,
    lang: Language = "ja",
) -> None:
    """Write a table for Excel, by the ending of the file's name. Importing it again changes nothing.

    **Examples**

        moyai export members members.xlsx
        moyai export machines empty.csv --template --lang en
    """
    start, now = since.replace(tzinfo=UTC) if since else None, datetime.now(UTC)
    if out.suffix.lower().lstrip(".") not in set(FileForm):
        raise typer.BadParameter("the file's name ends in .xlsx or .csv")
    with database.open_pool(Settings.from_environment(), size=1) as pool:
        of, rows = database.run(pool, lambda conn: exporting.table(conn, SYSTEM, kind, lang, now, since=start))
    out.write_bytes(exporting.to_file(of, [] if template else rows, out.suffix.lower().lstrip("."), lang))


def _findings(findings: Sequence[Finding], lang: str) -> Table:
    table = Table(title=translate("booking.cli.findings", lang, count=len(findings)), title_justify="left")
    for name in ("row", "column", "why"):
        table.add_column(translate(f"booking.cli.{name}", lang), justify="right" if name == "row" else "left")
    for each in findings:
        words = said(each, lang)
        table.add_row(str(words["row"]), escape(words["column"] or ""), escape(words["detail"]))
    return table
