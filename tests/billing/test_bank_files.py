"""Files for the bank byte by byte. Positions are those of the layouts that banks publish, counted here by hand.

全銀協規定形式 as printed by 群馬銀行 (総合振込), 阿波銀行 (振込入金通知) and others: columns from 1.
"""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.bank import files, records
from billing.bank.files import Amount, BankAccount, Client, Receipt
from billing.bank.kana import CharacterRefused, as_bank_writes, checked, cut
from billing.bank.records import FileMalformed, NumberTooLong

CLIENT = Client(
    "1234567890", "シケンキョウドウクミアイ", "0128", "グンマ", "001", "ホンテン", 1, "7654321", line_end="none"
)
SATO = BankAccount("0001", "ミズホ", "110", "キョウバシ", 1, "1234567", "カ)サトウセイミツ", "42")
ONO = BankAccount("0179", "ホクト", "007", "ツチザキ", 2, "77", "ｵﾉ ﾁｭｰﾘｯﾌﾟ(ﾕ", "1000")
DAY = date(2026, 11, 30)


def columns(record: bytes, first: int, last: int) -> bytes:
    """Columns `first` to `last` of a record, as a printed layout counts them."""
    return record[first - 1 : last]


def test_a_file_of_transfers_is_what_the_layout_says_byte_by_byte() -> None:
    content = files.transfers(CLIENT, DAY, [Amount(SATO, 123_456), Amount(ONO, 1)])
    assert content.decode("cp932") == (
        "1" "21" "0" "1234567890" "ｼｹﾝｷﾖｳﾄﾞｳｸﾐｱｲ                           " "1130" "0128" "ｸﾞﾝﾏ           " "001"
        "ﾎﾝﾃﾝ           " "1" "7654321" "                 "
        "2" "0001" "ﾐｽﾞﾎ           " "110" "ｷﾖｳﾊﾞｼ         " "0000" "1" "1234567" "ｶ)ｻﾄｳｾｲﾐﾂ                     "
        "0000123456" "0" "          " "          " " " " " "       "
        "2" "0179" "ﾎｸﾄ            " "007" "ﾂﾁｻﾞｷ          " "0000" "2" "0000077" "ｵﾉ ﾁﾕ-ﾘﾂﾌﾟ(ﾕ                  "
        "0000000001" "0" "          " "          " " " " " "       "
        "8" "000002" "000000123457" + " " * 101 +
        "9" + " " * 119
    )  # fmt: skip
    assert len(content) == 5 * 120


def test_the_printed_positions_of_a_transfer() -> None:
    header, data, trailer, end = (
        files.transfers(CLIENT, DAY, [Amount(SATO, 9_876_543_210)])[at : at + 120] for at in range(0, 480, 120)
    )
    assert columns(header, 1, 4) == b"1210"
    assert columns(header, 5, 14) == b"1234567890"
    assert columns(header, 55, 58) == b"1130"
    assert columns(header, 59, 62) == b"0128"
    assert columns(header, 78, 80) == b"001"
    assert columns(header, 96, 96) == b"1"
    assert columns(header, 97, 103) == b"7654321"
    assert columns(header, 104, 120) == b" " * 17
    assert columns(data, 2, 5) == b"0001"
    assert columns(data, 21, 23) == b"110"
    assert columns(data, 43, 43) == b"1"
    assert columns(data, 44, 50) == b"1234567"
    assert columns(data, 51, 60) == "ｶ)ｻﾄｳｾｲﾐﾂ ".encode("cp932")
    assert columns(data, 81, 90) == b"9876543210"
    assert columns(trailer, 1, 19) == b"8000001009876543210"
    assert end == b"9" + b" " * 119


