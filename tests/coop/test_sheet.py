"""Files for Excel: readable by double click, and no cell of theirs is ever a formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from coop.sheet import PERCENT, as_meant, neutral, to_csv, to_xlsx

ATTACKS = ['=HYPERLINK("http://evil.example","x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_csv_cells_are_neutral(attack: str) -> None:
    rows = list(csv.reader(io.StringIO(to_csv(["機"], [[attack]]).decode("utf-8-sig"), newline="")))
    assert rows == [["機"], [f"'{attack}"]]


def test_csv_opens_in_excel() -> None:
    content = to_csv(["測定機", "h"], [["㈱髙橋", -2.5]])
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.decode("utf-8-sig") == "測定機,h\r\n㈱髙橋,-2.5\r\n"  # a negative number stays a number


def test_xlsx_cells_are_text_and_numbers() -> None:
    book = load_workbook(
        io.BytesIO(to_xlsx("稼働率", ["測定機", "割合"], [[ATTACKS[0], 0.425], ["CMM", None]], [None, PERCENT]))
    )
    sheet = book["稼働率"]
    assert (sheet["A2"].value, sheet["A2"].data_type) == (ATTACKS[0], "s")
    assert (sheet["B2"].value, sheet["B2"].number_format) == (0.425, PERCENT)
    assert sheet["B3"].value is None


@given(st.text() | st.text(alphabet="'=+-@\t\r1"))
def test_what_was_made_neutral_is_read_as_it_was_meant(text: str) -> None:
    written = neutral(text)
    assert isinstance(written, str)
    assert not written.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert as_meant(written) == text
