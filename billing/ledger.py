"""What a settlement posts: one balanced entry for each statement. Debits are positive, credits negative."""

from collections.abc import Iterable
from uuid import UUID, uuid5

from billing.lines import FEE
from billing.model import Entry, Posting, Statement

RECEIVABLE = "receivable"
FEE_INCOME = "fee_income"
SHARE_INCOME = "share_income"
TAX_PAYABLE = "tax_payable"
_NAMESPACE = UUID("7a1f4d3e-0c52-4d0e-9f0a-5f7d6a7c2b10")


def entries(statements: Iterable[Statement]) -> tuple[Entry, ...]:
    """Debit the member's receivable with the total; credit income by kind and the tax. A zero total posts nothing."""
    posted = []
    for statement in statements:
        fees = sum(line.amount_yen for line in statement.lines if line.kind == FEE)
        shares = sum(line.amount_yen for line in statement.lines if line.kind != FEE)
        postings = (
            Posting(RECEIVABLE, statement.total_yen, statement.member_id),
            Posting(FEE_INCOME, -fees),
            Posting(SHARE_INCOME, -shares),
            Posting(TAX_PAYABLE, -statement.tax_yen),
        )
        moved = tuple(posting for posting in postings if posting.amount_yen != 0)
        if moved:
            posted.append(Entry(uuid5(_NAMESPACE, f"statement:{statement.id}"), statement.id, moved))
    return tuple(posted)
