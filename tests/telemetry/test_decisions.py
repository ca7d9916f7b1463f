"""A person's decision: applied at each derivation while its evidence stands, audited, and found when it is outdated."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from coop.database import Connection, transaction
from coop.errors import Forbidden
from coop.identity import SYSTEM, Role, Viewer
from coop.interval import Interval
from telemetry import decisions
from telemetry.decisions import (
    AssignmentIncomplete,
    MemberUnknown,
    ReasonMissing,
    ReservationUnknown,
    UsageUnknown,
)
from telemetry.usage import listing
from tests.callers import Callers
from tests.telemetry.signals import MACHINE, Signal, at, signal, trace

NOW = at(1000)
LENGTH = at(60), at(180)


@pytest.fixture
def tool(conn: Connection) -> Signal:
    """A machine that ran for two hours and nobody had it."""
    tool = signal(conn)
    tool.send(trace((0, 60, 50), (60, 180, 900), (180, 300, 50)))
    tool.derive()
    return tool


def only_usage(tool: Signal) -> UUID:
    rows = list(tool.conn.execute("SELECT id FROM telemetry.usage"))
    assert len(rows) == 1
    return UUID(str(rows[0][0]))


def test_an_assigned_usage_stays_assigned_when_it_is_derived_anew(tool: Signal) -> None:
    usage = decisions.assign(tool.conn, SYSTEM, only_usage(tool), NOW, member_id="m02")
    assert (usage.kind, usage.member_id) == ("assigned", "m02")
    tool.conn.execute("DELETE FROM telemetry.usage")
    tool.mark(at(0), at(300))
    tool.derive()
    assert tool.usages() == [(*LENGTH, 7200, "assigned", "m02")]
    assert decisions.findings(tool.conn, SYSTEM) == []
    row = tool.conn.execute(
        "SELECT action, subject, detail->>'member_id', detail->>'resolution' FROM coop.audit"
    ).fetchone()
    assert row == ("usage.decided", f"usage:{usage.id}", "m02", "assign")


def test_booking_is_told_whose_an_assigned_usage_is_and_when_it_is_not_any_more(tool: Signal) -> None:
    def told() -> list[tuple[object, ...]]:
        return tool.conn.execute("SELECT lower(during), upper(during), member_id FROM booking.walk_up").fetchall()

    decisions.assign(tool.conn, SYSTEM, only_usage(tool), NOW, member_id="m02")
    assert told() == [(*LENGTH, "m02")]
    decisions.waive(tool.conn, SYSTEM, only_usage(tool), NOW + timedelta(hours=1), reason="warm-up")
    assert told() == []


def test_changed_evidence_outdates_a_decision_until_somebody_decides_again(tool: Signal) -> None:
    decisions.waive(tool.conn, SYSTEM, only_usage(tool), NOW, reason="warm-up by the operator")
    assert tool.usages() == [(*LENGTH, 7200, "waived", None)]
    tool.send([(at(minute) + timedelta(seconds=1), 50.0) for minute in range(100, 130)])
    tool.send([(at(minute) + timedelta(seconds=30), 50.0) for minute in range(100, 130)])
    tool.derive()
    assert [row[3] for row in tool.usages()] == ["waived"], "two readings that alternate prove no pause"
    tool.conn.execute("DELETE FROM telemetry.reading WHERE at >= %s AND at < %s AND value > 100", [at(100), at(130)])
    tool.mark(at(100), at(130))
    tool.derive()
    assert [row[2:] for row in tool.usages()] == [(2401, "unassigned", None), (3000, "unassigned", None)]
    (finding,) = decisions.findings(tool.conn, SYSTEM)
    assert (finding.kind, finding.started_at, finding.ended_at) == ("decision_outdated", *LENGTH)
    tool.mark(at(100), at(130))
    tool.derive()
    assert decisions.findings(tool.conn, SYSTEM) == [finding], "found once, and open until it is decided"
    first = tool.conn.execute("SELECT id FROM telemetry.usage ORDER BY started_at LIMIT 1").fetchone()
    assert first is not None
    decisions.assign(tool.conn, SYSTEM, first[0], NOW, member_id="m01")
    assert decisions.findings(tool.conn, SYSTEM) == []
    assert [row[3:] for row in tool.usages()] == [("assigned", "m01"), ("unassigned", None)]


def test_evidence_that_comes_back_brings_the_decision_back(tool: Signal) -> None:
    decisions.assign(tool.conn, SYSTEM, only_usage(tool), NOW, member_id="m01")
    reservation = tool.reserve(at(120), at(240), "m02")
    tool.derive()
    assert [row[3:] for row in tool.usages()] == [("unassigned", None), ("in_reservation", "m02")]
    assert len(decisions.findings(tool.conn, SYSTEM)) == 1
    tool.conn.execute("UPDATE booking.reservation SET status = 'cancelled' WHERE id = %s", [reservation])
    tool.derive()
    assert tool.usages() == [(*LENGTH, 7200, "assigned", "m01")]
    assert decisions.findings(tool.conn, SYSTEM) == []


def test_assigning_to_a_reservation_names_whose_it_is(tool: Signal) -> None:
    reservation = tool.reserve(at(300), at(360), "m02")
    usage = decisions.assign(tool.conn, SYSTEM, only_usage(tool), NOW, reservation_id=reservation)
    assert (usage.member_id, usage.reservation_id) == ("m02", reservation)


def test_what_cannot_be_decided(tool: Signal) -> None:
    conn, usage_id = tool.conn, only_usage(tool)
    engineer = Viewer(None, "m01", frozenset({Role.ENGINEER}))
    with pytest.raises(Forbidden):
        decisions.assign(conn, engineer, usage_id, NOW, member_id="m01")
    with pytest.raises(UsageUnknown):
        decisions.assign(conn, SYSTEM, uuid4(), NOW, member_id="m01")
    with pytest.raises(AssignmentIncomplete):
        decisions.assign(conn, SYSTEM, usage_id, NOW)
    with pytest.raises(AssignmentIncomplete):
        decisions.assign(conn, SYSTEM, usage_id, NOW, member_id="m01", reservation_id=uuid4())
    with pytest.raises(MemberUnknown):
        decisions.assign(conn, SYSTEM, usage_id, NOW, member_id="m99")
    with pytest.raises(ReservationUnknown):
        decisions.assign(conn, SYSTEM, usage_id, NOW, reservation_id=uuid4())
    with pytest.raises(ReasonMissing):
        decisions.waive(conn, SYSTEM, usage_id, NOW, reason="  ")
    assert tool.usages() == [(*LENGTH, 7200, "unassigned", None)]


def test_over_http_each_sees_their_own_and_the_office_decides(api: Callers) -> None:
    with transaction(api.pool) as conn:
        tool = signal(conn)
        tool.send(trace((0, 60, 50), (60, 180, 900), (180, 300, 50), (300, 360, 900), (360, 400, 50)))
        tool.reserve(at(300), at(360), "m02")
        tool.derive()
    office, mine = api.person(Role.OFFICE), api.person(Role.ENGINEER, "m01")
    other = api.person(Role.ENGINEER, "m02")
    asked = {"from": "2026-10-05T00:00:00Z", "to": "2026-10-06T00:00:00Z"}

    def kinds(caller: object, **more: str) -> list[str]:
        answer = caller.get("/api/v1/usage", params=asked | more)  # type: ignore[attr-defined]  # a Caller
        assert answer.status_code == 200, answer.text
        return [each["kind"] for each in answer.json()]

    assert kinds(office) == ["unassigned", "in_reservation"]
    assert kinds(office, kind="unassigned") == ["unassigned"]
    assert kinds(office, machine="cmm-9") == []
    assert (kinds(mine), kinds(other)) == ([], ["in_reservation"])
    (usage,) = office.get("/api/v1/usage", params=asked | {"kind": "unassigned"}).json()
    path = f"/api/v1/usage/{usage['id']}/decision"
    wanted = {"resolution": "assign", "member_id": "m01"}
    assert mine.post(path, json=wanted).status_code == 403
    decided = office.post(path, json=wanted)
    assert (decided.status_code, decided.json()["kind"], decided.json()["member_id"]) == (200, "assigned", "m01")
    assert kinds(mine) == ["assigned"]
    refused = office.post(path, json={"resolution": "waive"})
    assert (refused.status_code, refused.json()["code"]) == (422, "telemetry.reason_missing")
    states = mine.get(f"/api/v1/machines/{MACHINE}/states", params=asked).json()
    assert [each["state"] for each in states] == ["idle", "running", "idle", "running", "idle", "unknown"]
    assert mine.get("/api/v1/machines/cmm-9/states", params=asked).status_code == 404
    assert mine.get(f"/api/v1/machines/{MACHINE}/states", params=asked | {"to": "2026-10-05"}).status_code == 422
    (device,) = mine.get("/api/v1/devices").json()
    assert (device["id"], device["machine_id"], device["last_received_at"] is not None) == ("cmm-1-plug", MACHINE, True)
    assert office.get("/api/v1/findings").json() == []


def test_the_projection_hides_what_is_nobodys_from_members(tool: Signal) -> None:
    engineer = Viewer(None, "m01", frozenset({Role.ENGINEER}))
    outsider = Viewer(None, None, frozenset({Role.WARD}))
    window = Interval(at(0), at(300))
    assert [len(listing.usages(tool.conn, who, window)) for who in (SYSTEM, engineer, outsider)] == [1, 0, 0]
