"""The ledger in the database: added to, and read."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from billing.model import Entry, Posting
from billing.store import copy_rows, first_day
from coop.database import Connection
from coop.queries import load

SQL = load("billing.ledger")


def post(conn: Connection, month: str, entries: Iterable[Entry], now: datetime) -> None:
    """Add entries to the ledger; the database refuses one that does not balance when the transaction commits."""
    posted = list(entries)
    copy_rows(conn, SQL["copy_entries"], ((entry.id, first_day(month), now, entry.statement_id) for entry in posted))
    copy_rows(
        conn,
        SQL["copy_postings"],
        (
            (entry.id, n, posting.account, posting.member_id, posting.amount_yen)
            for entry in posted
            for n, posting in enumerate(entry.postings, 1)
        ),
    )


def entries(conn: Connection, month: str) -> tuple[Entry, ...]:
    """What the statements of a month posted, by member."""
    found: dict[tuple[UUID, UUID], list[Posting]] = defaultdict(list)
    for entry_id, of_statement, account, amount, member in conn.execute(
        SQL["postings_of_month"], {"month": first_day(month)}
    ):
        found[(entry_id, of_statement)].append(Posting(account, amount, member))
    return tuple(Entry(*ids, tuple(postings)) for ids, postings in found.items())
