"""Files for the bank and back, byte by byte: transfers (総合振込), direct debits (口座振替), notices of receipts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from billing.bank.kana import SYMBOLS
from billing.bank.records import (
    DEBIT,
    DEBIT_TRAILER,
    END,
    HEADER,
    RECEIPT,
    RECEIPT_HEADER,
    RECEIPT_TRAILER,
    TRANSFER,
    TRANSFER_TRAILER,
    FileMalformed,
    joined,
    split,
)
from coop.money import Yen

PAID = "0"
RESULTS = frozenset("0123489")


@dataclass(frozen=True, slots=True)
class Client:
    """The cooperative as its bank knows it for one service, and how that bank wants its files."""

    client_code: str
    client_kana: str
    bank_code: str
    bank_kana: str
    branch_code: str
    branch_kana: str
    type: int
    number: str
    line_end: str = "crlf"
    symbols: str = SYMBOLS


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Where a member's money goes and comes from; `customer_code` is the mandate of direct debits."""

    bank_code: str
    bank_kana: str
    branch_code: str
    branch_kana: str
    type: int
    number: str
    holder_kana: str
    customer_code: str | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """A line of a file: so much to, or from, an account."""

    account: BankAccount
    amount_yen: Yen


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one direct debit."""

    customer_code: str
    amount_yen: Yen
    code: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came in, as the bank tells it; `number` tells equal ones of one file apart."""

    on_day: date
    amount_yen: Yen
    payer_kana: str
    number: int = 1


def transfers(client: Client, on_day: date, amounts: Sequence[Amount]) -> bytes:
    """A file of transfers (kind 21) on `on_day`; raises `CharacterRefused`, `NumberTooLong` with the field's name."""
    lines = [
        TRANSFER.write(
            {
                "データ区分": 2,
                **_account(each.account),
                "受取人名": each.account.holder_kana,
                "振込金額": each.amount_yen,
            },
            client.symbols,
        )
        for each in amounts
    ]
    totals = {"データ区分": 8, "合計件数": len(amounts), "合計金額": sum(each.amount_yen for each in amounts)}
    records = [_header(client, 21, on_day), *lines, TRANSFER_TRAILER.write(totals), END.write({"データ区分": 9})]
    return joined(records, client.line_end)


def debits(client: Client, on_day: date, amounts: Sequence[Amount]) -> bytes:
    """A file of direct debits (kind 91) on `on_day`; raises `CharacterRefused`, `NumberTooLong`."""
    lines = [
        DEBIT.write(
            {
                "データ区分": 2,
                **_account(each.account),
                "預金者名": each.account.holder_kana,
                "引落金額": each.amount_yen,
                "顧客番号": each.account.customer_code or "",
            },
            client.symbols,
        )
        for each in amounts
    ]
    totals = {"データ区分": 8, "合計件数": len(amounts), "合計金額": sum(each.amount_yen for each in amounts)}
    records = [_header(client, 91, on_day), *lines, DEBIT_TRAILER.write(totals), END.write({"データ区分": 9})]
    return joined(records, client.line_end)


def results(content: bytes) -> list[Result]:
    """The bank's result file of direct debits; raises `FileMalformed` where its totals are not those of its lines."""
    found: list[Result] = []
    closed = False
    for record in split(content, DEBIT.length):
        if record.startswith(b"1") and HEADER.read(record)["種別コード"] != "91":
            raise FileMalformed(field="種別コード")
        if record.startswith(b"2"):
            line = DEBIT.read(record)
            if line["振替結果コード"] not in RESULTS:
                raise FileMalformed(field="振替結果コード")
            found.append(Result(line["顧客番号"], DEBIT.number(line, "引落金額"), line["振替結果コード"]))
        if record.startswith(b"8"):
            closed = True
            total = DEBIT_TRAILER.read(record)
            for name, part in (
                ("合計", found),
                ("振替済", [each for each in found if each.code == PAID]),
                ("振替不能", [each for each in found if each.code != PAID]),
            ):
                if DEBIT_TRAILER.number(total, f"{name}件数") != len(part):
                    raise FileMalformed(field=f"{name}件数")
                if DEBIT_TRAILER.number(total, f"{name}金額") != sum(each.amount_yen for each in part):
                    raise FileMalformed(field=f"{name}金額")
    if not closed:
        raise FileMalformed(field="合計件数")
    return found


def receipts(content: bytes, today: date) -> list[Receipt]:
    """A notice of incoming transfers (振込入金通知), without those that were cancelled; raises `FileMalformed`."""
    came: list[Receipt] = []
    gone: list[Receipt] = []
    closed = False
    for record in split(content, RECEIPT.length):
        if record.startswith(b"1") and RECEIPT_HEADER.read(record)["種別コード"] != "01":
            raise FileMalformed(field="種別コード")
        if record.startswith(b"2"):
            line = RECEIPT.read(record)
            receipt = Receipt(_day(line["勘定日"], today), RECEIPT.number(line, "金額"), line["振込依頼人名"])
            (gone if line["取消区分"] == "1" else came).append(receipt)
        if record.startswith(b"8"):
            closed = True
            total = RECEIPT_TRAILER.read(record)
            for name, part in (("振込", came), ("取消", gone)):
                if RECEIPT_TRAILER.number(total, f"{name}合計件数") != len(part):
                    raise FileMalformed(field=f"{name}合計件数")
                if RECEIPT_TRAILER.number(total, f"{name}合計金額") != sum(each.amount_yen for each in part):
                    raise FileMalformed(field=f"{name}合計金額")
    if not closed:
        raise FileMalformed(field="振込合計件数")
    for each in gone:
        if each in came:
            came.remove(each)
    return numbered(came)


def numbered(came: Sequence[Receipt]) -> list[Receipt]:
    """Equal receipts of one file told apart, so that reading it again finds the same ones."""
    seen: dict[Receipt, int] = {}
    told = []
    for each in came:
        seen[each] = seen.get(each, 0) + 1
        told.append(Receipt(each.on_day, each.amount_yen, each.payer_kana, seen[each]))
    return told


def _header(client: Client, kind: int, on_day: date) -> bytes:
    return HEADER.write(
        {
            "データ区分": 1, "種別コード": kind, "コード区分": 0, "委託者コード": client.client_code,
            "委託者名": client.client_kana, "日付": f"{on_day:%m%d}", "仕向銀行番号": client.bank_code,
            "仕向銀行名": client.bank_kana, "仕向支店番号": client.branch_code, "仕向支店名": client.branch_kana,
            "預金種目": client.type, "口座番号": client.number,
        },
        client.symbols,
    )  # fmt: skip


def _account(account: BankAccount) -> dict[str, str | int]:
    return {
        "銀行番号": account.bank_code,
        "銀行名": account.bank_kana,
        "支店番号": account.branch_code,
        "支店名": account.branch_kana,
        "預金種目": account.type,
        "口座番号": account.number,
    }


def _day(written: str, today: date) -> date:
    """YYMMDD with the year of the era (令和) or of the century, whichever day is nearer to `today`."""
    try:
        year, month, day = (int(written[at : at + 2]) for at in (0, 2, 4))
        days = [date(epoch + year, month, day) for epoch in (2018, 2000)]
    except ValueError:
        raise FileMalformed(field="勘定日") from None
    return min(days, key=lambda each: abs((each - today).days))
