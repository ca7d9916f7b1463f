"""`moyai person` on a real database: the first of an office comes in by the link that it prints."""

from typer.testing import CliRunner, Result

from coop.accounts.cli import app
from coop.accounts.invitations import RoleUnknown
from tests.callers import Callers
from tests.parts.databases import Database


def person(database: Database, *arguments: str) -> Result:
    return CliRunner().invoke(
        app, list(arguments), env={"MOYAI_DATABASE_URL": database.app_url, "MOYAI_SECRET_KEY": "k" * 32}
    )


def test_the_first_of_an_office_is_invited_and_signed_out(database: Database, api: Callers) -> None:
    assert isinstance(person(database, "invite", "first@kumiai.example").exception, RoleUnknown)
    done = person(database, "invite", "first@kumiai.example", "--name", "佐藤", "--role", "office")
    assert done.exit_code == 0, done.exception
    body = {"secret": done.stdout.strip().rpartition("/invitations/")[2], "password": "a fine horse"}
    assert api.client.post("/api/v1/invitations/acceptance", json=body).status_code == 204
    assert api.client.get("/api/v1/me").json()["roles"] == ["office"]
    assert person(database, "end-sessions", "first@kumiai.example").stdout.strip() == "1"
    assert api.client.get("/api/v1/me").status_code == 401
    api.client.cookies.clear()
    again = person(database, "invite", "FIRST@kumiai.example").stdout.strip().rpartition("/")[2]
    body = {"secret": again, "password": "another horse"}
    assert api.client.post("/api/v1/invitations/acceptance", json=body).status_code == 204
