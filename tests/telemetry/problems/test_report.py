"""What somebody at a machine says is wrong reaches the office, once, with who said it."""

from coop.identity import Role
from coop.machines import Machine, add_machine
from telemetry.findings.sweep import sweep
from tests.callers import Callers
from tests.telemetry.signals import at


def test_a_report_is_a_problem_until_somebody_settles_it(api: Callers) -> None:
    api.member("m01", "佐藤精機")
    engineer, office, ward = (
        api.person(Role.ENGINEER, "m01", name="佐藤"),
        api.person(Role.OFFICE),
        api.person(Role.WARD),
    )
    with api.pool.connection() as conn:
        add_machine(conn, Machine("cmm-1", "cmm", "測定機", "CMM"))
    path = "/api/v1/machines/cmm-1/problems"
    assert ward.post(path, json={"text": "x"}).status_code == 403
    assert engineer.post(path, json={"text": " "}).json()["code"] == "telemetry.nothing_reported"
    assert engineer.post("/api/v1/machines/none/problems", json={"text": "x"}).status_code == 404
    for text in ("プローブが曲がっています", "プローブが曲がっています ", "水漏れ"):
        assert engineer.post(path, json={"text": text}).status_code == 204
    assert engineer.get("/api/v1/problems").status_code == 403
    with api.pool.connection() as conn:
        sweep(conn, at(3 * 1440))  # which closes only what it found itself
    told = office.get("/api/v1/problems", params={"kind": "reported"}).json()
    said = [(each["detail"]["text"], each["reporter_name"], each["reporter_member_name"]) for each in told]
    assert said == [("プローブが曲がっています", "佐藤", "佐藤精機"), ("水漏れ", "佐藤", "佐藤精機")]
    assert [each["does"] for each in told[0]["suggestions"]] == ["settle"]
    settled = office.post(f"/api/v1/problems/{told[0]['id']}/settle", json={"reason": "先端を交換しました"})
    assert settled.status_code == 204
    assert len(office.get("/api/v1/problems").json()) == 1
