"""Billing over HTTP: who may settle, what members see, and how a line is followed down."""

from coop import database
from coop.identity import Role
from tests.billing import ground
from tests.billing.ground import NOVEMBER
from tests.callers import Callers


def cooperative(api: Callers) -> None:
    """m01 used cmm-1 for an hour at 3,000 yen, m02 for two; rent of 100."""
    for member in ("m01", "m02"):
        api.member(member)
    with database.transaction(api.pool) as conn:
        ground.machines.add_machine(conn, ground.machines.Machine("cmm-1", "cmm", "三次元測定機 CMM-1", "CMM 1"))
        ground.machines.add_machine(conn, ground.machines.Machine("ct-1", "ct", "X線CT", "X-ray CT"))
        ground.rules(conn)
        ground.usage(conn, "cmm-1", "10-03 09:00 10:00", "m01")
        ground.usage(conn, "cmm-1", "10-04 09:00 11:00", "m02")
        ground.cost(conn, "rent", 100)


def test_a_month_is_drafted_closed_and_verified(api: Callers) -> None:
    cooperative(api)
    office, auditor = api.person(Role.OFFICE), api.person(Role.AUDITOR)
    drafted = office.post("/api/v1/periods/2026-10/draft")
    assert (drafted.status_code, drafted.json()["status"]) == (200, "draft")
    assert set(drafted.json()["control"].values()) == {0}
    assert [pool["carried_yen"] for pool in drafted.json()["pools"]] == [9_000, 0, 0]
    assert auditor.get("/api/v1/periods/2026-10/verify").json()["code"] == "billing.period_not_closed"
    closed = office.post("/api/v1/periods/2026-10/close")
    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    assert closed.json()["closed_by"] == str(office.person_id)
    assert office.post("/api/v1/periods/2026-10/close").json() == closed.json()
    verified = auditor.get("/api/v1/periods/2026-10/verify").json()
    assert (verified["same"], verified["difference"]) == (True, None)
    assert verified["evidence_hash"] == closed.json()["evidence_hash"]
    again = office.post("/api/v1/periods/2026-10/draft")
    assert (again.status_code, again.json()["code"]) == (409, "billing.period_closed")
    assert [each["month"] for each in auditor.get("/api/v1/periods").json()] == ["2026-10"]


def test_a_draft_or_close_sent_twice_with_one_key_is_one(api: Callers) -> None:
    cooperative(api)
    office = api.person(Role.OFFICE)
    key = {"Idempotency-Key": "draft"}
    drafted = office.post("/api/v1/periods/2026-10/draft", headers=key)
    again = office.post("/api/v1/periods/2026-10/draft", headers=key)
    assert (again.json(), again.headers["idempotent-replayed"]) == (drafted.json(), "true")
    refused = office.post("/api/v1/periods/2026-10/close", headers=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "coop.key_reused")
    key = {"Idempotency-Key": "close"}
    closed = office.post("/api/v1/periods/2026-10/close", headers=key)
    again = office.post("/api/v1/periods/2026-10/close", headers=key)
    assert (again.json(), again.headers["idempotent-replayed"]) == (closed.json(), "true")
    with database.transaction(api.pool) as conn:
        told = conn.execute(
            "SELECT action, count(*) FROM coop.audit WHERE action LIKE 'period.%' GROUP BY 1"
        ).fetchall()
    assert dict(told) == {"period.drafted": 1, "period.closed": 1}


