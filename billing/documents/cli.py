"""`moyai documents`: issue a closed month, search the register, and write out what was kept."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from billing.documents import issue as issuing
from billing.documents import store
from billing.documents.frozen import FrozenMonth
from billing.documents.store import Search
from coop import database, people
from coop.database import Connection
from coop.identity import SYSTEM
from coop.messages import translate
from coop.settings import Settings

app = typer.Typer(name="documents", no_args_is_help=True, help="Invoices and other documents: issue, find, write out.")

Language = Annotated[str, typer.Option("--lang", help="Language: ja or en.")]


@app.command()
def issue(
    month: Annotated[str, typer.Argument(help="A closed month, YYYY-MM.", metavar="YYYY-MM")],
    person: Annotated[
        str | None, typer.Option("--as", help="E-mail address of who does this, for the audit trail.", metavar="EMAIL")
    ] = None,
) -> None:
    """Issue every document of a closed month; what is there already stays. Mails are sent by `moyai work`.

    **Example**

        moyai documents issue 2026-10 --as office@example.jp
    """
    with database.open_pool(Settings.from_environment(), size=1) as pool:
        asked = database.run(
            pool,
            lambda conn: issuing.issue(
                conn, people.viewer_by_email(conn, person) if person else SYSTEM, month, datetime.now(UTC)
            ),
        )
        frozen = FrozenMonth(month)
        with Bar(console=Console(stderr=True)) as bar:
            shown = bar.add_task(month, total=asked.documents, completed=asked.issued)
            more = not asked.finished
            while more:
                more = database.run(pool, lambda conn: issuing.issue_some(conn, frozen, datetime.now(UTC)))
                done = database.run(pool, lambda conn: issuing.progress(conn, month))
                bar.update(shown, completed=done.issued)


@app.command("list")
def list_documents(
    from_date: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    until_date: Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Last day.")] = None,
    from_yen: Annotated[int | None, typer.Option(help="Least amount with tax.")] = None,
    until_yen: Annotated[int | None, typer.Option(help="Greatest amount with tax.")] = None,
    counterparty: Annotated[str | None, typer.Option(help="A member's key, or part of the printed name.")] = None,
    lang: Language = "ja",
) -> None:
    """The register: all that is given must hold.

    **Example**

        moyai documents list --from 2026-04-01 --until 2027-03-31 --from-yen 100000 --counterparty 髙﨑
    """
    search = Search(
        from_date.date() if from_date else None,
        until_date.date() if until_date else None,
        from_yen,
        until_yen,
        counterparty,
    )
    with database.open_pool(Settings.from_environment(), size=1) as pool:
        found = database.run(pool, lambda conn: store.documents(conn, SYSTEM, search))
    numbers = {each.id: each.number for each in found}
    table = Table(
        *(translate(f"billing.document.word.{word}", lang) for word in ("number", "issued_on", "what", "counterparty")),
        translate("billing.document.word.gross", lang),
        translate("billing.document.word.superseded_by", lang),
    )
    for each in found:
        table.add_row(
            each.number,
            f"{each.issued_on}",
            translate(f"billing.document.title.{each.kind}", lang),
            each.counterparty,
            f"{each.total_yen:,}",
            numbers.get(each.superseded_by, "") if each.superseded_by else "",
        )
    Console().print(table)


@app.command()
def write(
    month: Annotated[str, typer.Argument(help="The month, YYYY-MM.", metavar="YYYY-MM")],
    folder: Annotated[Path, typer.Option("--to", help="Folder for the PDF files.", file_okay=False)],
) -> None:
    """Write the kept PDF files of a month into a folder, to be printed; none is made anew.

    **Example**

        moyai documents write 2026-10 --to ./2026-10
    """
    folder.mkdir(parents=True, exist_ok=True)

    def all_of_it(conn: Connection) -> None:
        for each in store.documents(conn, SYSTEM, Search(month=month)):
            for locale in each.locales:
                pdf, _ = store.kept(conn, each, locale)
                (folder / f"{each.number}-{each.member_id}-{locale}.pdf").write_bytes(pdf)

    with database.open_pool(Settings.from_environment(), size=1) as pool:
        database.run(pool, all_of_it)
