"""The desks around a closed month: the bank, the register of documents, questioned lines. Each moves money once."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from billing.documents.frozen import FrozenMonth
from billing.documents.issue import issue, issue_some
from billing.periods import settle
from coop.database import transaction
from coop.identity import Role
from tests.billing import ground
from tests.callers import callers
from tests.dashboards.conftest import House, Reader, furnish, reader
from tests.parts.databases import Template

SERVICE = {
    "client_code": "1234567890", "client_kana": "キョウドウクミアイ", "bank_code": "0001", "bank_kana": "ミズホ",
    "branch_code": "100", "branch_kana": "キンシチョウ", "type": "1", "number": "1234567", "line_end": "crlf",
    "symbols": "()-./",
}  # fmt: skip
ACCOUNT = {
    "bank_code": "0001", "bank_kana": "ミズホ", "branch_code": "100", "branch_kana": "キンシチョウ", "type": 1,
    "number": "7654321", "holder_kana": "タカハシセイサクシヨ", "customer_code": "17",
}  # fmt: skip
CAME_IN = '日付,入金金額,摘要\n2026-11-20,"2,860",タカハシセイサクシヨ\n2026-11-21,99000,シラナイ\n'.encode("cp932")


@pytest.fixture(scope="module")
def house(timescale_template: Template) -> Iterator[House]:
    """October is closed and its documents are issued: m01 owes 3,300 yen, m02 6,600."""
    with timescale_template.clone() as database, callers(database.app_url) as api:
        made = furnish(api)
        with transaction(api.pool) as conn:
            ground.rules(conn)
            ground.usage(conn, "cmm-1", "10-03 09:00 10:00", "m01")
            ground.usage(conn, "cmm-1", "10-04 09:00 11:00", "m02")
        with transaction(api.pool) as conn:
            settle.close(conn, ground.OFFICE, "2026-10", ground.NOVEMBER)
            issue(conn, made.office.caller.viewer, "2026-10", ground.NOVEMBER)
            issue_some(conn, FrozenMonth("2026-10"), ground.NOVEMBER)
        assert made.office.caller.put("/api/v1/members/m01/bank-account", json=ACCOUNT).status_code == 200
        yield made


@pytest.fixture(scope="module")
def director(house: House) -> Reader:
    return reader(house.api, Role.DIRECTOR)


def upload(reader: Reader, path: str, name: str, content: bytes) -> str:
    """The page that an uploaded file leads to."""
    headers = {"accept": "text/html", "sec-fetch-site": "same-origin", "cookie": f"moyai_session={reader.session}"}
    answer = reader.caller.client.post(path, files={name: ("a.csv", content)}, headers=headers, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_a_file_for_the_bank_is_seen_made_and_dropped(house: House) -> None:
    office = house.office
    assert "登録されていません" in office.get("/bank?kind=debit&on_day=2026-12-01").text
    kept = office.post("/bank/services/debit", **SERVICE | {"client_code": "x1"})
    assert kept.status_code == 422
    assert "「委託者コード」" in kept.text
    assert 'value="ミズホ"' in kept.text
    assert office.post("/bank/services/debit", **SERVICE).status_code == 303
    shown = office.get("/bank?kind=debit&on_day=2026-12-01").text
    assert "¥3,300" in shown
    assert "㈱髙橋製作所" in shown
    made = office.post("/bank/files", kind="debit", on_day="2026-12-01")
    there = made.headers["location"].partition("?")[0]
    assert "銀行の処理待ち" in office.get(there).text
    again = office.post("/bank/files", kind="debit", on_day="2026-12-01")
    assert again.status_code == 409  # nobody is in two files
    wrong = office.post(f"{there}/results")
    assert wrong.status_code == 422
    assert office.post(f"{there}/drop").status_code == 303
    assert "取り消し" in office.get(there).text


def test_what_came_in_is_booked_by_one_button_and_taken_back(house: House) -> None:
    office = house.office
    upload(office, "/bank/receipts", "file", CAME_IN)
    listed = office.get("/bank/receipts").text
    assert 'value="m01/440"' in listed  # 3,300 less a fee of 440
    assert "手数料 ¥440" in listed
    first, second = re.findall(r'id="receipt-([0-9a-f-]{36})"', listed)
    booked = office.post(f"/bank/receipts/{first}", whose="m01/440")
    assert booked.status_code == 303
    owed = office.get("/bank/receivables").text
    assert "髙橋" not in owed
    assert "¥6,600" in owed
    assert office.post(f"/bank/receipts/{first}", whose="m01/440").status_code == 404  # once
    entry = booked.headers["location"].partition("=")[2]
    assert "元に戻す" in office.get(booked.headers["location"]).text
    assert office.post(f"/bank/bookings/{entry}/undo").status_code == 303
    assert f'id="receipt-{first}"' in office.get("/bank/receipts").text
    kept = office.post(f"/bank/receipts/{second}", member_id="m02", fee_yen="たくさん")
    assert kept.status_code == 422
    assert 'value="たくさん"' in kept.text
    assert office.post(f"/bank/receipts/{second}", whose="nobody", reason=" ").status_code == 422
    assert office.post(f"/bank/receipts/{second}", whose="nobody", reason="補助金").status_code == 303


def test_the_register_finds_corrects_and_returns(house: House) -> None:
    office = house.office
    found = office.get("/documents?from_yen=6,000&until_yen=7000&counterparty=山").text
    assert found.count('<th scope="row">') == 1
    assert office.get("/documents?from_yen=many").status_code == 422
    there = re.search(r"/documents/[0-9a-f-]{36}", found)
    assert there is not None
    kept = office.post(f"{there[0]}/returns", net_yen="9999999", reason="値引き<1>")
    assert kept.status_code == 422
    assert 'value="値引き&lt;1&gt;"' in kept.text
    assert office.post(f"{there[0]}/returns", net_yen="1,000", reason="値引き").status_code == 303
    assert office.post(f"{there[0]}/corrections", reason="宛名").status_code == 303
    assert office.post(f"{there[0]}/corrections", reason="宛名").status_code == 409
    assert "この書類は訂正されました" in office.get(there[0]).text
    everything = office.get("/documents").text
    assert everything.count('<th scope="row">') == 4
    assert 'class="superseded"' in everything
    own = house.ours.get("/documents").text
    assert "山﨑" not in own
    assert own.count('<th scope="row">') == 1
    assert house.ours.get(there[0]).status_code == 404


def test_a_question_is_answered_and_decided_by_a_second_person(house: House, director: Reader) -> None:
    office = house.office
    statement = re.search(r"/statements/([0-9a-f-]{36})", house.ours.get("/statements").text)
    assert statement is not None
    asked = house.ours.caller.post(
        f"/api/v1/statements/{statement[1]}/lines/1/disputes", json={"words": "半分しか<使って>いません"}
    )
    there = f"/disputes/{asked.json()['id']}"
    assert "1 件が返事や決定" in office.get("/disputes").text
    assert "半分しか&lt;使って&gt;いません" in office.get(there).text
    too_much = office.post(f"{there}/proposals", words="確かに", gives_back_yen="5,000")
    assert too_much.status_code == 422
    assert 'value="5,000"' in too_much.text
    assert office.post(f"{there}/proposals", words="確かに", gives_back_yen="1,500", waive="1").status_code == 303
    assert "提案した人とは別の人" in office.get(there).text
    assert office.post(f"{there}/decisions", words="よし", agrees="yes").status_code == 403
    assert director.post(f"{there}/decisions", words="よし", agrees="yes").status_code == 303
    assert "調整を決定" in director.get(there).text
    assert house.ours.get(there).status_code == 403


def test_the_trail_is_found_by_person_and_day_and_names_both(house: House) -> None:
    now = datetime.now(UTC)
    ours, office = house.ours.caller.person_id, house.office.caller.person_id
    with transaction(house.api.pool) as conn:
        conn.execute(
            "INSERT INTO coop.audit (at, actor_id, on_behalf_of, action, subject) VALUES (%s, %s, %s, 'x.y', 'x:1')",
            [now, office, ours],
        )
    for path in ("/audit?subject=x", f"/audit?person={ours}&action=x.y"):
        rows = house.office.get(path).text.partition("<tbody>")[2]
        assert rows.count('<th scope="row">') == 1
        assert "engineer 1 さんの代わりに" in rows
    assert "当てはまる記録はありません" in house.office.get("/audit?subject=x&until_date=2020-01-01").text
    told = house.office.caller.get("/api/v1/audit", params={"subject": "x", "limit": 1}).json()
    assert [(each["actor_id"], each["on_behalf_of"]) for each in told] == [(str(office), str(ours))]
    assert house.ours.caller.get("/api/v1/audit").status_code == 403


def test_what_invoices_say_is_entered_once_and_kept_as_typed_when_refused(house: House) -> None:
    assert "試験協同組合" in house.office.get("/documents/issuer").text
    typed = {"name": "墨田機械工業協同組合", "invoice_number": "T12", "pay_to": "みずほ銀行 錦糸町支店"}
    refused = house.office.post("/documents/issuer", **typed)
    assert refused.status_code == 422
    assert "インボイスの登録番号" in refused.text
    assert 'value="みずほ銀行 錦糸町支店"' in refused.text
    done = house.office.post("/documents/issuer", **typed | {"invoice_number": "t7123456789012"})
    assert done.headers["location"] == "/documents/issuer?done=1"
    assert house.office.caller.get("/api/v1/issuer").json()["invoice_number"] == "T7123456789012"
    assert "登録しました" in house.office.get("/documents/issuer?done=1").text
    assert house.ours.get("/documents/issuer").status_code == 403
