"""What is posted: balanced entries. Debits are positive, credits negative. Accounts are rows of `billing.account`."""

from collections.abc import Container, Iterable, Mapping
from uuid import UUID, uuid5

from billing.model import Entry, Line, Posting, Statement
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
PATRONAGE_REFUND = "patronage_refund"
SALES_RETURN = "sales_return"
TRANSFER_FEE = "transfer_fee"
RECEIVABLES = (RECEIVABLE, LEVY_RECEIVABLE)
_NAMESPACE = UUID("7a1f4d3e-0c52-4d0e-9f0a-5f7d6a7c2b10")


def income_account(line: Line, levies: Container[str]) -> str:
    """Where a line is income; `levies` are the pools whose shares are owed as 賦課金."""
    if line.pool_id is None:
        return FEE_INCOME
    return LEVY_INCOME if line.pool_id in levies else SHARE_INCOME


def entries(owed: Mapping[str, Mapping[str, Yen]], statements: Iterable[Statement]) -> tuple[Entry, ...]:
    """Debit the member's receivables with the total, a levy's apart; credit the accounts of income and the tax.

    `owed` is what each member's lines add up to by account. A zero total posts nothing.
    """
    posted = []
    for statement in statements:
        of_account = owed[statement.member_id]
        levy = of_account.get(LEVY_INCOME, 0)
        postings = (
            Posting(RECEIVABLE, statement.total_yen - levy, statement.member_id),
            Posting(LEVY_RECEIVABLE, levy, statement.member_id),
            *(Posting(account, -of_account.get(account, 0)) for account in (FEE_INCOME, SHARE_INCOME, LEVY_INCOME)),
            Posting(TAX_PAYABLE, -statement.tax_yen),
        )
        moved = tuple(posting for posting in postings if posting.amount_yen != 0)
        if moved:
            posted.append(Entry(uuid5(_NAMESPACE, f"statement:{statement.id}"), statement.id, moved))
    return tuple(posted)
