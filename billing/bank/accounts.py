"""The cooperative as its bank knows it for each service, and members' bank accounts: of the office only, audited."""

from dataclasses import asdict
from datetime import datetime
from enum import StrEnum

from psycopg import errors

from billing.bank.files import BankAccount, Client
from billing.bank.kana import checked
from billing.ledger.payments import PayerUnknown
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import Role, Viewer
from coop.queries import load

SQL = load("billing.bank")


class Service(StrEnum):
    """What a bank does for the cooperative: 総合振込 (21), 口座振替 (91)."""

    TRANSFER = "transfer"
    DEBIT = "debit"


class ServiceMissing(NotFound):
    """Nobody has entered how the bank knows the cooperative for this service."""

    code = "billing.bank_service_missing"


class AccountMissing(NotFound):
    """Nobody has entered this member's bank account."""

    code = "billing.bank_account_missing"


class CustomerCodeTaken(Conflict):
    """The customer number of direct debits is another member's."""

    code = "billing.customer_code_taken"


def service(conn: Connection, viewer: Viewer, kind: Service) -> Client:
    """How the bank knows the cooperative; raises `ServiceMissing`."""
    viewer.require(Role.OFFICE)
    row = conn.execute(SQL["service"], {"kind": kind}).fetchone()
    if row is None:
        raise ServiceMissing(service=kind)
    return Client(*row)


def put_service(conn: Connection, viewer: Viewer, kind: Service, client: Client, now: datetime) -> None:
    """Enter it; raises `CharacterRefused` for a name that the bank does not take."""
    viewer.require(Role.OFFICE)
    for name in ("client_kana", "bank_kana", "branch_kana"):
        checked(name, getattr(client, name), client.symbols)
    conn.execute(SQL["put_service"], {"kind": kind, **asdict(client)})
    audit.record(conn, "bank_service.changed", viewer=viewer, subject=f"bank_service:{kind}", now=now)


def accounts(conn: Connection, viewer: Viewer, member_id: str | None = None) -> dict[str, BankAccount]:
    """Members' bank accounts, by member."""
    viewer.require(Role.OFFICE)
    return {member: BankAccount(*row) for member, *row in conn.execute(SQL["accounts"], {"member_id": member_id})}


def account(conn: Connection, viewer: Viewer, member_id: str, now: datetime) -> BankAccount:
    """One member's bank account, which the audit trail notes; raises `AccountMissing`."""
    found = accounts(conn, viewer, member_id)
    if member_id not in found:
        raise AccountMissing(members=member_id)
    audit.record(conn, "bank_account.read", viewer=viewer, subject=f"member:{member_id}", now=now)
    return found[member_id]


def put_account(conn: Connection, viewer: Viewer, member_id: str, account: BankAccount, now: datetime) -> None:
    """Enter it; raises `CharacterRefused`, `PayerUnknown`, `CustomerCodeTaken`."""
    viewer.require(Role.OFFICE)
    for name in ("bank_kana", "branch_kana", "holder_kana"):
        checked(name, getattr(account, name))
    try:
        with conn.transaction():
            conn.execute(SQL["put_account"], {"member_id": member_id, **asdict(account)})
    except errors.ForeignKeyViolation:
        raise PayerUnknown(member=member_id) from None
    except errors.UniqueViolation:
        raise CustomerCodeTaken() from None
    audit.record(conn, "bank_account.changed", viewer=viewer, subject=f"member:{member_id}", now=now)
