"""A member questions a line; the office answers, corrects or waives with a second person; the next month charges it."""

from typing import Any

from coop import database
from coop.identity import Role
from tests.billing.test_api import cooperative
from tests.callers import Caller, Callers


def closed(api: Callers) -> tuple[Caller, Caller, Caller, str]:
    """A closed October: the office, a director, m01's engineer, and the address of the first line of m01."""
    cooperative(api)
    office, director = api.person(Role.OFFICE, locale="en"), api.person(Role.DIRECTOR)
    engineer = api.person(Role.ENGINEER, "m01", locale="en")
    office.post("/api/v1/periods/2026-10/close")
    (own,) = engineer.get("/api/v1/statements").json()
    return office, director, engineer, f"/api/v1/statements/{own['id']}/lines/1/disputes"


def ask(caller: Caller, where: str) -> dict[str, Any]:
    asked = caller.post(where, json={"words": "That was not us."})
    assert asked.status_code == 201, asked.text
    told: dict[str, Any] = asked.json()
    return told


def test_a_correction_takes_two_people_and_the_next_month(api: Callers) -> None:
    office, director, engineer, where = closed(api)
    dispute = ask(engineer, where)
    at = f"/api/v1/disputes/{dispute['id']}"
    assert dispute["stands"] == "asked"
    assert office.post(f"{at}/answers", json={"words": "We look."}).json()["stands"] == "answered"
    assert ask(engineer, where)["id"] == dispute["id"]
    wanted = {"amount_yen": -1_000, "words": "20 minutes were ours"}
    assert office.post(f"{at}/proposals", json=wanted | {"amount_yen": -3_001}).json()["code"] == (
        "billing.more_than_the_line"
    )
    assert office.post(f"{at}/proposals", json=wanted).json()["stands"] == "proposed"
    assert office.post(f"{at}/proposals", json=wanted).json()["code"] == "billing.proposal_waits"
    agreed = {"agrees": True, "words": "yes"}
    assert office.post(f"{at}/decisions", json=agreed).json()["code"] == "billing.second_person_needed"
    assert engineer.post(f"{at}/decisions", json=agreed).status_code == 403
    done = director.post(f"{at}/decisions", json=agreed).json()
    assert [step["action"] for step in done["steps"]] == ["asked", "answered", "asked", "proposed", "agreed"]
    assert director.post(f"{at}/decisions", json=agreed).json()["code"] == "billing.nothing_proposed"
    assert office.post(f"{at}/proposals", json=wanted | {"amount_yen": -2_001}).status_code == 422
    assert office.post("/api/v1/periods/2026-11/draft").json()["status"] == "draft"
    (statement,) = office.get("/api/v1/statements?month=2026-11").json()
    lines = lines_told(office, statement["id"])
    assert lines == [("Adjustment of 2026-10: CMM 1 (correction)", -1_000, "0.10")]
    assert (statement["net_yen"], statement["tax_yen"]) == (-1_000, -100)
    assert engineer.get(at).json() == done
    with database.transaction(api.pool) as conn:
        told = conn.execute("SELECT count(*) FROM coop.audit WHERE action LIKE 'dispute.%'").fetchone()
    assert told == (5,)


def lines_told(caller: Caller, statement_id: str) -> list[tuple[str, int, str]]:
    told = caller.get(f"/api/v1/statements/{statement_id}").json()
    return [(line["description"], line["amount_yen"], line["tax_rate"]) for line in told["lines"]]


def test_a_waiver_may_be_refused(api: Callers) -> None:
    office, director, engineer, where = closed(api)
    at = f"/api/v1/disputes/{ask(engineer, where)['id']}"
    wanted = {"amount_yen": -3_000, "words": "the printer was broken", "waive": True}
    assert office.post(f"{at}/proposals", json=wanted | {"amount_yen": 1}).status_code == 422
    office.post(f"{at}/proposals", json=wanted)
    assert director.post(f"{at}/decisions", json={"agrees": False, "words": "no"}).json()["stands"] == "refused"
    office.post(f"{at}/proposals", json=wanted)
    done = director.post(f"{at}/decisions", json={"agrees": True, "words": "well"}).json()
    assert (done["stands"], done["steps"][-2]["reason"]) == ("agreed", "waiver")


def test_another_members_dispute_is_not_there(api: Callers) -> None:
    _, _, engineer, where = closed(api)
    dispute = ask(engineer, where)
    other = api.person(Role.ENGINEER, "m02")
    assert other.post(where, json={"words": "?"}).status_code == 404
    assert other.get(f"/api/v1/disputes/{dispute['id']}").status_code == 404
    assert other.get("/api/v1/disputes").json() == []
    assert [each["id"] for each in engineer.get("/api/v1/disputes").json()] == [dispute["id"]]
    assert engineer.post(where.replace("/1/", "/99/"), json={"words": "?"}).status_code == 404
