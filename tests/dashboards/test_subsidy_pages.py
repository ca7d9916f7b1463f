"""The reports on pages: the office enters a grant and proposes an inspection, a director approves, the ward reads."""

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from coop.identity import Role
from dashboards.cli import app
from tests.dashboards.conftest import House, reader

GRANT = {
    "funder": "墨田区", "grant_number": "5墨産第123号", "granted_yen": "6000000", "restricted_until": "2033-03-31",
}  # fmt: skip


@pytest.fixture(scope="module")
def asset(house: House) -> str:
    """A machine of 9,000,000 yen for which nobody granted anything yet."""
    office = house.office.caller
    pool = {
        "id": "cmm",
        "kind": "fee",
        "name_ja": "測定機",
        "name_en": "CMM",
        "machine_ids": ["cmm-1"],
        "resolution": "1",
    }
    assert office.post("/api/v1/cost-pools", json=pool).status_code == 201
    wanted = {
        "pool_id": "cmm", "name_ja": "三次元測定機一式", "name_en": "CMM set", "acquired_on": "2026-04-01",
        "cost_yen": 9_000_000, "method": "straight_line", "useful_life_years": 10, "month": "2026-04",
        "machine_id": "cmm-1",
    }  # fmt: skip
    identifier: str = office.post("/api/v1/assets", json=wanted).json()["id"]
    return identifier


def test_from_a_grant_to_the_wards_look(house: House, asset: str) -> None:
    assert "登録されていません" in house.ward.get("/reports/subsidy").text
    kept = house.office.post("/reports/subsidy", asset_id=asset, **GRANT | {"granted_yen": "9000001"})
    assert kept.status_code == 422
    assert "5墨産第123号" in kept.text  # what was typed stays
    assert "あと9000000円" in kept.text
    assert house.office.post("/reports/subsidy", asset_id=asset, **GRANT).status_code == 303
    assert "三次元測定機一式" in house.ward.get("/reports/subsidy").text
    path = f"/reports/subsidy/{asset}"
    office, ward = house.office.get(path).text, house.ward.get(path).text
    for seen in (office, ward):
        assert "66.7 %" in seen
        assert "¥3,000,000" in seen  # the cooperative's own part
    assert "月別内訳" in office
    assert "月別内訳" not in ward
    assert "FY 20" in house.ward.get(path, lang="en").text
    assert house.ours.get(path).status_code == 403
    assert house.ward.post(path, person_id="", reason="").status_code == 403

    year = str(datetime.now(UTC).year)
    wish = {"fiscal_year": year, "person_id": str(house.ward.caller.person_id), "days": "7"}
    unsaid = house.office.post(path, **wish, reason="")
    assert (unsaid.status_code, "aria-invalid" in unsaid.text) == (422, True)
    proposed = house.office.post(path, **wish, reason="実績確認")
    assert proposed.status_code == 303
    look = proposed.headers["location"]
    assert house.ward.get(look).status_code == 403
    assert "承認する" not in house.office.get(look).text
    director = reader(house.api, Role.DIRECTOR)
    assert "承認する" in director.get(look).text
    assert director.post(look, do="approve").status_code == 303
    shown = house.ward.get(look)
    assert shown.status_code == 200
    assert "閲覧できます" in shown.text
    assert look in house.ward.get("/reports/subsidy").text
    assert house.office.post(look, do="revoke").status_code == 303
    assert house.ward.get(look).status_code == 403


def test_the_same_on_the_command_line(
    house: House, asset: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MOYAI_DATABASE_URL", house.api.client.app.state.settings.database_url)  # type: ignore[attr-defined]  # a FastAPI
    monkeypatch.setenv("COLUMNS", "200")
    run = partial(CliRunner().invoke, app)
    house.office.post("/reports/subsidy", asset_id=asset, **GRANT)
    listed = run(["subsidy", "--lang", "en"])
    assert (listed.exit_code, asset in listed.output, "¥6,000,000" in listed.output) == (0, True, True), listed.output
    assert "Utilisation (used ÷ open)" in run(["subsidy", asset, "--lang", "en"]).output
    said = json.loads(run(["subsidy", asset, "--format", "json"]).stdout)
    assert (said["own_yen"], len(said["years"]), len(said["years"][0]["months"])) == (3_000_000, 4, 12)
    assert run(["subsidy", asset, "--format", "pdf", "--out", str(tmp_path / "report.pdf")]).exit_code == 0
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
