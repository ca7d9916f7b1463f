"""The page that a machine's QR code opens: one main button for now, the code proves presence, taps count once."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

import booking
from booking import Wish
from booking.presence.check_in import code_of
from coop import database
from coop.identity import Role
from coop.interval import Interval
from tests.callers import callers
from tests.dashboards.conftest import House, Reader, furnish, reader
from tests.parts.databases import Template

KEY = "k" * 32


@pytest.fixture
def house(timescale_template: Template) -> Iterator[House]:
    """One for each test: they all want to be first at a machine."""
    with timescale_template.clone() as clone, callers(clone.app_url) as api:
        yield furnish(api)


def code(house: House, machine_id: str) -> str:
    with database.transaction(house.api.pool) as conn:
        return code_of(conn, KEY, machine_id)


def main_button(who: Reader, machine_id: str, code: str = "") -> str:
    """What the one big button does."""
    page = who.get(f"/m/{machine_id}" + (f"?code={code}" if code else ""))
    assert page.status_code == 200
    found = re.findall(
        rf'action="/m/{machine_id}/(\w+)" class="thumb">(?:(?!</form>).)*button main huge', page.text, re.S
    )
    assert len(found) <= 1
    return str(found[0]) if found else ""


def statuses(house: House, machine_id: str) -> list[str]:
    with database.transaction(house.api.pool) as conn:
        rows = conn.execute("SELECT status FROM booking.reservation WHERE machine_id = %s", [machine_id])
        return sorted(status for (status,) in rows)


def test_the_way_through_a_use(house: House) -> None:
    """Scan, begin, stay longer, leave with two ticks and what was used up; each tapped twice."""
    proof = code(house, "ct-1")
    office = house.office.caller
    stylus = {"id": "stylus", "name_ja": "スタイラス", "name_en": "Stylus"}
    assert office.post("/api/v1/consumables", json=stylus).status_code == 201
    price = {"valid_from": "2026-01-01", "yen_each": 1200}
    assert office.post("/api/v1/consumables/stylus/prices", json=price).status_code == 201
    assert main_button(house.ours, "ct-1", proof) == "begin"
    for _ in range(2):
        done = house.ours.post("/m/ct-1/begin", code=proof)
        assert (done.status_code, done.headers["location"]) == (303, f"/m/ct-1?done=begun&code={proof}")
    page = house.ours.get(f"/m/ct-1?done=begun&code={proof}").text
    assert "使用を始めました" in page
    assert "あなたが使用中" in page
    assert "スタイラス" in page
    ends = re.search(r'name="ends" value="([^"]+)"', page)
    assert ends is not None
    for _ in range(2):
        assert house.ours.post("/m/ct-1/extend", code=proof, ends=ends[1], minutes=30).status_code == 303
    with database.transaction(house.api.pool) as conn:
        row = conn.execute("SELECT ends_at FROM booking.reservation WHERE machine_id = 'ct-1'").fetchone()
    assert row == (house.grid + timedelta(minutes=90),)
    assert main_button(house.ours, "ct-1", proof) == "leave"
    left = {"code": proof, "data_removed": "true", "consumable": "stylus", "pieces": "2"}
    for _ in range(2):
        assert house.ours.post("/m/ct-1/leave", **left).status_code == 303
    assert statuses(house, "ct-1") == ["done"]
    with database.transaction(house.api.pool) as conn:
        assert conn.execute("SELECT consumable_id, count, member_id FROM billing.consumption").fetchall() == [
            ("stylus", 2, "m01")
        ]
        said = conn.execute("SELECT detail FROM coop.audit WHERE action = 'reservation.checked_out'").fetchall()
    assert [(each["data_removed"], each["probe_back"]) for (each,) in said] == [(True, False)]


def test_only_who_is_at_the_machine_begins(house: House) -> None:
    assert main_button(house.ours, "ct-1") == ""
    assert "QRコードを読み取る" in house.ours.get("/m/ct-1").text
    for wrong in ("", "0" * 32, code(house, "cmm-1")):
        refused = house.ours.post("/m/ct-1/begin", code=wrong)
        assert refused.status_code == 409
        assert 'role="alert"' in refused.text
    assert statuses(house, "ct-1") == ["confirmed"]
    assert main_button(house.office, "ct-1") == "begin"  # the office sees who it is, and needs no code
    assert "髙橋製作所" in house.office.get("/m/ct-1").text


def test_what_is_free_is_taken_and_begun_at_once(house: House) -> None:
    proof = code(house, "hv-1")
    assert main_button(house.theirs, "hv-1", proof) == "take"
    for _ in range(2):
        assert house.theirs.post("/m/hv-1/take", code=proof).status_code == 303
    assert statuses(house, "hv-1") == ["in_use"]
    assert main_button(house.theirs, "hv-1", proof) == "leave"
    page = house.ours.get(f"/m/hv-1?code={proof}").text
    assert "山﨑" not in page
    assert "予約あり" in page
    assert "/leave" not in page
    refused = house.ours.post("/m/hv-1/take", code=proof)
    assert refused.status_code == 409
    assert "代わりに空いている時間" in refused.text
    assert house.ward.post("/m/hv-1/take").status_code == 403
    auditor = reader(house.api, Role.AUDITOR)
    assert "<form" not in auditor.get(f"/m/ct-1?code={code(house, 'ct-1')}").text  # who only looks has no button


def test_who_comes_next_limits_the_stay(house: House) -> None:
    """Fifteen minutes are left before the next reservation, then none: the button says so, and so does a refusal."""
    proof, end = code(house, "ct-1"), house.grid + timedelta(hours=1)
    house.ours.post("/m/ct-1/begin", code=proof)
    with database.transaction(house.api.pool) as conn:
        wish = Wish("ct-1", Interval.of(end + timedelta(minutes=15), timedelta(hours=1)))
        booking.reserve(conn, house.theirs.caller.viewer, wish, datetime.now(UTC))
    assert '<button class="button huge" name="minutes" value="15">' in house.ours.get(f"/m/ct-1?code={proof}").text
    refused = house.ours.post("/m/ct-1/extend", code=proof, ends=end.isoformat(), minutes=30)
    assert refused.status_code == 409
    assert "山﨑" not in refused.text
    assert 'value="15"' in refused.text  # what is possible is offered
    assert house.ours.post("/m/ct-1/extend", code=proof, ends=end.isoformat(), minutes=15).status_code == 303
    page = house.ours.get(f"/m/ct-1?code={proof}").text
    assert "/m/ct-1/extend" not in page
    assert "後には延ばせません" in page


def test_i_am_late(house: House) -> None:
    assert house.ours.post("/m/ct-1/late", minutes=10).status_code == 303
    assert "到着予定" in house.ours.get("/m/ct-1").text
    refused = house.ours.post("/m/ct-1/late", minutes=120)
    assert refused.status_code == 422


def test_a_problem_reaches_the_office_and_an_operator_stops_the_machine(house: House) -> None:
    for _ in range(2):
        assert house.ours.post("/m/hv-1/report", text="圧子が<欠けて>います", stop="true").status_code == 303
    queue = house.office.get("/problems").text
    assert queue.count("圧子が&lt;欠けて&gt;います") == 1
    assert "現場からの連絡" in queue
    assert "停止中" not in house.ours.get("/m/hv-1").text  # an engineer reports, and stops nothing
    empty = house.ours.post("/m/hv-1/report", text=" ")
    assert empty.status_code == 422
    proof = code(house, "hv-1")
    house.office.post("/m/hv-1/report", text="圧子が欠けている", stop="true")
    stopped = house.ours.get(f"/m/hv-1?code={proof}").text
    assert "停止中" in stopped
    assert "圧子が欠けている" in stopped
    again = house.office.post("/m/hv-1/report", text="圧子が<まだ>欠けている", stop="true")  # it is stopped already
    assert again.status_code == 409
    assert "圧子が&lt;まだ&gt;欠けている</textarea>" in again.text


def test_scanning_while_signed_out_comes_back_with_the_code(house: House) -> None:
    answer = house.nobody.get("/m/ct-1?code=abc")
    assert answer.headers["location"] == "/sign-in?next=/m/ct-1%3Fcode%3Dabc"


def test_english(house: House) -> None:
    proof = code(house, "ct-1")
    house.ours.post("/m/ct-1/begin", code=proof)
    for path in (f"/m/ct-1?code={proof}", "/m/hv-1", "/m/cmm-1?done=left"):
        text = re.sub(r"<[^>]+>", " ", house.ours.get(path, lang="en").text).replace("日本語", "")
        assert not re.search(r"[\u3040-\u30ff]", text)
        assert not re.search(r"\b(at|today|state)\.[a-z_.]+\b", text)
