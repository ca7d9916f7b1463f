"""The ledger through its door: what is owed, paid, paid too much, taken back and set off; it always balances."""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.costs.model import OwnerCredit
from billing.ledger import account, moves, payments, store
from billing.ledger.entries import BANK, LEVY_RECEIVABLE, PAYABLE, RECEIVABLE, TRANSFER_FEE
from billing.ledger.model import Booking, OpenItem, Source
from billing.model import Posting
from billing.periods import settle
from coop import database
from coop.database import Connection
from coop.identity import Role
from tests.billing import ground
from tests.billing.ground import AUDITOR, NOVEMBER, OFFICE
from tests.callers import Callers

DAY = date(2026, 11, 20)
LONG_AGO, FAR = date(2000, 1, 1), date(2199, 12, 30)


def settled(api: Callers) -> None:
    """m01 owes 3,300 for October, m02 6,600; closed."""
    for member in ("m01", "m02"):
        api.member(member)
    with database.transaction(api.pool) as conn:
        ground.machines.add_machine(conn, ground.machines.Machine("cmm-1", "cmm", "三次元測定機 CMM-1", "CMM 1"))
        ground.machines.add_machine(conn, ground.machines.Machine("ct-1", "ct", "X線CT", "X-ray CT"))
        ground.rules(conn)
        ground.usage(conn, "cmm-1", "10-03 09:00 10:00", "m01")
        ground.usage(conn, "cmm-1", "10-04 09:00 11:00", "m02")
        settle.draft(conn, OFFICE, "2026-10", NOVEMBER)
        settle.close(conn, OFFICE, "2026-10", NOVEMBER)


def balanced(conn: Connection) -> bool:
    found = account.trial_balance(conn, AUDITOR, LONG_AGO, FAR)
    return sum(each.balance_yen for each in found) == 0 and sum(each.debit_yen for each in found) == sum(
        each.credit_yen for each in found
    )


def owed(conn: Connection, member: str, yen: int, due: date = DAY, kind: str = RECEIVABLE) -> None:
    store.book(conn, OFFICE, moves.opening(uuid4(), member, kind, yen, due, due), NOVEMBER)


def left(conn: Connection, member: str) -> list[tuple[str, date, int]]:
    return [(each.account, each.due_on, each.open_yen) for each in store.open_items(conn, member)]


def test_a_payment_covers_what_is_due_first_and_the_rest_is_credit(api: Callers) -> None:
    settled(api)
    office, engineer = api.person(Role.OFFICE), api.person(Role.ENGINEER, "m01")
    wanted = {"member_id": "m01", "amount_yen": 1_300, "on_day": "2026-11-20"}
    first = office.post("/api/v1/payments", json=wanted, headers={"Idempotency-Key": "p1"})
    assert first.status_code == 201, first.text
    again = office.post("/api/v1/payments", json=wanted, headers={"Idempotency-Key": "p1"})
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    own = engineer.get("/api/v1/members/m01/account").json()
    assert (own["owed_yen"], [item["open_yen"] for item in own["open_items"]]) == (2_000, [2_000])
    assert own["open_items"][0]["due_on"] == "2026-11-30"
    office.post("/api/v1/payments", json=wanted | {"amount_yen": 1_890, "fee_yen": 110})
    own = engineer.get("/api/v1/members/m01/account").json()
    assert (own["owed_yen"], own["open_items"]) == (0, [])
    office.post("/api/v1/payments", json=wanted | {"amount_yen": 500})
    own = engineer.get("/api/v1/members/m01/account").json()
    assert (own["owed_yen"], own["open_items"]) == (-500, [])
    too_much = office.post("/api/v1/refunds", json={"member_id": "m01", "amount_yen": 501, "on_day": "2026-11-21"})
    assert (too_much.status_code, too_much.json()["code"], too_much.json()["params"]["most"]) == (
        409, "billing.more_than_owed", 500,
    )  # fmt: skip
    assert office.post(
        "/api/v1/refunds", json={"member_id": "m01", "amount_yen": 500, "on_day": "2026-11-21"}
    ).is_success
    total = api.person(Role.AUDITOR).get("/api/v1/trial-balance?from=2026-10-01&to=2026-12-31").json()
    assert {each["account"]: each["balance_yen"] for each in total["accounts"] if each["balance_yen"]} == {
        "bank": 3_190, "receivable": 6_600, "tax_payable": -900, "fee_income": -9_000, "transfer_fee": 110,
    }  # fmt: skip
    assert (total["balance_yen"], total["debit_yen"]) == (0, total["credit_yen"])


