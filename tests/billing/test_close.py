"""Closing a month: frozen, chained, once, all or nothing, and checkable afterwards."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from billing import store
from billing.documents import store as documents
from billing.documents.model import Issuer
from billing.explain.line import explain
from billing.explain.wording import render
from billing.model import Line, Status
from billing.periods.settle import CloseBlocked, LaterMonthClosed, MonthNotOver, PeriodClosed, close, draft
from billing.periods.verify import Difference, verify, verify_all
from billing.tariffs.edit import add_tariff, tariffs
from coop.database import Connection
from coop.errors import Forbidden
from coop.identity import Role, Viewer
from tests.billing import ground
from tests.billing.ground import AUDITOR, NOVEMBER, OFFICE
from tests.parts.databases import Database


@pytest.fixture
def settled(database: Database) -> Iterator[Database]:
    """October: m01 one reservation with an overrun, m02 a walk-up that the office assigned, m03 a CT scan."""
    with psycopg.connect(database.app_url) as conn:
        october(conn)
    return database


def october(conn: Connection) -> None:
    ground.found(conn)
    slot = ground.reservation(conn, "cmm-1", "10-03 09:00 11:00", "m01")
    ground.usage(conn, "cmm-1", "10-03 09:02 11:00", "m01", kind="in_reservation", reservation=slot)
    ground.usage(conn, "cmm-1", "10-03 11:00 11:32", "m01", kind="overrun", reservation=slot)
    ground.usage(conn, "cmm-1", "10-05 13:00 14:00", "m02", kind="assigned")
    ground.usage(conn, "cmm-1", "10-06 13:00 14:00", None, kind="waived")
    scan = ground.reservation(conn, "ct-1", "10-07 10:00 12:00", "m03")
    ground.usage(
        conn, "ct-1", "10-07 10:00 12:00", "m03", kind="in_reservation", running_seconds=3605, reservation=scan
    )
    ground.readings(conn, "cmm-1", [("10-03 09:01", 230.0), ("10-03 09:02", 520.5), ("10-03 11:31", 518.0)])
    ground.cost(conn, "rent", 100_000)
    ground.cost(conn, "cmm-1", 20_000)


def lines_of_all(conn: Connection) -> list[Line]:
    return [line for machine in ("cmm-1", "ct-1", None) for line in store.lines_of(conn, "2026-10", machine)]


def test_october_as_a_bookkeeper_would_check_it(settled: Database) -> None:
    """cmm-1: 09:02-11:32 is 2:30 → 7,500; 1:00 → 3,000. ct-1 ran 3,605 s → 3,660 s → 9,150.

    Rent 100,000 by seconds used 9,000 : 3,600 : 7,200 (19,800) → 45,454.54 : 18,181.81 : 36,363.63; the two leftover
    yen go to .818 (m02) and .636 (m03).
    """
    with psycopg.connect(settled.app_url) as conn:
        period = close(conn, OFFICE, "2026-10", NOVEMBER)
        issued = store.statements(conn, OFFICE, month="2026-10")
        lines = {each.statement.member_id: store.lines(conn, each.statement) for each in issued}
        pools = {each.pool_id: each for each in store.pool_results(conn, "2026-10")}
    assert {member: [line.amount_yen for line in theirs] for member, theirs in lines.items()} == {
        "m01": [7_500, 45_454],
        "m02": [3_000, 18_182],
        "m03": [9_150, 36_364],
    }
    totals = [(each.statement.net_yen, each.statement.tax_yen, each.statement.total_yen) for each in issued]
    assert totals == [(52_954, 5_295, 58_249), (21_182, 2_118, 23_300), (45_514, 4_551, 50_065)]
    assert period.status is Status.CLOSED
    assert period.control is not None
    assert period.control.zero
    assert (pools["cmm-1"].income_yen, pools["cmm-1"].carried_yen) == (10_500, -9_500)
    assert (pools["rent"].charged_yen, pools["rent"].carried_yen) == (100_000, 0)
    assert period.metered is not None
    assert (period.metered.metered_seconds, period.metered.waived_seconds) == (23_400, 3_600)


def test_the_ledger_says_what_the_statements_say(settled: Database) -> None:
    with psycopg.connect(settled.app_url) as conn:
        close(conn, OFFICE, "2026-10", NOVEMBER)
        conn.commit()
        balance = dict(
            conn.execute("SELECT account, sum(amount_yen) FROM billing.ledger_posting GROUP BY account").fetchall()
        )
    assert balance == {
        "receivable": 58_249 + 23_300 + 50_065,
        "fee_income": -19_650,
        "share_income": -100_000,
        "tax_payable": -(5_295 + 2_118 + 4_551),
    }


def test_draft_and_close_and_verify_agree_and_closing_again_changes_nothing(settled: Database) -> None:
    with psycopg.connect(settled.app_url) as conn:
        drafted = draft(conn, OFFICE, "2026-10", NOVEMBER)
        before = store.statements(conn, OFFICE), lines_of_all(conn)
        assert draft(conn, OFFICE, "2026-10", NOVEMBER) == drafted
        closed = close(conn, OFFICE, "2026-10", NOVEMBER)
        assert [each.statement for each in store.statements(conn, OFFICE)] == [each.statement for each in before[0]]
        assert lines_of_all(conn) == before[1]
        assert close(conn, OFFICE, "2026-10", NOVEMBER + timedelta(days=1)) == closed
        with pytest.raises(PeriodClosed):
            draft(conn, OFFICE, "2026-10", NOVEMBER)
        assert verify(conn, AUDITOR, "2026-10").difference is None
        audited = conn.execute("SELECT action FROM coop.audit WHERE subject = 'period:2026-10' ORDER BY id").fetchall()
    assert [row[0] for row in audited] == ["period.drafted", "period.drafted", "period.closed"]


def test_what_is_open_blocks_the_close_and_all_of_it_is_said_at_once(settled: Database) -> None:
    with psycopg.connect(settled.app_url) as conn:
        ground.usage(conn, "cmm-1", "10-08 13:00 14:00", None, kind="unassigned")
        ground.usage(conn, "ct-1", "10-09 13:00 14:00", None, kind="unassigned")
        conn.execute(
            "INSERT INTO telemetry.dirty (machine_id, from_at, until_at) VALUES ('ct-1', %s, %s)",
            [ground.at("10-31 23:00"), ground.at("10-31 23:00")],
        )
        drafted = draft(conn, OFFICE, "2026-10", NOVEMBER)
        conn.commit()
        with pytest.raises(CloseBlocked) as refused:
            close(conn, OFFICE, "2026-10", NOVEMBER)
        conn.rollback()
        assert store.periods(conn, "2026-10") == [drafted]
    assert refused.value.params["count"] == 3
    codes = [finding["code"] for finding in refused.value.extra["findings"]]
    assert codes == ["billing.finding.unassigned"] * 2 + ["billing.finding.underived"]
    assert drafted.control is not None
    assert drafted.control.zero


def test_a_month_ends_at_midnight_in_tokyo(settled: Database) -> None:
    end = ground.at("11-01 00:00")
    with psycopg.connect(settled.app_url) as conn:
        ground.usage(conn, "cmm-1", "10-31 23:00 24:00", "m02")
        ground.usage(conn, "cmm-1", "11-01 00:00 01:00", "m02")
        with pytest.raises(MonthNotOver):
            close(conn, OFFICE, "2026-10", end - timedelta(microseconds=1))
        conn.rollback()
        ground.usage(conn, "cmm-1", "10-31 23:00 24:00", "m02")
        ground.usage(conn, "cmm-1", "11-01 00:00 01:00", "m02")
        closed = close(conn, OFFICE, "2026-10", end)
    assert closed.metered is not None
    assert closed.metered.metered_seconds == 23_400 + 3_600


def test_months_are_chained_and_close_in_their_order(settled: Database) -> None:
    with psycopg.connect(settled.app_url) as conn:
        ground.cost(conn, "rent", 5, "2026-11")
        december = NOVEMBER + timedelta(days=40)
        first = close(conn, OFFICE, "2026-10", NOVEMBER)
        second = close(conn, OFFICE, "2026-11", december)
        assert (second.previous_month, first.previous_month) == ("2026-10", None)
        assert [each.difference for each in verify_all(conn, AUDITOR)] == [None, None]
        with pytest.raises(LaterMonthClosed):
            close(conn, OFFICE, "2026-09", december)


def test_a_closed_month_takes_no_cost_and_no_tariff(settled: Database) -> None:
    with psycopg.connect(settled.app_url) as conn:
        close(conn, OFFICE, "2026-10", NOVEMBER)
        with pytest.raises(PeriodClosed):
            ground.cost(conn, "rent", 1)
        tariff = tariffs(conn, "cmm-1")[0]
        with pytest.raises(PeriodClosed):
            add_tariff(conn, OFFICE, tariff, NOVEMBER)


def test_what_an_office_should_know_before_a_close_is_a_warning(settled: Database) -> None:
    """Without a registration number invoices are not qualified; October's use without an owner came after its close."""
    with psycopg.connect(settled.app_url) as conn:
        close(conn, OFFICE, "2026-10", NOVEMBER)
        ground.usage(conn, "cmm-1", "10-20 09:00 10:00", None, kind="unassigned")
        documents.add_issuer(conn, Issuer("組合", "東京都"), NOVEMBER)
        found = draft(conn, OFFICE, "2026-11", ground.at("12-01 09:00")).findings
    assert [(each.code, each.blocks, each.subject) for each in found] == [
        ("billing.finding.late_unassigned", False, "machine:cmm-1:2026-10"),
        ("billing.finding.unregistered", False, "cooperative"),
    ]
    assert found[0].params == {"machine": "cmm-1", "of_month": "2026-10", "count": 1}


