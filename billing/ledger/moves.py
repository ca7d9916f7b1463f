"""How money that moves is posted: payments, refunds, payouts, netting, and what takes an entry back. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid5

from billing.costs.model import OwnerCredit
from billing.ledger.entries import (
    BANK,
    OPENING,
    OWNER_CREDIT,
    PATRONAGE_REFUND,
    PAYABLE,
    RECEIVABLE,
    SALES_RETURN,
    TAX_PAID,
    TAX_PAYABLE,
    TRANSFER_FEE,
)
from billing.ledger.model import Booking, OpenItem, Source
from billing.model import Posting
from billing.tax import tax_by_rate
from coop.money import Yen

_NAMESPACE = UUID("c2c1f4ab-5d0e-4c8f-a8f6-0d2b7a1e9c33")


def payment(
    identifier: UUID, member_id: str, items: Sequence[OpenItem], amount: Yen, fee: Yen, on_day: date, note: str
) -> Booking:
    """`amount` came to the bank, and `fee` was kept by banks on the way and is borne by the cooperative.

    Both cover the member's open items in their order; what is left is the member's credit.
    """
    covered: Counter[str] = Counter()
    left = amount + fee
    for item in items:
        paid = min(item.open_yen, left)
        covered[item.account] += paid
        left -= paid
    covered[RECEIVABLE] += left
    claims = [Posting(account, -yen, member_id) for account, yen in sorted(covered.items())]
    return Booking(
        identifier, Source.PAYMENT, on_day, _moving(Posting(BANK, amount), Posting(TRANSFER_FEE, fee), *claims), note
    )


def refund(identifier: UUID, member_id: str, amount: Yen, on_day: date, note: str) -> Booking:
    """A member's credit is paid back."""
    postings = (Posting(RECEIVABLE, amount, member_id), Posting(BANK, -amount))
    return Booking(identifier, Source.REFUND, on_day, postings, note)


def payout(identifier: UUID, member_id: str, amount: Yen, on_day: date, note: str) -> Booking:
    """What the cooperative owed to a member was transferred."""
    postings = (Posting(PAYABLE, amount, member_id), Posting(BANK, -amount))
    return Booking(identifier, Source.PAYOUT, on_day, postings, note)


def netting(identifier: UUID, member_id: str, amount: Yen, on_day: date, note: str) -> Booking:
    """What both owe each other is set off, by agreement. A levy (賦課金) has an account of its own and stays out."""
    postings = (Posting(PAYABLE, amount, member_id), Posting(RECEIVABLE, -amount, member_id))
    return Booking(identifier, Source.NETTING, on_day, postings, note)


def opening(identifier: UUID, member_id: str, account: str, amount: Yen, on_day: date, due_on: date | None) -> Booking:
    """What a member owed (positive: the member; negative: the cooperative) before this ledger began."""
    postings = (Posting(account, amount, member_id), Posting(OPENING, -amount))
    return Booking(identifier, Source.OPENING, on_day, postings, due_on=due_on)


def returned(document_id: UUID, member_id: str, net: Yen, tax: Yen, on_day: date, note: str) -> Booking:
    """What an invoice charged is returned (売上げに係る対価の返還等): owed no more, the member's credit if paid."""
    postings = _moving(
        Posting(SALES_RETURN, net), Posting(TAX_PAYABLE, tax), Posting(RECEIVABLE, -net - tax, member_id)
    )
    return Booking(uuid5(_NAMESPACE, f"return:{document_id}"), Source.RETURN, on_day, postings, note)


def reversal(identifier: UUID, of: UUID, postings: Sequence[Posting], on_day: date, note: str) -> Booking:
    """The entry that takes another back: the same accounts, the other way round."""
    back = tuple(Posting(each.account, -each.amount_yen, each.member_id) for each in postings)
    return Booking(identifier, Source.REVERSAL, on_day, back, note, reverses=of)


def owner_credits(month: str, on_day: date, credits_of: Iterable[OwnerCredit]) -> list[Booking]:
    """What a closed month bought from the owners of hosted machines: one entry for each member, taxed once per rate."""
    sums: dict[str, Counter[Decimal | None]] = defaultdict(Counter)
    for each in credits_of:
        sums[each.member_id][each.tax_rate] += each.amount_yen
    found = []
    for member, at_rate in sorted(sums.items()):
        taxes = tax_by_rate(at_rate)
        net, tax = sum(each.net_yen for each in taxes), sum(each.tax_yen for each in taxes)
        postings = _moving(Posting(OWNER_CREDIT, net), Posting(TAX_PAID, tax), Posting(PAYABLE, -net - tax, member))
        if postings:
            identifier = uuid5(_NAMESPACE, f"owner_credit:{month}:{member}")
            found.append(Booking(identifier, Source.OWNER_CREDIT, on_day, postings, month=month))
    return found


def patronage_refund(year: int, member_id: str, parts: Iterable[tuple[Yen, Yen]], on_day: date) -> Booking:
    """A member's part of a year's refund: sales and their tax are returned, and owed to the member.

    `parts` are its tax-inclusive yen and the tax inside them, at each rate.
    """
    amounts = list(parts)
    gross, tax = sum(yen for yen, _ in amounts), sum(inside for _, inside in amounts)
    postings = _moving(
        Posting(PATRONAGE_REFUND, gross - tax), Posting(TAX_PAYABLE, tax), Posting(PAYABLE, -gross, member_id)
    )
    identifier = uuid5(_NAMESPACE, f"patronage_refund:{year}:{member_id}")
    return Booking(identifier, Source.PATRONAGE_REFUND, on_day, postings)


def _moving(*postings: Posting) -> tuple[Posting, ...]:
    return tuple(each for each in postings if each.amount_yen != 0)
