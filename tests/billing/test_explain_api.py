"""An auditor's ways into a closed month: readings as a file, ten uses by lot, and a workbook that computes it again."""

import csv
import io
from collections.abc import Callable
from hashlib import sha256

import pytest
import typer
from openpyxl import load_workbook
from typer.testing import CliRunner

from billing.explain.cli import audit
from coop import database
from coop.identity import Role
from tests.billing import ground
from tests.billing.test_api import cooperative
from tests.callers import Caller, Callers


@pytest.fixture
def office(api: Callers) -> Caller:
    """Who closed October: a day with sixteen uses of a quarter of an hour, and those of `cooperative`."""
    cooperative(api)
    with database.transaction(api.pool) as conn:
        for hour in range(16):
            ground.usage(conn, "ct-1", f"10-{hour + 5:02} 09:00 09:{20 + hour}", ("m01", "m02")[hour % 2])
        ground.readings(conn, "cmm-1", [("10-03 09:00", 412.5), ("10-03 09:30", 400), ("10-03 10:00", 5)])
    office = api.person(Role.OFFICE, locale="en")
    assert office.post("/api/v1/periods/2026-10/close").json()["status"] == "closed"
    return office


def test_ten_uses_are_drawn_by_a_lot_that_anybody_can_draw_again(api: Callers, office: Caller) -> None:
    first = office.get("/api/v1/periods/2026-10/audit?seed=auditor-7").json()
    assert first == office.get("/api/v1/periods/2026-10/audit?seed=auditor-7").json()
    assert (first["uses"], len(first["drawn"])) == (18, 10)
    hashed = office.get("/api/v1/periods/2026-10").json()["evidence_hash"]
    assert first["evidence_hash"] == hashed
    lots = sorted(
        sha256(f"{hashed}:auditor-7:{each['member_id']}:{line['n']}".encode()).hexdigest()
        for each in office.get("/api/v1/statements?month=2026-10").json()
        for line in office.get(f"/api/v1/statements/{each['id']}").json()["lines"]
        if line["kind"] == "fee"
    )
    assert [each["lot"] for each in first["drawn"]] == lots[:10]
    assert all(each["explained"]["usages"][0]["states"] for each in first["drawn"])
    other = office.get("/api/v1/periods/2026-10/audit?seed=auditor-8").json()
    assert {each["lot"] for each in other["drawn"]}.isdisjoint(each["lot"] for each in first["drawn"])
    assert office.get("/api/v1/periods/2026-10/audit").json()["seed"] not in {"", None}


def test_only_a_closed_month_can_be_drawn_from(api: Callers) -> None:
    cooperative(api)
    office = api.person(Role.OFFICE)
    assert office.get("/api/v1/periods/2026-09/audit?seed=1").json()["code"] == "billing.period_unknown"
    office.post("/api/v1/periods/2026-10/draft")
    assert office.get("/api/v1/periods/2026-10/audit?seed=1").json()["code"] == "billing.period_not_closed"
    assert api.person(Role.ENGINEER, "m01").get("/api/v1/periods/2026-10/audit?seed=1").status_code == 403
    assert office.get("/api/v1/periods/2026-10/audit?seed=%00").status_code == 422


def test_readings_of_a_line_come_as_a_table_and_only_to_its_member(api: Callers, office: Caller) -> None:
    (own, other) = (each["id"] for each in office.get("/api/v1/statements?month=2026-10").json())
    engineer = api.person(Role.ENGINEER, "m01", locale="en")
    answer = engineer.get(f"/api/v1/statements/{own}/lines/1/readings.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    header, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert header == ["Machine", "Usage", "Channel", "Time", "Value"]
    assert [row[2:] for row in rows] == [
        ["power", "2026-10-03T09:00:00.000+09:00", "412.5"],
        ["power", "2026-10-03T09:30:00.000+09:00", "400"],
    ]
    assert engineer.get(f"/api/v1/statements/{other}/lines/1/readings.csv").status_code == 404


def test_the_closing_workbook_names_its_inputs_and_computes_the_rest(api: Callers, office: Caller) -> None:
    answer = office.get("/api/v1/periods/2026-10/workbook")
    assert answer.headers["content-disposition"] == 'attachment; filename="workbook-2026-10.xlsx"'
    book = load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == ["Lines", "Usages", "Seconds by price", "Costs", "Pools", "Shares", "Statements and tax"]
    computed = [row[6] for row in book["Lines"].iter_rows(min_row=2, values_only=True)]
    assert len(computed) == 20
    assert all(str(each).startswith("=") for each in computed)
    assert api.person(Role.ENGINEER, "m01").get("/api/v1/periods/2026-10/workbook").status_code == 403


def test_another_spreadsheet_comes_to_the_same_yen(office: Caller, recalculated: Callable[[bytes], bytes]) -> None:
    answer = office.get("/api/v1/periods/2026-10/workbook")
    book = load_workbook(io.BytesIO(recalculated(answer.content)), data_only=True)
    statements = office.get("/api/v1/statements?month=2026-10").json()
    for each, row in zip(statements, book["Statements and tax"].iter_rows(min_row=2, values_only=True), strict=False):
        assert row[:5] == (each["member_id"], 10, each["net_yen"], each["tax_yen"], each["total_yen"])
    assert list(book["Statements and tax"].iter_rows(values_only=True))[-1][-1] == 0
    billed = [
        (each["member_id"], line["n"], line["amount_yen"])
        for each in statements
        for line in office.get(f"/api/v1/statements/{each['id']}").json()["lines"]
    ]
    rows = book["Lines"].iter_rows(min_row=2, values_only=True)
    assert [(row[0], row[1], row[6]) for row in rows] == billed
    shares = [row[-1] for row in book["Shares"].iter_rows(min_row=2, values_only=True)]
    assert sum(shares) == 100
    usages = list(book["Usages"].iter_rows(min_row=2, values_only=True))
    assert sum(row[6] for row in usages) == office.get("/api/v1/periods/2026-10").json()["metered"]["metered_seconds"]


def test_the_same_ten_on_the_command_line(api: Callers, office: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOYAI_DATABASE_URL", api.client.app.state.settings.database_url)  # type: ignore[attr-defined]  # a FastAPI
    monkeypatch.setenv("COLUMNS", "240")
    app = typer.Typer()
    app.command()(audit)
    said = CliRunner().invoke(app, ["2026-10", "--seed", "auditor-7", "--lang", "en"])
    assert said.exit_code == 0, said.output
    drawn = office.get("/api/v1/periods/2026-10/audit?seed=auditor-7").json()
    assert all(each["lot"][:8] in said.output for each in drawn["drawn"])
    assert drawn["evidence_hash"] in said.output
