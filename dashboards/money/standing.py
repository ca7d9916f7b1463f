"""How a statement stands: drafted, waiting for its document, due, overdue, or paid."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from billing.documents import store as documents
from billing.documents.model import Document, Kind
from billing.documents.store import Search
from billing.ledger import store as ledger
from billing.store import Issued
from coop.database import Connection
from coop.identity import Viewer


@dataclass(frozen=True, slots=True)
class Standing:
    """A statement with its invoice in force (None: not issued yet) and what of it is not paid."""

    issued: Issued
    document: Document | None
    open_yen: int
    due_on: date | None
    today: date

    @property
    def word(self) -> Literal["draft", "closed", "paid", "due", "overdue"]:
        """The one word for it."""
        if not self.issued.status.final:
            return "draft"
        if self.open_yen == 0:
            return "paid"
        if self.document is None:
            return "closed"
        return "overdue" if self.due_on is not None and self.due_on < self.today else "due"


def standings(conn: Connection, viewer: Viewer, found: Sequence[Issued], today: date) -> list[Standing]:
    """How each of the statements stands that the viewer may see."""
    member_ids = {each.statement.member_id for each in found}
    member_id = member_ids.pop() if len(member_ids) == 1 else None
    open_yen: dict[UUID, int] = defaultdict(int)
    due: dict[UUID, date] = {}
    for item in ledger.open_items(conn, member_id) if found else ():
        if item.statement_id is not None:
            open_yen[item.statement_id] += item.open_yen
            due[item.statement_id] = item.due_on
    invoices = (
        document
        for month in {each.month for each in found}
        for document in documents.documents(conn, viewer, Search(kind=Kind.INVOICE, month=month))
    )
    in_force = {each.statement_id: each for each in invoices if each.superseded_by is None}
    return [
        Standing(
            each,
            in_force.get(each.statement.id),
            open_yen[each.statement.id],
            due.get(each.statement.id),
            today,
        )
        for each in found
    ]
