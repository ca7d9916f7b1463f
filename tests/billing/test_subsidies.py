"""What is told of a subsidised asset: a year by hand, what it cost and earned when months are closed, and to whom."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from io import BytesIO
from uuid import UUID

import pytest
from openpyxl import load_workbook

from billing.costs.entries import add_asset
from billing.costs.model import Asset, Method
from billing.documents.model import Issuer
from billing.periods.settle import close
from billing.subsidies.edit import GrantedTooMuch, put_subsidy
from billing.subsidies.files import pdf
from billing.subsidies.model import Report, Subsidy
from billing.subsidies.report import Evidence, report, year_of
from billing.subsidies.table import figures
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Role, Viewer
from coop.machines import OpeningHours, change_opening_hours
from tests.billing import ground
from tests.billing.ground import NOVEMBER, OFFICE, TOKYO, name, span
from tests.billing.papers import words
from tests.callers import Callers

WARD = Viewer(None, None, frozenset({Role.WARD}))
LATER = datetime(2028, 4, 10, tzinfo=UTC)
ASSET = Asset(
    name("asset"), "cmm-1", "三次元測定機 一式", "CMM", date(2026, 4, 1), 9_000_000, Method.STRAIGHT_LINE, 10,
    8_000_000, machine_id="cmm-1",
)  # fmt: skip
GRANT = Subsidy(ASSET.id, "5墨産第123号", "墨田区", 6_000_000, date(2033, 3, 31))


def test_a_year_by_hand() -> None:
    """Two open days of eight hours; four hours of m01, and two of m02 of which one is after closing time."""
    known = Evidence(
        uses=[
            (span("04-01 10:00 14:00"), "m01"),
            (span("04-02 16:00 18:00"), "m02"),
            (span("03-31 10:00 11:00"), "m03"),
        ],
        opened=[span("04-01 09:00 17:00"), span("04-02 09:00 17:00")],
        costs_yen={"2026-04": {"maintenance": 30_000, "calibration": 10_000, "depreciation": 60_000, "lease": 20_000}},
        income_yen={"2026-04": 90_000, "2026-03": 5_000},
    )
    year = year_of(known, 2026, 4, TOKYO, LATER)
    assert (year.users, year.uses, year.used_seconds, year.open_seconds) == (2, 2, 5 * 3600, 16 * 3600)
    assert year.used_of_open_percent == Decimal("31.3")
    assert (year.maintenance_yen, year.depreciation_yen, year.cost_yen) == (40_000, 60_000, 120_000)
    assert (year.income_yen, year.cost_per_use_yen, year.income_of_cost_percent) == (90_000, 60_000, Decimal("75.0"))
    assert (len(year.months), year.closed_months, year.over) == (12, 1, True)
    assert year_of(known, 2025, 4, TOKYO, LATER).uses == 1


def machine(conn: Connection, *members: str) -> None:
    """The cooperative, and its machine as `used` says."""
    ground.found(conn)
    used(conn, *members)


def used(conn: Connection, *members: str) -> None:
    """The asset with its grant, open on weekdays from nine to five; each member uses it for an hour in October."""
    hours = [OpeningHours("cmm-1", day, time(9), time(17)) for day in range(1, 6)]
    change_opening_hours(conn, "cmm-1", hours, date(2026, 4, 1))
    add_asset(conn, OFFICE, "2026-10", ASSET, NOVEMBER)
    put_subsidy(conn, OFFICE, GRANT, NOVEMBER)
    for n, member in enumerate(members, 5):
        ground.usage(conn, "cmm-1", f"10-{n:02} 09:00 10:00", member)
    ground.usage(conn, "cmm-1", "10-12 09:00 10:00", None, kind="waived")
    ground.cost(conn, "cmm-1", 7_000, kind="maintenance")
    ground.cost(conn, "rent", 5_000)
    close(conn, OFFICE, "2026-10", NOVEMBER)


def test_a_year_of_closed_months(conn: Connection) -> None:
    """1,000,000 left after the subsidy, over ten years: 100,000 a year, 8,333 of it in October; the rent is not its."""
    machine(conn, "m01", "m02", "m03")
    found = report(conn, OFFICE, ASSET.id, LATER)
    assert [year.fiscal_year for year in found.years] == [2025, 2026, 2027, 2028]
    year = found.years[1]
    assert (year.users, year.uses, year.used_seconds, year.income_yen) == (3, 3, 3 * 3600, 9_000)
    assert year.open_seconds == 261 * 8 * 3600  # weekdays
    assert dict(year.costs_yen) == {"depreciation": 8_333, "maintenance": 7_000}
    assert (found.own_yen, GRANT.share_percent(ASSET.cost_yen)) == (3_000_000, Decimal("66.7"))
    assert sum(month.income_yen for month in year.months) == year.income_yen
    assert found.years[2].of_year_before_percent == Decimal("0.0")


def told(found: Report, year: int) -> dict[str, str]:
    """What the reader of a report sees of a year."""
    return {each.key: each.texts()[[of.fiscal_year for of in found.years].index(year)] for each in figures(found.years)}


def test_the_ward_is_told_what_three_members_stand_behind(conn: Connection) -> None:
    machine(conn, "m01", "m02", "m03")
    found = report(conn, WARD, ASSET.id, LATER)
    assert all(year.months == () for year in found.years)
    year = told(found, 2026)
    assert (year["users"], year["income_yen"], year["cost_per_use_yen"]) == ("3", "¥9,000", "¥5,111")
    under_way = told(report(conn, WARD, ASSET.id, NOVEMBER), 2026)
    assert (under_way["uses"], under_way["used_of_open_percent"], under_way["cost_yen"]) == ("＊", "＊", "¥15,333")


@pytest.mark.parametrize(("members", "elsewhere"), [(["m01", "m02"], []), (["m01", "m02", "m03"], ["m01"])])
def test_the_ward_is_not_told_what_names_somebody(conn: Connection, members: list[str], elsewhere: list[str]) -> None:
    """Neither of two members, nor of three when the hours of all machines less theirs were those of one."""
    machine(conn, *members)
    for member in elsewhere:
        ground.usage(conn, "ct-1", "09-05 09:00 10:00", member)
    found = report(conn, WARD, ASSET.id, LATER)
    year = told(found, 2026)
    for key in ("users", "uses", "used_seconds", "used_of_open_percent", "income_yen", "cost_per_use_yen"):
        assert year[key] == "＊", key
    assert year["cost_yen"] == "¥15,333"
    assert told(found, 2027)["of_year_before_percent"] == "＊"
    assert told(report(conn, OFFICE, ASSET.id, LATER), 2026)["uses"] == str(len(members))


def test_grants_are_within_what_it_cost(conn: Connection) -> None:
    machine(conn)
    more = Subsidy(ASSET.id, "都-7", "東京都", 3_000_001, date(2033, 3, 31))
    with pytest.raises(GrantedTooMuch):
        put_subsidy(conn, OFFICE, more, NOVEMBER)
    put_subsidy(conn, OFFICE, replace(GRANT, granted_yen=1_000_000), NOVEMBER)
    put_subsidy(conn, OFFICE, more, NOVEMBER)
    assert [each.funder for each in report(conn, OFFICE, ASSET.id, NOVEMBER).subsidies] == ["東京都", "墨田区"]
    with pytest.raises(NotFound):
        report(conn, OFFICE, UUID(int=1), NOVEMBER)


def test_it_is_printed(conn: Connection) -> None:
    machine(conn, "m01", "m02", "m03")
    found = report(conn, OFFICE, ASSET.id, NOVEMBER)
    printed = words(pdf(found, Issuer("墨田機械工業協同組合"), "ja", NOVEMBER.date(), NOVEMBER))
    for said in ("5墨産第123号", "墨田区", "66.7%", "2033年3月31日", "2026年度（途中）", "¥15,333", "¥9,000", "58.7%"):
        assert said in printed, said


def test_over_http(api: Callers) -> None:
    office, ward = api.person(Role.OFFICE), api.person(Role.WARD)
    with api.pool.connection() as conn:
        ground.machines.add_machine(conn, ground.machines.Machine("cmm-1", "cmm", "三次元測定機", "CMM"))
        ground.machines.add_machine(conn, ground.machines.Machine("ct-1", "ct", "X線CT", "X-ray CT"))
        ground.rules(conn)
    wanted = {
        "pool_id": "cmm-1", "name_ja": "測定機", "name_en": "CMM", "acquired_on": "2026-04-01", "cost_yen": 9_000_000,
        "method": "straight_line", "useful_life_years": 10, "month": "2026-04", "machine_id": "cmm-1",
    }  # fmt: skip
    asset = office.post("/api/v1/assets", json=wanted).json()["id"]
    path = f"/api/v1/assets/{asset}"
    assert ward.get(f"{path}/report").status_code == 404
    grant = {"grant_number": "1", "funder": "墨田区", "granted_yen": 6_000_000, "restricted_until": "2033-03-31"}
    assert ward.put(f"{path}/subsidy", json=grant).status_code == 403
    assert office.put(f"{path}/subsidy", json=grant).status_code == 200
    assert [each["asset_id"] for each in ward.get("/api/v1/subsidised-assets").json()] == [asset]
    said = ward.get(f"{path}/report").json()
    assert (said["subsidies"][0]["share_percent"], said["own_yen"], len(said["years"])) == ("66.7", 3_000_000, 4)
    assert said["years"][-1]["uses"] is None
    assert office.get(f"{path}/report").json()["years"][-1]["uses"] == 0
    book = load_workbook(BytesIO(office.get(f"{path}/report.xlsx").content))
    assert book.sheetnames == ["補助対象設備の利用・収支報告", "月別の内訳"]
    assert load_workbook(BytesIO(ward.get(f"{path}/report.xlsx").content)).sheetnames == book.sheetnames[:1]
    assert ward.get(f"{path}/report.pdf").content.startswith(b"%PDF")
