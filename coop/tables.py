"""A table out of a file that people made: CSV as Excel and others save it, or XLSX."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TypeAlias

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from coop.errors import Invalid
from coop.sheet import as_meant

Cell: TypeAlias = str | int | float | bool | datetime | date | time | None

MOST_BYTES = 5_000_000
MOST_UNPACKED_BYTES = 100_000_000
MOST_ROWS = 5000


class FileUnreadable(Invalid):
    """The file is neither CSV in UTF-8 or Shift_JIS nor XLSX."""

    code = "coop.file_unreadable"


class FileTooLarge(Invalid):
    """The file has more bytes or rows than are read at once."""

    code = "coop.file_too_large"


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not blank; `number` is the one that a spreadsheet shows beside it."""

    number: int
    cells: tuple[Cell, ...]


def read(content: bytes) -> list[Row]:
    """The rows of a CSV file (UTF-8 with or without BOM, or CP932) or of an XLSX file's first sheet.

    Raises `FileUnreadable` or `FileTooLarge`.
    """
    if len(content) > MOST_BYTES:
        raise FileTooLarge(megabytes=MOST_BYTES // 1_000_000, rows=MOST_ROWS)
    found: list[Row] = []
    for number, cells in enumerate(_xlsx(content) if content.startswith(b"PK") else _csv(content), start=1):
        if any(cell not in {None, ""} for cell in cells):
            found.append(Row(number, tuple(cells)))
        if len(found) > MOST_ROWS + 1:
            raise FileTooLarge(megabytes=MOST_BYTES // 1_000_000, rows=MOST_ROWS)
    return found


def pasted(text: str) -> list[Row]:
    """The rows of cells that were copied in a spreadsheet: tabs between cells, a cell with line breaks in quotes.

    Raises `FileUnreadable` or `FileTooLarge`.
    """
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True))
    except csv.Error:
        raise FileUnreadable() from None
    if len(records) > MOST_ROWS + 1:
        raise FileTooLarge(megabytes=MOST_BYTES // 1_000_000, rows=MOST_ROWS)
    return [Row(number, tuple(cells)) for number, cells in enumerate(records, start=1) if any(cells)]


def _csv(content: bytes) -> Iterator[list[Cell]]:
    try:
        for record in csv.reader(io.StringIO(_decoded(content), newline=""), strict=True):
            yield [as_meant(cell) for cell in record]
    except csv.Error:
        raise FileUnreadable() from None


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileUnreadable()


def _xlsx(content: bytes) -> Iterator[Iterable[Cell]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(each.file_size for each in packed.infolist()) > MOST_UNPACKED_BYTES:
                raise FileTooLarge(megabytes=MOST_BYTES // 1_000_000, rows=MOST_ROWS)
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        yield from book.worksheets[0].iter_rows(values_only=True)  # type: ignore[misc]  # formulas come as their values
    except (zipfile.BadZipFile, InvalidFileException, KeyError, IndexError, ValueError, SyntaxError):
        raise FileUnreadable() from None  # SyntaxError: its XML is broken
