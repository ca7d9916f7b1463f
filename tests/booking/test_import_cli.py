"""`moyai import` and `moyai export`, as typed."""

from pathlib import Path

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from booking import cli
from booking.tables.importing import ImportRefused
from tests.booking.places import settle_in
from tests.parts.databases import Database

app = typer.Typer()
app.command("import")(cli.import_file)
app.command("export")(cli.export_file)


def say(*words: str) -> tuple[int, str, BaseException | None]:
    """Type a command: its exit code, what it printed in one line, and what it raised."""
    result = CliRunner().invoke(app, [*words, "--lang", "en"])
    return result.exit_code, " ".join(result.output.split()), result.exception


@pytest.fixture
def place(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOYAI_DATABASE_URL", database.app_url)
    monkeypatch.setenv("COLUMNS", "200")
    with psycopg.connect(database.app_url) as conn:
        settle_in(conn, machines=1, members=1)


def test_a_table_goes_out_is_mended_and_comes_in(place: None, tmp_path: Path) -> None:
    file = tmp_path / "members.csv"
    assert say("export", "members", str(file))[0] == 0
    file.write_text(file.read_text("utf-8-sig") + "M 2,,,,,,,,\n", "utf-8")
    code, told, _ = say("import", "members", str(file), "--dry-run")
    assert code == 1
    assert "2 errors" in told
    assert "│ 3 │ Name │ This must be filled in." in told
    code, told, raised = say("import", "members", str(file))
    assert (code, type(raised)) == (1, ImportRefused)
    assert "│ 3 │ Key │" in told
    file.write_text(file.read_text("utf-8").replace("M 2,,", "m02,二番,"), "utf-8")
    assert say("import", "members", str(file))[:2] == (0, "1 added, 0 changed, 1 as they were.")
    assert say("import", "members", str(file))[:2] == (0, "0 added, 0 changed, 2 as they were.")


def test_a_template_has_headers_only(place: None, tmp_path: Path) -> None:
    file = tmp_path / "machines.csv"
    assert say("export", "machines", str(file), "--template")[0] == 0
    assert file.read_text("utf-8-sig").splitlines()[1:] == []
    assert say("export", "machines", str(tmp_path / "machines.pdf"))[0] == 2


def test_a_calendar_needs_to_know_its_machine(place: None, tmp_path: Path) -> None:
    file = tmp_path / "a.ics"
    file.write_text("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n")
    assert say("import", "calendar", str(file))[0] == 2
    code, told, _ = say("import", "calendar", str(file), "--machine", "cmm-1", "--member", "m01", "--dry-run")
    assert (code, told) == (0, "Nothing was kept. It would be 0 added, 0 changed, 0 as they were.")
