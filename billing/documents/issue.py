"""Send out a closed month: every statement as an invoice, every owner's credit as a purchase, numbered and kept.

Asking is one transaction, `issue`; the documents follow in several, `issue_some`, each of which takes numbers, prints,
keeps the bytes and has them mailed, or does none of it. Whoever goes on after a crash goes on where it stopped.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from billing import store as billing
from billing.documents import store
from billing.documents.appendix import use
from billing.documents.content import Row, compose, rows_of
from billing.documents.due import due_date
from billing.documents.frozen import FrozenMonth
from billing.documents.model import Document, Kind, Progress
from billing.documents.numbers import fiscal_year
from billing.documents.printing import printed
from billing.documents.store import SQL
from billing.model import Line, Rules, TaxTotal
from billing.periods.settle import period
from billing.store import first_day
from billing.tax import tax_by_rate
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import SYSTEM, Role, Viewer
from coop.jobs import enqueue
from coop.messages import translate
from coop.money import Yen
from coop.register import cooperative

ISSUE_TASK = "billing.issue_documents"
MAIL_TASK = "billing.mail_document"
AT_ONCE = 10
"""Documents in one transaction."""


class MonthNotClosed(Conflict):
    """Only a closed month is sent out: before that its amounts may still change."""

    code = "billing.issue_needs_close"


def issue(conn: Connection, viewer: Viewer, month: str, now: datetime) -> Progress:
    """Have every document of a closed month issued by a job, dated today; asking again tells how far it is.

    Raises `MonthNotClosed`, `PeriodUnknown`, `MonthInvalid`.
    """
    viewer.require(Role.OFFICE)
    if period(conn, month).closed_at is None:
        raise MonthNotClosed(month=month)
    today = now.astimezone(cooperative(conn).time_zone).date()
    values = {"month": first_day(month), "now": now, "requested_by": viewer.person_id, "issued_on": today}
    if conn.execute(SQL["ask_issue"], values).fetchone() is not None:
        audit.record(conn, "period.issue_asked", viewer=viewer, subject=f"period:{month}", now=now)
        enqueue(conn, ISSUE_TASK, lock=f"issue {month}", month=month)
    return progress(conn, month)


def progress(conn: Connection, month: str) -> Progress:
    """How far the issue of a month is; raises `NotFound` when nobody asked for it."""
    asked = conn.execute(SQL["issue"], {"month": first_day(month)}).fetchone()
    if asked is None:
        raise NotFound()
    wanted = conn.execute(SQL["wanted"], {"month": first_day(month)}).fetchall()
    return Progress(month, asked[0], len(wanted), sum(document is not None for *_, document in wanted))


def issue_some(conn: Connection, frozen: FrozenMonth, now: datetime, most: int = AT_ONCE) -> bool:
    """Issue at most `most` more documents of a month that somebody asked for; whether there are more.

    The same `frozen` month may be given again: it remembers what it read. Raises `NotFound`.
    """
    values = {"month": first_day(frozen.month)}
    conn.execute(SQL["lock_issue"], values)
    asked = conn.execute(SQL["issue"], values).fetchone()
    if asked is None:
        raise NotFound()
    issued_on, by = asked
    waiting = [row[:3] for row in conn.execute(SQL["wanted"], values) if row[3] is None]
    viewer = replace(SYSTEM, person_id=by)
    for kind, member_id, statement_id in waiting[:most]:
        wanted = _wanted(conn, Kind(kind), frozen.month, member_id, statement_id)
        issue_one(conn, viewer, frozen, replace(wanted, issued_on=issued_on), now)
    if len(waiting) > most:
        return True
    if conn.execute(SQL["mark_issued"], values | {"now": now, "taken_by": by}).rowcount:
        audit.record(conn, "period.issued", viewer=viewer, subject=f"period:{frozen.month}", now=now)
    return False


def issue_one(
    conn: Connection,
    viewer: Viewer,
    frozen: FrozenMonth,
    wanted: Document,
    now: datetime,
    *,
    named: Document | None = None,
) -> Document:
    """Number, print, keep and mail one document; `named` is the one that it corrects or returns from.

    Of `wanted` its number, counterparty, due date and whether it is qualified are filled in here.
    """
    issuer, recipient = store.issuer(conn), store.recipient(conn, wanted.member_id)
    year = fiscal_year(wanted.issued_on, issuer.fiscal_year_starts)
    due = due_date(first_day(wanted.month), issuer.due_months, issuer.due_day, issuer.due_shift)
    document = replace(
        wanted,
        qualified=(recipient if wanted.kind is Kind.PURCHASE else issuer).invoice_number is not None,
        fiscal_year=year,
        serial=store.next_serial(conn, year),
        counterparty=recipient.name,
        issued_at=now,
        due_on=None if wanted.kind is Kind.RETURN or wanted.total_yen <= 0 else due,
        locales=("ja", "en") if recipient.english else ("ja",),
    )
    store.enter(conn, document, viewer)
    lines = _lines(conn, document)
    parts = store.part_names(conn, _reservations(lines)) if recipient.part_names else {}
    rules = frozen.rules(conn)
    for locale in document.locales:
        uses = [
            use(line, rules, frozen.behind(conn, line.machine_id), parts, locale)
            for line in lines
            if line.machine_id is not None and line.interval is not None
        ]
        content = compose(
            document,
            issuer,
            recipient,
            rows_of(lines, rules, locale) if lines else _rows(conn, document, locale),
            locale,
            uses=uses,
            notices=_notices(lines, rules, locale),
            named=named,
        )
        store.keep(conn, document, locale, printed(content, now))
    for person_id in readers(conn, document.member_id):
        enqueue(conn, MAIL_TASK, document_id=str(document.id), person_id=str(person_id))
    detail: dict[str, object] = {"number": document.number, "total_yen": document.total_yen}
    audit.record(conn, "document.issued", viewer=viewer, subject=f"document:{document.id}", now=now, detail=detail)
    return document


def readers(conn: Connection, member_id: str) -> list[UUID]:
    """Who of a member gets its documents: its managers, or everybody where there is none."""
    everybody = conn.execute(SQL["readers"], {"member_id": member_id}).fetchall()
    managers = [person_id for person_id, *_, manages in everybody if manages]
    return managers or [person_id for person_id, *_ in everybody]


def blank(kind: Kind, month: str, member_id: str, statement_id: UUID | None, taxes: tuple[TaxTotal, ...]) -> Document:
    """A document with its amounts, that `issue_one` completes."""
    net, tax = (sum(getattr(each, name) for each in taxes) for name in ("net_yen", "tax_yen"))
    unset = datetime.max.replace(tzinfo=UTC)
    return Document(
        uuid4(), kind, False, 0, 0, month, statement_id, member_id, "", unset.date(), unset, None,
        net, tax, net + tax, taxes,
    )  # fmt: skip


def _wanted(conn: Connection, kind: Kind, month: str, member_id: str, statement_id: UUID | None) -> Document:
    if statement_id is not None:
        (of,) = billing.statements(conn, SYSTEM, statement_id=statement_id)
        return blank(kind, month, member_id, statement_id, of.statement.taxes)
    sums: dict[Decimal | None, Yen] = defaultdict(int)
    for row in store.owner_credits(conn, month, member_id, "ja"):
        sums[row.tax_rate] += row.amount_yen
    return blank(kind, month, member_id, None, tax_by_rate(sums))


def _lines(conn: Connection, document: Document) -> tuple[Line, ...]:
    """The lines of the statement that an invoice charges."""
    if document.kind is not Kind.INVOICE:
        return ()
    (of,) = billing.statements(conn, SYSTEM, statement_id=document.statement_id)
    return billing.lines(conn, of.statement)


def _rows(conn: Connection, document: Document, locale: str) -> list[Row]:
    """What a document without lines says: the machines of an owner, or what is returned at each rate."""
    if document.kind is Kind.PURCHASE:
        return store.owner_credits(conn, document.month, document.member_id, locale)
    what = translate(f"billing.document.{'returned' if document.refund_year is None else 'refunded'}", locale)
    return [Row(what, each.net_yen, each.rate) for each in document.taxes]


def _notices(lines: Iterable[Line], rules: Rules, locale: str) -> list[str]:
    """What the rules say that members must be told of their shares (特別負担金)."""
    charged = {line.pool_id for line in lines}
    said = (each.notice_ja if locale == "ja" else each.notice_en for each in rules.pools if each.id in charged)
    return [notice for notice in said if notice]


def _reservations(lines: Iterable[Line]) -> set[str]:
    named = {line.explanation.get("reservation_id") for line in lines}
    return {each for each in named if each}
