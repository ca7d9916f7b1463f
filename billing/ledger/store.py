"""The ledger in the database: added to, and read."""

import calendar
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from billing.costs.model import OwnerCredit
from billing.ledger import moves
from billing.ledger.model import AccountTotal, Booking, Movement, OpenItem, Source
from billing.model import Entry, Posting
from billing.store import copy_rows, first_day
from coop.database import Connection
from coop.identity import Viewer
from coop.money import Yen
from coop.paging import WHOLE, Slice
from coop.queries import load

SQL = load("billing.ledger")


def post(conn: Connection, month: str, entries: Iterable[Entry], now: datetime) -> None:
    """Add entries to the ledger; the database refuses one that does not balance when the transaction commits.

    They belong to the last day of the month. Until a document says when it is due, that is the end of the next one.
    """
    posted, first = list(entries), first_day(month)
    last = _last(first)
    due = _last(last + timedelta(days=1))
    copy_rows(conn, SQL["copy_entries"], ((entry.id, first, now, entry.statement_id, last, due) for entry in posted))
    copy_rows(
        conn,
        SQL["copy_postings"],
        (
            (entry.id, n, posting.account, posting.member_id, posting.amount_yen)
            for entry in posted
            for n, posting in enumerate(entry.postings, 1)
        ),
    )


def post_credits(
    conn: Connection, viewer: Viewer, month: str, credits_of: Iterable[OwnerCredit], now: datetime
) -> None:
    """Add what a closed month bought from the owners of hosted machines."""
    for booking in moves.owner_credits(month, _last(first_day(month)), credits_of):
        book(conn, viewer, booking, now)


def book(conn: Connection, viewer: Viewer, booking: Booking, now: datetime) -> None:
    """Add an entry that is no statement's own."""
    values = {
        "id": booking.id,
        "month": booking.month and first_day(booking.month),
        "now": now,
        "source": booking.source,
        "on_day": booking.on_day,
        "due_on": booking.due_on,
        "note": booking.note,
        "reverses": booking.reverses,
        "posted_by": viewer.person_id,
    }
    conn.execute(SQL["add_entry"], values)
    for n, each in enumerate(booking.postings, 1):
        posting = {"account": each.account, "member_id": each.member_id, "amount_yen": each.amount_yen}
        conn.execute(SQL["add_posting"], {"entry_id": booking.id, "n": n, **posting})


def entries(conn: Connection, month: str) -> tuple[Entry, ...]:
    """What the statements of a month posted, by member."""
    found: dict[tuple[UUID, UUID], list[Posting]] = defaultdict(list)
    for entry_id, of_statement, account, amount, member in conn.execute(
        SQL["postings_of_month"], {"month": first_day(month)}
    ):
        found[(entry_id, of_statement)].append(Posting(account, amount, member))
    return tuple(Entry(*ids, tuple(postings)) for ids, postings in found.items())


def entry(conn: Connection, entry_id: UUID) -> tuple[Source, date, tuple[Posting, ...]] | None:
    """Where an entry came from, its day, and what it moved."""
    row = conn.execute(SQL["entry"], {"id": entry_id}).fetchone()
    if row is None:
        return None
    source, on_day, accounts, members, amounts = row
    postings = (Posting(account, yen, member) for account, member, yen in zip(accounts, members, amounts, strict=True))
    return Source(source), on_day, tuple(postings)


def lock_member(conn: Connection, member_id: str) -> bool:
    """Wait until nobody else decides about the member's account; whether there is such a member."""
    return conn.execute(SQL["lock_member"], {"member_id": member_id}).fetchone() is not None


def open_items(conn: Connection, member_id: str | None = None, part: Slice = WHOLE) -> list[OpenItem]:
    """What is owed and not paid, by all or by one; what is due first comes first."""
    names = ("after_due", "after_member", "after_id", "after_account")
    rows = conn.execute(SQL["open_items"], {"member_id": member_id} | part.values(*names))
    return [
        OpenItem(entry_id, Source(source), month and f"{month:%Y-%m}", *more)
        for entry_id, source, month, *more in rows
    ]  # fmt: skip


def balances(conn: Connection, member_id: str | None = None) -> dict[str, dict[str, Yen]]:
    """What stands on the accounts of members, by member and account."""
    found: dict[str, dict[str, Yen]] = defaultdict(dict)
    for member, account, yen in conn.execute(SQL["balances"], {"member_id": member_id}):
        found[member][account] = yen
    return found


def movements(conn: Connection, member_id: str, part: Slice = WHOLE) -> list[Movement]:
    """The entries of a member's account, newest first."""
    rows = conn.execute(SQL["movements"], {"member_id": member_id} | part.values("after_day", "after_id"))
    return [
        Movement(entry_id, Source(source), month and f"{month:%Y-%m}", *more)
        for entry_id, source, month, *more in rows
    ]  # fmt: skip


def totals(conn: Connection, since: date, until: date) -> list[AccountTotal]:
    """Each account's debits and credits in `[since, until)` and its balance before `until`."""
    return [AccountTotal(*row) for row in conn.execute(SQL["totals"], {"since": since, "until": until})]


def _last(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
