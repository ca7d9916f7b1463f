"""Records of fixed length as the Japanese Bankers Association lays them out (全銀協規定形式), written and read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from billing.bank.kana import SYMBOLS, checked, cut
from coop.errors import Invalid


class NumberTooLong(Invalid):
    """A number that has more digits than its field."""

    code = "billing.number_too_long"


class FileMalformed(Invalid):
    """The file is not of this kind, or a part of it is missing or contradicts its totals."""

    code = "billing.file_malformed"


@dataclass(frozen=True, slots=True)
class Field:
    """A field by its name: digits are right-aligned with zeros, text left-aligned with spaces."""

    name: str
    length: int
    digits: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of a record, in order."""

    fields: tuple[Field, ...]

    @property
    def length(self) -> int:
        """In bytes: each character of these files is one."""
        return sum(field.length for field in self.fields)

    def write(self, values: Mapping[str, str | int], symbols: str = SYMBOLS) -> bytes:
        """The record; fields without a value are filled. Raises `CharacterRefused`, `NumberTooLong` with the field."""
        written = "".join(_filled(field, values.get(field.name, ""), symbols) for field in self.fields)
        return written.encode("cp932")

    def read(self, record: bytes) -> dict[str, str]:
        """The fields of a record, without what filled them up on the right."""
        found, at = {}, 0
        for field in self.fields:
            try:
                found[field.name] = record[at : at + field.length].decode("cp932").rstrip()
            except UnicodeDecodeError:
                raise FileMalformed(field=field.name) from None
            at += field.length
        return found

    def number(self, values: Mapping[str, str], name: str) -> int:
        """A field of digits that was read; raises `FileMalformed`."""
        if not (values[name].isascii() and values[name].isdigit()):
            raise FileMalformed(field=name)
        return int(values[name])


def _filled(field: Field, value: str | int, symbols: str) -> str:
    if field.digits:
        digits = str(value).rjust(field.length, "0")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > field.length:
            raise NumberTooLong(field=field.name, digits=field.length)
        return digits
    return cut(checked(field.name, str(value), symbols), field.length).ljust(field.length)


def joined(records: Sequence[bytes], line_end: str) -> bytes:
    """Records one after the other, each with the line end that the bank asks for."""
    end = {"crlf": b"\r\n", "lf": b"\n", "none": b""}[line_end]
    return b"".join(record + end for record in records)


def split(content: bytes, length: int) -> Iterator[bytes]:
    """The records of a file, with whatever line ends and end mark it has; raises `FileMalformed`."""
    packed = content.translate(None, b"\r\n\x1a")
    if not packed or len(packed) % length:
        raise FileMalformed(field=f"{length}")
    for at in range(0, len(packed), length):
        yield packed[at : at + length]


def _layout(*fields: tuple[str, int] | tuple[str, int, bool]) -> Layout:
    return Layout(tuple(Field(*field) for field in fields))


D = True  # digits

HEADER = _layout(
    ("データ区分", 1, D), ("種別コード", 2, D), ("コード区分", 1, D), ("委託者コード", 10, D), ("委託者名", 40),
    ("日付", 4, D), ("仕向銀行番号", 4, D), ("仕向銀行名", 15), ("仕向支店番号", 3, D), ("仕向支店名", 15),
    ("預金種目", 1, D), ("口座番号", 7, D), ("ダミー", 17),
)  # fmt: skip
"""Of transfers (21) and direct debits (91) alike."""

TRANSFER = _layout(
    ("データ区分", 1, D), ("銀行番号", 4, D), ("銀行名", 15), ("支店番号", 3, D), ("支店名", 15),
    ("手形交換所番号", 4, D), ("預金種目", 1, D), ("口座番号", 7, D), ("受取人名", 30), ("振込金額", 10, D),
    ("新規コード", 1, D), ("顧客コード1", 10), ("顧客コード2", 10), ("振込指定区分", 1), ("識別表示", 1),
    ("ダミー", 7),
)  # fmt: skip

TRANSFER_TRAILER = _layout(("データ区分", 1, D), ("合計件数", 6, D), ("合計金額", 12, D), ("ダミー", 101))

DEBIT = _layout(
    ("データ区分", 1, D), ("銀行番号", 4, D), ("銀行名", 15), ("支店番号", 3, D), ("支店名", 15), ("ダミー1", 4),
    ("預金種目", 1, D), ("口座番号", 7, D), ("預金者名", 30), ("引落金額", 10, D), ("新規コード", 1, D),
    ("顧客番号", 20, D), ("振替結果コード", 1, D), ("ダミー2", 8),
)  # fmt: skip

DEBIT_TRAILER = _layout(
    ("データ区分", 1, D), ("合計件数", 6, D), ("合計金額", 12, D), ("振替済件数", 6, D), ("振替済金額", 12, D),
    ("振替不能件数", 6, D), ("振替不能金額", 12, D), ("ダミー", 65),
)  # fmt: skip

END = _layout(("データ区分", 1, D), ("ダミー", 119))

RECEIPT_HEADER = _layout(
    ("データ区分", 1, D), ("種別コード", 2, D), ("コード区分", 1, D), ("作成日", 6, D), ("勘定日(自)", 6, D),
    ("勘定日(至)", 6, D), ("銀行コード", 4, D), ("銀行名", 15), ("支店コード", 3, D), ("支店名", 15),
    ("預金種目", 1, D), ("口座番号", 7, D), ("口座名", 40), ("ダミー", 93),
)  # fmt: skip
"""Of a notice of incoming transfers (振込入金通知, 01): records of 200 bytes."""

RECEIPT = _layout(
    ("データ区分", 1, D), ("照会番号", 6), ("勘定日", 6, D), ("起算日", 6, D), ("金額", 10, D),
    ("うち他店券金額", 10, D), ("振込依頼人コード", 10), ("振込依頼人名", 48), ("仕向銀行名", 15), ("仕向店名", 15),
    ("取消区分", 1), ("EDI情報", 20), ("ダミー", 52),
)  # fmt: skip

RECEIPT_TRAILER = _layout(
    ("データ区分", 1, D), ("振込合計件数", 6, D), ("振込合計金額", 12, D), ("取消合計件数", 6, D),
    ("取消合計金額", 12, D), ("ダミー", 163),
)  # fmt: skip
