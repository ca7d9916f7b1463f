"""The commands that do one thing and end: `migrate`, `doctor`, `token`, `replay`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from coop import database, people, register
from coop.settings import Settings
from moyai.terminal import locale, say


def migrate() -> None:
    """Bring the database's schema to this version. Needs MOYAI_DATABASE_OWNER_URL; safe to run twice at once.

    **Example**

        MOYAI_DATABASE_OWNER_URL=postgresql://moyai_owner:...@db/moyai moyai migrate
    """
    from coop.migrate import migrate as apply_missing

    applied = apply_missing(Settings.from_environment().require("database_owner_url").database_owner_url)
    for each in applied:
        typer.echo(each)
    typer.echo(say("moyai.migrate.done", count=len(applied)))


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Findings as JSON, for programs.")] = False) -> None:
    """Look at everything that Moyai stands on, and say how to mend what is wrong.

    Versions, TimescaleDB and what it enables, roles, migrations, the broker and its window, clocks, time zone, disk,
    sentences, files. Exit code 1 when something is wrong; a warning alone is 0.

    **Examples**

        moyai doctor
        moyai doctor --json | jq '.[] | select(.level != "ok")'
    """
    from moyai.doctor import examine, show

    if show(examine(Settings.from_environment()), locale(), as_json=as_json):
        raise typer.Exit(1)


def token(
    email: Annotated[str, typer.Argument(help="E-mail address of the person for whom the program acts.")],
    name: Annotated[str, typer.Option(help="What the token is for; shown in the list of tokens.")] = "command line",
    read_only: Annotated[bool, typer.Option("--read-only", help="The token may look but not change.")] = False,
    days: Annotated[
        int | None, typer.Option(min=1, help="End it after so many days.", show_default="never ends")
    ] = None,
) -> None:
    """Make an API token for a person, and print its secret: once, alone on standard output.

    A program sends it as `Authorization: Bearer …` and may do what the person may. Needs MOYAI_DATABASE_URL.

    **Examples**

        moyai token sato@factory.example --name spreadsheet --read-only --days 90
        curl -H "Authorization: Bearer $(moyai token office@coop.example)" http://127.0.0.1:8000/api/v1/me
    """
    now = datetime.now(UTC)
    with database.open_pool(Settings.from_environment(), size=1) as pool:
        _, secret = database.run(
            pool,
            lambda conn: people.add_token(
                conn,
                people.viewer_by_email(conn, email),
                name=name,
                scopes=("read",) if read_only else ("read", "write"),
                now=now,
                expires_at=None if days is None else now + timedelta(days=days),
            ),
        )
    typer.echo(secret)


def replay(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="SHDR or JSON lines.")],
    machine: Annotated[str | None, typer.Option(help="Whose recording it is; SHDR does not say.")] = None,
    speed: Annotated[
        float | None, typer.Option(min=0.001, help="Times real time.", show_default="as fast as it goes")
    ] = None,
) -> None:
    """Publish a recorded trace to the broker, as if the machines sent it now. Twice is harmless.

    SHDR lines (MTConnect adapters) become readings of the channel `execution`; JSON lines are objects with `topic` and
    `payload`. Needs MOYAI_MQTT_URL, and MOYAI_DATABASE_URL for the cooperative's name.

    **Examples**

        moyai replay day.shdr --machine mc-1
        moyai replay plugs.jsonl --speed 60
    """
    from coop.mqtt import Tls
    from moyai.publish import replay as publish

    settings = Settings.from_environment().require("mqtt_url")
    with database.open_pool(settings, size=1) as pool:
        slug = database.run(pool, lambda conn: register.cooperative(conn).slug)
    with Console(stderr=True).status(say("moyai.replay.sent", count=0)) as progress:
        done = publish(
            file,
            settings.mqtt_url,
            slug,
            machine,
            speed,
            lambda count: progress.update(say("moyai.replay.sent", count=count)),
            Tls.of(settings),
        )
    typer.echo(say("moyai.replay.sent", count=done.messages))