def test_a_reversal_is_an_entry_and_what_was_paid_is_owed_again(api: Callers) -> None:
    settled(api)
    office = api.person(Role.OFFICE)
    paid = office.post("/api/v1/payments", json={"member_id": "m01", "amount_yen": 3_300, "on_day": "2026-11-20"})
    reverse = f"/api/v1/payments/{paid.json()['id']}/reversal"
    back = office.post(reverse, json={"reason": "別の組合員の入金", "on_day": "2026-11-25"})
    assert (back.status_code, back.json()["reverses"]) == (201, paid.json()["id"])
    assert [each["amount_yen"] for each in back.json()["postings"]] == [-3_300, 3_300]
    told = office.get("/api/v1/members/m01/account").json()
    assert (told["owed_yen"], [each["open_yen"] for each in told["open_items"]]) == (3_300, [3_300])
    assert [(each["source"], each["reversed_by"]) for each in told["entries"]] == [
        ("reversal", None), ("payment", back.json()["id"]), ("statement", None),
    ]  # fmt: skip
    assert office.post(reverse, json={"reason": "もう一度"}).json()["code"] == "billing.reversed_already"
    statement = told["entries"][-1]["id"]
    stays = office.post(f"/api/v1/payments/{statement}/reversal", json={"reason": "x"})
    assert (stays.status_code, stays.json()["code"]) == (409, "billing.entry_stays")
    assert office.post(f"/api/v1/payments/{uuid4()}/reversal", json={"reason": "x"}).status_code == 404


def test_receivables_come_overdue_first_and_page_by_page(api: Callers) -> None:
    settled(api)
    with database.transaction(api.pool) as conn:
        owed(conn, "m02", 700, date(2026, 4, 30))
        owed(conn, "m01", 800, date(2099, 4, 30))
    director = api.person(Role.DIRECTOR)
    listed = []
    address: str | None = "/api/v1/receivables?limit=1"
    while address:
        answer = director.get(address)
        listed += [(each["member_id"], each["open_yen"], each["overdue_days"] > 0) for each in answer.json()]
        address = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
    assert listed[0] == ("m02", 700, True)
    assert [each[:2] for each in listed[1:]] == [("m01", 3_300), ("m02", 6_600), ("m01", 800)]
    assert listed[-1][2] is False


def test_a_member_reads_its_own_account_and_no_other(api: Callers) -> None:
    settled(api)
    engineer = api.person(Role.ENGINEER, "m01")
    assert engineer.get("/api/v1/members/m01/account").is_success
    assert engineer.get("/api/v1/members/m02/account").json() == engineer.get("/api/v1/members/nobody/account").json()
    assert api.person(Role.OFFICE).get("/api/v1/members/nobody/account").status_code == 404
    unknown = {"member_id": "nobody", "amount_yen": 1, "on_day": "2026-11-20"}
    assert api.person(Role.OFFICE).post("/api/v1/payments", json=unknown).json()["code"] == "billing.payer_unknown"


def test_a_levy_is_paid_but_never_set_off(conn: Connection) -> None:
    ground.found(conn)
    owed(conn, "m01", 1_000, kind=LEVY_RECEIVABLE)
    owed(conn, "m01", 400, DAY + timedelta(1))
    owed(conn, "m01", -900, kind=PAYABLE)
    with pytest.raises(payments.MoreThanOwed):
        payments.net(conn, OFFICE, uuid4(), "m01", 401, DAY, NOVEMBER, agreement="合意書")
    payments.net(conn, OFFICE, uuid4(), "m01", 400, DAY, NOVEMBER, agreement="合意書")
    assert left(conn, "m01") == [(LEVY_RECEIVABLE, DAY, 1_000)]
    payments.pay(conn, OFFICE, uuid4(), "m01", 1_200, DAY, NOVEMBER)
    assert store.balances(conn, "m01")["m01"] == {LEVY_RECEIVABLE: 0, RECEIVABLE: -200, PAYABLE: -500}
    with pytest.raises(payments.MoreThanOwed):
        payments.pay_out(conn, OFFICE, uuid4(), "m01", 501, DAY, NOVEMBER)
    payments.pay_out(conn, OFFICE, uuid4(), "m01", 500, DAY, NOVEMBER)
    assert balanced(conn)


