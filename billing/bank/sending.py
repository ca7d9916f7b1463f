"""Files to the bank: made from the ledger, kept as they were made, and posted once the bank has done them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from billing.bank import accounts, files
from billing.bank.accounts import SQL, AccountMissing, Service
from billing.bank.files import PAID, Amount
from billing.ledger import payments, store
from billing.ledger.entries import PAYABLE
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import Role, Viewer
from coop.money import Yen
from coop.paging import WHOLE, Slice


class NothingToSend(Conflict):
    """Nobody is owed anything, or nothing that is due can be debited."""

    code = "billing.nothing_to_send"


class FileUnknown(NotFound):
    """There is no such file."""

    code = "billing.bank_file_unknown"


class FileDone(Conflict):
    """The bank has answered this file already, or it was dropped."""

    code = "billing.bank_file_done"


class ResultDiffers(Conflict):
    """The bank's result names a line that the file does not have, or leaves one out."""

    code = "billing.result_differs"


@dataclass(frozen=True, slots=True)
class BankFile:
    """A file that was made for the bank."""

    id: UUID
    kind: Service
    on_day: date
    made_at: datetime
    total_yen: Yen
    settled_at: datetime | None
    dropped_at: datetime | None
    count: int


@dataclass(frozen=True, slots=True)
class FileLine:
    """One of its lines, with the bank's result code and the entry that was posted."""

    n: int
    member_id: str
    key: str
    amount_yen: Yen
    result: str | None
    entry_id: UUID | None


@dataclass(frozen=True, slots=True)
class Going:
    """What a file made now would hold, by member; `missing` are those of them whose bank account nobody has entered."""

    kind: Service
    on_day: date
    amounts: Mapping[str, Yen]
    missing: tuple[str, ...]


def going(conn: Connection, viewer: Viewer, kind: Service, on_day: date) -> Going:
    """What a file would hold: everything to be transferred, or everything due by `on_day` that may be debited."""
    known = accounts.accounts(conn, viewer)
    under_way = {row[0] for row in conn.execute(SQL["under_way"], {"kind": kind})}
    amounts = {
        member: yen
        for member, yen in sorted(_amounts(conn, kind, on_day).items())
        if yen > 0 and member not in under_way
    }
    if kind is Service.DEBIT:
        amounts = {member: yen for member, yen in amounts.items() if member in known and known[member].customer_code}
    return Going(kind, on_day, amounts, tuple(member for member in amounts if member not in known))


def make(conn: Connection, viewer: Viewer, kind: Service, on_day: date, now: datetime) -> BankFile:
    """A file of everything to be transferred, or of everything due by `on_day` that may be debited.

    Nobody who is in a file that the bank has not answered is in another. Raises `ServiceMissing`, `NothingToSend`,
    `AccountMissing` with all members who have none, `CharacterRefused`, `NumberTooLong`.
    """
    client = accounts.service(conn, viewer, kind)
    conn.execute(SQL["lock_files"])
    wanted, known = going(conn, viewer, kind, on_day), accounts.accounts(conn, viewer)
    amounts = wanted.amounts
    if wanted.missing:
        raise AccountMissing(members=", ".join(wanted.missing))
    if not amounts:
        raise NothingToSend()
    lines = [Amount(known[member], yen) for member, yen in amounts.items()]
    content = (files.transfers if kind is Service.TRANSFER else files.debits)(client, on_day, lines)
    identifier, total = uuid4(), sum(amounts.values())
    values = {"id": identifier, "kind": kind, "on_day": on_day, "now": now, "made_by": viewer.person_id}
    conn.execute(SQL["add_file"], values | {"total_yen": total, "content": content})
    for n, (member, yen) in enumerate(amounts.items(), 1):
        key = known[member].customer_code if kind is Service.DEBIT else known[member].number
        conn.execute(
            SQL["add_file_line"],
            {"file_id": identifier, "n": n, "member_id": member, "key": key, "amount_yen": yen},
        )
    detail: dict[str, object] = {"count": len(lines), "total_yen": total}
    audit.record(conn, "bank_file.made", viewer=viewer, subject=f"bank_file:{identifier}", now=now, detail=detail)
    return one(conn, identifier)


def settle_transfers(conn: Connection, viewer: Viewer, file_id: UUID, now: datetime) -> BankFile:
    """The bank has transferred: each line is paid out. Raises `FileUnknown`, `FileDone`, `MoreThanOwed`."""
    file = _take(conn, viewer, file_id, Service.TRANSFER)
    for line in lines(conn, file_id):
        booked = payments.pay_out(conn, viewer, uuid4(), line.member_id, line.amount_yen, file.on_day, now)
        _settled(conn, file_id, line.n, PAID, booked.id)
    return _done(conn, viewer, file_id, now, "bank_file.settled")


