"""Tables over HTTP: in with a dry run that names every error, out as XLSX or CSV, and empty as a template."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query, Request, Response, UploadFile
from pydantic import BaseModel, Field

from booking.api import Slug
from booking.tables import exporting, forms
from booking.tables.forms import Kind, stated
from booking.tables.ical_import import import_calendar
from booking.tables.importing import Imported, import_table, said
from booking.tables.registering import Change
from coop import register
from coop.api import Moment
from coop.database import Connection
from coop.door import Door, Entrance
from coop.problems import locale_of
from coop.tables import MOST_BYTES

router = APIRouter(tags=["booking"])

FileForm = Literal["xlsx", "csv"]
DryRun = Annotated[bool, Query(description="Say what would become of the file, and keep nothing.")]
MEDIA_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
FILE: dict[str, Any] = {"content": {each.split(";")[0]: {} for each in MEDIA_TYPES.values()}, "description": "A table"}


class FindingView(BaseModel):
    """What is wrong with a row or cell, where it stands in the file."""

    row: int = Field(description="As a spreadsheet counts; of a calendar, its entries from 1 on.")
    column: str | None
    code: str
    detail: str
    params: dict[str, Any]


class RowEntered(BaseModel):
    """What a row did, or would do."""

    row: int
    change: Change
    cells: dict[str, tuple[str | int | bool | None, str | int | bool | None]] = Field(
        description="What a changed row says otherwise, by column: before and now"
    )


class ImportView(BaseModel):
    dry_run: bool
    added: int
    changed: int
    unchanged: int
    findings: list[FindingView]
    rows: list[RowEntered] = Field(description="Each row that is not wrong, in the order of the file")

    @classmethod
    def of(cls, imported: Imported, locale: str, *, dry_run: bool) -> Self:
        counts = {change.value: imported.counts[change] for change in Change}
        findings = [FindingView.model_validate(said(each, locale)) for each in imported.findings]
        rows = [
            RowEntered(
                row=row,
                change=entered.change,
                cells={name: (stated(before), stated(now)) for name, (before, now) in entered.cells.items()},
            )
            for row, entered in imported.rows
        ]
        return cls(dry_run=dry_run, findings=findings, rows=rows, **counts)


class Sent(BaseModel):
    """What an Idempotency-Key stands for: the file and what was asked of it."""

    sha256: str
    asked: str


@router.post("/imports/calendar", response_model=ImportView)
def import_events(
    file: UploadFile,
    door: Entrance,
    machine_id: Annotated[Slug, Query(description="Which machine the calendar is of.")],
    member_id: Annotated[Slug, Query(description="For whom, where the organizer is nobody known here.")],
    since: Annotated[Moment | None, Query(alias="from", description="What ends later; now, if not given.")] = None,
    dry_run: DryRun = False,
) -> Response:
    """Enter an iCalendar file as reservations of a machine, its rules expanded; all of it or nothing.

    Importing it again changes nothing, and moves what has moved in it: an entry is known by its UID and RECURRENCE-ID.
    """
    content, start = file.file.read(MOST_BYTES + 1), since or door.now

    def imported(conn: Connection) -> Imported:
        where = {"machine_id": machine_id, "member_id": member_id}
        return import_calendar(conn, door.viewer, content, **where, now=door.now, since=start, dry_run=dry_run)

    return _once(door, content, dry_run, imported)


@router.post("/imports/{table}", response_model=ImportView)
def import_file(table: Kind, file: UploadFile, door: Entrance, dry_run: DryRun = False) -> Response:
    """Enter a table, XLSX or CSV; all of it or nothing. 422 names every error by row and column, as a dry run does.

    Importing it again changes nothing: machines and members are known by their key, people by e-mail, reservations by
    `uid`, or else by machine, start, and for whom they are. Cells of other columns than the template's are refused.
    """
    content = file.file.read(MOST_BYTES + 1)
    return _once(
        door, content, dry_run, lambda conn: import_table(conn, door.viewer, table, content, door.now, dry_run=dry_run)
    )


@router.get("/imports/{table}/template.{form}", response_class=Response, responses={200: FILE})
def get_template(table: Kind, form: FileForm, door: Entrance, request: Request) -> Response:
    """An empty table with the columns that an import knows, in the reader's language."""
    of = door.run(lambda conn: forms.form(table, register.cooperative(conn).time_zone))
    return _file(exporting.to_file(of, [], form, locale_of(request)), f"{table}-template", form)


@router.get("/exports/{table}.{form}", response_class=Response, responses={200: FILE})
def export_file(
    table: Kind,
    form: FileForm,
    door: Entrance,
    request: Request,
    since: Annotated[
        Moment | None, Query(alias="from", description="Reservations from then on; now, if not given.")
    ] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
) -> Response:
    """A table as a file for Excel. Importing it again changes nothing. What reservations are for is not in it."""
    locale = locale_of(request)
    of, rows = door.run(
        lambda conn: exporting.table(conn, door.viewer, table, locale, door.now, since=since, until=until)
    )
    return _file(exporting.to_file(of, rows, form, locale), table, form)


def _once(door: Door, content: bytes, dry_run: bool, use_case: Callable[[Connection], Imported]) -> Response:
    asked = Sent(sha256=hashlib.sha256(content).hexdigest(), asked=str(door.request.url.query))
    locale = door.viewer.locale
    return door.once(lambda conn: ImportView.of(use_case(conn), locale, dry_run=dry_run), asked=asked)


def _file(content: bytes, name: str, form: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="moyai-{name}.{form}"'}
    return Response(content, media_type=MEDIA_TYPES[form], headers=headers)
