"""The problem queue through its API: what is open, what is suggested, and that a decision takes it away."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from coop.identity import Role
from telemetry.findings.sweep import sweep
from tests.callers import Caller, Callers
from tests.telemetry.signals import MACHINE, Signal, at, signal, trace

LATER = at(3 * 1440)


@pytest.fixture
def cmm(api: Callers) -> Iterator[Signal]:
    """It ran at 10:00 UTC for an hour, between two reservations, for nobody that is known."""
    with api.pool.connection() as conn:
        sent = signal(conn)
        sent.send(trace((400, 600, 0), (600, 660, 500), (660, 800, 0)))
        sent.derive()
        yield sent


@pytest.fixture
def office(api: Callers) -> Caller:
    return api.person(Role.OFFICE)


def found(cmm: Signal, now: datetime = LATER) -> None:
    sweep(cmm.conn, now)
    cmm.conn.commit()


def open_problems(caller: Caller, **asked: Any) -> list[dict[str, Any]]:
    told = caller.get("/api/v1/problems", params=asked)
    assert told.status_code == 200
    return list(told.json())


def visit(cmm: Signal, reservation: UUID, came: datetime, left: datetime) -> None:
    cmm.conn.execute(
        "INSERT INTO booking.visit (reservation_id, machine_id, came_at, came_by, left_at)"
        " VALUES (%s, %s, %s, 'code', %s)",
        [reservation, MACHINE, came, left],
    )


def test_usage_of_nobody_is_offered_to_its_neighbours(cmm: Signal, office: Caller) -> None:
    before = cmm.reserve(at(300), at(420), "m01")
    after = cmm.reserve(at(720), at(780), "m02")
    cmm.derive()
    found(cmm)
    [problem] = open_problems(office)
    assert (problem["kind"], problem["machine_id"]) == ("nobody", MACHINE)
    assert datetime.fromisoformat(problem["started_at"]) == at(600)
    told = [(each["does"], each["because"]) for each in problem["suggestions"]]
    assert told == [("assign", "after"), ("assign", "before"), ("waive", "maintenance"), ("waive", "test")]
    offered = [each["reservation"]["reservation_id"] for each in problem["suggestions"][:2]]
    assert offered == [str(after), str(before)]
    assert [each["member_name"] for each in problem["may_know"]] == ["m02製作所", "m01製作所"]


def test_who_was_checked_in_is_likeliest(cmm: Signal, office: Caller) -> None:
    cmm.reserve(at(670), at(700), "m02")
    there = cmm.reserve(at(500), at(560), "m01")
    visit(cmm, there, at(505), at(570))
    cmm.derive()
    found(cmm)
    [problem] = open_problems(office, kind="nobody")
    first = problem["suggestions"][0]
    assert (first["because"], first["reservation"]["reservation_id"]) == ("checked_in", str(there))


def test_a_decision_takes_it_off_the_queue_at_once(cmm: Signal, office: Caller) -> None:
    reservation = cmm.reserve(at(720), at(780), "m02")
    cmm.derive()
    found(cmm)
    [problem] = open_problems(office)
    body = {"resolution": "assign", "reservation_id": str(reservation)}
    assert office.post(f"/api/v1/usage/{problem['usage_id']}/decision", json=body).status_code == 200
    assert open_problems(office) == []
    assert office.get(f"/api/v1/problems/{problem['id']}").status_code == 404


def test_whose_it_was_cannot_be_left_open(cmm: Signal, office: Caller) -> None:
    found(cmm)
    [problem] = open_problems(office)
    settle = f"/api/v1/problems/{problem['id']}/settle"
    told = office.post(settle, json={"reason": "?"})
    assert (told.status_code, told.json()["code"]) == (409, "telemetry.decision_needed")


def test_what_is_well_as_it_is_does_not_come_back(cmm: Signal, office: Caller, api: Callers) -> None:
    quiet = cmm.reserve(at(680), at(760), "m01")
    visit(cmm, quiet, at(690), at(750))
    cmm.derive()
    found(cmm)
    [problem] = open_problems(office, kind="sensor_disagrees")
    assert [each["does"] for each in problem["suggestions"]] == ["settle"]
    settle = f"/api/v1/problems/{problem['id']}/settle"
    assert office.post(settle, json={"reason": " "}).status_code == 422
    for _ in range(2):
        told = office.post(settle, json={"reason": "図面の確認"}, headers={"Idempotency-Key": "once"})
        assert told.status_code == 204
    assert office.post(settle, json={"reason": "図面の確認"}).status_code == 404
    found(cmm, LATER + timedelta(hours=1))
    assert open_problems(office, kind="sensor_disagrees") == []
    said = cmm.conn.execute("SELECT detail->>'reason' FROM coop.audit WHERE action = 'problem.settled'").fetchall()
    assert said == [("図面の確認",)]


def test_a_decision_on_evidence_that_changed_is_asked_anew(cmm: Signal, office: Caller) -> None:
    found(cmm)
    [problem] = open_problems(office)
    body = {"resolution": "waive", "reason": "保守"}
    assert office.post(f"/api/v1/usage/{problem['usage_id']}/decision", json=body).status_code == 200
    cmm.conn.execute("DELETE FROM telemetry.reading WHERE at >= %s AND at < %s", [at(660), at(680)])
    cmm.send(trace((660, 680, 500)))
    cmm.derive()
    cmm.conn.commit()
    [again] = open_problems(office, kind="decision_outdated")
    assert again["usage_id"] == problem["usage_id"]
    assert office.post(f"/api/v1/usage/{again['usage_id']}/decision", json=body).status_code == 200
    assert open_problems(office) == []


def test_the_queue_comes_in_pages(cmm: Signal, office: Caller) -> None:
    for hour in (20, 30, 40):
        cmm.send(trace((hour * 60, hour * 60 + 30, 500), (hour * 60 + 30, hour * 60 + 50, 0)))
    cmm.derive()
    found(cmm)
    whole = [each["id"] for each in open_problems(office, machine=MACHINE)]
    seen: list[list[int]] = []
    address = "/api/v1/problems?limit=3"
    while address:
        told = office.get(address)
        seen.append([each["id"] for each in told.json()])
        address = told.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert [len(each) for each in seen] == [3, 1]
    assert [number for page in seen for number in page] == whole
    assert open_problems(office, machine="ct-1") == []


def test_its_picture_shows_what_the_machine_did(cmm: Signal, office: Caller) -> None:
    found(cmm)
    [problem] = open_problems(office)
    told = office.get(f"/api/v1/problems/{problem['id']}/picture.svg")
    assert told.headers["content-type"] == "image/svg+xml"
    drawn = [(each.get("class"), float(each.get("width") or 0)) for each in ET.fromstring(told.text)]
    running, problem_wide = (width for name, width in drawn if name in {"was-running", "problem"})
    assert running == problem_wide == 240  # an hour of two
    assert sum(name == "reach" for name, _ in drawn) == 120


def test_an_engineer_sees_no_queue(cmm: Signal, api: Callers) -> None:
    cmm.conn.commit()
    engineer = api.person(Role.ENGINEER, "m01")
    assert engineer.get("/api/v1/problems").status_code == 403
