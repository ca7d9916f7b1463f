"""Use by non-members against members' in the cooperative's year, as booking is told it; refunds."""

from datetime import date
from decimal import Decimal

import pytest

import booking
from billing.periods.settle import close
from billing.year.gauge import gauge, set_rule
from billing.year.model import Measure, NonmemberRule, fiscal_year_of, refund
from billing.year.refunds import YearNotClosed, propose
from coop import register
from coop.database import Connection
from tests.billing import ground
from tests.billing.ground import NOVEMBER, OFFICE


def test_booking_is_told_the_share_of_non_members(conn: Connection) -> None:
    """Ten hours of members and two of a non-member are 20 %: at the limit, not past it; September of 2025 is over."""
    ground.found(conn)
    register.add_member(conn, register.Member("guest", "員外㈱", is_member=False))
    ground.usage(conn, "cmm-1", "10-03 08:00 18:00", "m01")
    ground.usage(conn, "cmm-1", "10-04 08:00 10:00", "guest")
    ground.usage(conn, "cmm-1", "10-05 08:00 20:00", None, kind="waived")
    ground.usage(conn, "cmm-1", "03-05 08:00 20:00", "guest")
    found = set_rule(conn, OFFICE, NonmemberRule(Measure.HOURS, 4, Decimal(16), Decimal(20)), NOVEMBER)
    assert (found.fiscal_year, found.members, found.nonmembers) == (2026, 36_000, 7_200)
    assert (found.percent, found.standing) == (Decimal("20.00"), "near")
    told = booking.nonmember_use(conn)
    assert told is not None
    assert (told.percent, told.deny_percent) == (Decimal(20), Decimal(20))
    ground.usage(conn, "cmm-1", "10-06 08:00 08:01", "guest")
    assert (found.left, gauge(conn, NOVEMBER).left, gauge(conn, NOVEMBER).standing) == (0, -60, "passed")


def test_a_close_tells_booking(conn: Connection) -> None:
    ground.found(conn)
    ground.usage(conn, "cmm-1", "10-03 08:00 18:00", "m01")
    close(conn, OFFICE, "2026-10", NOVEMBER)
    told = booking.nonmember_use(conn)
    assert told is not None
    assert (told.percent, told.deny_percent) == (Decimal(0), Decimal(20))


def test_a_refund_is_divided_by_what_was_paid() -> None:
    rate = Decimal("0.10")
    shares = refund(100, {("m01", rate): 1, ("m02", rate): 2, ("m03", None): 3, ("m04", rate): 0})
    assert [(each.member_id, each.amount_yen) for each in shares] == [("m01", 17), ("m02", 33), ("m03", 50)]
    assert [each.tax_yen for each in refund(1_100, {("m01", rate): 5})] == [100]


def test_a_refund_waits_for_twelve_closed_months(conn: Connection) -> None:
    ground.found(conn)
    with pytest.raises(YearNotClosed):
        propose(conn, OFFICE, 2025, 1_000)


def test_a_fiscal_year_is_named_by_where_it_begins() -> None:
    assert [fiscal_year_of(day, 4) for day in (date(2026, 3, 31), date(2026, 4, 1))] == [2025, 2026]
