"""A table as offices know it: narrowed by words, sorted by a column, summed, and handed on as it is shown."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal
from urllib.parse import urlencode

from coop import sheet
from coop.sheet import Cell

Kind = Literal["words", "number", "yen", "day"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column; one that is `summed` has its total below."""

    key: str
    header: str
    kind: Kind = "words"
    summed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """What a row says, cell by cell, and the page of its own. `filed` is its row in a file, where that says more."""

    cells: tuple[Cell, ...]
    href: str | None = None
    filed: tuple[Cell, ...] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """How a reader wants a table: rows with all of `words`, by the column `sort`; `-` before it turns it around."""

    words: str = ""
    sort: str = ""

    def order(self, column: Column) -> str:
        """The word of `aria-sort`."""
        if self.sort.lstrip("-") != column.key:
            return "none"
        return "descending" if self.sort.startswith("-") else "ascending"

    def by(self, column: Column) -> str:
        """The address of the same table sorted by `column`, the other way around the second time."""
        turned = f"-{column.key}" if self.order(column) == "ascending" else column.key
        return replace(self, sort=turned).query

    @property
    def query(self) -> str:
        """As the end of an address."""
        said = {name: value for name, value in (("q", self.words), ("sort", self.sort)) if value}
        return f"?{urlencode(said)}" if said else ""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and lines, narrowed and sorted as `asked`; `entered` counts the lines that there are in all."""

    key: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    asked: Asked
    entered: int

    @property
    def totals(self) -> dict[str, int]:
        """The sums of the columns that have one, over what is shown."""
        return {
            column.key: sum(cell for line in self.lines if isinstance(cell := line.cells[n], int))
            for n, column in enumerate(self.columns)
            if column.summed
        }


def table(key: str, columns: Sequence[Column], lines: Sequence[Line], asked: Asked) -> Table:
    """The table as a reader asked for it; an unknown column sorts nothing."""
    wanted = plain(asked.words).split()
    shown = [line for line in lines if all(word in _text(line) for word in wanted)]
    for n, column in enumerate(columns):
        if column.key == asked.sort.lstrip("-"):
            filled = [line for line in shown if line.cells[n] not in {None, ""}]
            filled.sort(key=lambda line: _order(line.cells[n]), reverse=asked.sort.startswith("-"))
            shown = filled + [line for line in shown if line.cells[n] in {None, ""}]
    return Table(key, tuple(columns), tuple(shown), asked, len(lines))


def as_file(of: Table, title: str, form: str) -> bytes:
    """The lines as they are shown, as `xlsx` or `csv`."""
    headers, rows = [column.header for column in of.columns], [line.filed or line.cells for line in of.lines]
    if form == "csv":
        return sheet.to_csv(headers, rows)
    formats = [_FORMATS.get(column.kind) for column in of.columns]
    return sheet.to_xlsx(title, headers, rows, formats)


_FORMATS = {"yen": "#,##0", "number": "#,##0", "day": "yyyy-mm-dd"}


def _order(cell: Cell) -> tuple[bool, float, str]:
    """Numbers before words; dates in order of time."""
    if isinstance(cell, int | float):
        return False, cell, ""
    return True, 0, cell.isoformat() if isinstance(cell, date) else plain(str(cell))


def _text(line: Line) -> str:
    return plain(" ".join(str(cell) for cell in (*line.cells, *(line.filed or ())) if cell is not None))


def plain(text: str) -> str:
    """Full-width and half-width, large and small letters, ひらがな and カタカナ alike."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(chr(ord(each) - 0x60) if "ァ" <= each <= "ヶ" else each for each in folded)
