"""The pages as a reader gets them: their own rights, their own language, nothing lost that was typed."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from coop.messages import catalogue
from dashboards.entry.way import within
from tests.dashboards.conftest import PASSWORD, House

TOKYO = ZoneInfo("Asia/Tokyo")
PAGES = ["/", "/?show=free", "/today/cards", "/today/cards/cmm-1", "/reservations", "/utilisation", "/me", "/design"]
PAGES += ["/timeline", "/timeline?show=list", "/find", "/find?minutes=60&x=100&tolerance=20"]
JAPANESE = re.compile(r"[\u3040-\u30ff]")  # kana: machine names are kanji here


@pytest.mark.parametrize("path", [*PAGES, "/machines/cmm-1/reserve", "/sign-in?next=/me"])
def test_every_page_obeys_its_own_policy(house: House, path: str) -> None:
    """Content comes from files of this host: the policy forbids the rest, and the page does not ask for it."""
    reader = house.nobody if path.startswith("/sign-in") else house.ours
    answer = reader.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|https?://(?!127|testserver)", answer.text)


@pytest.mark.parametrize("path", [*PAGES, "/machines/hv-1/reserve"])
def test_english_is_complete(house: House, path: str) -> None:
    answer = house.ours.get(path, lang="en")
    assert answer.status_code == 200
    visible = re.sub(r"<[^>]+>", " ", answer.text).replace("日本語", "").replace("髙橋製作所", "")
    assert not JAPANESE.search(visible), JAPANESE.search(visible)
    assert not re.search(r"\b(today|state|say|reserve|reservations|utilisation|legend|place)\.[a-z_]+\b", visible)


def test_every_sentence_that_a_page_asks_for_exists() -> None:
    from pathlib import Path

    import dashboards

    folder = Path(dashboards.__file__).parent
    asked = {
        key
        for file in [*folder.glob("templates/**/*.html"), *folder.glob("**/*.py")]
        for key in re.findall(r"""(?:say|translate)\(\s*["']([a-z_.]+[a-z_])["']""", file.read_text())
    }
    assert len(asked) > 80
    for locale in ("ja", "en"):
        assert asked <= catalogue(locale).keys()


def test_the_board_says_taken_of_others_and_names_to_the_office(house: House) -> None:
    ours, office = house.ours.get("/").text, house.office.get("/").text
    assert "予約あり" in ours
    assert "自社の予約" in ours
    assert "山﨑精機" not in ours
    assert "山﨑精機" in office
    assert "髙橋製作所" in office
    for seen in (ours, office, house.office.get("/reservations").text):
        assert "部品" not in seen  # what is measured is nobody's business on a board


def test_the_ward_reads_its_reports_and_not_the_board(house: House) -> None:
    begun = house.ward.get("/")
    assert (begun.status_code, begun.headers["location"]) == (303, "/reports/subsidy")
    assert house.ward.get("/today/cards").status_code == house.ward.get("/reservations").status_code == 403
    refused = house.ward.get("/machines/cmm-1/reserve")
    assert refused.status_code == 403
    assert "権限がありません" in refused.text


def test_nobody_is_sent_to_sign_in_and_back(house: House) -> None:
    answer = house.nobody.get("/utilisation")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/utilisation")
    fragment = house.nobody.get("/today/cards", **{"hx-request": "true"})
    assert (fragment.status_code, fragment.headers["hx-redirect"]) == (401, "/sign-in")


def test_a_refused_sign_in_keeps_the_address(house: House) -> None:
    answer = house.nobody.post("/sign-in", email="who@m01.example", password="wrong", next="/me")
    assert answer.status_code == 401
    assert 'value="who@m01.example"' in answer.text
    assert "set-cookie" not in answer.headers


def test_signing_in_opens_a_session_and_goes_on(house: House) -> None:
    answer = house.nobody.post("/sign-in", email="P1@m01.example", password=PASSWORD, next="/reservations")
    assert (answer.status_code, answer.headers["location"]) == (303, "/reservations")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize("address", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:x", ""])
def test_a_link_does_not_lead_elsewhere(address: str) -> None:
    assert within(address) == "/"


def test_a_taken_slot_keeps_the_form_and_offers_the_next_free_ones(house: House) -> None:
    day = f"{(datetime.now(UTC) + timedelta(days=3)).astimezone(TOKYO):%Y-%m-%d}"
    assert house.theirs.post("/machines/cmm-1/reserve", day=day, start="10:00", end="11:00").status_code == 303
    typed = {"day": day, "start": "10:15", "end": "10:45", "purpose": "内径 <φ20>"}
    answer = house.ours.post("/machines/cmm-1/reserve", **typed)
    assert answer.status_code == 409
    assert "内径 &lt;φ20&gt;" in answer.text
    for each in (typed["day"], typed["start"], typed["end"]):
        assert f'value="{each}"' in answer.text
    assert "山﨑" not in answer.text
    offered = re.findall(r'name="instead" value="([^"]+)"', answer.text)
    assert len(offered) == 3
    booked = house.ours.post("/machines/cmm-1/reserve", **typed, instead=offered[0])
    assert booked.status_code == 303
    assert "予約しました" in house.ours.get(booked.headers["location"]).text


def test_a_time_that_is_none_is_said_in_the_form(house: House) -> None:
    answer = house.ours.post("/machines/cmm-1/reserve", day="2026-13-01", start="9", end="", purpose="x1")
    assert answer.status_code == 422
    assert 'value="2026-13-01"' in answer.text
    assert "日付と時刻を確かめてください" in answer.text


def test_cancelling_can_be_undone(house: House) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).astimezone(TOKYO)
    slot = {"day": f"{tomorrow:%Y-%m-%d}", "start": "10:00", "end": "11:00"}
    made = house.ours.post("/machines/hv-1/reserve", **slot).headers["location"].partition("=")[2]
    done = house.ours.post(f"/reservations/{made}/cancel")
    page = house.ours.get(done.headers["location"]).text
    assert "取り消しました: 硬さ計" in page
    instead = re.findall(r'name="instead" value="([^"]+)"', page)
    again = house.ours.post("/machines/hv-1/reserve", instead=instead[0])
    assert again.status_code == 303
    assert "10:00〜11:00" in house.ours.get("/reservations").text


def test_nobody_cancels_anothers(house: House) -> None:
    slot = {"day": f"{datetime.now(TOKYO) + timedelta(days=3):%Y-%m-%d}", "start": "10:00", "end": "11:00"}
    made = house.ours.post("/machines/hv-1/reserve", **slot).headers["location"].partition("=")[2]
    assert house.ward.post(f"/reservations/{made}/cancel").status_code == 403
    assert house.theirs.post(f"/reservations/{made}/cancel").status_code == 404
    assert f"/reservations/{made}/cancel" in house.ours.get("/reservations").text


def test_the_office_books_for_a_member(house: House) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).astimezone(TOKYO)
    slot = {"day": f"{tomorrow:%Y-%m-%d}", "start": "10:00", "end": "11:00", "member_id": "m02"}
    assert 'name="member_id"' in house.office.get("/machines/ct-1/reserve").text
    assert house.office.post("/machines/ct-1/reserve", **slot).status_code == 303
    assert "山﨑精機" in house.office.get("/reservations").text


