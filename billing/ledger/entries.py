"""What is posted: balanced entries. Debits are positive, credits negative. Accounts are rows of `billing.account`."""

from collections.abc import Iterable, Mapping
from uuid import UUID, uuid5

from billing.model import Entry, LineKind, Posting, Statement
from coop.money import Yen

BANK = "bank"
RECEIVABLE = "receivable"
LEVY_RECEIVABLE = "levy_receivable"
PAYABLE = "payable"
OPENING = "opening"
FEE_INCOME = "fee_income"
SHARE_INCOME = "share_income"
LEVY_INCOME = "levy_income"
TAX_PAYABLE = "tax_payable"
TAX_PAID = "tax_paid"
OWNER_CREDIT = "owner_credit"
TRANSFER_FEE = "transfer_fee"
RECEIVABLES = (RECEIVABLE, LEVY_RECEIVABLE)
FEES = (LineKind.FEE, LineKind.OPERATOR, LineKind.CONSUMABLE, LineKind.NO_SHOW, LineKind.LATE_CANCEL)
"""Lines that are charged by tariff."""
_NAMESPACE = UUID("7a1f4d3e-0c52-4d0e-9f0a-5f7d6a7c2b10")


def entries(owed: Mapping[str, Mapping[LineKind, Yen]], statements: Iterable[Statement]) -> tuple[Entry, ...]:
    """Debit the member's receivable with the total; credit income by kind and the tax. A zero total posts nothing.

    `owed` is what each member's lines of a kind add up to.
    """
    posted = []
    for statement in statements:
        of_kind = owed[statement.member_id]
        postings = (
            Posting(RECEIVABLE, statement.total_yen, statement.member_id),
            Posting(FEE_INCOME, -sum(of_kind.get(kind, 0) for kind in FEES)),
            Posting(SHARE_INCOME, -of_kind.get(LineKind.SHARE, 0)),
            Posting(TAX_PAYABLE, -statement.tax_yen),
        )
        moved = tuple(posting for posting in postings if posting.amount_yen != 0)
        if moved:
            posted.append(Entry(uuid5(_NAMESPACE, f"statement:{statement.id}"), statement.id, moved))
    return tuple(posted)