def test_a_file_of_direct_debits_is_what_the_layout_says() -> None:
    content = files.debits(CLIENT, DAY, [Amount(SATO, 3_300)])
    header, data, trailer, end = (content[at : at + 120] for at in range(0, 480, 120))
    assert columns(header, 1, 4) == b"1910"
    assert columns(data, 39, 42) == b"    "
    assert columns(data, 51, 80).rstrip() == "ｶ)ｻﾄｳｾｲﾐﾂ".encode("cp932")
    assert columns(data, 81, 90) == b"0000003300"
    assert columns(data, 91, 91) == b"0"
    assert columns(data, 92, 111) == b"00000000000000000042"
    assert columns(data, 112, 112) == b"0"
    assert columns(data, 113, 120) == b" " * 8
    assert columns(trailer, 1, 19) == b"8000001000000003300"
    assert columns(trailer, 20, 55) == b"0" * 36
    assert end.startswith(b"9")
    assert len(content) == 480


@pytest.mark.parametrize(("line_end", "between"), [("crlf", b"\r\n"), ("lf", b"\n"), ("none", b"")])
def test_each_record_ends_as_the_bank_asks(line_end: str, between: bytes) -> None:
    client = Client("1", "ｸﾐｱｲ", "0128", "ｸﾞﾝﾏ", "001", "ﾎﾝﾃﾝ", 1, "1", line_end=line_end)
    content = files.transfers(client, DAY, [Amount(SATO, 1)])
    assert len(content) == 4 * (120 + len(between))
    assert content.endswith(b" " * 119 + between)


def returned(*lines: tuple[str, int, str]) -> bytes:
    """The file that a bank sends back, written by hand."""
    paid = [yen for _, yen, code in lines if code == "0"]
    not_paid = [yen for _, yen, code in lines if code != "0"]
    text = "1910" + "1".rjust(10, "0") + " " * 106 + "\r\n"
    for customer, yen, code in lines:
        text += "2" + " " * 79 + f"{yen:010}" + "0" + customer.rjust(20, "0") + code + " " * 8 + "\r\n"
    text += f"8{len(lines):06}{sum(paid + not_paid):012}{len(paid):06}{sum(paid):012}{len(not_paid):06}"
    text += f"{sum(not_paid):012}" + " " * 65 + "\r\n" + "9" + " " * 119 + "\r\n\x1a"
    return text.encode("cp932")


def test_the_banks_result_file_is_read_and_its_totals_are_checked() -> None:
    content = returned(("42", 3_300, "0"), ("1000", 100, "1"), ("7", 5, "4"))
    assert [(each.customer_code.lstrip("0"), each.amount_yen, each.code) for each in files.results(content)] == [
        ("42", 3_300, "0"), ("1000", 100, "1"), ("7", 5, "4"),
    ]  # fmt: skip
    for broken in (
        content.replace(b"0000003300", b"0000003301", 1),
        content.replace(b"1910", b"1210"),
        content[:-1].rpartition(b"8000003")[0],
        returned(("42", 3_300, "7")),
        content[:200],
        b"",
        b"x" * 120,
    ):
        with pytest.raises(FileMalformed):
            files.results(broken)


def notice(*lines: tuple[str, int, str, str], day: str = "081120") -> bytes:
    """A 振込入金通知 as 阿波銀行 prints its layout, written by hand."""
    came = [yen for _, yen, _, gone in lines if gone != "1"]
    gone = [yen for _, yen, _, gone in lines if gone == "1"]
    head = "1" "01" "0" + day * 3 + "0172" + "ｱﾜ".ljust(15) + "001" + "ﾎﾝﾃﾝ".ljust(15) + "1" "7654321"  # fmt: skip
    text = head.ljust(200) + "\r\n"
    for number, yen, payer, cancelled in lines:
        line = "2" + number.rjust(6, "0") + day + day + f"{yen:010}" + "0" * 10 + " " * 10 + payer.ljust(48)
        text += (line + "ﾐｽﾞﾎ".ljust(15) + "ｷﾖｳﾊﾞｼ".ljust(15) + cancelled).ljust(200) + "\r\n"
    text += f"8{len(came):06}{sum(came):012}{len(gone):06}{sum(gone):012}".ljust(200) + "\r\n" + "9".ljust(200)
    return text.encode("cp932")


