"""Nouns of documents: who issues and receives them, and what stands in the register. All values."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from billing.documents.numbers import written
from billing.model import TaxTotal
from coop.money import Yen


class Kind(StrEnum):
    """What a document is: an invoice, a return of what an invoice charged, or a purchase by the cooperative.

    Of a registered issuer these are 適格請求書, 適格返還請求書 and 仕入明細書.
    """

    INVOICE = "invoice"
    RETURN = "return"
    PURCHASE = "purchase"


class Shift(StrEnum):
    """Where a due date goes that falls on a day on which banks are closed."""

    LATER = "later"
    EARLIER = "earlier"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Issuer:
    """What documents say of the cooperative, and by which rule they are due.

    The day is `due_day` (31: the last) of the `due_months`th month after the month charged.
    """

    name: str
    address: str = ""
    contact: str = ""
    invoice_number: str | None = None
    pay_to: str = ""
    due_months: int = 1
    due_day: int = 31
    due_shift: Shift = Shift.LATER
    fiscal_year_starts: int = 4


@dataclass(frozen=True, slots=True)
class Recipient:
    """What documents say of a member, and what it chose: an English version too, the parts' names in the appendix."""

    member_id: str
    name: str
    address: str = ""
    invoice_number: str | None = None
    english: bool = False
    part_names: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """An entry of the register. `superseded_by` None: it is in force.

    A return is of what one invoice charged, or (`refund_year`) of a fiscal year's sales, in whose last month it stands.
    """

    id: UUID
    kind: Kind
    qualified: bool
    fiscal_year: int
    serial: int
    month: str
    statement_id: UUID | None
    member_id: str
    counterparty: str
    issued_on: date
    issued_at: datetime
    due_on: date | None
    net_yen: Yen
    tax_yen: Yen
    total_yen: Yen
    taxes: tuple[TaxTotal, ...]
    reason: str = ""
    supersedes: UUID | None = None
    returns: UUID | None = None
    refund_year: int | None = None
    superseded_by: UUID | None = None
    locales: tuple[str, ...] = ()

    @property
    def number(self) -> str:
        """As it is printed."""
        return written(self.fiscal_year, self.serial)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the issue of a month is: of its `documents`, `issued` are there."""

    month: str
    issued_on: date
    documents: int
    issued: int

    @property
    def finished(self) -> bool:
        """Whether all of them are."""
        return self.issued == self.documents
