"""What comes to be known after a close is charged by the next month, at the closed month's rules and rate."""

from collections.abc import Iterator

import psycopg
import pytest

from billing import store
from billing.explain.line import explain
from billing.explain.wording import render
from billing.periods.settle import close, draft
from billing.periods.verify import verify_all
from coop.database import Connection
from coop.interval import month
from telemetry.findings.sweep import announce_closed
from tests.billing import ground
from tests.billing.ground import AUDITOR, NOVEMBER, OFFICE, TOKYO
from tests.parts.databases import Database

DECEMBER = NOVEMBER.replace(month=12)
JANUARY = NOVEMBER.replace(year=2027, month=1)


@pytest.fixture
def conn(database: Database) -> Iterator[Connection]:
    """October is closed: m01 two hours, m02 one, at 3,000 yen; rent of 900 yen, that is 300 yen an hour."""
    with psycopg.connect(database.app_url) as conn:
        ground.found(conn)
        ground.usage(conn, "cmm-1", "10-03 09:00 11:00", "m01")
        ground.usage(conn, "cmm-1", "10-04 09:00 10:00", "m02")
        ground.cost(conn, "rent", 900)
        close(conn, OFFICE, "2026-10", NOVEMBER)
        yield conn


def late(conn: Connection, when: str, member: str) -> None:
    """A use of October that telemetry derives after the close."""
    ground.usage(conn, "cmm-1", when, member)
    announce_closed(conn, "cmm-1", month(2026, 10, TOKYO), 0)


def adjustments(conn: Connection, of: str) -> list[tuple[str, str, int, int]]:
    return [
        (line.member_id, line.explanation["reason"], line.quantity_seconds, line.amount_yen)
        for line in store.lines_of(conn, of, None)
        if "reason" in line.explanation
    ]


def test_late_use_is_charged_at_the_closed_months_fee_and_realised_rate(conn: Connection) -> None:
    late(conn, "10-05 09:00 09:30", "m02")
    ground.cost(conn, "rent", 0, month="2026-11")
    found = draft(conn, OFFICE, "2026-11", DECEMBER)
    assert found.control is not None
    assert found.control.zero
    assert adjustments(conn, "2026-11") == [("m02", "late_share", 1_800, 150), ("m02", "late_use", 1_800, 1_500)]
    carried = {each.pool_id: (each.adjusted_yen, each.carried_yen) for each in store.pool_results(conn, "2026-11")}
    assert carried == {"cmm-1": (1_500, 1_500), "ct-1": (0, 0), "rent": (150, 150)}
    (statement,) = [each.statement for each in store.statements(conn, OFFICE, month="2026-11")]
    assert (statement.net_yen, statement.tax_yen) == (1_650, 165)


def test_drafting_closing_and_drafting_the_next_charges_it_once(conn: Connection) -> None:
    late(conn, "10-05 09:00 09:30", "m02")
    for _ in range(2):
        draft(conn, OFFICE, "2026-11", DECEMBER)
        draft(conn, OFFICE, "2026-12", DECEMBER)  # not the next to close: it takes nothing
    assert adjustments(conn, "2026-12") == []
    close(conn, OFFICE, "2026-11", DECEMBER)
    draft(conn, OFFICE, "2026-12", DECEMBER)
    assert adjustments(conn, "2026-12") == []
    assert [each.difference for each in verify_all(conn, AUDITOR)] == [None, None]


def test_what_was_adjusted_before_is_not_adjusted_again(conn: Connection) -> None:
    late(conn, "10-05 09:00 09:30", "m02")
    close(conn, OFFICE, "2026-11", DECEMBER)
    late(conn, "10-06 09:00 10:00", "m03")
    close(conn, OFFICE, "2026-12", JANUARY)
    assert adjustments(conn, "2026-12") == [("m03", "late_share", 3_600, 300), ("m03", "late_use", 3_600, 3_000)]
    assert [each.difference for each in verify_all(conn, AUDITOR)] == [None, None, None]


def test_use_that_was_none_is_given_back(conn: Connection) -> None:
    conn.execute("DELETE FROM telemetry.usage WHERE id = %s", [ground.name("usage", "cmm-1", "10-04 09:00 10:00")])
    ground.derived(conn)
    announce_closed(conn, "cmm-1", month(2026, 10, TOKYO), 0)
    close(conn, OFFICE, "2026-11", DECEMBER)
    assert adjustments(conn, "2026-11") == [("m02", "late_share", -3_600, -300), ("m02", "late_use", -3_600, -3_000)]
    (statement,) = [each.statement for each in store.statements(conn, OFFICE, month="2026-11")]
    assert (statement.net_yen, statement.tax_yen, statement.total_yen) == (-3_300, -330, -3_630)


def test_an_adjustment_explains_itself(conn: Connection) -> None:
    late(conn, "10-05 09:00 09:30", "m02")
    close(conn, OFFICE, "2026-11", DECEMBER)
    (statement,) = [each.statement for each in store.statements(conn, OFFICE, month="2026-11")]
    said = []
    for n in (1, 2):
        found = explain(conn, OFFICE, statement.id, n)
        said += render(found.line, found.rules, found.month, "en")
    assert any("1,500 yen by that month's own rules" in each for each in said), said
    assert any("30 min of use × 300.00 yen/h" in each for each in said), said
