"""How money that moves is posted: payments, refunds, payouts, netting, and what takes an entry back. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from billing.ledger.entries import BANK, OPENING, PAYABLE, RECEIVABLE, TRANSFER_FEE
from billing.ledger.model import Booking, OpenItem, Source
from billing.model import Posting
from coop.money import Yen


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


def reversal(identifier: UUID, of: UUID, postings: Sequence[Posting], on_day: date, note: str) -> Booking:
    """The entry that takes another back: the same accounts, the other way round."""
    back = tuple(Posting(each.account, -each.amount_yen, each.member_id) for each in postings)
    return Booking(identifier, Source.REVERSAL, on_day, back, note, reverses=of)


def _moving(*postings: Posting) -> tuple[Posting, ...]:
    return tuple(each for each in postings if each.amount_yen != 0)
