"""What a cell of a table means: numbers, dates, times, yes and no, as people write them in Japan and elsewhere."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from zoneinfo import ZoneInfo

from coop.errors import Invalid
from coop.tables import Cell

Choice = TypeVar("Choice", bound=str)


class CellMissing(Invalid):
    """A cell that must be filled is empty."""

    code = "coop.cell_missing"


class CellNotNumber(Invalid):
    """A number was expected, at least `least`."""

    code = "coop.cell_not_number"


class CellNotDate(Invalid):
    """A date was expected."""

    code = "coop.cell_not_date"


class CellNotTime(Invalid):
    """A date with a time was expected."""

    code = "coop.cell_not_time"


class TimeSkipped(Invalid):
    """A local time that a clock change skips does not exist."""

    code = "coop.time_skipped"


class CellNotYesNo(Invalid):
    """Yes or no was expected."""

    code = "coop.cell_not_yes_no"


class CellNotKey(Invalid):
    """A stable key was expected: small letters, digits and hyphens."""

    code = "coop.cell_not_key"


class CellMalformed(Invalid):
    """The cell is not written as its column asks, like `example`."""

    code = "coop.cell_malformed"


class CellUnknown(Invalid):
    """The cell is not one of the words that its column knows."""

    code = "coop.cell_unknown"


class CellTooLong(Invalid):
    """The cell has too many characters, or some that cannot be printed."""

    code = "coop.cell_too_long"


YES_NO = {"true": True, "yes": True, "1": True, "はい": True, "○": True, "〇": True, "有": True}
YES_NO |= {"false": False, "no": False, "0": False, "いいえ": False, "×": False, "無": False}
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")
_OF_DATE = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日")
_OF_TIME = tuple(f"{day}{gap}{clock}" for day in _OF_DATE for gap in (" ", "T") for clock in ("%H:%M", "%H:%M:%S"))


def text(most: int) -> Callable[[Cell], str]:
    """A reader of text of at most `most` characters; whole numbers are read as they are shown."""

    def read(cell: Cell) -> str:
        found = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
        if len(found) > most or any(unicodedata.category(each) in {"Cc", "Cs", "Cn"} for each in found):
            raise CellTooLong(most=most)
        return found

    return read


def key(cell: Cell) -> str:
    """A stable key (slug)."""
    found = plain(cell)
    if not _SLUG.fullmatch(found):
        raise CellNotKey()
    return found


def email(cell: Cell) -> str:
    """An e-mail address."""
    return _formed(cell, _EMAIL, "sato@factory.example")


def invoice_number(cell: Cell) -> str:
    """The registration number of a qualified invoice issuer: T and 13 digits."""
    return _formed(cell, re.compile(r"T[0-9]{13}"), "T1234567890123")


def number(least: int | None = None, *, above: int | None = None) -> Callable[[Cell], Decimal]:
    """A reader of decimal numbers of up to fifteen digits, which is what a spreadsheet can keep."""

    def read(cell: Cell) -> Decimal:
        try:
            found = Decimal(plain(cell).replace(",", ""))
        except InvalidOperation:
            raise CellNotNumber() from None
        exact = found.is_finite() and abs(found) < 10**9 and found == round(found, 9)
        if isinstance(cell, bool) or not exact or len(found.normalize().as_tuple().digits) > 15:
            raise CellNotNumber()
        if least is not None and found < least:
            raise CellNotNumber()
        if above is not None and found <= above:
            raise CellNotNumber()
        return found

    return read


def whole(least: int) -> Callable[[Cell], int]:
    """A reader of whole numbers from `least` on."""

    def read(cell: Cell) -> int:
        found = number(least)(cell)
        if found != int(found):
            raise CellNotNumber()
        return int(found)

    return read


def yes_no(cell: Cell) -> bool:
    """Yes or no, in Japanese or English or as a spreadsheet keeps it."""
    found = YES_NO.get(plain(cell).lower())
    if found is None:
        raise CellNotYesNo()
    return found


def day(cell: Cell) -> date:
    """A date, as a spreadsheet keeps it or as people write it: 2026-10-01, 2026/10/1, 2026年10月1日."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    for form in _OF_DATE:
        try:
            return datetime.strptime(plain(cell), form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    raise CellNotDate()


def moment(zone: ZoneInfo) -> Callable[[Cell], datetime]:
    """A reader of dates with a time, local in `zone` or with an offset of their own (2026-10-01T09:00+09:00)."""

    def read(cell: Cell) -> datetime:
        local = cell if isinstance(cell, datetime) else _written_moment(plain(cell))
        if not 2000 <= local.year < 2199:
            raise CellNotTime()
        if local.tzinfo is not None:
            found = local.astimezone(UTC)
        else:
            # A spreadsheet keeps days as fractions: whole seconds are what was meant.
            local = (local + timedelta(milliseconds=500)).replace(microsecond=0)
            found = local.replace(tzinfo=zone).astimezone(UTC)
            if found.astimezone(zone).replace(tzinfo=None) != local:
                raise TimeSkipped()
        return found

    return read


def one_of(words: Mapping[str, Choice]) -> Callable[[Cell], Choice]:
    """A reader of one of `words`, in any letter case."""

    def read(cell: Cell) -> Choice:
        found = words.get(plain(cell).lower())
        if found is None:
            raise CellUnknown(known=", ".join(words))
        return found

    return read


def listed(item: Callable[[Cell], Choice]) -> Callable[[Cell], tuple[Choice, ...]]:
    """A reader of several items between commas."""

    def read(cell: Cell) -> tuple[Choice, ...]:
        return tuple(item(each.strip()) for each in re.split("[,、，;]", str(cell)) if each.strip())

    return read


def plain(cell: Cell) -> str:
    """A cell as text, full-width letters and digits as the plain ones that were meant."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return unicodedata.normalize("NFKC", str(cell)).strip()


def _formed(cell: Cell, form: re.Pattern[str], example: str) -> str:
    found = plain(cell)
    if not form.fullmatch(found):
        raise CellMalformed(example=example)
    return found


def _written_moment(written: str) -> datetime:
    for form in _OF_TIME:
        try:
            return datetime.strptime(written, form)  # noqa: DTZ007  # local time: the caller knows the zone
        except ValueError:
            continue
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise CellNotTime() from None
    if found.tzinfo is None:
        raise CellNotTime()
    return found