@pytest.mark.parametrize("role", [Role.ENGINEER, Role.DIRECTOR, Role.AUDITOR, Role.OPERATOR])
def test_only_the_office_settles(settled: Database, role: Role) -> None:
    viewer = Viewer(None, "m01", frozenset({role}))
    with psycopg.connect(settled.app_url) as conn:
        for use_case in (draft, close):
            with pytest.raises(Forbidden):
                use_case(conn, viewer, "2026-10", NOVEMBER)


def test_a_member_sees_its_own_statement_once_it_is_final(settled: Database) -> None:
    manager = Viewer(None, "m02", frozenset({Role.MEMBER_MANAGER}))
    with psycopg.connect(settled.app_url) as conn:
        draft(conn, OFFICE, "2026-10", NOVEMBER)
        assert store.statements(conn, manager) == []
        close(conn, OFFICE, "2026-10", NOVEMBER)
        assert [each.statement.member_id for each in store.statements(conn, manager)] == ["m02"]
        assert store.statements(conn, Viewer(None, None, frozenset({Role.WARD}))) == []


def test_a_line_is_followed_down_to_its_readings(settled: Database) -> None:
    with psycopg.connect(settled.app_url) as conn:
        draft(conn, OFFICE, "2026-10", NOVEMBER)
        statement = store.statements(conn, OFFICE)[0].statement
        drafted = explain(conn, OFFICE, statement.id, 1)
        close(conn, OFFICE, "2026-10", NOVEMBER)
        conn.execute("DELETE FROM telemetry.reading")
        conn.execute("DELETE FROM telemetry.usage")
        conn.execute("DELETE FROM telemetry.state_interval")
        found = explain(conn, OFFICE, statement.id, 1)
        share = explain(conn, OFFICE, statement.id, 2)
    assert found.usages == drafted.usages
    assert (drafted.frozen, found.frozen) == (False, True)
    assert [(reading.at, reading.value) for reading in found.usages[0].readings] == [(ground.at("10-03 09:02"), 520.5)]
    assert [(reading.at, reading.value) for reading in found.usages[1].readings] == [(ground.at("10-03 11:31"), 518.0)]
    assert [state.state for each in found.usages for state in each.states] == ["running", "running"]
    assert len(share.usages) == 2
    said = render(found.line, found.rules, found.month, "ja")
    assert said[-1] == "三次元測定機 CMM-1: 2時間30分 × 3,000円/時 = 7,500円（10月3日 9:02–11:32）"
    assert render(share.line, share.rules, share.month, "en")[-1] == (
        "Rent of the room: 100,000 yen × 2 h 30 min ÷ everybody's 5 h 30 min = 45,454.545 yen → 45,454 yen"
    )


