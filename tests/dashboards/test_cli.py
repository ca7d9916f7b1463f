"""`moyai report utilisation`: the same figures as on the page, for a terminal and for programs."""

import io
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from dashboards.cli import app
from tests.dashboards.conftest import House


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("MOYAI_DATABASE_URL", house.api.client.app.state.settings.database_url)  # type: ignore[attr-defined]  # a FastAPI
    return CliRunner()


def test_each_form_says_the_same(house: House, run: CliRunner, tmp_path: Path) -> None:
    month = f"{house.grid:%Y-%m}"
    as_json = run.invoke(app, ["utilisation", "--month", month, "--format", "json"])
    assert as_json.exit_code == 0, as_json.output
    figures = json.loads(as_json.stdout)
    assert set(figures) == {"cmm-1", "ct-1", "hv-1"}
    assert figures["ct-1"]["booked"] == 3600

    file = tmp_path / "report.xlsx"
    assert run.invoke(app, ["utilisation", "--month", month, "--format", "xlsx", "--out", str(file)]).exit_code == 0
    sheet = load_workbook(io.BytesIO(file.read_bytes())).active
    assert sheet is not None
    rows = {str(row[0]): row for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert rows["X線CT"][2] == 1.0

    table = run.invoke(app, ["utilisation", "--month", month, "--lang", "en"])
    assert table.exit_code == 0
    assert "Booked" in table.stdout


def test_a_month_that_is_none_is_refused(run: CliRunner) -> None:
    refused = run.invoke(app, ["utilisation", "--month", "October"])
    assert refused.exit_code != 0
    assert getattr(refused.exception, "code", "") == "coop.month_invalid"
