"""A second person agrees to a draft, in three ways; a draft that changes afterwards has no approval any more."""

import re
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from billing.periods import approve, asking
from coop import database
from coop.identity import Role, Viewer
from coop.settings import Settings
from tests.billing import ground
from tests.billing.ground import NOVEMBER
from tests.billing.test_api import cooperative
from tests.booking.posts import mail_server, work
from tests.callers import Caller, Callers

OCTOBER = "/api/v1/periods/2026-10"
PAPER = b"%PDF-1.7 signed"


def drafted(api: Callers) -> tuple[Caller, Caller]:
    """An office that drafted October, and a director."""
    cooperative(api)
    office, director = api.person(Role.OFFICE), api.person(Role.DIRECTOR)
    assert office.post(f"{OCTOBER}/draft").json()["status"] == "draft"
    return office, director


def status(caller: Caller) -> str:
    return str(caller.get(OCTOBER).json()["status"])


def test_a_director_approves_and_the_month_closes(api: Callers) -> None:
    office, director = drafted(api)
    office.post("/api/v1/closing-rules", json={"code": "billing.finding.unapproved", "blocks": True})
    office.post(f"{OCTOBER}/draft")
    refused = office.post(f"{OCTOBER}/close").json()
    assert [each["code"] for each in refused["findings"]] == ["billing.finding.unapproved"]
    assert office.post(f"{OCTOBER}/approve").status_code == 403
    approved = director.post(f"{OCTOBER}/approve")
    assert (approved.status_code, approved.json()["status"]) == (200, "approved")
    assert approved.json()["approved_by"] == str(director.person_id)
    assert director.post(f"{OCTOBER}/approve").json() == approved.json()
    assert office.post(f"{OCTOBER}/draft").json()["status"] == "approved"  # the same draft again
    assert office.post(f"{OCTOBER}/close").json()["status"] == "closed"
    assert director.post(f"{OCTOBER}/approve").json()["code"] == "billing.period_closed"
    settled = office.post(f"{OCTOBER}/settled").json()
    assert settled["status"] == "settled"
    assert office.post(f"{OCTOBER}/settled").json() == settled
    assert director.get(f"{OCTOBER}/verify").json()["same"]
    with database.transaction(api.pool) as conn:
        told = conn.execute("SELECT action FROM coop.audit WHERE subject = 'period:2026-10' ORDER BY id").fetchall()
    assert [each for (each,) in told if each != "period.drafted"] == [
        "period.approved",
        "period.closed",
        "period.settled",
    ]


def test_a_draft_that_changes_loses_its_approval(api: Callers) -> None:
    office, director = drafted(api)
    director.post(f"{OCTOBER}/approve")
    office.post("/api/v1/closing-rules", json={"code": "billing.finding.unapproved", "blocks": True})
    with database.transaction(api.pool) as conn:
        ground.cost(conn, "rent", 50, kind="power")
    refused = office.post(f"{OCTOBER}/close").json()  # it computes the month anew and finds it changed
    assert [each["code"] for each in refused["findings"]] == ["billing.finding.unapproved"]
    assert office.post(f"{OCTOBER}/draft").json()["status"] == "draft"
    assert director.post(f"{OCTOBER}/approve").json()["status"] == "approved"
    assert office.post(f"{OCTOBER}/close").json()["status"] == "closed"


def test_who_drafted_does_not_approve(api: Callers) -> None:
    cooperative(api)
    person = api.person(Role.OFFICE)
    with database.transaction(api.pool) as conn:
        conn.execute("INSERT INTO coop.person_role VALUES (%s, 'director')", [person.person_id])
    person.post(f"{OCTOBER}/draft")
    assert person.post(f"{OCTOBER}/approve").json()["code"] == "billing.second_person_needed"
    wanted = {"person_id": str(person.person_id)}
    assert person.post(f"{OCTOBER}/approval-links", json=wanted).json()["code"] == "billing.second_person_needed"
    assert status(person) == "draft"


def test_a_link_approves_once_and_only_its_draft(api: Callers) -> None:
    office, director = drafted(api)
    wanted = {"person_id": str(director.person_id), "days": 3}

    def link() -> dict[str, Any]:
        made = office.post(f"{OCTOBER}/approval-links", json=wanted)
        assert made.status_code == 201
        return {"secret": made.json()["secret"]}

    stale = link()
    with database.transaction(api.pool) as conn:
        ground.cost(conn, "rent", 50, kind="power")
    office.post(f"{OCTOBER}/draft")
    assert api.nobody.post("/api/v1/approvals", json=stale).status_code == 404
    secret = link()
    approved = api.nobody.post("/api/v1/approvals", json=secret)
    assert (approved.status_code, approved.json()["approved_by"]) == (200, str(director.person_id))
    again = api.nobody.post("/api/v1/approvals", json=secret)
    assert (again.status_code, again.json()["code"]) == (404, "billing.approval_link_invalid")
    engineer = api.person(Role.ENGINEER, "m01")
    wanted["person_id"] = str(engineer.person_id)
    assert office.post(f"{OCTOBER}/approval-links", json=wanted).json()["code"] == "billing.approver_unknown"
    with database.transaction(api.pool) as conn:
        kept = conn.execute("SELECT count(*) FROM billing.approval_link").fetchone()
        told = conn.execute("SELECT actor_id FROM coop.audit WHERE action = 'period.approved'").fetchone()
    assert (kept, told) == ((2,), (director.person_id,))


