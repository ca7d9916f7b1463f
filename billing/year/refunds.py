"""Refunds in proportion to use (利用分量配当): proposed, resolved by the general meeting, booked in the ledger.

A refund returns part of the year's sales: the ledger owes it to each member, and each gets a return invoice.
"""

from datetime import date, datetime
from itertools import groupby

from billing.ledger import moves
from billing.ledger import store as ledger
from billing.year.gauge import SQL, months_of, rule
from billing.year.model import Refund, RefundShare, refund
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, Invalid, NotFound
from coop.identity import Role, Viewer
from coop.jobs import enqueue
from coop.money import Yen

DOCUMENTS_TASK = "billing.issue_refund_documents"
SEES = (Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)


class YearNotClosed(Conflict):
    """A refund is computed once all twelve months of its year are closed."""

    code = "billing.year_not_closed"


class RefundExists(Conflict):
    """A year has one refund, and it is not changed."""

    code = "billing.refund_exists"


class RefundUnknown(NotFound):
    """Nothing was resolved for this year."""

    code = "billing.refund_unknown"


class BookedTooEarly(Invalid):
    """A refund is booked after the year that it returns sales of."""

    code = "billing.refund_booked_too_early"


def propose(conn: Connection, viewer: Viewer, year: int, amount_yen: Yen) -> tuple[RefundShare, ...]:
    """What each member would get of `amount_yen`; nothing is written. Raises `YearNotClosed`, `NoWeight`."""
    viewer.require(*SEES)
    months = months_of(year, rule(conn).fiscal_first_month)
    row = conn.execute(SQL["months_closed"], months).fetchone()
    assert row is not None
    if row[0] < 12:
        raise YearNotClosed(year=year, closed=row[0])
    used = {(member, rate): yen for member, rate, yen in conn.execute(SQL["used_by_member"], months)}
    return refund(amount_yen, used)


def resolve(conn: Connection, viewer: Viewer, year: int, amount_yen: Yen, resolution: str, now: datetime) -> Refund:
    """Keep the refund that the general meeting resolved, for good; the same again changes nothing.

    Raises `RefundExists` for another one and as `propose`.
    """
    viewer.require(Role.OFFICE)
    conn.execute(SQL["lock_refund"], {"fiscal_year": year})
    before = _find(conn, year)
    if before is not None:
        if (before.amount_yen, before.resolution) != (amount_yen, resolution):
            raise RefundExists(year=year)
        return before
    shares = propose(conn, viewer, year, amount_yen)
    values = {"fiscal_year": year, "amount_yen": amount_yen, "resolution": resolution}
    conn.execute(SQL["add_refund"], values | {"entered_by": viewer.person_id, "now": now})
    for each in shares:
        of_share = {name: getattr(each, name) for name in RefundShare.__slots__}
        conn.execute(SQL["add_refund_share"], {"fiscal_year": year} | of_share)
    detail: dict[str, object] = {"amount_yen": amount_yen, "resolution": resolution}
    audit.record(conn, "refund.resolved", viewer=viewer, subject=f"year:{year}", now=now, detail=detail)
    return Refund(year, amount_yen, resolution, None, shares)


def book(conn: Connection, viewer: Viewer, year: int, on_day: date, now: datetime) -> Refund:
    """Owe each member its part from `on_day` on, and have the return invoices issued; again changes nothing.

    Raises `RefundUnknown`, `BookedTooEarly`.
    """
    viewer.require(Role.OFFICE)
    conn.execute(SQL["lock_refund"], {"fiscal_year": year})
    resolved = _find(conn, year)
    if resolved is None:
        raise RefundUnknown(year=year)
    if resolved.booked_on is not None:
        return resolved
    over = months_of(year, rule(conn).fiscal_first_month)["until"]
    if on_day < over:
        raise BookedTooEarly(year=year, over=over)
    for member_id, shares in groupby(resolved.shares, lambda each: each.member_id):
        posted = moves.patronage_refund(year, member_id, [(each.amount_yen, each.tax_yen) for each in shares], on_day)
        if posted.postings:
            ledger.book(conn, viewer, posted, now)
    values = {"fiscal_year": year, "on_day": on_day, "booked_by": viewer.person_id, "now": now}
    conn.execute(SQL["mark_booked"], values)
    detail: dict[str, object] = {"amount_yen": resolved.amount_yen, "on_day": str(on_day)}
    audit.record(conn, "refund.booked", viewer=viewer, subject=f"year:{year}", now=now, detail=detail)
    enqueue(conn, DOCUMENTS_TASK, lock=f"refund {year}", year=year)
    return resolved_refund(conn, viewer, year)


def resolved_refund(conn: Connection, viewer: Viewer, year: int) -> Refund:
    """What was resolved for a year, and each member's part; raises `RefundUnknown`."""
    viewer.require(*SEES)
    found = _find(conn, year)
    if found is None:
        raise RefundUnknown(year=year)
    return found


def _find(conn: Connection, year: int) -> Refund | None:
    row = conn.execute(SQL["refund"], {"fiscal_year": year}).fetchone()
    if row is None:
        return None
    shares = conn.execute(SQL["refund_shares"], {"fiscal_year": year})
    of_year, amount_yen, resolution, booked_on = row
    return Refund(of_year, amount_yen, resolution, booked_on, tuple(RefundShare(*each) for each in shares))
