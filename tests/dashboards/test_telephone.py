"""A telephone booking: understood while it is typed, booked in the caller's name, and never lost to a conflict."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from coop import database
from coop.accounts.cookies import SESSION_COOKIE
from tests.callers import callers
from tests.dashboards.conftest import House, furnish
from tests.parts.databases import Database, Template
from tests.servers import serving

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture(scope="module")
def own(timescale_template: Template) -> Iterator[Database]:
    with timescale_template.clone() as database:
        yield database


@pytest.fixture(scope="module")
def house(own: Database) -> Iterator[House]:
    with callers(own.app_url) as api:
        furnished = furnish(api)
        cells = {"cells": {"telephone": "03-1234-5678", "kana": "ヤマザキセイキ"}}
        entered = furnished.office.caller.put("/api/v1/registers/members/m02", json=cells, headers={"If-Match": "*"})
        assert entered.status_code == 200, entered.text
        yield furnished


def ask(house: House, **said: str) -> str:
    return house.office.post("/office/telephone", **said).text


def trail(house: House, made: str) -> tuple[UUID, UUID]:
    with database.transaction(house.api.pool) as conn:
        row = conn.execute(
            "SELECT actor_id, on_behalf_of FROM coop.audit WHERE subject = %s", [f"reservation:{made}"]
        ).fetchone()
        assert row is not None
        return row[0], row[1]


def test_only_the_office_takes_calls(house: House) -> None:
    for other in (house.ours, house.ward):
        assert other.get("/office/telephone").status_code == 403
        assert other.post("/office/telephone", caller="m02").status_code == 403


@pytest.mark.parametrize("said", ["やまざき", "ﾔﾏｻﾞｷ", "山﨑", "0312345678", "1234-56"])
def test_a_caller_is_found_by_name_reading_or_number(house: House, said: str) -> None:
    text = ask(house, caller=said)
    assert "山﨑精機" in text
    assert "㈱髙橋製作所</" not in text


def test_what_is_said_is_understood_and_priced_or_asked_again(house: House) -> None:
    text = ask(house, caller="やまざき", machine="硬さ", day="明日", start="2時", length="1時間半")
    tomorrow = datetime.now(TOKYO) + timedelta(days=1)
    assert f"{tomorrow.month}月{tomorrow.day}日" in text
    assert "14:00〜15:30" in text
    assert "空いています" in text
    unclear = ask(house, machine="冷蔵庫", day="いつか", start="朝", length="長め")
    assert unclear.count('class="unclear"') == 4
    assert 'value="いつか"' in unclear
    assert "空いている時間" in ask(house, pick="m02/", machine="cmm-1")  # nothing more said: what is free from now on


def test_a_booking_is_the_callers_and_the_audit_names_both(house: House) -> None:
    person = house.theirs.caller.person_id
    said = {"caller": "m02", "pick": f"m02/{person}", "machine": "hv-1", "day": "3日後", "start": "10", "length": "1"}
    booked = house.office.post("/office/telephone", **said, does="book")
    assert booked.status_code == 303, booked.text
    made = booked.headers["location"].partition("=")[2]
    assert trail(house, made) == (house.office.caller.person_id, person)
    page = house.office.get(booked.headers["location"]).text
    assert "復唱いたします。山﨑精機の" in page
    assert f"{made[:4]}-{made[4:8]}".upper() in page
    theirs = house.theirs.caller.get(f"/api/v1/reservations/{made}").json()
    assert (theirs["person_id"], theirs["mine"]) == (str(person), True)


def test_a_conflict_keeps_everything_and_offers_numbered_slots(house: House) -> None:
    said = {"caller": "m02", "pick": "m02/", "machine": "ct-1", "day": "4日後", "start": "10", "length": "2時間"}
    assert house.office.post("/office/telephone", **said, does="book").status_code == 303
    again = house.office.post("/office/telephone", **said, purpose="急ぎ <部品>", does="book")
    assert again.status_code == 409
    for kept in ('value="4日後"', 'value="10"', 'value="2時間"', "急ぎ &lt;部品&gt;", "<kbd>1</kbd>"):
        assert kept in again.text
    offered = re.findall(r'name="take" value="([^"]+)"', again.text)
    assert len(offered) >= 3
    taken = house.office.post("/office/telephone", **said | {"take": offered[0]}, does="book")
    assert taken.status_code == 303


def test_who_is_not_understood_is_not_booked(house: House) -> None:
    missing = house.office.post(
        "/office/telephone", caller="", machine="ct-1", day="明日", start="10", length="1", does="book"
    )
    assert missing.status_code == 422
    assert 'value="明日"' in missing.text
    nobody = house.office.post(
        "/office/telephone", caller="知らない会社", machine="ct-1", day="明日", start="10", length="1", does="book"
    )
    assert nobody.status_code == 422
    assert "見つかりません" in nobody.text


@pytest.fixture
def desk(browser: Browser, own: Database, house: House) -> Iterator[Page]:
    with serving(own.app_url, 1) as (url,), browser.new_context(base_url=url, locale="ja-JP") as context:
        assert house.office.session is not None
        cookies = [(SESSION_COOKIE, house.office.session), ("lang", "ja")]
        context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies])
        page = context.new_page()
        page.set_viewport_size({"width": 1280, "height": 900})
        yield page


@pytest.mark.browser
def test_a_call_from_hello_to_the_next_one_without_a_mouse(desk: Page, house: House) -> None:
    day = (datetime.now(UTC) + timedelta(days=6)).astimezone(TOKYO)
    slot = {"day": f"{day:%Y-%m-%d}", "start": "10:00", "end": "11:00", "member_id": "m01"}
    assert house.office.post("/machines/cmm-1/reserve", **slot).status_code == 303
    desk.goto("/office/telephone")
    expect(desk.locator("#caller")).to_be_focused()
    desk.keyboard.type("やまざき")
    expect(desk.locator("[data-choice]").first).to_contain_text("山﨑精機")
    desk.keyboard.press("Enter")
    expect(desk.locator("#machine")).to_be_focused()
    desk.keyboard.type("cmm-1")
    for words in (f"{day.month}/{day.day}", "10時", "1時間"):
        desk.keyboard.press("Tab")
        desk.keyboard.type(words)
    expect(desk.locator("#answer")).to_contain_text("空いていません")
    desk.keyboard.press("Enter")
    expect(desk.locator("#refused")).to_be_visible()
    desk.keyboard.press("2")
    expect(desk.locator("#answer")).to_contain_text("空いています")
    desk.keyboard.press("Enter")
    expect(desk.locator("#next")).to_be_focused()
    expect(desk.locator(".aloud")).to_contain_text("予約番号は")
    desk.keyboard.press("Enter")
    expect(desk.locator("#caller")).to_be_focused()
    expect(desk.locator("#caller")).to_have_value("")