def test_a_director_gets_the_link_by_mail_and_nobody_else_sees_it(api: Callers) -> None:
    office, director = drafted(api)
    wanted = {"person_id": str(director.person_id), "days": 3}
    with mail_server() as box:
        settings = Settings(database_url=api.pool.conninfo, smtp_url=box.url, public_url="https://moyai.example")
        assert office.post(f"{OCTOBER}/approval-letters", json=wanted).status_code == 204
        work(settings, asking.register)
        (letter,) = box.letters
        body = letter.get_body(("plain",))
        assert body is not None
        said = body.get_content()
        assert "2026年10月の精算案の承認をお願いします" in said
        assert "¥10,009" in said
        found = re.search(r"https://moyai\.example/approve/(\S+)", said)
        assert found is not None
        approved = api.nobody.post("/api/v1/approvals", json={"secret": found[1]})
        assert approved.json()["approved_by"] == str(director.person_id)
        assert office.post(f"{OCTOBER}/approval-letters", json=wanted).status_code == 204
        work(settings, asking.register)
        assert len(box.letters) == 1  # it is approved: nothing is left to ask
    engineer = {"person_id": str(api.person(Role.ENGINEER, "m01").person_id)}
    refused = office.post(f"{OCTOBER}/approval-letters", json=engineer)
    assert refused.json()["code"] == "billing.approver_unknown"


def test_a_link_expires(api: Callers) -> None:
    _, director = drafted(api)
    office = Viewer(None, None, frozenset({Role.OFFICE}))
    with database.transaction(api.pool) as conn:
        lasts = timedelta(days=1)
        secret, ends = approve.make_link(conn, office, "2026-10", director.person_id, NOVEMBER, lasts)
        assert secret not in str(conn.execute("SELECT * FROM billing.approval_link").fetchall())
        with pytest.raises(approve.LinkInvalid):
            approve.use_link(conn, secret, ends)


def test_a_signed_paper_is_kept_with_its_hash(api: Callers) -> None:
    office, director = drafted(api)
    where = f"{OCTOBER}/approval-papers?person_id={director.person_id}"
    refused = office.post(where, files={"file": ("signed.html", b"<html>")})
    assert refused.json()["code"] == "billing.paper_invalid"
    assert director.get(f"{OCTOBER}/approval-paper").status_code == 404
    filed = office.post(where, files={"file": ("signed.pdf", PAPER)})
    assert (filed.json()["status"], filed.json()["approved_by"]) == ("approved", str(director.person_id))
    assert director.get(f"{OCTOBER}/approval-paper").content == PAPER
    with database.transaction(api.pool) as conn:
        stored = conn.execute("SELECT paper_sha256 FROM billing.approval").fetchone()
        told = conn.execute("SELECT detail ->> 'paper_sha256' FROM coop.audit WHERE action = 'period.approved'")
        assert told.fetchone() == (sha256(PAPER).hexdigest(),)
    assert stored == (sha256(PAPER).digest(),)


def test_a_month_is_compared_with_the_one_before_by_what_moved_it(api: Callers) -> None:
    """m01: 1 h at 3,000 in October; 2 h at 4,000 in November. m02: only October."""
    office, director = drafted(api)
    office.post(
        "/api/v1/tariffs",
        json={"machine_id": "cmm-1", "valid_from": "2026-11-01", "basis": "occupied", "yen_per_hour": 4_000},
    )
    with database.transaction(api.pool) as conn:
        ground.usage(conn, "cmm-1", "11-03 09:00 11:00", "m01")
        ground.cost(conn, "rent", 200, month="2026-11")
    office.post("/api/v1/periods/2026-11/draft")
    told = director.get("/api/v1/periods/2026-11/comparison").json()
    assert told["before"] == "2026-10"
    assert [list(each.values()) for each in told["members"]] == [
        ["m01", 3_033, 8_200, 3_000, 2_000, 167, 0],
        ["m02", 6_067, 0, -6_000, 0, -67, 0],
    ]
    assert list(told["total"].values()) == [None, 9_100, 8_200, -3_000, 2_000, 100, 0]