def settle_debits(conn: Connection, viewer: Viewer, file_id: UUID, content: bytes, now: datetime) -> BankFile:
    """The bank's result file: what was debited is a payment, the rest stays owed with the reason on its line.

    Raises `FileUnknown`, `FileDone`, `FileMalformed`, `ResultDiffers`.
    """
    file = _take(conn, viewer, file_id, Service.DEBIT)
    told = {(each.customer_code.lstrip("0"), each.amount_yen): each.code for each in files.results(content)}
    ours = {(line.key.lstrip("0"), line.amount_yen): line for line in lines(conn, file_id)}
    if told.keys() != ours.keys():
        different = told.keys() ^ ours.keys()
        raise ResultDiffers(customers=", ".join(sorted(customer for customer, _ in different)))
    for key, line in ours.items():
        entry_id = None
        if told[key] == PAID:
            entry_id = payments.pay(conn, viewer, uuid4(), line.member_id, line.amount_yen, file.on_day, now).id
        _settled(conn, file_id, line.n, told[key], entry_id)
    return _done(conn, viewer, file_id, now, "bank_file.settled")


def drop(conn: Connection, viewer: Viewer, file_id: UUID, now: datetime) -> BankFile:
    """The file never went to the bank; its members may be in the next one. Raises `FileUnknown`, `FileDone`."""
    _take(conn, viewer, file_id, None)
    conn.execute(SQL["drop_file"], {"id": file_id, "now": now})
    audit.record(conn, "bank_file.dropped", viewer=viewer, subject=f"bank_file:{file_id}", now=now)
    return one(conn, file_id)


def listed(conn: Connection, viewer: Viewer, part: Slice = WHOLE, file_id: UUID | None = None) -> list[BankFile]:
    """Files, newest first."""
    viewer.require(Role.OFFICE)
    rows = conn.execute(SQL["files"], {"id": file_id} | part.values("after_made", "after_id"))
    return [BankFile(identifier, Service(kind), *row) for identifier, kind, *row in rows]


def content(conn: Connection, viewer: Viewer, file_id: UUID) -> tuple[BankFile, bytes]:
    """A file's bytes, as they were made; raises `FileUnknown`."""
    viewer.require(Role.OFFICE)
    row = conn.execute(SQL["file_content"], {"id": file_id}).fetchone()
    if row is None:
        raise FileUnknown()
    return one(conn, file_id), row[0]


def lines(conn: Connection, file_id: UUID) -> list[FileLine]:
    """The lines of a file."""
    return [FileLine(*row) for row in conn.execute(SQL["file_lines"], {"id": file_id})]


def one(conn: Connection, file_id: UUID) -> BankFile:
    """One file; raises `FileUnknown`."""
    rows = conn.execute(SQL["files"], {"id": file_id} | WHOLE.values("after_made", "after_id")).fetchall()
    if not rows:
        raise FileUnknown()
    identifier, kind, *row = rows[0]
    return BankFile(identifier, Service(kind), *row)


def _amounts(conn: Connection, kind: Service, on_day: date) -> Mapping[str, Yen]:
    """What is owed to each member, or what each owes that is due by `on_day`."""
    if kind is Service.TRANSFER:
        return {member: -of.get(PAYABLE, 0) for member, of in store.balances(conn).items()}
    owed: dict[str, Yen] = {}
    for item in store.open_items(conn):
        if item.due_on <= on_day:
            owed[item.member_id] = owed.get(item.member_id, 0) + item.open_yen
    return owed


def _take(conn: Connection, viewer: Viewer, file_id: UUID, kind: Service | None) -> BankFile:
    viewer.require(Role.OFFICE)
    conn.execute(SQL["lock_file"], {"id": file_id})
    file = one(conn, file_id)
    if kind is not None and file.kind is not kind:
        raise FileUnknown()
    if file.settled_at or file.dropped_at:
        raise FileDone()
    return file


def _settled(conn: Connection, file_id: UUID, n: int, result: str, entry_id: UUID | None) -> None:
    conn.execute(SQL["settle_line"], {"id": file_id, "n": n, "result": result, "entry_id": entry_id})


def _done(conn: Connection, viewer: Viewer, file_id: UUID, now: datetime, action: str) -> BankFile:
    conn.execute(SQL["settle_file"], {"id": file_id, "now": now})
    audit.record(conn, action, viewer=viewer, subject=f"bank_file:{file_id}", now=now)
    return one(conn, file_id)
