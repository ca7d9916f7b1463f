"""A member's month under way: the fees of its draft, of itself alone, before anybody drafts it."""

from datetime import timedelta

import psycopg
import pytest

from billing import store
from billing.model import LineKind
from billing.periods.settle import draft
from billing.periods.so_far import so_far
from coop import database as database_of
from coop.errors import NotFound
from coop.identity import Role, Viewer
from tests.billing import ground
from tests.billing.ground import NOVEMBER, OFFICE
from tests.billing.test_api import cooperative
from tests.billing.test_close import october
from tests.callers import Callers
from tests.parts.databases import Database


def of(member: str) -> Viewer:
    return Viewer(None, member, frozenset({Role.ENGINEER}))


def test_when_the_month_is_over_the_fees_are_those_of_the_draft(database: Database) -> None:
    with psycopg.connect(database.app_url) as conn:
        october(conn)
        beside = ground.reservation(conn, "ct-1", "10-20 10:00 12:00", "m02")
        ground.usage(conn, "ct-1", "10-20 10:10 11:30", "m01", kind="in_reservation", reservation=beside)
        ground.usage(conn, "cmm-1", "10-31 22:00 24:00", "m03", running_seconds=1800)
        ground.cost(conn, "rent", 30_000)
        before = {member: so_far(conn, of(member), NOVEMBER, "2026-10") for member in ("m01", "m02", "m03")}
        draft(conn, OFFICE, "2026-10", NOVEMBER)
        drafted = store.statements(conn, OFFICE, month="2026-10")
        assert len(drafted) == 3
        for each in drafted:
            fees = [line for line in store.lines(conn, each.statement) if line.kind is not LineKind.SHARE]
            found = before[each.statement.member_id]
            assert [line for machine in found.machines for line in machine.lines] == fees
            seen = [usage.member_id for machine in found.machines for usage in machine.happened.usages]
            assert set(seen) == {each.statement.member_id}
            assert found.fees_yen == sum(line.amount_yen for line in fees) > 0


def test_hours_are_booked_occupied_running_and_still_ahead(database: Database) -> None:
    with psycopg.connect(database.app_url) as conn:
        ground.found(conn)
        slot = ground.reservation(conn, "cmm-1", "10-03 09:00 11:00", "m01")
        ground.usage(
            conn, "cmm-1", "10-03 09:30 10:30", "m01", kind="in_reservation", running_seconds=600, reservation=slot
        )
        ground.reservation(conn, "cmm-1", "10-03 12:00 13:00", "m02")
        ground.reservation(conn, "ct-1", "10-09 09:00 12:00", "m01")
        ground.reservation(conn, "ct-1", "10-08 09:00 12:00", "m01", "cancelled")
        now = ground.at("10-03 12:00")
        found = so_far(conn, of("m01"), now)
        assert (found.rules.month, found.until) == ("2026-10", now)
        names = ("booked_seconds", "ahead_seconds", "occupied_seconds", "running_seconds", "fees_yen")
        told = {each.happened.machine_id: [getattr(each, name) for name in names] for each in found.machines}
        assert told == {"cmm-1": [7200, 0, 3600, 600, 3000], "ct-1": [0, 10_800, 0, 0, 0]}
        assert so_far(conn, of("m01"), now - timedelta(days=4)).machines == ()


def test_only_who_pays_with_a_member_has_a_month(database: Database) -> None:
    with psycopg.connect(database.app_url) as conn:
        october(conn)
        for viewer in (OFFICE, Viewer(None, "m01", frozenset({Role.WARD})), Viewer(None, None, frozenset(Role))):
            with pytest.raises(NotFound):
                so_far(conn, viewer, NOVEMBER)


def test_a_program_reads_its_own_month_and_no_other(api: Callers) -> None:
    cooperative(api)
    with database_of.transaction(api.pool) as conn:
        ground.usage(conn, "cmm-1", "10-08 09:00 10:00", "m01")
        ground.usage(conn, "cmm-1", "10-08 10:00 13:00", "m02")
    mine = api.person(Role.ENGINEER, "m01", locale="en").get("/api/v1/me/month?month=2026-10").json()
    assert {line["end"] for each in mine["machines"] for line in each["lines"]} & {"2026-10-08T01:00:00Z"}
    assert "2026-10-08T04:00:00Z" not in str(mine)
    assert all(line["sentences"] for each in mine["machines"] for line in each["lines"])
    assert api.person(Role.OFFICE).get("/api/v1/me/month").status_code == 403
    assert api.person(Role.ENGINEER, "m01").get("/api/v1/me/month?month=x").status_code == 422
