"""Record money that moved: payments, refunds, payouts, netting; and take back what was recorded by mistake."""

from datetime import date, datetime
from uuid import UUID

from psycopg import errors

from billing.ledger import moves, store
from billing.ledger.entries import LEVY_RECEIVABLE, PAYABLE, RECEIVABLE
from billing.ledger.model import REVERSIBLE, Booking
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import Role, Viewer
from coop.money import Yen


class PayerUnknown(NotFound):
    """There is no member with this key."""

    code = "billing.payer_unknown"


class MoreThanOwed(Conflict):
    """At most what stands on the member's account can be paid back, paid out or set off."""

    code = "billing.more_than_owed"


class EntryUnknown(NotFound):
    """There is no such entry in the ledger."""

    code = "billing.entry_unknown"


class EntryStays(Conflict):
    """What a closed month posted, or a reversal, is not reversed: the next month's statement mends it."""

    code = "billing.entry_stays"


class ReversedAlready(Conflict):
    """This entry was reversed before."""

    code = "billing.reversed_already"


def pay(
    conn: Connection,
    viewer: Viewer,
    identifier: UUID,
    member_id: str,
    amount_yen: Yen,
    on_day: date,
    now: datetime,
    *,
    fee_yen: Yen = 0,
    note: str = "",
) -> Booking:
    """Record that a member paid: what is due first is covered first, what is too much is the member's credit.

    `fee_yen` is what banks deducted on the way where the cooperative bears it. Raises `PayerUnknown`.
    """
    _take(conn, viewer, member_id)
    items = store.open_items(conn, member_id)
    return _book(
        conn, viewer, moves.payment(identifier, member_id, items, amount_yen, fee_yen, on_day, note), member_id, now
    )


def refund(
    conn: Connection, viewer: Viewer, identifier: UUID, member_id: str, amount_yen: Yen, on_day: date, now: datetime,
    *, note: str = "",
) -> Booking:  # fmt: skip
    """Pay a member's credit back; raises `PayerUnknown`, `MoreThanOwed`."""
    standing = _take(conn, viewer, member_id)
    # What is owed as a levy is paid first from what the member has paid too much.
    _within(amount_yen, -standing.get(RECEIVABLE, 0) - max(0, standing.get(LEVY_RECEIVABLE, 0)))
    return _book(conn, viewer, moves.refund(identifier, member_id, amount_yen, on_day, note), member_id, now)


def pay_out(
    conn: Connection, viewer: Viewer, identifier: UUID, member_id: str, amount_yen: Yen, on_day: date, now: datetime,
    *, note: str = "",
) -> Booking:  # fmt: skip
    """Pay a member what the cooperative owes it; raises `PayerUnknown`, `MoreThanOwed`."""
    standing = _take(conn, viewer, member_id)
    _within(amount_yen, -standing.get(PAYABLE, 0))
    return _book(conn, viewer, moves.payout(identifier, member_id, amount_yen, on_day, note), member_id, now)


def net(
    conn: Connection, viewer: Viewer, identifier: UUID, member_id: str, amount_yen: Yen, on_day: date, now: datetime,
    *, agreement: str,
) -> Booking:  # fmt: skip
    """Set off what both owe each other, by an agreement; a levy never. Raises `PayerUnknown`, `MoreThanOwed`."""
    standing = _take(conn, viewer, member_id)
    _within(amount_yen, min(-standing.get(PAYABLE, 0), standing.get(RECEIVABLE, 0)))
    return _book(conn, viewer, moves.netting(identifier, member_id, amount_yen, on_day, agreement), member_id, now)


def reverse(
    conn: Connection, viewer: Viewer, identifier: UUID, entry_id: UUID, reason: str, on_day: date, now: datetime
) -> Booking:
    """Take back what was recorded by mistake, by an entry the other way round.

    Raises `EntryUnknown`, `EntryStays`, `ReversedAlready`.
    """
    viewer.require(Role.OFFICE)
    found = store.entry(conn, entry_id)
    if found is None:
        raise EntryUnknown()
    source, _, postings = found
    if source not in REVERSIBLE:
        raise EntryStays()
    (member_id,) = {each.member_id for each in postings if each.member_id is not None}
    store.lock_member(conn, member_id)
    try:
        with conn.transaction():
            return _book(conn, viewer, moves.reversal(identifier, entry_id, postings, on_day, reason), member_id, now)
    except errors.UniqueViolation:
        raise ReversedAlready() from None


def _take(conn: Connection, viewer: Viewer, member_id: str) -> dict[str, Yen]:
    """The member's balances, which nobody else changes before this transaction ends."""
    viewer.require(Role.OFFICE)
    if not store.lock_member(conn, member_id):
        raise PayerUnknown(member=member_id)
    return store.balances(conn, member_id)[member_id]


def _within(amount: Yen, most: Yen) -> None:
    if amount > most:
        raise MoreThanOwed(most=max(most, 0))


def _book(conn: Connection, viewer: Viewer, booking: Booking, member_id: str, now: datetime) -> Booking:
    store.book(conn, viewer, booking, now)
    moved = sum(each.amount_yen for each in booking.postings if each.amount_yen > 0)
    detail: dict[str, object] = {"member_id": member_id, "amount_yen": moved}
    if booking.reverses:
        detail["reverses"] = str(booking.reverses)
    audit.record(conn, f"ledger.{booking.source}", viewer=viewer, subject=f"entry:{booking.id}", now=now, detail=detail)
    return booking
