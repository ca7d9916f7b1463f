"""One member, person or machine: what the register says of it, changed as an import of this one row would."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from booking.tables import forms, rows
from booking.tables.importing import ImportRefused
from coop import people
from coop import register as coop_register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Conflict, MoyaiError, NotFound, PreconditionFailed
from coop.errors import Kind as Refusal
from coop.identity import Role
from coop.messages import LOCALES, translate
from coop.problems import STATUS, locale_of
from dashboards.office.registers import Register
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

Asks = Literal["text", "number", "date", "choice", "several"]
Choices = Sequence[tuple[str, str]]

YES_NO = frozenset({"is_member", "active", "in_service"})
DAYS = frozenset({"joined_on", "left_on"})
ROLES = tuple(role for role in Role if role not in {Role.ANONYMOUS, Role.MACHINE})
PLAIN: Mapping[Register, Sequence[str]] = {
    Register.MEMBERS: (
        "id",
        "name",
        "kana",
        "telephone",
        "address",
        "invoice_number",
        "is_member",
        "ownership_units",
        "joined_on",
    ),
    Register.PEOPLE: ("email", "name", "member_id", "roles", "locale", "active"),
    Register.MACHINES: ("id", "kind", "name_ja", "name_en", "model", "site", "in_service"),
}
"""What a form asks first; the other columns are folded, and some have a place of their own on the page."""
ELSEWHERE = frozenset({"left_on", "opening_hours"})


KEYS = {Register.MEMBERS: "id", Register.PEOPLE: "email", Register.MACHINES: "id"}
USUAL: Mapping[Register, Mapping[str, str]] = {
    Register.MEMBERS: {"is_member": "true", "ownership_units": "1"},
    Register.PEOPLE: {"roles": "engineer", "locale": "ja", "active": "true"},
    Register.MACHINES: {"kind": "cmm", "in_service": "true", "set_up_minutes": "0", "tear_down_minutes": "0"},
}


class KeyTaken(Conflict):
    """There is an entry with this key already."""

    code = "entry.key_taken"


@dataclass(frozen=True, slots=True)
class Field:
    """One cell as a field: what it asks, what stands in it, between what it chooses, and what is wrong with it."""

    name: str
    header: str
    asks: Asks
    value: str
    choices: Choices = ()
    needed: bool = False
    fixed: bool = False
    wrong: str = ""

    @property
    def chosen(self) -> list[str]:
        """Of several choices those that are taken."""
        return [each.strip() for each in self.value.split(",") if each.strip()]


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, by field, and the version of the row that it changes; "" for a new row."""

    cells: dict[str, str]
    seen: str


async def _typed(request: Request) -> Typed:
    form = await request.form()
    cells = {
        name: ", ".join(str(each)[:2000] for each in form.getlist(name) if each) for name in form if name != "seen"
    }
    return Typed(cells, str(form.get("seen", "")))


Form = Annotated[Typed, Depends(_typed)]
"""What an endpoint declares to get a row's form as it was typed."""


@router.get("/office/{register}/new")
def new_entry(register: Register, door: Entrance) -> Response:
    """An empty form, with what is usual filled in."""
    return _new(door, register, dict(USUAL[register]))


@router.post("/office/{register}/new")
def enter(register: Register, door: Entrance, typed: Form) -> Response:
    """Enter a member, person or machine; a refusal keeps what was typed."""

    def use_case(conn: Connection) -> str:
        name = KEYS[register]
        _must_be_new(conn, door, register, typed.cells.get(name, "").strip())
        return save(conn, door, register, None, typed)

    try:
        key = door.run(use_case)
    except MoyaiError as refused:
        return _new(door, register, typed.cells, refused)
    if register is Register.PEOPLE:
        key = str(door.run(lambda conn: _person_id(conn, key)))
    return RedirectResponse(f"/office/{register}/{key}?done=true", 303)


def _new(door: Door, of: Register, said: Mapping[str, str], refused: MoyaiError | None = None) -> Response:
    told, wrong = refusal(refused, locale_of(door.request)) if refused else ("", {})

    def ask(conn: Connection) -> dict[str, Any]:
        first, folded = fields(conn, door, of, said, wrong, new=True)
        return {"zone": coop_register.cooperative(conn).time_zone, "first": first, "folded": folded}

    status = STATUS[refused.kind].value if refused else 200
    return page(door, "office/new.html", here=of.place, status=status, register=of.value, refused=told, **door.run(ask))