def test_a_notice_of_receipts_is_read_with_its_era_and_without_what_was_cancelled() -> None:
    content = notice(
        ("1", 3_300, "ｶ)ｻﾄｳｾｲﾐﾂ", " "), ("2", 700, "ｵﾉ", " "), ("3", 700, "ｵﾉ", "1"), ("4", 3_300, "ｶ)ｻﾄｳｾｲﾐﾂ", " ")
    )
    assert files.receipts(content, DAY) == [
        Receipt(date(2026, 11, 20), 3_300, "ｶ)ｻﾄｳｾｲﾐﾂ", 1),
        Receipt(date(2026, 11, 20), 3_300, "ｶ)ｻﾄｳｾｲﾐﾂ", 2),
    ]
    western = files.receipts(notice(("1", 1, "ｱ", " "), day="261120"), DAY)
    assert western[0].on_day == date(2026, 11, 20)
    for broken in (
        content.replace(b"0000003300", b"0000003301", 1),
        notice(("1", 1, "ｱ", " "), day="081320"),
        b"1" * 200,
    ):
        with pytest.raises(FileMalformed):
            files.receipts(broken, DAY)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("きょうどうくみあい", "ｷﾖｳﾄﾞｳｸﾐｱｲ"),
        ("キョウ", "ｷﾖｳ"),
        ("ｷｮｳ", "ｷﾖｳ"),
        ("スーパー", "ｽ-ﾊﾟ-"),
        ("ﾃﾞｰﾀ", "ﾃﾞ-ﾀ"),
        ("ヴァイオリン", "ｳﾞｱｲｵﾘﾝ"),
        ("か゛", "ｶﾞ"),
        ("Ａｂｃ　１２", "ABC 12"),
        ("カ）サトウ", "ｶ)ｻﾄｳ"),
        ("エム・アイ", "ｴﾑ･ｱｲ"),
    ],
)
def test_names_are_written_as_banks_write_them(written: str, expected: str) -> None:
    assert as_bank_writes(written) == expected


def test_what_the_bank_does_not_take_is_refused_with_the_name_of_its_field() -> None:
    strange = BankAccount("0001", "ミズホ", "110", "キョウバシ", 1, "1", "𠮷田")
    with pytest.raises(CharacterRefused) as refused:
        files.transfers(CLIENT, DAY, [Amount(strange, 1)])
    assert refused.value.params == {"field": "受取人名", "character": "𠮷"}
    with pytest.raises(CharacterRefused):
        checked("x", "エム・アイ")
    assert checked("x", "エム・アイ", "･") == "ｴﾑ･ｱｲ"
    with pytest.raises(NumberTooLong) as too_long:
        files.transfers(CLIENT, DAY, [Amount(SATO, 10**10)])
    assert too_long.value.params["field"] == "振込金額"


def test_a_mark_is_never_cut_from_its_kana() -> None:
    assert cut("ｶﾞｷﾞ", 4) == "ｶﾞｷﾞ"
    assert cut("ｶﾞｷﾞ", 3) == "ｶﾞ"
    assert cut("ｶﾞｷﾞ", 2) == "ｶﾞ"
    assert cut("ｱﾊﾟ", 2) == "ｱ"
    long = BankAccount("0001", "ｱ" * 14 + "ガ", "110", "ア", 1, "1", "ｱ" * 29 + "バ")
    data = files.transfers(CLIENT, DAY, [Amount(long, 1)])[120:240].decode("cp932")
    assert (data[5:20], data[50:80]) == ("ｱ" * 14 + " ", "ｱ" * 29 + " ")


@given(st.text(), st.integers(1, 40))
def test_whatever_a_name_is_its_field_has_its_length_or_it_is_refused(text: str, length: int) -> None:
    layout = records.Layout((records.Field("name", length),))
    try:
        written = layout.write({"name": text})
    except CharacterRefused:
        return
    assert len(written) == length
    assert as_bank_writes(written.decode("cp932")) == written.decode("cp932")


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=30))
def test_a_file_adds_up_to_its_lines(amounts: list[int]) -> None:
    content = files.transfers(CLIENT, DAY, [Amount(SATO, yen) for yen in amounts])
    assert len(content) == 120 * (len(amounts) + 3)
    lines = list(records.split(content, 120))
    assert sum(int(line[80:90]) for line in lines if line[:1] == b"2") == int(lines[-2][7:19]) == sum(amounts)
