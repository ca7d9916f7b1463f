"""Rows of the office's tables over HTTP: members, people and machines, one at a time; a machine's weekly hours."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from booking.api import Slug
from booking.etags import IfMatch, etag_of, must_match
from booking.rules.api import Day
from booking.tables import rows
from booking.tables.forms import Kind, form, stated
from coop import register, weekly
from coop.api import Wanted
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import NotFound

router = APIRouter(tags=["booking"])

Stated = str | int | float | bool | None
Key = Annotated[str, Path(max_length=254, description="The row's key; of people their e-mail address")]


class Register(StrEnum):
    """The tables whose rows are looked up by a key."""

    MACHINES = "machines"
    MEMBERS = "members"
    PEOPLE = "people"


class RowWanted(Wanted):
    """Cells by column, as `GET /imports/{table}/template` names them; columns that are left out stay as they are."""

    cells: dict[Annotated[str, Field(max_length=50)], Annotated[str, Field(max_length=2000)] | int | float | None] = (
        Field(min_length=1, max_length=50, examples=[{"name": "佐藤精機", "left_on": "2027-03-31"}])
    )


class RowView(BaseModel):
    table: Register
    cells: dict[str, Stated] = Field(examples=[{"id": "m01", "name": "佐藤精機", "left_on": None}])


class HoursWanted(Wanted):
    """Weekly opening hours from a local day on; an empty text closes the machine."""

    valid_from: Day
    opening_hours: str = Field(max_length=500, examples=["Mo-Fr 08:30-12:00,13:00-17:15; Sa 09:00-12:00"])


class HoursView(BaseModel):
    """Weekly opening hours on local days in `[valid_from, valid_until)`."""

    valid_from: date
    valid_until: date | None
    opening_hours: str

    @classmethod
    def of(cls, version: tuple[date, date | None, weekly.Week]) -> Self:
        since, until, week = version
        return cls(valid_from=since, valid_until=until, opening_hours=week.written("en"))


@router.get("/registers/{table}/{key}")
def get_row(table: Register, key: Key, door: Entrance, response: Response) -> RowView:
    """One member, person or machine as the tables have it; the `ETag` is what a change must send as `If-Match`."""
    view = door.run(lambda conn: _view(conn, door, table, key))
    response.headers["ETag"] = etag_of(view)
    return view


@router.put("/registers/{table}/{key}", response_model=RowView)
def put_row(table: Register, key: Key, body: RowWanted, door: Entrance, if_match: IfMatch = None) -> Response:
    """Change a row of a table, or enter one that is not there yet. 422 names what is wrong, column by column."""

    def changed(conn: Connection) -> RowView:
        must_match(if_match, _known(conn, door, table, key))
        names = "email" if table is Register.PEOPLE else "id"
        rows.enter_row(conn, door.viewer, Kind(table.value), {**body.cells, names: key}, door.now)
        return _view(conn, door, table, key)

    view = door.run(changed)
    return Response(view.model_dump_json(), media_type="application/json", headers={"ETag": etag_of(view)})


@router.get("/machines/{machine_id}/opening-hours")
def list_hours(machine_id: Slug, door: Entrance) -> list[HoursView]:
    """The weekly hours of a machine in versions, the last ones first."""
    return [HoursView.of(each) for each in door.run(lambda conn: rows.weekly_hours(conn, machine_id))]


@router.post("/machines/{machine_id}/opening-hours", status_code=201, response_model=HoursView)
def add_hours(machine_id: Slug, body: HoursWanted, door: Entrance) -> Response:
    """Open a machine in these weekly hours from a day on that is not past; what was open before stays known."""

    def opened(conn: Connection) -> HoursView:
        week = weekly.read(body.opening_hours)
        rows.open_weekly(conn, door.viewer, machine_id, week, body.valid_from, door.now)
        return HoursView.of((body.valid_from, None, week))

    return door.once(opened, asked=body, status=201)


def _view(conn: Connection, door: Door, table: Register, key: str) -> RowView:
    kind = Kind(table.value)
    values = rows.row(conn, door.viewer, kind, key, door.now)
    columns = form(kind, register.cooperative(conn).time_zone).columns
    return RowView(table=table, cells={column.name: stated(values[column.name]) for column in columns})


def _known(conn: Connection, door: Door, table: Register, key: str) -> RowView | None:
    try:
        return _view(conn, door, table, key)
    except NotFound:
        return None