def test_a_member_reads_its_own_final_statement_and_no_other(api: Callers) -> None:
    cooperative(api)
    office, engineer = api.person(Role.OFFICE), api.person(Role.ENGINEER, "m01", locale="en")
    office.post("/api/v1/periods/2026-10/draft")
    assert engineer.get("/api/v1/statements").json() == []
    office.post("/api/v1/periods/2026-10/close")
    everybody = office.get("/api/v1/statements?month=2026-10").json()
    assert [(each["member_id"], each["total_yen"]) for each in everybody] == [("m01", 3_336), ("m02", 6_673)]
    (own,) = engineer.get("/api/v1/statements").json()
    assert own["member_id"] == "m01"
    told = engineer.get(f"/api/v1/statements/{own['id']}").json()
    assert [(line["description"], line["amount_yen"]) for line in told["lines"]] == [
        ("Use of CMM 1", 3_000),
        ("Share of Rent of the room", 33),
    ]
    assert told["taxes"] == [{"rate": "0.10", "net_yen": 3_033, "tax_yen": 303}]
    other = everybody[1]["id"]
    assert engineer.get(f"/api/v1/statements/{other}").status_code == 404
    assert engineer.get(f"/api/v1/statements/{other}/lines/1/explain").status_code == 404
    explained = engineer.get(f"/api/v1/statements/{own['id']}/lines/1/explain").json()
    assert explained["sentences"][-1] == "CMM 1: 1 h × 3,000 yen/h = 3,000 yen (Oct 3 9:00–10:00)"
    assert explained["usages"][0]["states"][0]["state"] == "running"
    for n in (0, 3, 2**31, 10**30):
        assert engineer.get(f"/api/v1/statements/{own['id']}/lines/{n}/explain").status_code in {404, 422}


def test_a_blocked_close_lists_everything_in_the_readers_language(api: Callers) -> None:
    cooperative(api)
    with database.transaction(api.pool) as conn:
        ground.usage(conn, "cmm-1", "10-05 09:00 10:00", None, kind="unassigned")
        ground.usage(conn, "cmm-1", "10-06 09:00 10:00", None, kind="unassigned")
    office = api.person(Role.OFFICE)
    refused = office.post("/api/v1/periods/2026-10/close")
    assert (refused.status_code, refused.json()["code"]) == (409, "billing.close_blocked")
    assert [each["params"]["machine"] for each in refused.json()["findings"]] == ["cmm-1", "cmm-1"]
    sentences = [each["sentence"] for each in office.post("/api/v1/periods/2026-10/draft").json()["findings"]]
    assert all("使用者が決まっていません" in sentence for sentence in sentences)


def test_tariffs_and_costs_are_entered_once(api: Callers) -> None:
    cooperative(api)
    office, engineer = api.person(Role.OFFICE), api.person(Role.ENGINEER, "m01")
    wanted = {"machine_id": "cmm-1", "valid_from": "2026-11-01", "basis": "running", "yen_per_hour": 3_500}
    key = {"Idempotency-Key": "tariff-1"}
    first = office.post("/api/v1/tariffs", json=wanted, headers=key)
    assert first.status_code == 201
    assert office.post("/api/v1/tariffs", json=wanted, headers=key).json() == first.json()
    assert office.post("/api/v1/tariffs", json=wanted).json()["code"] == "billing.tariff_overlaps"
    versions = engineer.get("/api/v1/tariffs?machine_id=cmm-1").json()
    assert [(each["valid_from"], each["valid_until"]) for each in versions] == [
        ("2026-01-01", "2026-11-01"),
        ("2026-11-01", None),
    ]
    cost = {"month": "2026-10", "pool_id": "rent", "kind": "power", "amount_yen": 50}
    assert office.post("/api/v1/costs", json=cost).status_code == 201
    assert office.post("/api/v1/costs", json=cost | {"pool_id": "nowhere"}).status_code == 404
    assert office.post("/api/v1/costs", json=cost | {"month": "2026-13"}).status_code == 422
    assert office.post("/api/v1/costs", json=cost | {"amount_yen": -1}).status_code == 422
    assert engineer.post("/api/v1/costs", json=cost).status_code == 403


def test_a_month_that_is_none_or_unknown_is_said(api: Callers) -> None:
    office = api.person(Role.OFFICE)
    assert office.get("/api/v1/periods/2026-10").json()["code"] == "billing.period_unknown"
    for path in ("/api/v1/periods/2026-13", "/api/v1/periods/x/verify", "/api/v1/statements?month=x"):
        assert office.get(path).json()["code"] == "coop.month_invalid"
    assert office.post("/api/v1/periods/2027-00/draft").json()["code"] == "coop.month_invalid"
    assert office.post(f"/api/v1/periods/{NOVEMBER:%Y}-99/close").json()["code"] == "coop.month_invalid"
