"""Mend what was sent: a corrected document in the place of one with an error, or a return of what it charged."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from billing.documents import store
from billing.documents.frozen import FrozenMonth
from billing.documents.issue import blank, issue_one
from billing.documents.model import Document, Kind
from billing.documents.store import SQL, AlreadyCorrected
from billing.ledger import moves
from billing.ledger import store as ledger
from billing.tax import tax_by_rate
from coop.database import Connection
from coop.errors import Conflict, Invalid
from coop.identity import Role, Viewer
from coop.money import Yen
from coop.register import cooperative


class NotAnInvoice(Conflict):
    """Only what an invoice charged is returned."""

    code = "billing.document_not_an_invoice"


class ReturnsTooMuch(Invalid):
    """No more is returned at a rate than the invoice charged at it, less what was returned before."""

    code = "billing.returns_too_much"


def correct(conn: Connection, viewer: Viewer, document_id: UUID, reason: str, now: datetime) -> Document:
    """Issue a document anew, with the names, addresses and numbers as they are entered now, in the place of this one.

    Its amounts stay: what a closed month charged wrongly is adjusted in the next. Raises `NotFound`,
    `AlreadyCorrected`.
    """
    viewer.require(Role.OFFICE)
    wrong = _locked(conn, viewer, document_id)
    anew = blank(wrong.kind, wrong.month, wrong.member_id, wrong.statement_id, wrong.taxes)
    anew = replace(anew, issued_on=_today(conn, now), supersedes=wrong.id, returns=wrong.returns, reason=reason)
    anew = replace(anew, refund_year=wrong.refund_year)
    return issue_one(conn, viewer, FrozenMonth(wrong.month), anew, now, named=wrong)


def give_back(
    conn: Connection,
    viewer: Viewer,
    invoice_id: UUID,
    net_yen: Mapping[Decimal | None, Yen],
    reason: str,
    now: datetime,
) -> Document:
    """Issue a return of part of an invoice: tax-exclusive yen by the rate at which the invoice charged them.

    The ledger takes it off what the member owes. Raises `NotFound`, `NotAnInvoice`, `AlreadyCorrected`,
    `ReturnsTooMuch`.
    """
    viewer.require(Role.OFFICE)
    invoice = _locked(conn, viewer, invoice_id)
    if invoice.kind is not Kind.INVOICE:
        raise NotAnInvoice()
    before = store.returned(conn, invoice)
    charged = {each.rate: each.net_yen for each in invoice.taxes}
    for rate, yen in net_yen.items():
        left = charged.get(rate, 0) - before.get(rate, 0)
        if yen > left:
            raise ReturnsTooMuch(yen=yen, left=left)
    anew = blank(Kind.RETURN, invoice.month, invoice.member_id, invoice.statement_id, tax_by_rate(net_yen))
    anew = replace(anew, issued_on=_today(conn, now), returns=invoice.id, reason=reason)
    issued = issue_one(conn, viewer, FrozenMonth(invoice.month), anew, now, named=invoice)
    note = f"{issued.number} {reason}"
    back = moves.returned(issued.id, issued.member_id, issued.net_yen, issued.tax_yen, issued.issued_on, note)
    ledger.book(conn, viewer, back, now)
    return issued


def _locked(conn: Connection, viewer: Viewer, document_id: UUID) -> Document:
    conn.execute(SQL["lock_document"], {"id": document_id})
    found = store.document(conn, viewer, document_id)
    if found.superseded_by is not None:
        raise AlreadyCorrected()
    return found


def _today(conn: Connection, now: datetime) -> date:
    return now.astimezone(cooperative(conn).time_zone).date()
