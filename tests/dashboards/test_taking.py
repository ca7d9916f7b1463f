"""One tap on Today and one offer for a few words: taken once however often one taps, with what it costs, and undone."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from booking.outages import OutageKind, close
from coop import database
from coop.identity import SYSTEM
from coop.interval import Interval
from tests.dashboards.conftest import House


def reservations(house: House) -> int:
    with database.transaction(house.api.pool) as conn:
        row = conn.execute("SELECT count(*) FROM booking.reservation WHERE status <> 'cancelled'").fetchone()
    assert row is not None
    return int(row[0])


def test_ours_stands_first_and_what_is_free_has_one_button(house: House) -> None:
    seen = house.ours.get("/").text
    assert re.findall(r'id="card-([a-z0-9-]+)"', seen) == ["ct-1", "hv-1", "cmm-1"]
    assert 'href="/m/ct-1"' in seen
    assert re.search(r'action="/today/take".*?value="hv-1">使う<', seen, re.S)
    assert re.search(r'value="cmm-1">.*?name="slot"', seen, re.S)  # the next free slot, one tap
    assert "/today/take" not in house.office.get("/").text  # the office takes nothing for itself


def test_only_the_machines_that_one_wants_to_see(house: House) -> None:
    assert "card-hv-1" in house.ours.get("/?show=free").text
    assert "card-cmm-1" not in house.ours.get("/today/cards?show=free").text
    assert "card-" not in house.ours.get("/?kind=hardness").text
    assert 'hx-get="/today/cards?kind=cmm' in house.ours.get("/?kind=cmm").text


def test_the_next_slot_is_one_tap_and_can_be_undone(house: House) -> None:
    seen = house.ours.get("/").text
    slot = re.search(r'value="cmm-1">.*?name="slot" value="([^"]+)"', seen, re.S)
    assert slot is not None
    before = reservations(house)
    first = house.ours.post("/today/reserve", machine_id="cmm-1", slot=slot[1])
    again = house.ours.post("/today/reserve", machine_id="cmm-1", slot=slot[1])
    assert first.status_code == again.status_code == 303
    assert first.headers["location"] == again.headers["location"]
    assert reservations(house) == before + 1
    page = house.ours.get(first.headers["location"]).text
    assert "予約しました: 門型三次元測定機" in page
    undo = re.search(r'action="(/reservations/[^"]+/cancel)"', page)
    assert undo is not None
    refused = house.theirs.post("/today/reserve", machine_id="cmm-1", slot=slot[1])
    assert refused.status_code == 409
    assert "髙橋" not in refused.text
    assert "代わりに空いている時間" in refused.text
    assert "予約しました" not in house.theirs.get(first.headers["location"]).text
    assert house.ours.post(undo[1]).status_code == 303
    assert reservations(house) == before


def test_what_is_free_now_is_taken_once(house: House) -> None:
    before = reservations(house)
    for _ in range(2):
        done = house.theirs.post("/today/take", machine_id="hv-1")
        assert (done.status_code, done.headers["location"]) == (303, "/m/hv-1")
    assert reservations(house) == before + 1
    refused = house.ours.post("/today/take", machine_id="hv-1")
    assert refused.status_code == 409
    assert "いま使えません" in refused.text
    assert house.ward.post("/today/take", machine_id="hv-1").status_code == 403


def test_a_few_words_give_one_offer_with_its_price(house: House) -> None:
    manager = house.office.caller
    tariff = {"machine_id": "ct-1", "basis": "booked", "yen_per_hour": 3000, "valid_from": "2026-01-01"}
    assert manager.post("/api/v1/tariffs", json=tariff).status_code == 201
    page = house.ours.get("/today/offer?ask=明日2時間 ct-1").text
    assert "¥6,600" in page
    assert "予約した時間の料金" in page
    assert 'value="明日2時間 ct-1"' in page
    first, second = (
        re.findall(r'name="slot" value="([^"]+)"', house.ours.get(f"/today/offer?ask=明日2時間 ct-1&skip={n}").text)[0]
        for n in (0, 1)
    )
    assert first < second
    before = reservations(house)
    form = {"machine_id": "ct-1", "slot": first, "service": "self_use", "ask": "明日2時間 ct-1"}
    for _ in range(2):
        assert house.ours.post("/today/offer", **form).headers["location"].startswith("/?made=")
    assert reservations(house) == before + 1
    late = house.theirs.post("/today/offer", **form)  # taken meanwhile: the next one is offered, the words are kept
    assert late.status_code == 409
    assert f'value="{first}"' not in late.text
    assert 'name="slot"' in late.text
    assert 'value="明日2時間 ct-1"' in late.text


def test_what_is_not_understood_is_said_and_kept(house: House) -> None:
    page = house.ours.get("/today/offer?ask=明日2時間 <焼き芋>")
    assert page.status_code == 422
    assert "焼き芋" in page.text
    assert "読み取れませんでした" in page.text
    assert "/find" in page.text
    english = house.ours.get("/today/offer?ask=tomorrow banana", lang="en").text
    assert "&#34;banana&#34; is not understood" in english or '"banana" is not understood' in english


def test_words_that_find_nothing_say_why(house: House) -> None:
    page = house.ours.get("/today/offer?ask=cmm-1 依頼測定 明日").text
    assert "使える測定機がありません" in page
    assert "使えない理由" in page


def test_a_machine_out_of_use_says_why_and_until_when(house: House) -> None:
    now = datetime.now(UTC)
    with database.transaction(house.api.pool) as conn:
        close(conn, SYSTEM, "cmm-1", OutageKind.BREAKDOWN, Interval.of(now, timedelta(hours=3)), "配管漏水", now)
    card = house.ours.get("/today/cards/cmm-1").text
    assert "停止中" in card
    assert "配管漏水" in card


@pytest.mark.parametrize("path", ["/today/offer?ask=tomorrow+2+hours", "/today/offer", "/?kind=cmm"])
def test_english(house: House, path: str) -> None:
    text = re.sub(r"<[^>]+>", " ", house.ours.get(path, lang="en").text).replace("日本語", "")
    assert not re.search(r"[\u3040-\u30ff]", text)
    assert not re.search(r"\b(today|asking|service|beside|machine_kind|state)\.[a-z_]+\b", text)
