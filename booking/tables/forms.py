"""The tables that go in and out of Moyai: their columns, and what a cell of each means."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from coop import cells, sheet, weekly
from coop.identity import Role
from coop.messages import LOCALES, translate
from coop.tables import Cell
from coop.weekly import Week


class Kind(StrEnum):
    """What a table is of."""

    MACHINES = "machines"
    MEMBERS = "members"
    PEOPLE = "people"
    RESERVATIONS = "reservations"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `read` gives a cell's meaning, an empty cell means `blank`; a needed one must be there and filled."""

    name: str
    read: Callable[[Cell], Any]
    needed: bool = False
    blank: Any = None

    def header(self, locale: str) -> str:
        return translate(f"booking.column.{self.name}", locale)


@dataclass(frozen=True, slots=True)
class Form:
    """The columns of a kind of table; the first of `keys` that is filled tells a row from all others."""

    kind: str
    keys: tuple[tuple[str, ...], ...]
    columns: tuple[Column, ...]

    def key(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """What tells a row with these values from all others."""
        filled = next(names for names in self.keys if any(values.get(name) is not None for name in names))
        return tuple(f"{name}={values.get(name)}".lower() for name in filled)

    def called(self, header: str) -> Column | None:
        """The column that a file calls `header`: in Japanese, in English, or by its name in the API."""
        wanted = cells.plain(header).lower()
        for column in self.columns:
            names = (column.name, *(column.header(locale) for locale in LOCALES))
            if wanted in (cells.plain(name).lower() for name in names):
                return column
        return None


def form(kind: Kind, zone: ZoneInfo) -> Form:
    """The form of `kind`; local times are of `zone`."""
    return Form(kind, _KEYS[kind], _COLUMNS[kind] if kind in _COLUMNS else _reservation(zone))


def as_cells(form: Form, values: Mapping[str, Any], zone: ZoneInfo, locale: str) -> list[sheet.Cell]:
    """A row for a spreadsheet, which the columns read as the same `values`."""
    return [as_cell(values[column.name], zone, locale) for column in form.columns]


def as_cell(value: Any, zone: ZoneInfo, locale: str) -> sheet.Cell:
    """What stands in a cell, as a spreadsheet shows it to a reader."""
    if isinstance(value, bool):
        return translate("booking.yes" if value else "booking.no", locale)
    if isinstance(value, datetime):
        local = value.astimezone(zone)
        return local.isoformat() if local.fold else local.replace(tzinfo=None)
    if isinstance(value, Week):
        return value.written(locale)
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, Sequence | frozenset) and not isinstance(value, str):
        return ", ".join(sorted(value) if isinstance(value, frozenset) else value)
    found: sheet.Cell = value
    return found


def stated(value: Any) -> str | int | bool | None:
    """What stands in a cell, for programs: JSON-ready, in no one's language, and read by its column as the same."""
    if isinstance(value, Week):
        return value.written("en")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, Sequence | frozenset) and not isinstance(value, str):
        return ", ".join(sorted(value) if isinstance(value, frozenset) else value)
    found: str | int | bool | None = value
    return found


def _reservation(zone: ZoneInfo) -> tuple[Column, ...]:
    return (
        Column("uid", cells.text(255)),
        Column("machine_id", cells.key, needed=True),
        Column("member_id", cells.key),
        Column("person_email", cells.email),
        Column("starts_at", cells.moment(zone), needed=True),
        Column("ends_at", cells.moment(zone), needed=True),
    )


_ROLES = {role.value: role for role in Role if role is not Role.ANONYMOUS}
_LENGTH, _LIMIT = cells.number(above=0), cells.number()

_KEYS = {
    Kind.MACHINES: (("id",),),
    Kind.MEMBERS: (("id",),),
    Kind.PEOPLE: (("email",),),
    Kind.RESERVATIONS: (("uid",), ("machine_id", "member_id", "person_email", "starts_at")),
}

_COLUMNS = {
    Kind.MACHINES: (
        Column("id", cells.key, needed=True),
        Column("kind", cells.key, needed=True),
        Column("name_ja", cells.text(100), needed=True),
        Column("name_en", cells.text(100), needed=True),
        Column("model", cells.text(100), blank=""),
        Column("site", cells.text(100), blank=""),
        Column("range_x_mm", _LENGTH),
        Column("range_y_mm", _LENGTH),
        Column("range_z_mm", _LENGTH),
        Column("table_load_kg", _LENGTH),
        Column("mpe_constant_um", _LIMIT),
        Column("mpe_length_divisor", _LENGTH),
        Column("resolution_um", _LIMIT),
        Column("smallest_hole_mm", _LIMIT),
        Column("stylus_reach_mm", _LIMIT),
        Column("probe_types", cells.listed(cells.text(50)), blank=()),
        Column("software", cells.text(200), blank=""),
        Column("program_formats", cells.listed(cells.text(50)), blank=()),
        Column("room_temperature_class", cells.text(50), blank=""),
        Column("set_up_minutes", cells.whole(0), blank=0),
        Column("tear_down_minutes", cells.whole(0), blank=0),
        Column("in_service", cells.yes_no, blank=True),
        Column("opening_hours", weekly.read),
    ),
    Kind.MEMBERS: (
        Column("id", cells.key, needed=True),
        Column("name", cells.text(200), needed=True),
        Column("kana", cells.text(200), blank=""),
        Column("address", cells.text(300), blank=""),
        Column("invoice_number", cells.invoice_number),
        Column("is_member", cells.yes_no, blank=True),
        Column("ownership_units", cells.whole(0), blank=1),
        Column("joined_on", cells.day, blank=date(2000, 1, 1)),
        Column("left_on", cells.day),
        Column("telephone", cells.text(30), blank=""),
    ),
    Kind.PEOPLE: (
        Column("email", cells.email, needed=True),
        Column("name", cells.text(100), needed=True),
        Column("member_id", cells.key),
        Column("roles", cells.listed(cells.one_of(_ROLES)), needed=True),
        Column("locale", cells.one_of({"ja": "ja", "en": "en"}), blank="ja"),
        Column("active", cells.yes_no, blank=True),
    ),
}
