"""`moyai backup` and `moyai restore`, on the database of the settings or, where none is set, of the data folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from billing.periods.verify import verify_all
from coop.identity import SYSTEM
from coop.settings import Settings
from moyai import backup as archive
from moyai.parts.postgres import EmbeddedPostgres
from moyai.parts.private import private_folder
from moyai.terminal import say


def backup(
    to: Annotated[Path, typer.Option("--to", help="The file to write; it must not exist yet.", metavar="FILE")],
) -> None:
    """Write the whole database to one file, while everything goes on working.

    Needs MOYAI_DATABASE_OWNER_URL, or finds what `moyai up` runs or ran. The file holds everything that the database
    knows of people and money: keep it where nobody else reads, with a copy of the data folder's `secret_key`.

    **Example**

        moyai backup --to /backup/moyai-2026-11-30.zip
    """
    with _owner_url() as owner_url:
        whole = archive.backup(owner_url, to, datetime.now(UTC))
    typer.echo(say("moyai.backup.done", file=str(to), tables=len(whole.tables), rows=f"{whole.rows:,}"))


def restore(
    source: Annotated[Path, typer.Option("--from", help="A file that `moyai backup` wrote.", metavar="FILE")],
) -> None:
    """Bring a backup into an empty database, then recompute every closed month from its evidence.

    Where no database is set, into the data folder, which must be new. Exit code 1 when a month differs.

    **Examples**

        MOYAI_DATA_FOLDER=/srv/moyai moyai restore --from /backup/moyai-2026-11-30.zip
        MOYAI_DATABASE_OWNER_URL=postgresql://moyai_owner:...@db/moyai moyai restore --from moyai.zip
    """
    with _owner_url() as owner_url:
        whole = archive.restore(owner_url, source)
        typer.echo(say("moyai.backup.restored", rows=f"{whole.rows:,}", at=whole.made_at.isoformat(timespec="seconds")))
        with psycopg.connect(owner_url, options="-c TimeZone=UTC") as conn:
            outcomes = verify_all(conn, SYSTEM)
    different = [each.month for each in outcomes if each.difference is not None]
    if different:
        typer.echo(say("moyai.backup.differs", months=", ".join(different)))
        raise typer.Exit(1)
    typer.echo(say("moyai.backup.verified", count=len(outcomes)))


@contextmanager
def _owner_url() -> Iterator[str]:
    """The database as its owner; that of the data folder is started for as long as it is needed."""
    settings = Settings.from_environment()
    if settings.database_url or settings.database_owner_url:
        yield settings.require("database_owner_url").database_owner_url
        return
    postgres = EmbeddedPostgres(private_folder(settings.data_folder.resolve()) / "postgres")
    postgres.start()
    try:
        yield postgres.owner_url
    finally:
        postgres.stop()
