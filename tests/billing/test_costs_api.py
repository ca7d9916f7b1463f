"""Costs and rules through the doors: a month with every rule is closed and verified, and what became known later."""

from typing import Any

from billing import store
from billing.model import LineKind
from billing.periods.settle import close
from billing.periods.verify import verify
from coop import database, machines
from coop.identity import Role
from tests.billing import ground
from tests.billing.ground import AUDITOR, NOVEMBER, OFFICE, at
from tests.callers import Caller, Callers

MONTH = "2026-10"
EQUAL = {"allocation": "equal", "resolution": "第3回総会"}
RULES: dict[str, dict[str, Any]] = {
    "use": {},
    "equal": EQUAL | {"variable_kinds": ["power"]},
    "commitment": {"allocation": "by_commitment"},
    "units": {
        "allocation": "by_units", "legal_form": "special_charge", "tax": "out_of_scope",
        "notice_ja": "消費税の対象外です。", "notice_en": "Outside the consumption tax.",
    },
    "hybrid": EQUAL | {"alpha": "0.5"},
    "tiers": {"allocation": "tiers", "tier_costs_yen": [800, 1_100, 1_300]},
    "carrying": EQUAL | {"carry": "divided", "legal_form": "levy", "tax": "out_of_scope"},
}  # fmt: skip


