"""A refund in proportion to use, from the general meeting to the member's return invoice, by hand.

2026 (from January): m01 used cmm-1 for an hour (3,000 yen), m02 for two (6,000), and guest, no member, for one.
"""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from billing.ledger import store as ledger
from billing.periods.settle import close
from billing.year import cli
from billing.year.documents import issue_some
from coop import database, register
from coop.identity import Role
from tests.billing import ground
from tests.billing.ground import OFFICE
from tests.billing.papers import words
from tests.callers import Caller, Callers

AFTER = datetime(2027, 1, 5, tzinfo=UTC)
MEETING = {"amount_yen": 1_000, "resolution": "第12回通常総会 第3号議案"}


def year(api: Callers, months: int = 12) -> Caller:
    """The year with its first `months` closed; the office."""
    for member in ("m01", "m02"):
        api.member(member)
    with database.transaction(api.pool) as conn:
        register.add_member(conn, register.Member("guest", "員外㈱", is_member=False))
        ground.machines.add_machine(conn, ground.machines.Machine("cmm-1", "cmm", "三次元測定機 CMM-1", "CMM 1"))
        ground.machines.add_machine(conn, ground.machines.Machine("ct-1", "ct", "X線CT", "X-ray CT"))
        ground.rules(conn)
        ground.usage(conn, "cmm-1", "01-05 09:00 10:00", "m01")
        ground.usage(conn, "cmm-1", "10-04 09:00 11:00", "m02")
        ground.usage(conn, "cmm-1", "10-05 09:00 10:00", "guest")
        for month in range(1, months + 1):
            close(conn, OFFICE, f"2026-{month:02}", AFTER)
    office = api.person(Role.OFFICE)
    assert (
        office.put("/api/v1/issuer", json={"name": "試験組合", "invoice_number": "T7123456789012"}).status_code == 200
    )
    measured = office.put("/api/v1/nonmember-rule", json={"measure": "yen", "fiscal_first_month": 1})
    assert measured.status_code == 200, measured.text
    return office


def shares(answer: Any) -> list[tuple[str, int, int, int]]:
    return [
        tuple(each[name] for name in ("member_id", "used_yen", "amount_yen", "tax_yen")) for each in answer["shares"]
    ]


def test_a_refund_goes_from_the_meeting_to_the_members_account_and_invoice(api: Callers) -> None:
    office = year(api)
    path = "/api/v1/years/2026/refund"
    assert office.get(path).status_code == 404
    by_hand = [("m01", 3_000, 333, 30), ("m02", 6_000, 667, 60)]
    assert shares(office.get(f"{path}/proposal?amount_yen=1000").json()) == by_hand
    resolved = office.post(path, json=MEETING)
    assert (resolved.status_code, shares(resolved.json()), resolved.json()["booked_on"]) == (201, by_hand, None)
    assert office.post(path, json=MEETING).json() == resolved.json()
    other = office.post(path, json=MEETING | {"amount_yen": 2_000})
    assert (other.status_code, other.json()["code"]) == (409, "billing.refund_exists")
    early = office.post(f"{path}/booking", json={"on_day": "2026-12-31"})
    assert (early.status_code, early.json()["code"]) == (422, "billing.refund_booked_too_early")
    for _ in range(2):
        booked = office.post(f"{path}/booking", json={"on_day": "2027-02-25"})
        assert (booked.status_code, booked.json()["booked_on"]) == (200, "2027-02-25")
    with database.transaction(api.pool) as conn:
        balances = ledger.balances(conn)
        assert [balances[member]["payable"] for member in ("m01", "m02")] == [-333, -667]
        totals = {each.account: each.balance_yen for each in ledger.totals(conn, AFTER.date(), date(2028, 1, 1))}
        assert (totals["patronage_refund"], totals["tax_payable"]) == (303 + 607, -1_200 + 90)
    for _ in range(2):
        while database.run(api.pool, lambda conn: issue_some(conn, 2026, AFTER, most=1)):
            pass
    first, last = office.get("/api/v1/documents?kind=return").json()[::-1]
    told = ("member_id", "net_yen", "tax_yen", "total_yen", "refund_year", "qualified", "month", "issued_on", "returns")
    assert [first[name] for name in told] == ["m01", 303, 30, 333, 2026, True, "2026-12", "2027-02-25", None]
    assert (last["member_id"], last["total_yen"]) == ("m02", 667)
    manager = api.person(Role.MEMBER_MANAGER, "m01")
    printed = words(manager.get(f"/api/v1/documents/{first['id']}/file").content)
    for said in ("適格返還請求書", "T7123456789012", "2026年1月〜2026年12月", "利用分量配当", "¥333", "第12回通常総会"):
        assert said in printed, said
    assert manager.get(f"/api/v1/documents/{last['id']}/file").status_code == 404
    again = office.post(f"/api/v1/documents/{first['id']}/corrections", json={"reason": "宛名の誤り"})
    assert (again.status_code, again.json()["refund_year"], again.json()["total_yen"]) == (201, 2026, 333)
    assert f"{first['number']}を修正" in words(office.get(f"/api/v1/documents/{again.json()['id']}/file").content)


def test_a_year_that_is_not_closed_is_not_refunded(api: Callers) -> None:
    office = year(api, months=1)
    refused = office.post("/api/v1/years/2026/refund", json=MEETING)
    assert (refused.status_code, refused.json()["code"]) == (409, "billing.year_not_closed")
    assert office.post("/api/v1/years/2026/refund/booking", json={"on_day": "2027-02-25"}).status_code == 404


def test_the_gauge_says_what_is_counted_and_how_near_it_is(api: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """In yen of 2026: members 9,000, the guest 3,000: a third, and 1,200 past the 20 % that are 1,800."""
    office = year(api, months=10)
    found = office.get("/api/v1/nonmember-gauge?year=2026").json()
    told = ("unit", "members", "nonmembers", "percent", "left", "standing", "starts_at")
    assert [found[name] for name in told] == ["yen", 9_000, 3_000, "33.33", -1_200, "passed", "2025-12-31T15:00:00Z"]
    monkeypatch.setenv("MOYAI_DATABASE_URL", api.client.app.state.settings.database_url)  # type: ignore[attr-defined]  # an ASGI application
    said = CliRunner().invoke(cli.app, ["gauge", "2026", "--lang", "en"])
    assert (said.exit_code, "33.33 %" in said.output, "¥-1,200" in said.output) == (0, True, True), said.output
