"""The gauge of use by non-members (員外利用), refunds in proportion to use (利用分量配当), and who is told."""

from datetime import date, datetime
from decimal import Decimal

from psycopg import errors

import booking
from billing.year.model import (
    Gauge,
    Measure,
    NonmemberRule,
    RefundShare,
    fiscal_year,
    fiscal_year_of,
    refund,
)
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import SYSTEM, Role, Viewer
from coop.money import Yen
from coop.queries import load
from coop.register import cooperative

SQL = load("billing.year")
PAST_ANY = Decimal(999)
"""What booking is told where non-members used machines and no member did."""


class YearNotClosed(Conflict):
    """A refund is computed once all twelve months of its year are closed."""

    code = "billing.year_not_closed"


class RefundExists(Conflict):
    """A year has one refund, and it is not changed."""

    code = "billing.refund_exists"


class RefundUnknown(NotFound):
    """Nothing was resolved for this year."""

    code = "billing.refund_unknown"


def rule(conn: Connection) -> NonmemberRule:
    """How non-members' use is measured."""
    row = conn.execute(SQL["nonmember_rule"]).fetchone()
    assert row is not None
    return NonmemberRule(Measure(row[0]), *row[1:])


def set_rule(conn: Connection, viewer: Viewer, wanted: NonmemberRule, now: datetime) -> Gauge:
    """Measure it so from now on, and tell booking at once."""
    viewer.require(Role.OFFICE)
    values = {name: getattr(wanted, name) for name in NonmemberRule.__slots__}
    conn.execute(SQL["set_nonmember_rule"], values)
    detail: dict[str, object] = {name: str(value) for name, value in values.items()}
    audit.record(conn, "nonmember_rule.set", viewer=viewer, subject="nonmember_rule", now=now, detail=detail)
    return tell(conn, now)


def gauge(conn: Connection, now: datetime) -> Gauge:
    """Non-members' use ÷ members' use in the fiscal year under way."""
    of, zone = rule(conn), cooperative(conn).time_zone
    year = fiscal_year_of(now.astimezone(zone).date(), of.fiscal_first_month)
    if of.measure is Measure.HOURS:
        within = fiscal_year(year, of.fiscal_first_month, zone)
        row = conn.execute(SQL["seconds_used"], {"start": within.start, "end": within.end}).fetchone()
    else:
        row = conn.execute(SQL["yen_used"], months_of(year, of.fiscal_first_month)).fetchone()
    assert row is not None
    return Gauge(year, of, *row)


def tell(conn: Connection, now: datetime) -> Gauge:
    """Let booking's rule go by the gauge as it stands; told again only when it moved."""
    found = gauge(conn, now)
    percent = found.percent
    if percent is None:
        percent = PAST_ANY if found.nonmembers else Decimal(0)
    told = booking.nonmember_use(conn)
    figures = (percent, found.rule.warn_percent, found.rule.limit_percent)
    if told is None or (told.percent, told.warn_percent, told.deny_percent) != figures:
        booking.tell_nonmember_use(conn, SYSTEM, booking.NonmemberUse(*figures, now))
    return found


def propose_refund(conn: Connection, viewer: Viewer, year: int, amount_yen: Yen) -> tuple[RefundShare, ...]:
    """What each member would get of `amount_yen`; nothing is written. Raises `YearNotClosed`, `NoWeight`."""
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    months = months_of(year, rule(conn).fiscal_first_month)
    row = conn.execute(SQL["months_closed"], months).fetchone()
    assert row is not None
    if row[0] < 12:
        raise YearNotClosed(year=year, closed=row[0])
    used = {(member, rate): yen for member, rate, yen in conn.execute(SQL["used_by_member"], months)}
    return refund(amount_yen, used)


def resolve_refund(
    conn: Connection, viewer: Viewer, year: int, amount_yen: Yen, resolution: str, now: datetime
) -> tuple[RefundShare, ...]:
    """Keep the refund that the assembly resolved, for good. Raises `RefundExists` and as `propose_refund`."""
    viewer.require(Role.OFFICE)
    shares = propose_refund(conn, viewer, year, amount_yen)
    values = {"fiscal_year": year, "amount_yen": amount_yen, "resolution": resolution}
    try:
        with conn.transaction():
            conn.execute(SQL["add_refund"], values | {"entered_by": viewer.person_id, "now": now})
    except errors.UniqueViolation:
        raise RefundExists(year=year) from None
    for each in shares:
        conn.execute(
            SQL["add_refund_share"],
            {"fiscal_year": year} | {name: getattr(each, name) for name in RefundShare.__slots__},
        )
    detail: dict[str, object] = {"amount_yen": amount_yen, "resolution": resolution}
    audit.record(conn, "refund.resolved", viewer=viewer, subject=f"year:{year}", now=now, detail=detail)
    return shares


def resolved_refund(conn: Connection, viewer: Viewer, year: int) -> tuple[str, tuple[RefundShare, ...]]:
    """The resolution of a year and each member's part; raises `RefundUnknown`."""
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    row = conn.execute(SQL["refund"], {"fiscal_year": year}).fetchone()
    if row is None:
        raise RefundUnknown(year=year)
    shares = conn.execute(SQL["refund_shares"], {"fiscal_year": year})
    return row[1], tuple(RefundShare(*each) for each in shares)


def months_of(year: int, first_month: int) -> dict[str, date]:
    """The first days between which the months of a fiscal year lie."""
    return {"first": date(year, first_month, 1), "until": date(year + 1, first_month, 1)}