def test_readings_of_a_wrong_clock_are_explained_at_their_true_time(database: Database) -> None:
    with psycopg.connect(database.app_url) as conn:
        ground.found(conn)
        ground.usage(conn, "cmm-1", "10-03 09:00 10:00", "m01")
        ground.readings(conn, "cmm-1", [("10-03 08:57", 1.0), ("10-03 08:59", 2.0), ("10-03 09:59", 3.0)], 120)
        close(conn, OFFICE, "2026-10", NOVEMBER)
        statement = store.statements(conn, OFFICE)[0].statement
        found = explain(conn, OFFICE, statement.id, 1)
    assert [(each.at, each.value) for each in found.usages[0].readings] == [(ground.at("10-03 09:01"), 2.0)]


@pytest.mark.parametrize(
    ("tamper", "field"),
    [
        ("UPDATE billing.line SET amount_yen = amount_yen + 1 WHERE kind = 'fee' AND amount_yen = 3000",
         "statements[m02].lines[1].amount_yen"),
        ("UPDATE billing.line SET explanation = jsonb_set(explanation, '{parts,0,yen_per_hour}', '2999')"
         " WHERE amount_yen = 7500",
         "statements[m01].lines[1].explanation.parts[1].yen_per_hour"),
        ("UPDATE billing.statement SET tax_yen = tax_yen - 1, total_yen = total_yen - 1 WHERE member_id = 'm03'",
         "statements[m03].tax_yen"),
        ("DELETE FROM billing.line WHERE kind = 'share' AND amount_yen = 36364", "statements[m03].lines[2]"),
        ("UPDATE billing.pool_result SET cost_yen = 99999, carried_yen = 1 WHERE pool_id = 'rent'",
         "pools[rent].cost_yen"),
        ("UPDATE billing.ledger_posting SET amount_yen = amount_yen - 1"
         " WHERE member_id = 'm02' OR account = 'tax_payable' AND amount_yen = -2118",
         "entries[2].postings[receivable].amount_yen"),
        ("UPDATE billing.period_evidence SET sha256 = decode(repeat('00', 32), 'hex') WHERE part = 'rules'",
         "evidence[rules].sha256"),
        ("UPDATE billing.period_evidence SET content_zlib = '\\x00' WHERE part = 'readings/cmm-1/2026-10-03'",
         "evidence[readings/cmm-1/2026-10-03].content"),
        ("DELETE FROM billing.period_evidence WHERE part = 'readings/cmm-1/2026-10-03'",
         "manifest.parts.readings/cmm-1/2026-10-03"),
        ("DELETE FROM billing.period_evidence WHERE part = 'manifest'", "evidence[manifest]"),
        ("UPDATE billing.period SET evidence_hash = decode(repeat('00', 32), 'hex')", "period.evidence_hash"),
    ],
)  # fmt: skip
def test_verify_names_the_first_field_that_somebody_changed(settled: Database, tamper: str, field: str) -> None:
    with psycopg.connect(settled.app_url) as conn:
        close(conn, OFFICE, "2026-10", NOVEMBER)
    with psycopg.connect(settled.owner_url) as owner:
        for table in ("period", "period_evidence", "pool_result", "statement", "line", "ledger_posting"):
            owner.execute(f"ALTER TABLE billing.{table} DISABLE TRIGGER USER")
        owner.execute(tamper)
    with psycopg.connect(settled.app_url) as conn:
        difference = verify(conn, AUDITOR, "2026-10").difference
    assert isinstance(difference, Difference)
    assert difference.field == field
    assert difference.stored != difference.recomputed


def test_the_embedded_postgresql_settles_the_same(settled: Database, embedded_database: Database) -> None:
    with psycopg.connect(embedded_database.app_url) as conn:
        october(conn)
        on_embedded = close(conn, OFFICE, "2026-10", NOVEMBER)
        assert verify(conn, AUDITOR, "2026-10").difference is None
    with psycopg.connect(settled.app_url) as conn:
        assert close(conn, OFFICE, "2026-10", NOVEMBER) == on_embedded
