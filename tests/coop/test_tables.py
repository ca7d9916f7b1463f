"""Tables as offices send them: encodings, spreadsheets, and what their cells mean."""

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook

from coop import cells, tables
from coop.errors import MoyaiError
from coop.tables import FileTooLarge, FileUnreadable, Row, read

LINES = '機械,名前\r\ncmm-1,㈱髙橋\r\n,\r\n\r\ncmm-2,"a,\nb"\r\n'


def workbook(*rows: list[Any]) -> bytes:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_csv_in_every_encoding_of_an_office(encoding: str) -> None:
    assert read(LINES.encode(encoding)) == [
        Row(1, ("機械", "名前")),
        Row(2, ("cmm-1", "㈱髙橋")),
        Row(5, ("cmm-2", "a,\nb")),
    ]


def test_a_spreadsheet_keeps_its_types_and_its_row_numbers() -> None:
    content = workbook(["機械", "台数", "日"], [], ["cmm-1", 3, datetime(2026, 10, 1, 9)])  # noqa: DTZ001 - as Excel keeps it
    assert read(content) == [
        Row(1, ("機械", "台数", "日")),
        Row(3, ("cmm-1", 3, datetime(2026, 10, 1, 9))),  # noqa: DTZ001
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00\xd8\x81",
        b"PK\x03\x04 no zip at all",
        b'a,"b\r\n',
    ],
)
def test_what_is_no_table_is_refused(content: bytes) -> None:
    with pytest.raises(FileUnreadable):
        read(content)


def test_a_zip_that_is_no_spreadsheet_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("a.txt", "a")
    with pytest.raises(FileUnreadable):
        read(out.getvalue())


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileTooLarge):
        read(b"a\r\n" * (tables.MOST_ROWS + 2))
    assert len(read(b"a\r\n" * (tables.MOST_ROWS + 1))) == tables.MOST_ROWS + 1
    with pytest.raises(FileTooLarge):
        read(b"a" * (tables.MOST_BYTES + 1))
    monkeypatch.setattr(tables, "MOST_UNPACKED_BYTES", 100)
    with pytest.raises(FileTooLarge):
        read(workbook(["a"]))


TOKYO, BERLIN = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("reader", "cell", "meant"),
    [
        (cells.text(5), " 髙橋 ", "髙橋"),
        (cells.text(5), 7.0, "7"),
        (cells.key, "ＣＭＭ-1".lower(), "cmm-1"),
        (cells.email, "sato@factory.example", "sato@factory.example"),
        (cells.invoice_number, "Ｔ７１２３４５６７８９０１２", "T7123456789012"),
        (cells.number(), "1,200.5", Decimal("1200.5")),
        (cells.number(), 0.1, Decimal("0.1")),
        (cells.number(), "－３", Decimal(-3)),
        (cells.whole(0), 30.0, 30),
        (cells.whole(0), "３０", 30),
        (cells.yes_no, True, True),
        (cells.yes_no, "はい", True),
        (cells.yes_no, "No", False),
        (cells.yes_no, 0, False),
        (cells.day, "2026/10/1", date(2026, 10, 1)),
        (cells.day, "2026年10月1日", date(2026, 10, 1)),
        (cells.day, datetime(2026, 10, 1), date(2026, 10, 1)),  # noqa: DTZ001
        (cells.moment(TOKYO), "2026/10/1 9:00", datetime(2026, 10, 1, tzinfo=UTC)),
        (cells.moment(TOKYO), "2026-10-01T09:00:00+09:00", datetime(2026, 10, 1, tzinfo=UTC)),
        (cells.moment(TOKYO), datetime(2026, 10, 1, 8, 59, 59, 999_996), datetime(2026, 10, 1, tzinfo=UTC)),  # noqa: DTZ001
        (cells.moment(BERLIN), "2026-10-25 02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (cells.moment(BERLIN), "2026-10-25T02:30+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        (cells.listed(cells.text(9)), "touch、scan, x", ("touch", "scan", "x")),
    ],
)
def test_a_cell_is_read_as_it_was_meant(reader: Any, cell: Any, meant: Any) -> None:
    found = reader(cell)
    assert found == meant
    assert type(found) is type(meant)


@pytest.mark.parametrize(
    ("reader", "cell", "code"),
    [
        (cells.text(5), "六文字の名前", "coop.cell_too_long"),
        (cells.text(5), "a\x07", "coop.cell_too_long"),
        (cells.key, "CMM 1", "coop.cell_not_key"),
        (cells.email, "sato", "coop.cell_malformed"),
        (cells.invoice_number, "T123", "coop.cell_malformed"),
        (cells.number(), "many", "coop.cell_not_number"),
        (cells.number(), "NaN", "coop.cell_not_number"),
        (cells.number(), "1e99", "coop.cell_not_number"),
        (cells.number(above=0), 0, "coop.cell_not_number"),
        (cells.number(), True, "coop.cell_not_number"),
        (cells.whole(0), 1.5, "coop.cell_not_number"),
        (cells.whole(0), -1, "coop.cell_not_number"),
        (cells.yes_no, "maybe", "coop.cell_not_yes_no"),
        (cells.day, "10/1/2026", "coop.cell_not_date"),
        (cells.day, "2026-02-30", "coop.cell_not_date"),
        (cells.moment(TOKYO), "2026-10-01", "coop.cell_not_time"),
        (cells.moment(TOKYO), date(2026, 10, 1), "coop.cell_not_time"),
        (cells.moment(TOKYO), "0001-01-01 00:00", "coop.cell_not_time"),
        (cells.moment(BERLIN), "2026-03-29 02:30", "coop.time_skipped"),
    ],
)
def test_what_a_cell_cannot_mean_has_a_reason(reader: Any, cell: Any, code: str) -> None:
    with pytest.raises(MoyaiError) as refused:
        reader(cell)
    assert refused.value.code == code
