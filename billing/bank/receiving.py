"""What came in at the bank: taken from its file, proposed whose it is, and booked once a person has said so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4, uuid5

from billing.bank import files, matching
from billing.bank.accounts import SQL
from billing.bank.files import Receipt
from billing.bank.kana import as_bank_writes
from billing.bank.matching import Payer, Proposal
from billing.bank.records import RECEIPT, FileMalformed
from billing.ledger import payments, store
from billing.ledger.model import Booking
from booking.tables.importing import Finding, ImportRefused
from coop import audit, cells, tables
from coop.cells import CellMissing
from coop.database import Connection
from coop.errors import MoyaiError, NotFound
from coop.identity import Role, Viewer
from coop.money import Yen
from coop.paging import WHOLE, Slice
from coop.tables import Row

_NAMESPACE = UUID("0a6b9a7e-4c1f-4a57-9c43-8a1b7a1f5d02")
DAYS = frozenset({"勘定日", "取引日", "日付", "お取引日", "取扱日付", "年月日", "操作日", "date"})
AMOUNTS = frozenset(
    {"入金金額", "入金額", "お預り金額", "お預入れ", "お預り", "預入金額", "入金", "入金金額(円)", "deposit"}
)
PAYERS = frozenset({"振込依頼人名", "摘要", "お取引内容", "取引内容", "内容", "摘要内容", "お客さまメモ", "payer"})
"""What banks call the columns that are read; the others are passed over."""


class ReceiptUnknown(NotFound):
    """There is no such receipt, or somebody has said already whose it is."""

    code = "billing.receipt_unknown"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A receipt that waits for a person, with whose it may be."""

    id: UUID
    on_day: date
    amount_yen: Yen
    payer_kana: str
    proposals: tuple[Proposal, ...]


def take(conn: Connection, viewer: Viewer, content: bytes, now: datetime) -> tuple[int, int]:
    """Enter what the bank's file says came in: how many are new, and how many were entered before.

    The file is a 振込入金通知 or the bank's CSV. Raises `FileMalformed`, `FileUnreadable`, `FileTooLarge`, and
    `ImportRefused` with every error of a CSV by row and column.
    """
    viewer.require(Role.OFFICE)
    is_notice = content[:3] == b"101" and len(content.translate(None, b"\r\n\x1a")) % RECEIPT.length == 0
    found = files.receipts(content, now.date()) if is_notice else _of_csv(tables.read(content), viewer.locale)
    added = 0
    for each in found:
        identifier = uuid5(_NAMESPACE, f"{each.on_day} {each.amount_yen} {each.payer_kana} {each.number}")
        values = {"on_day": each.on_day, "amount_yen": each.amount_yen, "payer_kana": each.payer_kana, "now": now}
        added += conn.execute(SQL["add_receipt"], {"id": identifier, **values}).rowcount
    detail: dict[str, object] = {"added": added, "unchanged": len(found) - added}
    audit.record(conn, "bank_receipts.taken", viewer=viewer, subject="bank_receipts", now=now, detail=detail)
    return added, len(found) - added


def waiting(conn: Connection, viewer: Viewer, part: Slice = WHOLE, receipt_id: UUID | None = None) -> list[Waiting]:
    """What nobody has said yet whose it is, oldest first, with proposals."""
    viewer.require(Role.OFFICE)
    payers = _payers(conn)
    rows = conn.execute(SQL["receipts"], {"id": receipt_id} | part.values("after_day", "after_id"))
    return [
        Waiting(identifier, day, yen, payer, tuple(matching.propose(Receipt(day, yen, payer), payers)))
        for identifier, day, yen, payer in rows
    ]


def book(conn: Connection, viewer: Viewer, receipt_id: UUID, member_id: str, fee_yen: Yen, now: datetime) -> Booking:
    """A person says whose it is: a payment, and the name is known from now on. Raises `ReceiptUnknown`."""
    receipt = _take_one(conn, viewer, receipt_id)
    booking = payments.pay(
        conn, viewer, uuid4(), member_id, receipt.amount_yen, receipt.on_day, now, fee_yen=fee_yen,
        note=receipt.payer_kana,
    )  # fmt: skip
    conn.execute(SQL["book_receipt"], {"id": receipt_id, "entry_id": booking.id})
    conn.execute(SQL["learn_payer"], {"payer_kana": receipt.payer_kana, "member_id": member_id})
    return booking


def set_aside(conn: Connection, viewer: Viewer, receipt_id: UUID, reason: str, now: datetime) -> None:
    """A person says why it is no member's payment. Raises `ReceiptUnknown`."""
    _take_one(conn, viewer, receipt_id)
    conn.execute(SQL["set_receipt_aside"], {"id": receipt_id, "reason": reason})
    audit.record(conn, "bank_receipt.set_aside", viewer=viewer, subject=f"bank_receipt:{receipt_id}", now=now)


def _take_one(conn: Connection, viewer: Viewer, receipt_id: UUID) -> Waiting:
    viewer.require(Role.OFFICE)
    conn.execute(SQL["lock_receipt"], {"id": receipt_id})
    found = waiting(conn, viewer, receipt_id=receipt_id)
    if not found:
        raise ReceiptUnknown()
    return found[0]


def _payers(conn: Connection) -> list[Payer]:
    names: dict[str, list[str]] = {}
    for member, name in conn.execute(SQL["payer_names"]):
        names.setdefault(member, []).append(name)
    owed: dict[str, list[Yen]] = {}
    for item in store.open_items(conn):
        owed.setdefault(item.member_id, []).append(item.open_yen)
    members = sorted(names.keys() | owed.keys())
    return [Payer(each, tuple(names.get(each, ())), tuple(owed.get(each, ()))) for each in members]


def _of_csv(rows: Sequence[Row], locale: str) -> list[Receipt]:
    """The rows in which something came in; banks write other lines above the header and pay-outs between."""
    for at, row in enumerate(rows):
        headers = [cells.plain(cell) if cell is not None else "" for cell in row.cells]
        places = [next((n for n, name in enumerate(headers) if name in of), None) for of in (DAYS, AMOUNTS, PAYERS)]
        if None not in places:
            day, amount, payer = (place for place in places if place is not None)
            return _read(rows[at + 1 :], (day, amount, payer), headers, locale)
    raise FileMalformed(field="日付・入金金額・摘要")


def _read(rows: Sequence[Row], places: tuple[int, int, int], headers: Sequence[str], locale: str) -> list[Receipt]:
    came, findings = [], []
    for row in rows:
        values: list[object] = []
        filled = [row.cells[place] if place < len(row.cells) else None for place in places]
        if filled[1] is None or cells.plain(filled[1]) in {"", "0", "-"}:
            continue
        for place, cell, read in zip(places, filled, (cells.day, cells.whole(1), cells.text(200)), strict=True):
            try:
                if cell is None or not str(cell).strip():
                    raise CellMissing()
                values.append(read(cell))
            except MoyaiError as refused:
                findings.append(Finding(row.number, headers[place], refused.code, refused.params))
        if len(values) == len(places):
            on_day, amount, payer = values
            assert isinstance(on_day, date)
            assert isinstance(amount, int)
            came.append(Receipt(on_day, amount, as_bank_writes(str(payer))))
    if findings:
        raise ImportRefused(findings, locale)
    return files.numbered(came)