def _must_be_new(conn: Connection, door: Door, of: Register, key: str) -> None:
    """Raise `KeyTaken` for a key that is there: a form for something new overwrites nothing."""
    try:
        rows.row(conn, door.viewer, forms.Kind(of.value), key, door.now)
    except NotFound:
        return
    raise KeyTaken(entry=key)


def _person_id(conn: Connection, email: str) -> UUID:
    person = people.person_called(conn, email)
    assert person is not None
    return person.id


def values(conn: Connection, door: Door, of: Register, key: str) -> dict[str, str]:
    """What the row says, as its form shows it. Raises `NotFound`."""
    found = rows.row(conn, door.viewer, forms.Kind(of.value), key, door.now)
    locale = locale_of(door.request)
    return {name: _text(name, value, locale) for name, value in found.items()}


def save(conn: Connection, door: Door, of: Register, key: str | None, typed: Typed) -> str:
    """Change the row with this key, or enter a new one; its key.

    Raises `PreconditionFailed` if somebody changed it since it was read, and `ImportRefused`.
    """
    name = KEYS[of]
    if key is not None and typed.seen not in {"", version(conn, door, of, key)}:
        raise PreconditionFailed()
    cells = typed.cells | ({name: key} if key is not None else {})
    rows.enter_row(conn, door.viewer, forms.Kind(of.value), cells, door.now)
    return cells[name].strip()


def version(conn: Connection, door: Door, of: Register, key: str) -> str:
    """Tells whether the row is what it was."""
    return rows.version(rows.row(conn, door.viewer, forms.Kind(of.value), key, door.now))


def refusal(refused: MoyaiError, locale: str) -> tuple[str, dict[str, str]]:
    """What is wrong as a whole, and by column; raises what a form cannot mend."""
    if refused.kind not in {Refusal.INVALID, Refusal.CONFLICT, Refusal.PRECONDITION_FAILED}:
        raise refused
    if not isinstance(refused, ImportRefused):
        return translate(refused.code, locale, **refused.params), {}
    by_column: dict[str, str] = {}
    for finding in refused.findings:
        by_column.setdefault(finding.column or "", translate(finding.code, locale, **finding.params))
    return by_column.pop("", translate("entry.mend", locale)), by_column


def fields(
    conn: Connection, door: Door, of: Register, said: Mapping[str, str], wrong: Mapping[str, str], *, new: bool
) -> tuple[list[Field], list[Field]]:
    """The form of a row: what it asks first, and what is folded."""
    locale = locale_of(door.request)
    columns = forms.form(forms.Kind(of.value), coop_register.cooperative(conn).time_zone).columns
    made: dict[str, Field] = {}
    for column in columns:
        if column.name in ELSEWHERE and not (new and column.name == "opening_hours"):
            continue
        asks, choices = _asks(conn, door, column.name, locale)
        value, fixed = said.get(column.name, ""), column is columns[0] and not new
        made[column.name] = Field(
            column.name, column.header(locale), asks, value, choices, column.needed, fixed, wrong.get(column.name, "")
        )
    first = [name for name in (*PLAIN[of], "opening_hours") if name in made]
    return [made[name] for name in first], [field for name, field in made.items() if name not in first]


def _asks(conn: Connection, door: Door, name: str, locale: str) -> tuple[Asks, Choices]:
    """How a column is asked for, and between what it chooses."""
    if name in YES_NO:
        return "choice", [("true", translate("booking.yes", locale)), ("false", translate("booking.no", locale))]
    if name in DAYS:
        return "date", ()
    if name == "member_id":
        members = [(each.id, each.name) for each in coop_register.members(conn, door.viewer)]
        return "choice", [("", translate("entry.of_the_office", locale)), *members]
    if name == "roles":
        return "several", [(role.value, translate(f"role.{role}", locale)) for role in ROLES]
    if name == "locale":
        return "choice", [(each, translate(f"entry.locale.{each}", locale)) for each in LOCALES]
    return ("number" if name.endswith(_MEASURED) else "text"), ()


_MEASURED = ("_mm", "_kg", "_um", "_divisor", "_minutes", "_units")


def _text(name: str, value: Any, locale: str) -> str:
    if value is None:
        return ""
    if name == "opening_hours":
        return str(value.written(locale))
    said = forms.stated(value)
    return str(said).lower() if isinstance(said, bool) else str(said)
