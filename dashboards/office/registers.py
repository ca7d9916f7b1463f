"""Members, people and machines as tables, to look through and to take to Excel."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from booking.tables import exporting, forms
from booking.tables.api import MEDIA_TYPES, FileForm
from coop import people, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.identity import Viewer
from coop.problems import locale_of
from dashboards.office.table import Asked, Column, Kind, Line, Table, table
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

Words = Annotated[str, Query(alias="q", max_length=200)]
Sort = Annotated[str, Query(max_length=50)]


class Register(StrEnum):
    """The three tables, by the last word of their address."""

    MEMBERS = "members"
    PEOPLE = "people"
    MACHINES = "machines"

    @property
    def place(self) -> str:
        """Where it stands in the rail; `machines` is everybody's list."""
        return "machine-register" if self is Register.MACHINES else self.value

    def shown(self, locale: str) -> tuple[str, ...]:
        """The columns that a screen has room for; a file has every one."""
        if self is Register.MEMBERS:
            return ("id", "name", "kana", "telephone", "invoice_number", "is_member", "ownership_units", "left_on")
        if self is Register.PEOPLE:
            return ("name", "email", "member_id", "roles", "active")
        return ("id", f"name_{locale}", "kind", "model", "site", "in_service", "opening_hours")


KINDS: dict[str, Kind] = {"ownership_units": "number", "joined_on": "day", "left_on": "day"}


@router.get("/office/members")
def list_members(door: Entrance, words: Words = "", sort: Sort = "") -> HTMLResponse:
    """Every member and non-member user."""
    return _list(door, Register.MEMBERS, Asked(words, sort))


@router.get("/office/people")
def list_people(door: Entrance, words: Words = "", sort: Sort = "") -> HTMLResponse:
    """Everybody who may sign in, with what they may do."""
    return _list(door, Register.PEOPLE, Asked(words, sort))


@router.get("/office/machines")
def list_machines(door: Entrance, words: Words = "", sort: Sort = "") -> HTMLResponse:
    """Every machine."""
    return _list(door, Register.MACHINES, Asked(words, sort))


@router.get("/office/{register}.{form}")
def file(register: Register, form: FileForm, door: Entrance, words: Words = "", sort: Sort = "") -> Response:
    """The rows that are shown, in their order, with every column; imported again they change nothing."""
    locale = locale_of(door.request)

    def ask(conn: Connection) -> bytes:
        of, found = _read(conn, door, register, Asked(words, sort), locale)
        return exporting.to_file(of, [list(line.filed or ()) for line in found.lines], form, locale)

    headers = {"Content-Disposition": f'attachment; filename="moyai-{register}.{form}"'}
    return Response(door.run(ask), media_type=MEDIA_TYPES[form], headers=headers)


def _list(door: Door, of: Register, asked: Asked) -> HTMLResponse:
    locale = locale_of(door.request)

    def ask(conn: Connection) -> dict[str, Any]:
        return {"zone": register.cooperative(conn).time_zone, "table": _read(conn, door, of, asked, locale)[1]}

    return page(door, "office/register.html", here=of.place, register=of.value, **door.run(ask))


def _read(conn: Connection, door: Door, of: Register, asked: Asked, locale: str) -> tuple[forms.Form, Table]:
    form, rows = exporting.table(conn, door.viewer, forms.Kind(of.value), locale, door.now)
    names = [column.name for column in form.columns]
    places = [names.index(name) for name in of.shown(locale)]
    columns = [
        Column(names[n], form.columns[n].header(locale), KINDS.get(names[n], "words"), names[n] == "ownership_units")
        for n in places
    ]
    ids = _person_ids(conn, door.viewer) if of is Register.PEOPLE else {}
    lines = [
        Line(tuple(row[n] for n in places), f"/office/{of}/{ids.get(str(row[0]), row[0])}", tuple(row)) for row in rows
    ]
    return form, table(of.value, columns, lines, asked)


def _person_ids(conn: Connection, viewer: Viewer) -> dict[str, str]:
    return {person.email: str(person.id) for person in people.people_of(conn, viewer)}