def entered(office: Caller, path: str, **body: Any) -> Any:
    answer = office.post(f"/api/v1{path}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def cooperative(api: Callers) -> Caller:
    """Three members; m01 used cmm-1, which m03 hosts, for an hour, m02 for two; every rule has 1,200 yen to divide."""
    for member in ("m01", "m02", "m03"):
        api.member(member)
    with database.transaction(api.pool) as conn:
        machines.add_machine(conn, machines.Machine("cmm-1", "cmm", "三次元測定機 CMM-1", "CMM 1"))
        machines.add_machine(conn, machines.Machine("ct-1", "ct", "X線CT", "X-ray CT"))
        ground.rules(conn)
        ground.usage(conn, "cmm-1", "10-03 09:00 10:00", "m01")
        ground.usage(conn, "cmm-1", "10-04 09:00 11:00", "m02")
        conn.execute("UPDATE coop.member SET joined_on = '2026-01-01'")
    office = api.person(Role.OFFICE)
    for n, (measure, values) in enumerate({"commitment": (10, 0, 20), "units": (1, 2, 3), "tier": (1, 2, 3)}.items()):
        for member, value in zip(("m01", "m02", "m03"), values, strict=True):
            entered(office, "/weights", member_id=member, measure=measure, value=value, month=f"2026-0{n + 7}")
    for pool, rule in RULES.items():
        entered(office, "/cost-pools", id=pool, kind="share", name_ja=pool, name_en=pool, **rule)
        entered(
            office, "/recurring-costs", pool_id=pool, kind="lease", yen_per_month=1_000, month=MONTH, estimated=True
        )
        entered(office, "/costs", pool_id=pool, kind="power", amount_yen=200, month=MONTH)
    asset = {"acquired_on": "2026-04-01", "cost_yen": 3_000_000, "subsidy_yen": 2_000_000, "useful_life_years": 10}
    entered(
        office,
        "/assets",
        pool_id="cmm-1",
        name_ja="測定機",
        name_en="CMM",
        method="declining",
        month="2026-04",
        **asset,
    )
    entered(office, "/hostings", machine_id="cmm-1", member_id="m03", month="2026-10", commission_percent="20")
    return office


def by_pool(api: Callers, month: str, kind: LineKind) -> dict[str, dict[str, int]]:
    """What each pool's lines of a kind charge each member."""
    found: dict[str, dict[str, int]] = {}
    with database.transaction(api.pool) as conn:
        for line in store.lines_of(conn, month, None):
            if line.kind is kind and line.pool_id:
                paid = found.setdefault(line.pool_id, {})
                paid[line.member_id] = paid.get(line.member_id, 0) + line.amount_yen
    return found


def test_a_month_with_every_rule_is_closed_and_verified(api: Callers) -> None:
    """1,200 yen each. Tiers: 800 / 3, + 300 / 2, + 200: 266.67, 416.67, 616.67 of 1,300."""
    office = cooperative(api)
    with database.transaction(api.pool) as conn:
        close(conn, OFFICE, MONTH, NOVEMBER)
        assert verify(conn, AUDITOR, MONTH).difference is None
        owed = store.owner_credits(conn, MONTH)
        balances = dict(
            conn.execute(
                "SELECT account, sum(amount_yen)::integer FROM billing.ledger_posting GROUP BY account"
            ).fetchall()
        )
    assert by_pool(api, MONTH, LineKind.SHARE) == {
        "use": {"m01": 400, "m02": 800},
        "equal": {"m01": 334 + 67, "m02": 333 + 133, "m03": 333},  # 1,000 equally, 200 by use
        "commitment": {"m01": 400, "m03": 800},
        "units": {"m01": 200, "m02": 400, "m03": 600},
        "hybrid": {"m01": 400, "m02": 600, "m03": 200},
        "tiers": {"m01": 246, "m02": 385, "m03": 569},
        "carrying": {"m01": 400, "m02": 400, "m03": 400},
    }
    assert [(each.member_id, each.fee_yen, each.commission_yen, each.amount_yen) for each in owed] == [
        ("m03", 9_000, 1_800, 7_200)
    ]
    assert {key: balances[key] for key in ("owner_credit", "tax_paid", "payable", "fee_income", "levy_receivable")} == {
        "owner_credit": 7_200,
        "tax_paid": 720,
        "payable": -7_920,
        "fee_income": -9_000,
        "levy_receivable": 1_200,
    }
    costs = office.get("/api/v1/costs", params={"month": MONTH}).json()
    (written_down,) = [each for each in costs if each["kind"] == "depreciation"]
    assert written_down["amount_yen"] == 16_666  # of 200,000: 116,666 in seven months less 100,000 in six
    pools = {each["id"]: each for each in office.get("/api/v1/cost-pools").json()}
    assert pools["cmm-1"]["balance_yen"] == 1_800 - 16_666
    sentences = {}
    for member in ("m01", "m02", "m03"):
        (statement,) = [each for each in office.get("/api/v1/statements").json() if each["member_id"] == member]
        lines = office.get(f"/api/v1/statements/{statement['id']}").json()["lines"]
        for line in lines:
            said = office.get(f"/api/v1/statements/{statement['id']}/lines/{line['n']}/explain").json()
            sentences[(member, said["line"]["description"])] = said["sentences"]
    assert "消費税の対象外です。" in sentences[("m01", "units 分担金")]
    assert (
        "hybrid: 1,200円 × (50% × 1社 ÷ 3社 + 50% × 1時間 ÷ 全員の使用 3時間) = 400円 → 400円"
        in (sentences[("m01", "hybrid 分担金")])
    )
    assert "名目: 賦課金。根拠: 第3回総会" in sentences[("m01", "carrying 分担金")]


def test_what_a_cost_turned_out_to_be_is_charged_by_the_next_month_as_it_was_divided(api: Callers) -> None:
    office = cooperative(api)
    cost = {each["pool_id"]: each for each in office.get("/api/v1/costs", params={"month": MONTH}).json()
            if each["kind"] == "lease"}  # fmt: skip
    early = entered(office, f"/costs/{cost['use']['id']}/actual", month=MONTH, amount_yen=1_300)
    assert (early["before_yen"], early["charged_month"]) == (1_000, MONTH)
    with database.transaction(api.pool) as conn:
        close(conn, OFFICE, MONTH, NOVEMBER)
    assert by_pool(api, MONTH, LineKind.SHARE)["use"] == {"m01": 500, "m02": 1_000}
    for pool, yen in (("use", 1_600), ("commitment", 700), ("cmm-1", None)):
        if yen is not None:
            late = entered(office, f"/costs/{cost[pool]['id']}/actual", month=MONTH, amount_yen=yen)
            assert late["charged_month"] == "2026-11"
    assert [each["before_yen"] for each in office.get("/api/v1/cost-actuals").json()] == [1_000, 1_300, 1_000]
    with database.transaction(api.pool) as conn:
        close(conn, OFFICE, "2026-11", at("12-02 09:00"))
        assert verify(conn, AUDITOR, "2026-11").difference is None
        assert verify(conn, AUDITOR, MONTH).difference is None
    adjusted = by_pool(api, "2026-11", LineKind.ADJUSTMENT)
    assert adjusted == {"use": {"m01": 100, "m02": 200}, "commitment": {"m01": -100, "m03": -200}}
    (statement,) = [each for each in office.get("/api/v1/statements", params={"month": "2026-11"}).json()
                    if each["member_id"] == "m01"]  # fmt: skip
    lines = office.get(f"/api/v1/statements/{statement['id']}").json()["lines"]
    (line,) = [each for each in lines if each["description"] == "use 分担金の精算(2026-10分)"]
    said = office.get(f"/api/v1/statements/{statement['id']}/lines/{line['n']}/explain").json()["sentences"]
    assert said[0].startswith("2026-10 のleaseは 1,300円として分けましたが、実際は 1,600円でした")


def test_a_rule_begins_with_an_open_month_and_the_one_before_stays_with_the_closed_ones(api: Callers) -> None:
    office = cooperative(api)
    with database.transaction(api.pool) as conn:
        close(conn, OFFICE, MONTH, NOVEMBER)
    refused = office.post("/api/v1/cost-pools/use/rules", json=EQUAL | {"month": MONTH})
    assert (refused.status_code, refused.json()["code"]) == (409, "billing.period_closed")
    entered(office, "/cost-pools/use/rules", month="2026-11", **EQUAL)
    assert [each["allocation"] for each in office.get("/api/v1/cost-pools/use/rules").json()] == ["equal", "by_use"]
    drafted = office.post("/api/v1/periods/2026-11/draft").json()
    assert {each["pool_id"]: each["charged_yen"] for each in drafted["pools"]}["use"] == 1_000
    assert by_pool(api, "2026-11", LineKind.SHARE)["use"] == {"m01": 334, "m02": 333, "m03": 333}
    for rule, code in (
        ({"legal_form": "special_charge"}, "billing.notice_missing"),
        ({"allocation": "tiers", "tier_costs_yen": [5, 5]}, "billing.tiers_missing"),
        ({"allocation": "serial"}, "billing.only_compared"),
    ):
        refused = office.post("/api/v1/cost-pools/use/rules", json=rule | {"month": "2026-12"})
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    missing = office.post("/api/v1/cost-pools/nowhere/rules", json=EQUAL | {"month": "2026-12"})
    assert (missing.status_code, missing.json()["code"]) == (404, "billing.pool_unknown")


def test_what_ends_is_no_cost_any_more(api: Callers) -> None:
    office = cooperative(api)
    (lease, *_) = [each for each in office.get("/api/v1/recurring-costs").json() if each["pool_id"] == "use"]
    (asset,) = office.get("/api/v1/assets").json()
    for path, identifier in (("recurring-costs", lease["id"]), ("assets", asset["id"])):
        early = office.post(f"/api/v1/{path}/{identifier}/end", json={"month": "2026-03"})
        assert (early.status_code, early.json()["code"]) == (422, "billing.ends_too_early")
        assert office.post(f"/api/v1/{path}/{identifier}/end", json={"month": "2026-11"}).status_code == 204
    before, after = (office.get("/api/v1/costs", params={"month": month}).json() for month in (MONTH, "2026-11"))
    kinds = {(each["pool_id"], each["kind"]) for each in before} - {(each["pool_id"], each["kind"]) for each in after}
    assert kinds == {("use", "lease"), ("cmm-1", "depreciation"), *((pool, "power") for pool in RULES)}


def test_other_rules_are_compared_and_nothing_is_written(api: Callers) -> None:
    """The pool "use" divided equally: 400 each instead of 400, 800 and nothing; a CMM hour at 4,000."""
    office = cooperative(api)
    body = {"pools": {"use": EQUAL}, "yen_per_hour": {"cmm-1": 4_000}}
    for _ in ("open", "closed"):
        answer = office.post(f"/api/v1/periods/{MONTH}/what-if", json=body).json()
        found = {each["member_id"]: each for each in answer["members"]}
        assert {key: each["fees_yen"] for key, each in found.items()} == {
            "m01": [3_000, 4_000],
            "m02": [6_000, 8_000],
            "m03": [0, 0],
        }
        changed = {key: each["shares_yen"][1] - each["shares_yen"][0] for key, each in found.items()}
        assert changed == {"m01": 0, "m02": -400, "m03": 400}
        assert found["m01"]["difference_yen"] == found["m01"]["what_if_yen"] - found["m01"]["as_is_yen"] == 1_100
        with database.transaction(api.pool) as conn:
            close(conn, OFFICE, MONTH, NOVEMBER)
            assert verify(conn, AUDITOR, MONTH).difference is None
    serial = {"pools": {"use": {"allocation": "serial", "serial_degree": 2}}}
    assert office.post(f"/api/v1/periods/{MONTH}/what-if", json=serial).status_code == 200
    missing = office.post(f"/api/v1/periods/{MONTH}/what-if", json={"pools": {"nowhere": {}}})
    assert (missing.status_code, missing.json()["code"]) == (404, "billing.not_in_month")
