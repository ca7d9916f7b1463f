"""The bank through its door: files made from the ledger, results and receipts that reconcile it."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from billing.bank import matching
from billing.bank.files import Receipt
from billing.bank.matching import Payer, Proposal
from billing.ledger import moves, store
from billing.ledger.entries import PAYABLE, RECEIVABLE
from coop import database
from coop.identity import Role
from tests.billing.ground import NOVEMBER, OFFICE
from tests.billing.test_bank_files import notice, returned
from tests.callers import Caller, Callers

DAY = date(2026, 11, 30)
SERVICE = {
    "client_code": "1234567890", "client_kana": "シケンキョウドウクミアイ", "bank_code": "0128", "bank_kana": "グンマ",
    "branch_code": "001", "branch_kana": "ホンテン", "type": 1, "number": "7654321", "line_end": "none",
}  # fmt: skip
ACCOUNT = {
    "bank_code": "0001", "bank_kana": "ミズホ", "branch_code": "110", "branch_kana": "キョウバシ", "type": 1,
    "number": "1234567", "holder_kana": "カ）サトウセイミツ",
}  # fmt: skip


@pytest.fixture
def office(api: Callers) -> Caller:
    """The office of three members with bank accounts; m01 and m02 may be debited."""
    office = api.person(Role.OFFICE)
    for n, member in enumerate(("m01", "m02", "m03"), 1):
        api.member(member, kana=f"セイサクショ{'アイウ'[n - 1]}")
        mandate = {"customer_code": f"{n}00"} if n < 3 else {}
        account = ACCOUNT | {"number": str(n), "holder_kana": f"カ）セイサク{'アイウ'[n - 1]}"} | mandate
        assert office.put(f"/api/v1/members/{member}/bank-account", json=account).is_success
    for kind in ("transfer", "debit"):
        answer = office.put(f"/api/v1/bank/services/{kind}", json=SERVICE)
        assert answer.is_success, answer.text
    return office


def owed(api: Callers, *items: tuple[str, int], kind: str = RECEIVABLE, due: date = DAY) -> None:
    with database.transaction(api.pool) as conn:
        for member, yen in items:
            store.book(conn, OFFICE, moves.opening(uuid4(), member, kind, yen, date(2026, 10, 31), due), NOVEMBER)


def open_yen(api: Callers, member: str) -> list[int]:
    with database.transaction(api.pool) as conn:
        return [each.open_yen for each in store.open_items(conn, member)]


def upload(caller: Caller, path: str, content: bytes, **more: Any) -> Any:
    return caller.post(path, files={"file": ("x.txt", content)}, **more)


def test_what_is_due_is_debited_and_the_result_file_reconciles_it(api: Callers, office: Caller) -> None:
    owed(api, ("m01", 3_300), ("m02", 5_000), ("m03", 700))
    owed(api, ("m01", 99), due=date(2026, 12, 31))
    wanted = {"kind": "debit", "on_day": "2026-11-30"}
    made = office.post("/api/v1/bank/files", json=wanted, headers={"Idempotency-Key": "f"})
    assert made.status_code == 201, made.text
    assert office.post("/api/v1/bank/files", json=wanted, headers={"Idempotency-Key": "f"}).json() == made.json()
    file = made.json()
    assert (file["total_yen"], [(each["member_id"], each["amount_yen"]) for each in file["lines"]]) == (
        8_300, [("m01", 3_300), ("m02", 5_000)],
    )  # fmt: skip
    content = office.get(f"/api/v1/bank/files/{file['id']}/content").content
    assert len(content) == 5 * 120
    assert content[360:379] == b"8000002000000008300"
    assert office.post("/api/v1/bank/files", json=wanted).json()["code"] == "billing.nothing_to_send"
    path = f"/api/v1/bank/files/{file['id']}/results"
    other = upload(office, path, returned(("100", 3_300, "0")))
    assert (other.status_code, other.json()["code"], other.json()["params"]) == (
        409, "billing.result_differs", {"customers": "200"},
    )  # fmt: skip
    done = upload(office, path, returned(("100", 3_300, "0"), ("200", 5_000, "1")))
    assert [(each["result"], each["entry_id"] is not None) for each in done.json()["lines"]] == [
        ("0", True),
        ("1", False),
    ]
    assert (open_yen(api, "m01"), open_yen(api, "m02")) == ([99], [5_000])
    again = upload(office, path, returned(("100", 3_300, "0"), ("200", 5_000, "1")))
    assert again.json()["code"] == "billing.bank_file_done"
    (retried,) = office.post("/api/v1/bank/files", json=wanted).json()["lines"]
    assert (retried["member_id"], retried["amount_yen"]) == ("m02", 5_000)


def test_what_members_are_owed_is_transferred_and_the_file_is_the_ledgers_sum(api: Callers, office: Caller) -> None:
    owed(api, ("m01", -1_500), ("m03", -2_500), kind=PAYABLE)
    made = office.post("/api/v1/bank/files", json={"kind": "transfer", "on_day": "2026-11-30"}).json()
    content = office.get(f"/api/v1/bank/files/{made['id']}/content").content
    assert content[:4] + content[54:58] == b"12101130"
    with database.transaction(api.pool) as conn:
        payable = -sum(each[PAYABLE] for each in store.balances(conn).values())
    assert int(content[360 + 7 : 360 + 19]) == made["total_yen"] == payable == 4_000
    assert office.post(f"/api/v1/bank/files/{made['id']}/transferred").json()["settled_at"]
    for member in ("m01", "m03"):
        assert office.get(f"/api/v1/members/{member}/account").json()["owed_to_member_yen"] == 0
    assert office.post(f"/api/v1/bank/files/{made['id']}/drop").json()["code"] == "billing.bank_file_done"
    assert [each["total_yen"] for each in office.get("/api/v1/bank/files").json()] == [4_000]


def test_a_dropped_file_lets_its_members_into_the_next(api: Callers, office: Caller) -> None:
    owed(api, ("m01", -1_500), kind=PAYABLE)
    wanted = {"kind": "transfer", "on_day": "2026-11-30"}
    first = office.post("/api/v1/bank/files", json=wanted).json()
    assert office.post("/api/v1/bank/files", json=wanted).status_code == 409
    assert office.post(f"/api/v1/bank/files/{first['id']}/drop").json()["dropped_at"]
    assert office.post("/api/v1/bank/files", json=wanted).json()["total_yen"] == 1_500


def test_all_members_without_an_account_are_named_at_once(api: Callers, office: Caller) -> None:
    for member in ("m08", "m09"):
        api.member(member)
    owed(api, ("m01", -1), ("m08", -1), ("m09", -1), kind=PAYABLE)
    refused = office.post("/api/v1/bank/files", json={"kind": "transfer", "on_day": "2026-11-30"})
    assert (refused.status_code, refused.json()["params"]) == (404, {"members": "m08, m09"})


def test_a_name_that_the_bank_does_not_take_is_refused_where_it_is_entered(office: Caller) -> None:
    refused = office.put("/api/v1/members/m01/bank-account", json=ACCOUNT | {"holder_kana": "𠮷田"})
    assert (refused.status_code, refused.json()["params"]) == (422, {"field": "holder_kana", "character": "𠮷"})
    taken = office.put("/api/v1/members/m01/bank-account", json=ACCOUNT | {"customer_code": "200"})
    assert taken.json()["code"] == "billing.customer_code_taken"
    assert office.put("/api/v1/members/nobody/bank-account", json=ACCOUNT).status_code == 404


def test_bank_accounts_are_the_offices_and_reading_them_is_audited(api: Callers, office: Caller) -> None:
    for role in (Role.DIRECTOR, Role.AUDITOR, Role.OPERATOR):
        assert api.person(role).get("/api/v1/members/m01/bank-account").status_code == 403
    assert api.person(Role.MEMBER_MANAGER, "m01").get("/api/v1/members/m01/bank-account").status_code == 403
    assert office.get("/api/v1/members/m01/bank-account").json()["customer_code"] == "100"
    with database.transaction(api.pool) as conn:
        told = conn.execute("SELECT action, detail FROM coop.audit WHERE subject = 'member:m01' ORDER BY id").fetchall()
    assert told == [("bank_account.changed", {}), ("bank_account.read", {})]


def test_receipts_are_proposed_confirmed_and_their_names_learned(api: Callers, office: Caller) -> None:
    owed(api, ("m01", 3_300), ("m02", 5_000), ("m02", 700))
    content = notice(("1", 3_300, "ｶ)ｾｲｻｸｱ", " "), ("2", 5_260, "ｾｲｻｸｼﾖｲ", " "), ("3", 8, "ﾎｼﾞﾖｷﾝ", " "))
    assert upload(office, "/api/v1/bank/receipts", content).json() == {"added": 3, "unchanged": 0}
    assert upload(office, "/api/v1/bank/receipts", content).json() == {"added": 0, "unchanged": 3}
    waiting = {each["payer_kana"]: each for each in office.get("/api/v1/bank/receipts").json()}
    assert waiting["ｶ)ｾｲｻｸｱ"]["proposals"] == [
        {"member_id": "m01", "certain": True, "named": True, "statements": 1, "fee_yen": 0}
    ]
    assert waiting["ｾｲｻｸｼﾖｲ"]["proposals"] == [
        {"member_id": "m02", "certain": False, "named": True, "statements": 2, "fee_yen": 440}
    ]
    assert waiting["ﾎｼﾞﾖｷﾝ"]["proposals"] == []

    def booking(payer: str) -> str:
        return f"/api/v1/bank/receipts/{waiting[payer]['id']}/booking"

    booked = office.post(booking("ｾｲｻｸｼﾖｲ"), json={"member_id": "m02", "fee_yen": 440})
    assert booked.status_code == 201, booked.text
    assert open_yen(api, "m02") == []
    assert office.post(booking("ｾｲｻｸｼﾖｲ"), json={"member_id": "m02"}).json()["code"] == "billing.receipt_unknown"
    aside = f"/api/v1/bank/receipts/{waiting['ﾎｼﾞﾖｷﾝ']['id']}/set-aside"
    assert office.post(aside, json={"reason": "補助金"}).status_code == 204
    assert [each["payer_kana"] for each in office.get("/api/v1/bank/receipts").json()] == ["ｶ)ｾｲｻｸｱ"]
    wrong = office.post(booking("ｶ)ｾｲｻｸｱ"), json={"member_id": "m03"}).json()
    office.post(f"/api/v1/payments/{wrong['id']}/reversal", json={"reason": "m01 の入金"})
    office.post(booking("ｶ)ｾｲｻｸｱ"), json={"member_id": "m01"})
    assert office.get("/api/v1/bank/receipts").json() == []
    assert open_yen(api, "m01") == []


def test_the_banks_csv_is_read_whatever_else_it_says(api: Callers, office: Caller) -> None:
    text = "照会口座,本店 普通 1\r\n取引日,出金金額,入金金額,残高,摘要\r\n"
    text += '2026/11/20,,"3,300",9999,カ）セイサクア\r\n2026/11/21,500,,9499,テスウリョウ\r\n'
    assert upload(office, "/api/v1/bank/receipts", text.encode("cp932")).json() == {"added": 1, "unchanged": 0}
    (came,) = office.get("/api/v1/bank/receipts").json()
    assert (came["on_day"], came["amount_yen"], came["payer_kana"]) == ("2026-11-20", 3_300, "ｶ)ｾｲｻｸｱ")
    bad = "日付,入金額,摘要\r\nきのう,10,ア\r\n2026/11/20,x,イ\r\n".encode()
    refused = upload(office, "/api/v1/bank/receipts", bad).json()
    assert [(each["row"], each["column"]) for each in refused["findings"]] == [(2, "日付"), (3, "入金額")]
    assert upload(office, "/api/v1/bank/receipts", b"a,b\r\n1,2\r\n").json()["code"] == "billing.file_malformed"


SATO, ONO = Payer("sato", ("サトウセイミツ",), (3_300, 700, 50)), Payer("ono", ("ｵﾉ",), (3_300,))


@pytest.mark.parametrize(
    ("payer", "yen", "expected"),
    [
        ("ｶ)ｻﾄｳｾｲﾐﾂ", 3_300, [Proposal("sato", True, 1, 0), Proposal("ono", False, 1, 0)]),
        ("ｻﾄｳｾｲﾐﾂ(ｶ", 4_000, [Proposal("sato", True, 2, 0)]),
        ("ｶﾌﾞｼｷｶﾞｲｼﾔ ｻﾄｳｾｲﾐﾂ", 4_050, [Proposal("sato", True, 3, 0)]),
        ("ｻﾄｳｾｲﾐﾂ", 3_350, [Proposal("sato", True, 2, 0)]),
        ("ｻﾄｳｾｲﾐﾂ", 3_000, [Proposal("sato", True, 1, 300)]),
        ("ｻﾄｳｾｲﾐﾂ", 9_000, [Proposal("sato", True, 0, 0)]),
        ("ｻﾄｳｾｲﾐ", 3_300, [Proposal("sato", True, 1, 0), Proposal("ono", False, 1, 0)]),
        ("ﾀﾅｶ", 3_299, []),
        ("ｵﾉ", 3_300, [Proposal("ono", True, 1, 0), Proposal("sato", False, 1, 0)]),
        ("ｵﾉﾃﾞﾗ", 1, []),
    ],
)
def test_whose_money_it_may_be(payer: str, yen: int, expected: list[Proposal]) -> None:
    assert matching.propose(Receipt(DAY, yen, payer), [SATO, ONO]) == expected
