"""A table as a file for Excel: XLSX first, CSV second."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeAlias

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

Cell: TypeAlias = str | int | float | date | None

_DANGEROUS = re.compile("'*[=+\\-@\t\r]")
HOURS = "#,##0.00"
PERCENT = "0.0%"


def neutral(cell: Cell) -> Cell:
    """`cell` as text that a spreadsheet cannot take for a formula (a quote is put before `=`, `+`, `-`, `@`)."""
    if isinstance(cell, str) and _DANGEROUS.match(cell):
        return f"'{cell}"
    return cell


def as_meant(text: str) -> str:
    """The text that `neutral` has put a quote before."""
    return text[1:] if text.startswith("'") and _DANGEROUS.match(text[1:]) else text


def to_csv(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    """UTF-8 with BOM, CRLF: what Excel opens rightly by double click."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([neutral(cell) for cell in row] for row in [list(header), *rows])
    return text.getvalue().encode("utf-8-sig")


def to_xlsx(title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]], formats: Sequence[str | None]) -> bytes:
    """One sheet with a fixed header; `formats` are the number formats of the columns. Text is never a formula."""
    return to_book([(title, header, rows, formats)])


def to_book(
    sheets: Sequence[tuple[str, Sequence[str], Sequence[Sequence[Cell]], Sequence[str | None]]],
) -> bytes:
    """Several sheets, each with its title, header, rows and formats as `to_xlsx` takes them."""
    book = Workbook()
    book.properties.created = book.properties.modified = datetime(2000, 1, 1)  # noqa: DTZ001 - the same bytes each time
    for n, (title, header, rows, formats) in enumerate(sheets):
        sheet = book.active if n == 0 else book.create_sheet()
        assert isinstance(sheet, Worksheet)
        sheet.title = title[:31]
        for number, row in enumerate([list(header), *rows], start=1):
            for column, value in enumerate(row, start=1):
                cell = sheet.cell(number, column, value)
                if isinstance(value, str):
                    cell.data_type = "s"
                elif (number_format := formats[column - 1]) is not None:
                    cell.number_format = number_format
                if number == 1:
                    cell.font = Font(bold=True)
                    cell.alignment = Alignment(wrap_text=True, vertical="bottom")
        sheet.freeze_panes = "B2"
        for column in range(1, len(header) + 1):
            sheet.column_dimensions[get_column_letter(column)].width = 30 if column == 1 else 13
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
