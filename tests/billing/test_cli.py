"""`moyai settle` and `moyai verify`, as typed."""

from pathlib import Path

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from billing import cli
from billing.costs.cli import RuleFileInvalid
from billing.periods.settle import CloseBlocked
from tests.billing import ground
from tests.parts.databases import Database

app = typer.Typer()
app.command("settle")(cli.settle)
app.command("verify")(cli.verify_periods)


def say(*words: str) -> tuple[int, str, BaseException | None]:
    """Type a command: its exit code, what it printed in one line, and what it raised."""
    result = CliRunner().invoke(app, [*words, "--lang", "en"])
    return result.exit_code, " ".join(result.output.split()), result.exception


def test_a_month_is_settled_closed_and_verified(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOYAI_DATABASE_URL", database.app_url)
    monkeypatch.setenv("COLUMNS", "200")
    with psycopg.connect(database.app_url) as conn:
        ground.found(conn)
        ground.usage(conn, "cmm-1", "10-03 09:00 10:00", "m01")
        ground.usage(conn, "cmm-1", "10-04 09:00 10:00", None, kind="unassigned")
    code, told, _ = say("settle", "2026-10")
    assert code == 0
    assert "2026-10 draft" in told
    assert "│ m01 │ 3,000 │ 300 │ 3,300 │" in told
    assert "Nobody is named for the use of cmm-1" in told
    code, told, raised = say("settle", "2026-10", "--close")
    assert (code, type(raised)) == (1, CloseBlocked)
    assert "Nobody is named for the use of cmm-1" in told
    with psycopg.connect(database.app_url) as conn:
        conn.execute("DELETE FROM telemetry.usage WHERE kind = 'unassigned'")
    code, told, _ = say("settle", "2026-10", "--close")
    assert code == 0
    assert "2026-10 is closed. Evidence" in told
    assert say("verify")[:1] == (0,)
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("UPDATE billing.line SET amount_yen = 2999")
    code, told, _ = say("verify", "2026-10")
    assert code == 1
    assert "2026-10 differs at statements[m01].lines[1].amount_yen: stored 2999, recomputed 3000" in told


def test_other_rules_are_read_from_a_file_and_nothing_is_written(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The rent of 1,000 equally among three instead of all by the only user: 334, 333, 333, and fees as they are."""
    monkeypatch.setenv("MOYAI_DATABASE_URL", database.app_url)
    monkeypatch.setenv("COLUMNS", "200")
    with psycopg.connect(database.app_url) as conn:
        ground.found(conn)
        conn.execute("UPDATE coop.member SET joined_on = '2026-01-01'")
        ground.usage(conn, "cmm-1", "10-03 09:00 10:00", "m01")
        ground.cost(conn, "rent", 1_000)
    rule = tmp_path / "rule.yaml"
    rule.write_text("name: 均等\npools:\n  rent:\n    allocation: equal\n", "utf-8")
    code, told, raised = say("settle", "2026-10", "--what-if", str(rule))
    assert (code, raised) == (0, None)
    assert "2026-10 均等" in told
    assert "│ m01 │ 4,400 │ 3,667 │ -733 │" in told
    assert "│ m03 │ 0 │ 366 │ +366 │" in told
    with psycopg.connect(database.app_url) as conn:
        assert conn.execute("SELECT count(*) FROM billing.statement").fetchone() == (0,)
    rule.write_text("pools: {rent: {alpha: 2}}", "utf-8")
    code, _, raised = say("settle", "2026-10", "--what-if", str(rule))
    assert (code, type(raised)) == (1, RuleFileInvalid)