def test_a_form_from_another_site_is_refused(house: House) -> None:
    answer = house.ours.caller.client.post(
        "/machines/cmm-1/reserve",
        headers={
            "cookie": f"moyai_session={house.ours.session}",
            "sec-fetch-site": "cross-site",
            "accept": "text/html",
        },
        data={"day": "2027-01-04"},
    )
    assert answer.status_code == 403


def test_files_for_excel(house: House) -> None:
    sheet = house.ward.get("/utilisation.csv?month=2026-10")
    assert sheet.headers["content-disposition"] == 'attachment; filename="utilisation-2026-10.csv"'
    assert sheet.content.decode("utf-8-sig").splitlines()[0].startswith("測定機,開放 (h)")
    assert house.ward.get("/utilisation.xlsx?month=2026-10").content[:2] == b"PK"
    assert house.ward.get("/utilisation.pdf").status_code == 422
    assert house.ward.get("/utilisation?month=2026-13").status_code == 422


def test_an_error_page_says_what_to_do_in_the_readers_language(house: House) -> None:
    missing = house.ours.get("/today/cards/nothing")
    assert missing.status_code == 404
    assert "今日の画面へ" in missing.text
    assert house.ours.caller.get("/api/v1/machines/nothing").headers["content-type"] == "application/problem+json"
