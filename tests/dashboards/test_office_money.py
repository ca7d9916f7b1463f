"""Prices and costs on the office's pages: entered in versions as the API does, kept when refused, tried beforehand."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.dashboards.conftest import House

TOKYO = ZoneInfo("Asia/Tokyo")


def day(number: int) -> str:
    return f"{datetime.now(UTC).astimezone(TOKYO).date() + timedelta(days=number):%Y-%m-%d}"


def month(number: int = 0) -> str:
    first = datetime.now(UTC).astimezone(TOKYO).date().replace(day=1)
    return f"{first + timedelta(days=31 * number):%Y-%m}"


@pytest.mark.parametrize("path", ["/office/tariffs", "/office/tariffs/cmm-1", "/office/costs", "/office/costs.csv"])
def test_prices_and_costs_are_entered_by_the_office(house: House, path: str) -> None:
    assert house.office.get(path).status_code == 200
    for other in (house.ours, house.ward):
        assert other.get(path).status_code == 403


def test_a_price_begins_on_a_day_and_ends_the_one_before(house: House) -> None:
    office, path = house.office, "/office/tariffs/cmm-1"
    first = {"valid_from": day(-40), "yen_per_hour": "3000", "basis": "occupied", "increment_seconds": "900"}
    assert office.post(path, **first).status_code == 303
    assert office.post(path, **first | {"valid_from": day(10), "yen_per_hour": "3300"}).status_code == 303
    versions = office.caller.get("/api/v1/tariffs?machine_id=cmm-1").json()
    assert [(each["yen_per_hour"], each["valid_until"]) for each in versions] == [(3000, day(10)), (3300, None)]
    page = office.get(path).text
    assert "1時間¥3,000（実際にいた時間、15分単位で切り上げ）。" in page
    listed = office.get("/office/tariffs?q=cmm-1").text
    assert "¥3,000" in listed
    refused = office.post(path, **first | {"valid_from": day(20), "yen_per_hour": "4000", "cap_yen_per_hour": "3500"})
    assert refused.status_code == 422
    assert 'value="4000"' in refused.text
    assert "3,500" in refused.text
    assert office.post(path, **first | {"yen_per_hour": "viel"}).status_code == 422


def test_windows_of_a_price_go_on_unless_they_are_dropped(house: House) -> None:
    office = house.office
    window = {"iso_weekdays": [6, 7], "starts": "00:00:00", "ends": "12:00:00", "yen_per_hour": 1800, "name": "週末"}
    wanted = {"machine_id": "ct-1", "valid_from": day(-5), "basis": "booked", "yen_per_hour": 2000, "windows": [window]}
    assert office.caller.post("/api/v1/tariffs", json=wanted).status_code == 201
    form = {"basis": "booked", "increment_seconds": "900", "yen_per_hour": "2100"}
    assert office.post("/office/tariffs/ct-1", **form, valid_from=day(5), windows="keep").status_code == 303
    assert office.post("/office/tariffs/ct-1", **form, valid_from=day(6), windows="drop").status_code == 303
    versions = office.caller.get("/api/v1/tariffs?machine_id=ct-1").json()
    assert [len(each["windows"]) for each in versions] == [1, 1, 0]


def test_a_price_is_tried_on_the_last_month_without_being_entered(house: House) -> None:
    form = {"valid_from": day(-70), "yen_per_hour": "1000", "basis": "occupied", "increment_seconds": "900"}
    assert house.office.post("/office/tariffs/hv-1", **form).status_code == 303
    tried = house.office.post(
        "/office/tariffs/hv-1", **form | {"valid_from": day(3), "yen_per_hour": "9999", "does": "try"}
    )
    assert tried.status_code == 200, tried.text
    assert "¥0 → ¥0（±¥0）" in tried.text  # nobody used it
    assert 'value="9999"' in tried.text
    assert len(house.office.caller.get("/api/v1/tariffs?machine_id=hv-1").json()) == 1


def test_pieces_have_prices(house: House) -> None:
    piece = {"about": "piece", "id": "stylus", "name_ja": "スタイラス", "name_en": "Stylus", "yen_each": "1200"}
    assert house.office.post("/office/tariffs", **piece, valid_from=day(-1)).status_code == 303
    dearer = {"about": "price", "consumable_id": "stylus", "yen_each": "1300", "valid_from": day(9)}
    assert house.office.post("/office/tariffs", **dearer).status_code == 303
    again = house.office.post("/office/tariffs", **piece, valid_from=day(-1))
    assert again.status_code == 409
    assert 'value="スタイラス"' in again.text


def test_costs_from_the_first_pool_to_what_they_turned_out_to_be(house: House) -> None:
    office = house.office
    shown = {"shown": month()}
    assert "費用のまとまりがまだありません" in office.get("/office/costs").text
    pool = {
        "about": "pool",
        "id": "room",
        "name_ja": "測定室",
        "name_en": "Room",
        "kind": "mixed",
        "allocation": "equal",
    }
    assert office.post("/office/costs", **pool, **shown).status_code == 303
    cost = {"about": "cost", "month": month(), "pool_id": "room", "kind": "maintenance", "amount_yen": "50000"}
    assert office.post("/office/costs", **cost, estimated="true", note="年間保守の月割", **shown).status_code == 303
    lasting = {"about": "recurring", "month": month(), "pool_id": "room", "kind": "rent", "yen_per_month": "80000"}
    assert office.post("/office/costs", **lasting, **shown).status_code == 303
    asset = {"about": "asset", "name_ja": "空調", "name_en": "Air", "pool_id": "room", "acquired_on": f"{month()}-01"}
    asset |= {"cost_yen": "1200000", "method": "straight_line", "useful_life_years": "10", "month": month()}
    assert office.post("/office/costs", **asset, **shown).status_code == 303
    page = office.get("/office/costs").text
    assert "年間保守の月割" in page
    assert "見込み" in page
    assert re.search(r'data-total="amount_yen"[^>]*>¥140,000<', page)  # 50,000 + 80,000 + 1,200,000 / 10 / 12
    identifier = office.caller.get(f"/api/v1/costs?month={month()}").json()
    maintenance = next(each["id"] for each in identifier if each["kind"] == "maintenance")
    actual = {"about": "actual", "month": month(), "cost_id": maintenance, "amount_yen": "48000"}
    assert office.post("/office/costs", **actual, **shown).status_code == 303
    assert "¥50,000 → <strong>¥48,000" in office.get("/office/costs").text
    rule = {"about": "rule", "pool_id": "room", "month": month(1), "allocation": "by_use", "legal_form": "usage_fee"}
    assert office.post("/office/costs", **rule, **shown).status_code == 303
    weight = {"about": "weight", "member_id": "m01", "measure": "commitment", "value": "12.5", "month": month()}
    assert office.post("/office/costs", **weight, **shown).status_code == 303
    hosting = {
        "about": "hosting",
        "machine_id": "ct-1",
        "member_id": "m01",
        "commission_percent": "15",
        "month": month(),
    }
    assert office.post("/office/costs", **hosting, **shown).status_code == 303
    assert office.post("/office/costs", **hosting | {"member_id": ""}, **shown).status_code == 303
    recurring = office.caller.get("/api/v1/recurring-costs").json()[0]["id"]
    ended = {"about": "end_recurring", "id": recurring, "month": month(1)}
    assert office.post("/office/costs", **ended, **shown).status_code == 303
    assert office.caller.get("/api/v1/recurring-costs").json()[0]["until_month"] == month(1)
    refused = office.post("/office/costs", **cost | {"amount_yen": "lots", "note": "残すもの"}, **shown)
    assert refused.status_code == 422
    assert 'value="残すもの"' in refused.text
    assert "測定室,保守,,確定,50000,48000,48000,年間保守の月割" in office.get("/office/costs.csv").text


def test_english_is_complete_on_the_money_pages(house: House) -> None:
    for path in ("/office/tariffs", "/office/tariffs/ct-1", "/office/costs", "/office/telephone"):
        text = house.office.get(path, lang="en").text
        visible = re.sub(r"<tbody.*?</tbody>|<ul.*?</ul>|<select.*?</select>|<[^>]+>", " ", text, flags=re.DOTALL)
        assert not re.search(r"\b(cost|tariff|piece|telephone|entry|table)\.[a-z_]+\b", visible), path
        assert not re.search(r"[\u3040-\u30ff]", visible.replace("日本語", "")), path
