"""The nouns of the ledger beside a statement's own entry."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from billing.model import Posting
from coop.money import Yen


class Source(StrEnum):
    """What an entry records."""

    STATEMENT = "statement"
    PAYMENT = "payment"
    REFUND = "refund"
    PAYOUT = "payout"
    NETTING = "netting"
    OPENING = "opening"
    OWNER_CREDIT = "owner_credit"
    PATRONAGE_REFUND = "patronage_refund"
    REVERSAL = "reversal"
    RETURN = "return"


REVERSIBLE = frozenset(Source) - {
    Source.STATEMENT,
    Source.OWNER_CREDIT,
    Source.PATRONAGE_REFUND,
    Source.REVERSAL,
    Source.RETURN,
}
"""What a person may take back. What a closed month posted is mended by the next one, what the general meeting resolved
stays, and a return has its document."""


@dataclass(frozen=True, slots=True)
class Booking:
    """An entry that is no statement's own: what happened on a day, as balanced postings."""

    id: UUID
    source: Source
    on_day: date
    postings: tuple[Posting, ...]
    note: str = ""
    due_on: date | None = None
    month: str | None = None
    reverses: UUID | None = None


@dataclass(frozen=True, slots=True)
class OpenItem:
    """What a member still owes of one claim. What was paid covers what is due first, then what is older (民法488条)."""

    entry_id: UUID
    source: Source
    month: str | None
    statement_id: UUID | None
    member_id: str
    account: str
    on_day: date
    due_on: date
    amount_yen: Yen
    open_yen: Yen


@dataclass(frozen=True, slots=True)
class Movement:
    """An entry as it moves the accounts of one member; debits are positive."""

    id: UUID
    source: Source
    month: str | None
    statement_id: UUID | None
    on_day: date
    due_on: date | None
    note: str
    reverses: UUID | None
    reversed_by: UUID | None
    amounts_yen: dict[str, Yen]


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """What an account was debited and credited in a range of days, and its balance at the end of it."""

    account: str
    name_ja: str
    name_en: str
    debit_yen: Yen
    credit_yen: Yen
    balance_yen: Yen
