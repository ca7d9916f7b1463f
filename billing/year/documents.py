"""A refund's documents: a return invoice (適格返還請求書) for each member, of the whole year's sales."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

from procrastinate import App, JobContext

from billing.documents.frozen import FrozenMonth
from billing.documents.issue import AT_ONCE, blank, issue_one
from billing.documents.model import Kind
from billing.model import TaxTotal
from billing.year.gauge import SQL, months_of, rule, tell
from billing.year.model import Refund
from billing.year.refunds import DOCUMENTS_TASK, resolved_refund
from booking.messages.sending import Backoff
from coop.database import Connection, Pool, run
from coop.identity import SYSTEM

log = logging.getLogger("billing.year")


def register(app: App) -> None:
    """Add the tasks of a year: the documents of a refund, and the gauge that booking goes by."""

    @app.task(name=DOCUMENTS_TASK, pass_context=True, retry=Backoff())
    def issue_refund_documents(context: JobContext, year: int) -> None:
        issue_all(context.additional_context["pool"], year)

    @app.periodic(cron="7 * * * *")
    @app.task(name="billing.tell_nonmember_use", queueing_lock="billing.tell_nonmember_use", pass_context=True)
    def tell_nonmember_use(context: JobContext, timestamp: int) -> None:
        """Use counts when it is derived, not only when a month is closed."""
        del timestamp
        run(context.additional_context["pool"], lambda conn: tell(conn, datetime.now(UTC)))


def issue_all(pool: Pool, year: int) -> None:
    """Issue the documents that a booked refund still wants, some in each transaction."""
    while run(pool, lambda conn: issue_some(conn, year, datetime.now(UTC))):
        log.info("refund.went_on year=%s", year)


def issue_some(conn: Connection, year: int, now: datetime, most: int = AT_ONCE) -> bool:
    """Issue at most `most` more documents of a year's refund, dated the day it was booked; whether there are more.

    Raises `RefundUnknown`.
    """
    conn.execute(SQL["lock_refund"], {"fiscal_year": year})
    refund = resolved_refund(conn, SYSTEM, year)
    if refund.booked_on is None:
        return False
    last = months_of(year, rule(conn).fiscal_first_month)["until"]
    month = f"{last.year - (last.month == 1)}-{(last.month - 2) % 12 + 1:02}"
    waiting = [member_id for (member_id,) in conn.execute(SQL["undocumented"], {"fiscal_year": year})]
    frozen = FrozenMonth(month)
    for member_id in waiting[:most]:
        wanted = blank(Kind.RETURN, month, member_id, None, taxes(refund, member_id))
        wanted = replace(wanted, issued_on=refund.booked_on, refund_year=year, reason=refund.resolution)
        issue_one(conn, SYSTEM, frozen, wanted, now)
    return len(waiting) > most


def taxes(refund: Refund, member_id: str) -> tuple[TaxTotal, ...]:
    """What a member gets back at each rate, highest first; what is outside the tax comes last."""
    own = [each for each in refund.shares if each.member_id == member_id and each.amount_yen]
    ordered = sorted(own, key=lambda each: (each.tax_rate is None, -(each.tax_rate or 0)))
    return tuple(TaxTotal(each.tax_rate, each.amount_yen - each.tax_yen, each.tax_yen) for each in ordered)
