"""What documents say and take over HTTP."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, Field

from billing.documents.model import Document, Issuer, Kind, Progress, Recipient, Shift
from billing.documents.numbers import registration_is_plausible
from billing.views import TaxView
from coop.api import Wanted
from coop.messages import translate
from coop.money import Yen

REGISTRATION = r"^T[0-9]{13}$"


class IssuerWanted(Wanted):
    name: str = Field(min_length=1, max_length=200, examples=["墨田機械工業協同組合"])
    address: str = Field(default="", max_length=500, examples=["東京都墨田区錦糸1-2-3"])
    contact: str = Field(default="", max_length=200, examples=["電話 03-0000-0000"])
    invoice_number: str | None = Field(
        default=None, pattern=REGISTRATION, examples=["T7123456789012"], description="None: plain invoices are issued"
    )
    pay_to: str = Field(
        default="", max_length=500, examples=["みずほ銀行 錦糸町支店 普通 1234567 スミダキカイコウギョウ"]
    )
    due_months: int = Field(default=1, ge=0, le=6, description="Months after the month that is charged")
    due_day: int = Field(default=31, ge=1, le=31, description="Past the end of the month it is its last day")
    due_shift: Shift = Field(default=Shift.LATER, description="Where a due date on a bank holiday goes")
    fiscal_year_starts: int = Field(default=4, ge=1, le=12, description="The month; numbers begin anew with it")


class IssuerView(BaseModel):
    name: str
    address: str
    contact: str
    invoice_number: str | None
    pay_to: str
    due_months: int
    due_day: int
    due_shift: Shift
    fiscal_year_starts: int
    warnings: list[str] = Field(description="What may be a mistake and is taken all the same")


class RecipientWanted(Wanted):
    name: str = Field(min_length=1, max_length=200, examples=["株式会社髙﨑精機"])
    address: str = Field(default="", max_length=500, examples=["東京都墨田区八広4-5-6"])
    invoice_number: str | None = Field(default=None, pattern=REGISTRATION, examples=["T7123456789012"])
    english: bool = Field(default=False, description="An English version is issued too")
    part_names: bool = Field(default=False, description="The usage appendix names the parts")


class RecipientView(BaseModel):
    member_id: str
    name: str
    address: str
    invoice_number: str | None
    english: bool
    part_names: bool
    warnings: list[str] = Field(description="What may be a mistake and is taken all the same")


class ProgressView(BaseModel):
    month: str
    issued_on: date = Field(description="The date on the documents")
    documents: int
    issued: int
    finished: bool


class DocumentView(BaseModel):
    id: UUID
    kind: Kind
    qualified: bool = Field(description="適格請求書 or 適格返還請求書: the issuer is registered")
    number: str
    month: str
    statement_id: UUID | None
    member_id: str
    counterparty: str
    issued_on: date
    issued_at: datetime
    due_on: date | None
    net_yen: int
    tax_yen: int
    total_yen: int
    taxes: list[TaxView]
    reason: str
    supersedes: UUID | None
    superseded_by: UUID | None = Field(description="None: this one is in force")
    returns: UUID | None = Field(description="The invoice that a return gives back part of")
    refund_year: int | None = Field(description="The fiscal year whose sales a refund in proportion to use gives back")
    languages: list[str]


class MailingView(BaseModel):
    person_id: UUID
    name: str
    mailed_at: datetime


class Reason(Wanted):
    reason: str = Field(min_length=1, max_length=300, examples=["宛名の誤り"])


class Returned(Wanted):
    tax_rate: Decimal | None = Field(
        ge=0, lt=1, examples=["0.10"], description="The original rate; None: outside the tax"
    )
    net_yen: int = Field(ge=1, le=10**12, examples=[3_000])


class ReturnWanted(Reason):
    returned: list[Returned] = Field(min_length=1, max_length=5)

    def by_rate(self) -> Mapping[Decimal | None, Yen]:
        """What is returned at each rate."""
        sums: dict[Decimal | None, Yen] = {}
        for each in self.returned:
            sums[each.tax_rate] = sums.get(each.tax_rate, 0) + each.net_yen
        return sums


def issuer_view(said: Issuer, locale: str) -> IssuerView:
    """What documents say of the cooperative."""
    values = {name: getattr(said, name) for name in Issuer.__slots__}
    return IssuerView(**values, warnings=_warnings(said.invoice_number, locale))


def recipient_view(said: Recipient, locale: str) -> RecipientView:
    """What documents say of a member."""
    values = {name: getattr(said, name) for name in Recipient.__slots__}
    return RecipientView(**values, warnings=_warnings(said.invoice_number, locale))


def progress_view(found: Progress) -> ProgressView:
    """How far an issue is."""
    values = {name: getattr(found, name) for name in Progress.__slots__}
    return ProgressView(**values, finished=found.finished)


def document_view(found: Document) -> DocumentView:
    """An entry of the register."""
    values = {name: getattr(found, name) for name in DocumentView.model_fields if name in Document.__slots__}
    taxes = [TaxView(rate=each.rate, net_yen=each.net_yen, tax_yen=each.tax_yen) for each in found.taxes]
    return DocumentView(**values | {"taxes": taxes}, number=found.number, languages=list(found.locales))


def _warnings(invoice_number: str | None, locale: str) -> list[str]:
    if invoice_number is None or registration_is_plausible(invoice_number):
        return []
    return [translate("billing.registration_check_digit", locale, number=invoice_number)]
