"""Documents in the database: the parties, the register, and the bytes that were sent."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from psycopg import errors
from psycopg.types.json import Jsonb

from billing.documents.content import Row
from billing.documents.model import Document, Issuer, Kind, Recipient, Shift
from billing.model import TaxTotal
from billing.periods.evidence import plain
from billing.store import first_day
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import SEES_MONEY, Viewer
from coop.messages import translate
from coop.paging import WHOLE, Slice
from coop.queries import load
from coop.register import cooperative

SQL = load("billing.documents")


class AlreadyCorrected(Conflict):
    """A document is corrected once; the correction can be corrected in its turn."""

    code = "billing.document_already_corrected"


@dataclass(frozen=True, slots=True)
class Search:
    """What of the register is wanted: all that is given. `counterparty` is a member's key or part of a name."""

    from_date: date | None = None
    until_date: date | None = None
    from_yen: int | None = None
    until_yen: int | None = None
    counterparty: str | None = None
    kind: Kind | None = None
    month: str | None = None


@dataclass(frozen=True, slots=True)
class Mailing:
    """A person who got a document by mail."""

    person_id: UUID
    name: str
    mailed_at: datetime


def issuer(conn: Connection) -> Issuer:
    """What documents say of the cooperative."""
    row = conn.execute(SQL["issuer"]).fetchone()
    if row is None:
        known = cooperative(conn)
        return Issuer(known.name, known.address, invoice_number=known.invoice_number)
    name, address, contact, invoice_number, pay_to, months, day, shift, starts = row
    return Issuer(name, address, contact, invoice_number, pay_to, months, day, Shift(shift), starts)


def add_issuer(conn: Connection, said: Issuer, now: datetime) -> None:
    """What they say from now on."""
    conn.execute(SQL["add_issuer"], asdict(said) | {"now": now})


def recipient(conn: Connection, member_id: str) -> Recipient:
    """What documents say of a member; raises `NotFound`."""
    row = conn.execute(SQL["recipient"], {"member_id": member_id}).fetchone()
    if row is None:
        raise NotFound()
    return Recipient(*row)


def add_recipient(conn: Connection, said: Recipient, now: datetime) -> None:
    """What they say from now on."""
    conn.execute(SQL["add_recipient"], asdict(said) | {"now": now})


def next_serial(conn: Connection, fiscal_year: int) -> int:
    """The next number of the year; taken only if this transaction commits."""
    row = conn.execute(SQL["next_serial"], {"fiscal_year": fiscal_year}).fetchone()
    assert row is not None
    serial: int = row[0]
    return serial


def enter(conn: Connection, document: Document, by: Viewer) -> None:
    """Enter a document into the register; raises `AlreadyCorrected`."""
    values = asdict(document) | {
        "month": first_day(document.month),
        "issued_by": by.person_id,
        "taxes": Jsonb(plain(document.taxes)),
    }
    try:
        with conn.transaction():
            conn.execute(SQL["add_document"], values)
    except errors.UniqueViolation as taken:
        if taken.diag.constraint_name != "document_superseded_once":
            raise
        raise AlreadyCorrected() from None


def keep(conn: Connection, document: Document, locale: str, pdf: bytes) -> None:
    """Keep the bytes of a document."""
    values = {"id": document.id, "locale": locale, "pdf": pdf, "sha256": sha256(pdf).digest()}
    conn.execute(SQL["keep_print"], values)


def kept(conn: Connection, document: Document, locale: str) -> tuple[bytes, bytes]:
    """The bytes that were sent, and their SHA-256; raises `NotFound` when there is no print in that language."""
    row = conn.execute(SQL["kept"], {"id": document.id, "locale": locale}).fetchone()
    if row is None:
        raise NotFound()
    return row[0], row[1]


def documents(
    conn: Connection, viewer: Viewer, search: Search, part: Slice = WHOLE, *, document_id: UUID | None = None
) -> list[Document]:
    """The register as far as the viewer may see it, last number first: a member its own."""
    own_only = not viewer.has(*SEES_MONEY)
    if own_only and not viewer.sees_money_of(viewer.member_id):
        return []
    values = asdict(search) | {
        "month": search.month and first_day(search.month),
        "id": document_id,
        "own": viewer.member_id if own_only else None,
    }
    rows = conn.execute(SQL["documents"], values | part.values("after_year", "after_serial"))
    return [_document(*row) for row in rows]


def document(conn: Connection, viewer: Viewer, document_id: UUID) -> Document:
    """One document; raises `NotFound` for one that is not there or not the viewer's."""
    found = documents(conn, viewer, Search(), document_id=document_id)
    if not found:
        raise NotFound()
    return found[0]


def of_statement(conn: Connection, viewer: Viewer, statement_id: UUID) -> Document:
    """The invoice of a statement that is in force; raises `NotFound`."""
    row = conn.execute(SQL["document_of_statement"], {"statement_id": statement_id}).fetchone()
    if row is None:
        raise NotFound()
    return document(conn, viewer, row[0])


def mailings(conn: Connection, viewer: Viewer, document_id: UUID) -> list[Mailing]:
    """Who of the member got a document by mail; raises `NotFound` as `document` does."""
    viewer.require(*SEES_MONEY)
    found = document(conn, viewer, document_id)
    return [Mailing(*row) for row in conn.execute(SQL["mailings"], {"document_id": found.id})]


def returned(conn: Connection, invoice: Document) -> dict[Decimal | None, int]:
    """The tax-exclusive yen returned from an invoice so far, by rate."""
    return {_rate(rate): yen for rate, yen in conn.execute(SQL["returned"], {"id": invoice.id})}


def owner_credits(conn: Connection, month: str, member_id: str, locale: str) -> list[Row]:
    """What the cooperative buys from the owner of machines that others used: their fees less its commission."""
    return [
        Row(
            translate("billing.document.bought", locale, name=ja if locale == "ja" else en),
            amount,
            rate,
            note=translate("billing.document.commission", locale, fee=f"{fee:,}", percent=f"{percent.normalize():f}"),
        )
        for ja, en, fee, percent, amount, rate in conn.execute(
            SQL["owner_credits"], {"month": first_day(month), "member_id": member_id}
        )
    ]


def part_names(conn: Connection, reservation_ids: Collection[str]) -> dict[str, str]:
    """What was measured in each of these reservations."""
    return dict(conn.execute(SQL["part_names"], {"reservation_ids": list(reservation_ids)}).fetchall())


def _document(*row: Any) -> Document:
    id_, kind, qualified, year, serial, month, statement, member, name, on, at, due, net, tax, total, *more = row
    taxes, reason, supersedes, returns, refund_year, superseded_by, locales = more
    return Document(
        id_, Kind(kind), qualified, year, serial, f"{month:%Y-%m}", statement, member, name, on, at, due, net, tax,
        total, tuple(TaxTotal(_rate(each["rate"]), each["net_yen"], each["tax_yen"]) for each in taxes),
        reason, supersedes, returns, refund_year, superseded_by, tuple(locales or ()),
    )  # fmt: skip


def _rate(said: str | None) -> Decimal | None:
    return None if said is None else Decimal(said)
