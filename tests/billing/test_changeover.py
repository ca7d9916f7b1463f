"""The change-over from a spreadsheet: opening balances, past settlements, and a month beside ours."""

import io
from typing import Any

from openpyxl import Workbook, load_workbook

from coop import database
from coop.identity import Role
from tests.billing import ground
from tests.billing.ground import NOVEMBER
from tests.callers import Caller, Callers

OPENING = """組合員,日付,金額（円）,科目,支払期日,参照
m01,2026-09-30,"3,300",売掛金,2026-10-31,9月分
m01,2026-09-30,500,未収賦課金,,
m02,2026-09-30,1200,未払金,,
"""


def send(caller: Caller, table: str, content: bytes, dry_run: bool = False, **more: Any) -> Any:
    path = f"/api/v1/changeover/{table}?dry_run={str(dry_run).lower()}"
    return caller.post(path, files={"file": ("x.csv", content)}, **more)


def counted(answer: Any) -> tuple[int, int, int]:
    assert answer.status_code == 200, answer.text
    told = answer.json()
    return told["added"], told["changed"], told["unchanged"]


def test_opening_balances_come_in_once_and_balance(api: Callers) -> None:
    office = api.person(Role.OFFICE)
    for member in ("m01", "m02"):
        api.member(member)
    content = OPENING.replace("組合員", header(office)).encode("cp932")
    assert counted(send(office, "opening-balances", content, dry_run=True)) == (3, 0, 0)
    assert office.get("/api/v1/receivables").json() == []
    assert counted(send(office, "opening-balances", content)) == (3, 0, 0)
    assert counted(send(office, "opening-balances", content)) == (0, 0, 3)
    listed = office.get("/api/v1/receivables").json()
    assert [(each["account"], each["due_on"], each["open_yen"]) for each in listed] == [
        ("levy_receivable", "2026-09-30", 500),
        ("receivable", "2026-10-31", 3_300),
    ]
    assert office.get("/api/v1/members/m02/account").json()["owed_to_member_yen"] == 1_200
    assert office.get("/api/v1/trial-balance?from=2026-09-01&to=2026-09-30").json()["balance_yen"] == 0
    other = send(office, "opening-balances", content.replace(b'"3,300"', b"3400"))
    assert [each["code"] for each in other.json()["findings"]] == ["billing.opening_differs"]


def header(office: Caller) -> str:
    """What the template calls the member's column."""
    template = office.get("/api/v1/changeover/opening-balances/template.csv", headers={"Accept-Language": "ja"})
    return template.content.decode("utf-8-sig").split(",")[0]


def test_every_error_is_named_by_row_and_column_and_nothing_is_entered(api: Callers) -> None:
    office = api.person(Role.OFFICE, locale="en")
    api.member("m01")
    content = b"member_id,on_day,amount_yen,account\nm01,yesterday,100,\nm01,2026-09-30,0,cash\n"
    content += b"m09,2026-09-30,5,\nm01,2026-09-30,7,\n"
    dry = send(office, "opening-balances", content, dry_run=True).json()
    assert dry["added"] == 1
    refused = send(office, "opening-balances", content).json()
    assert refused["code"] == "booking.import_refused"
    for findings in (dry["findings"], refused["findings"]):
        assert [(each["row"], each["code"]) for each in findings] == [
            (2, "coop.cell_not_date"),
            (3, "coop.cell_not_number"),
            (3, "coop.cell_unknown"),
            (4, "booking.member_unknown"),
        ]
        assert [each["column"] for each in findings] == ["Date", "Amount (yen)", "Account", findings[3]["column"]]
        assert findings[3]["column"]
    assert office.get("/api/v1/receivables").json() == []


def test_a_month_is_laid_beside_the_spreadsheets(api: Callers) -> None:
    office = api.person(Role.OFFICE)
    for member in ("m01", "m02", "m03"):
        api.member(member)
    with database.transaction(api.pool) as conn:
        ground.machines.add_machine(conn, ground.machines.Machine("cmm-1", "cmm", "三次元測定機 CMM-1", "CMM 1"))
        ground.machines.add_machine(conn, ground.machines.Machine("ct-1", "ct", "X線CT", "X-ray CT"))
        ground.rules(conn, NOVEMBER)
        ground.usage(conn, "cmm-1", "10-03 09:00 10:00", "m01")
        ground.usage(conn, "cmm-1", "10-04 09:00 11:00", "m02")
    book = Workbook()
    assert book.active is not None
    for row in (
        ["month", "member_id", "total_yen"],
        ["2026-10", "m01", 3_300],
        ["2026年9月", "m01", 9],
        ["2026/10", "m03", 1],
    ):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    assert counted(send(office, "past-settlements", file.getvalue())) == (3, 0, 0)
    assert counted(send(office, "past-settlements", file.getvalue())) == (0, 0, 3)
    office.post("/api/v1/periods/2026-10/draft")
    told = office.get("/api/v1/periods/2026-10/beside").json()
    assert [tuple(each.values()) for each in told["members"]] == [
        ("m01", 3_300, 3_300, 0), ("m02", None, 6_600, 6_600), ("m03", 1, None, -1),
    ]  # fmt: skip
    assert (told["difference_yen"], told["different"]) == (6_599, 2)
    corrected = b"month,member_id,total_yen\n2026-10,m03,0\n"
    assert counted(send(office, "past-settlements", corrected)) == (0, 1, 0)


def test_the_template_has_the_columns_that_are_read(api: Callers) -> None:
    office = api.person(Role.OFFICE)
    for table in ("opening-balances", "past-settlements"):
        content = office.get(f"/api/v1/changeover/{table}/template.xlsx").content
        names = [cell.value for cell in load_workbook(io.BytesIO(content)).worksheets[0][1]]
        line = io.StringIO()
        line.write(",".join(str(name) for name in names) + "\r\n")
        assert counted(send(office, table, line.getvalue().encode())) == (0, 0, 0)
