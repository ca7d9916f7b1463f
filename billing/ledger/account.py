"""A member's account, what is owed to the cooperative, and whether the books balance."""

from dataclasses import dataclass
from datetime import date, timedelta

from billing.ledger import store
from billing.ledger.entries import PAYABLE, RECEIVABLES
from billing.ledger.model import AccountTotal, Movement, OpenItem
from coop import register
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Role, Viewer
from coop.money import Yen
from coop.paging import Slice


@dataclass(frozen=True, slots=True)
class Standing:
    """How a member stands: what it owes (negative: its credit), what is owed to it, and what is open."""

    member_id: str
    owed_yen: Yen
    owed_to_member_yen: Yen
    open_items: tuple[OpenItem, ...]
    movements: list[Movement]


def standing(conn: Connection, viewer: Viewer, member_id: str, part: Slice) -> Standing:
    """A member's account, to the member itself and who sees everybody's money; raises `NotFound`."""
    if not viewer.sees_money_of(member_id):
        raise NotFound()
    register.member(conn, viewer, member_id)
    balance = store.balances(conn, member_id)[member_id]
    return Standing(
        member_id,
        sum(balance.get(account, 0) for account in RECEIVABLES),
        -balance.get(PAYABLE, 0),
        tuple(store.open_items(conn, member_id)),
        store.movements(conn, member_id, part),
    )


def receivables(conn: Connection, viewer: Viewer, part: Slice) -> list[OpenItem]:
    """What members owe, what is overdue longest first."""
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    return store.open_items(conn, part=part)


def trial_balance(conn: Connection, viewer: Viewer, since: date, last: date) -> list[AccountTotal]:
    """Each account's debits and credits from `since` to `last`, both days in it, and what stands on it then."""
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    return store.totals(conn, since, last + timedelta(days=1))
