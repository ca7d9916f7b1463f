"""The gauge of use by non-members (員外利用), and who is told."""

from datetime import date, datetime
from decimal import Decimal

import booking
from billing.year.model import Gauge, Measure, NonmemberRule, fiscal_year, fiscal_year_of
from coop import audit
from coop.database import Connection
from coop.identity import SYSTEM, Role, Viewer
from coop.queries import load
from coop.register import cooperative

SQL = load("billing.year")
PAST_ANY = Decimal(999)
"""What booking is told where non-members used machines and no member did."""


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


def gauge(conn: Connection, now: datetime, year: int | None = None) -> Gauge:
    """Non-members' use ÷ members' use in a fiscal year; in the one under way, if none is named."""
    of, zone = rule(conn), cooperative(conn).time_zone
    if year is None:
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


def months_of(year: int, first_month: int) -> dict[str, date]:
    """The first days between which the months of a fiscal year lie."""
    return {"first": date(year, first_month, 1), "until": date(year + 1, first_month, 1)}