def test_the_database_refuses_what_does_not_balance_or_names_the_wrong_party(conn: Connection) -> None:
    ground.found(conn)

    def refused(*postings: Posting) -> str | None:
        try:
            with conn.transaction():
                store.book(conn, OFFICE, Booking(uuid4(), Source.PAYMENT, DAY, postings), NOVEMBER)
                conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg.errors.IntegrityError as error:
            return error.diag.constraint_name
        return None

    assert refused(Posting(BANK, 100), Posting(RECEIVABLE, -99, "m01")) == "ledger_entry_balances"
    assert refused(Posting(BANK, 100), Posting(RECEIVABLE, -100)) == "ledger_posting_account_known"
    assert refused(Posting(BANK, 100, "m01"), Posting(RECEIVABLE, -100, "m01")) == "ledger_posting_account_known"
    assert refused(Posting(BANK, 100), Posting("slush", -100)) == "ledger_posting_account_known"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing.ledger_entry SET note = 'x'",
        "DELETE FROM billing.ledger_posting",
        "TRUNCATE billing.ledger_entry CASCADE",
        "DELETE FROM billing.account",
    ],
)
def test_the_application_adds_and_changes_nothing(conn: Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
        conn.execute(statement)


ITEM = st.tuples(st.sampled_from([RECEIVABLE, LEVY_RECEIVABLE]), st.integers(1, 10**6))


@given(st.lists(ITEM, max_size=6), st.integers(1, 10**7), st.integers(0, 10**4))
def test_a_payment_always_balances_and_never_overpays_a_levy(items: list[Any], amount: int, fee: int) -> None:
    open_items = [OpenItem(uuid4(), Source.STATEMENT, None, None, "m", kind, DAY, DAY, yen, yen) for kind, yen in items]
    booking = moves.payment(uuid4(), "m", open_items, amount, fee, DAY, "")
    by_account = {each.account: each.amount_yen for each in booking.postings}
    assert sum(by_account.values()) == 0
    assert all(each.amount_yen for each in booking.postings)
    assert (by_account[BANK], by_account.get(TRANSFER_FEE, 0)) == (amount, fee)
    assert -by_account.get(LEVY_RECEIVABLE, 0) <= sum(yen for kind, yen in items if kind == LEVY_RECEIVABLE)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_recorded_the_books_balance_and_open_items_are_what_is_owed(conn: Connection, seed: int) -> None:
    ground.found(conn)
    chance, recorded = random.Random(seed), []
    for _ in range(40):
        step, yen = chance.choice(["owe", "levy", "pay", "refund", "net", "credit", "reverse"]), chance.randint(1, 900)
        try:
            with conn.transaction():
                match step:
                    case "owe" | "levy":
                        kind = RECEIVABLE if step == "owe" else LEVY_RECEIVABLE
                        owed(conn, "m01", yen, DAY + timedelta(yen), kind)
                    case "credit":
                        owed(conn, "m01", -yen, kind=PAYABLE)
                    case "pay":
                        recorded.append(payments.pay(conn, OFFICE, uuid4(), "m01", yen, DAY, NOVEMBER).id)
                    case "refund":
                        recorded.append(payments.refund(conn, OFFICE, uuid4(), "m01", yen, DAY, NOVEMBER).id)
                    case "net":
                        payments.net(conn, OFFICE, uuid4(), "m01", yen, DAY, NOVEMBER, agreement="x")
                    case "reverse" if recorded:
                        payments.reverse(conn, OFFICE, uuid4(), recorded.pop(), "x", DAY, NOVEMBER)
        except payments.MoreThanOwed:
            continue
        balance = store.balances(conn, "m01")["m01"]
        items = store.open_items(conn, "m01")
        for kind in (RECEIVABLE, LEVY_RECEIVABLE):
            open_yen = sum(each.open_yen for each in items if each.account == kind)
            assert open_yen == max(0, balance.get(kind, 0))
    conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert balanced(conn)


def test_what_owners_earn_is_owed_to_them_with_tax_once_per_rate(conn: Connection) -> None:
    ground.found(conn)

    def credit(member: str, machine: str, yen: int, rate: str | None = "0.10") -> OwnerCredit:
        return OwnerCredit(member, machine, yen, Decimal(0), 0, yen, rate and Decimal(rate))

    earned = [credit("m01", machine, 105) for machine in ("cmm-1", "ct-1", "cmm-2")] + [credit("m02", "x", 50, None)]
    conn.execute("INSERT INTO billing.period (month) VALUES ('2026-10-01')")
    store.post_credits(conn, OFFICE, "2026-10", earned, NOVEMBER)
    assert store.balances(conn) == {"m01": {PAYABLE: -346}, "m02": {PAYABLE: -50}}
    (entry,) = store.movements(conn, "m01")
    assert (entry.source, entry.month, entry.on_day) == (Source.OWNER_CREDIT, "2026-10", date(2026, 10, 31))
    with pytest.raises(payments.EntryStays):
        payments.reverse(conn, OFFICE, uuid4(), entry.id, "x", DAY, NOVEMBER)
    conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert balanced(conn)
