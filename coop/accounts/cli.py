"""`moyai person`: let somebody in, or out, on the command line; the first of an office comes in this way."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from coop import database, people
from coop.accounts import invitations, links, sessions
from coop.accounts.links import Kind
from coop.database import Connection
from coop.identity import SYSTEM, Role
from coop.settings import Settings

app = typer.Typer(no_args_is_help=True, help="People: invite them, sign them out.")

Email = Annotated[str, typer.Argument(help="The person's e-mail address.")]


@app.command()
def invite(
    email: Email,
    name: Annotated[str, typer.Option(help="How the person is called; who is entered already needs none.")] = "",
    role: Annotated[list[Role] | None, typer.Option(help="What the person may do; may be said again.")] = None,
    member: Annotated[str | None, typer.Option(help="Whose person it is; none: the office's.")] = None,
    language: Annotated[str, typer.Option("--lang", help="The person's language: ja or en.")] = "ja",
) -> None:
    """Invite a person, and print the link that lets them in once, within 14 days.

    Who is entered already gets a new link, with which they choose a new password. A letter is sent where a mail
    server is set. Needs MOYAI_DATABASE_URL and MOYAI_SECRET_KEY.

    **Examples**

        moyai person invite office@coop.example --name 佐藤 --role office
        moyai person invite sato@factory.example --name 佐藤 --role engineer --member m07
        moyai person invite sato@factory.example
    """
    settings = Settings.from_environment().require("secret_key")
    now = datetime.now(UTC)

    def invited(conn: Connection) -> invitations.Invitation:
        known = people.person_called(conn, email)
        if known is not None:
            return invitations.invite_again(conn, SYSTEM, settings.secret_key, now, known.id)
        return invitations.invite(
            conn,
            SYSTEM,
            settings.secret_key,
            now,
            name=name or email,
            roles=role or [],
            member_id=member,
            email=email,
            locale=language,
        )

    with database.open_pool(settings, size=1) as pool:
        made = database.run(pool, invited)
    typer.echo(links.address_of(Kind.INVITATION, made.id, settings.secret_key, settings.base_url))


@app.command("end-sessions")
def end_sessions(email: Email) -> None:
    """Sign a person out everywhere, and print of how many browsers. Needs MOYAI_DATABASE_URL.

    **Example**

        moyai person end-sessions sato@factory.example
    """
    now = datetime.now(UTC)

    def ended(conn: Connection) -> int:
        person = people.viewer_by_email(conn, email)
        assert person.person_id is not None
        return sessions.end_sessions(conn, SYSTEM, person.person_id, now)

    with database.open_pool(Settings.from_environment(), size=1) as pool:
        typer.echo(database.run(pool, ended))
