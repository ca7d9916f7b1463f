"""Rows pasted from Excel: a preview says what each would do, then all of them are entered or none."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse

from booking.tables import forms, rows
from booking.tables.importing import Imported, ImportRefused, check, import_rows, said
from booking.tables.registering import Change
from coop import register as coop_register
from coop import sheet, tables
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Kind as Refusal
from coop.errors import MoyaiError
from coop.messages import translate
from coop.problems import locale_of
from coop.tables import Row
from dashboards.office.registers import Register
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Pasted:
    """A pasted row: where it stands, how it begins, what it would do or did (None: it is wrong), and why."""

    number: int
    begins: str
    does: str | None
    changes: tuple[tuple[str, sheet.Cell, sheet.Cell], ...] = ()
    wrong: tuple[dict[str, Any], ...] = ()


@router.post("/office/{register}")
def paste(
    register: Register,
    door: Entrance,
    pasted: Annotated[str, Form(max_length=2_000_000)] = "",
    does: Annotated[str, Form(max_length=10)] = "",
) -> HTMLResponse:
    """Say what pasted rows would do, row by row; with `does=apply` do all of it or nothing.

    It answers at the list's own address: sent again it changes nothing. It holds the rows as they were, to undo.
    """
    said_no = ""
    shown: dict[str, Any] = {"rows": [], "before": "", "imported": None}
    try:
        shown = door.run(lambda conn: _entered(conn, door, register, pasted, dry_run=does != "apply"))
    except ImportRefused:  # somebody changed something since the preview: show it anew
        does = ""
        shown = door.run(lambda conn: _entered(conn, door, register, pasted, dry_run=True))
    except MoyaiError as refused:
        if refused.kind is not Refusal.INVALID:
            raise
        said_no = translate(refused.code, locale_of(door.request), **refused.params)
    imported: Imported | None = shown.pop("imported")
    wrong = len(imported.findings) if imported else 0
    return page(
        door,
        "office/pasted.html",
        here=register.place,
        zone=shown.pop("zone", ZoneInfo("UTC")),
        status=422 if said_no or wrong else 200,
        register=register.value,
        pasted=pasted,
        applied=does == "apply" and imported is not None,
        counts={change.value: imported.counts[change] if imported else 0 for change in Change},
        wrong=wrong,
        refused=said_no,
        **shown,
    )


def _entered(conn: Connection, door: Door, register: Register, text: str, *, dry_run: bool) -> dict[str, Any]:
    locale, kind = locale_of(door.request), forms.Kind(register.value)
    zone = coop_register.cooperative(conn).time_zone
    form = forms.form(kind, zone)
    given = _with_header(form, register, tables.pasted(text), locale)
    before = "" if dry_run else _before(conn, door, form, given)
    imported = import_rows(conn, door.viewer, kind, given, door.now, dry_run=dry_run)
    shown = _rows(form, given, imported, zone, locale)
    return {"zone": zone, "imported": imported, "rows": shown, "before": before}


def _with_header(form: forms.Form, register: Register, given: Sequence[Row], locale: str) -> list[Row]:
    """Rows copied without their header, but with the columns of the page, get it."""
    shown = register.shown(locale)
    first = given[0].cells if given else ()
    if len(first) == len(shown) and not any(form.called(str(cell)) for cell in first):
        return [Row(0, shown), *given]
    return list(given)


def _before(conn: Connection, door: Door, form: forms.Form, given: Sequence[Row]) -> str:
    """The rows as they are, of those that would change: to be pasted again by who wants to undo it."""
    kind, locale = forms.Kind(form.kind), locale_of(door.request)
    zone = coop_register.cooperative(conn).time_zone
    keys = {record.row: record.values[form.keys[0][0]] for record in check(form, given)[0]}
    would = import_rows(conn, door.viewer, kind, given, door.now, dry_run=True)
    changed = [keys[number] for number, entered in would.rows if entered.change is Change.CHANGED]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    if changed:
        writer.writerow([column.header(locale) for column in form.columns])
    for key in changed:
        writer.writerow(forms.as_cells(form, rows.row(conn, door.viewer, kind, key, door.now), zone, locale))
    return out.getvalue()


def _rows(form: forms.Form, given: Sequence[Row], imported: Imported, zone: ZoneInfo, locale: str) -> list[Pasted]:
    """Every pasted row in its order, and the header if something is wrong with it."""
    entered = dict(imported.rows)
    wrong: dict[int, list[dict[str, Any]]] = {}
    for finding in imported.findings:
        wrong.setdefault(finding.row, []).append(said(finding, locale))
    headers = {column.name: column.header(locale) for column in form.columns}
    found = []
    for row in given:
        if row is given[0] and row.number not in wrong:
            continue
        done = entered.get(row.number)
        changes = done.cells.items() if done else ()
        found.append(
            Pasted(
                row.number,
                " · ".join(str(cell) for cell in row.cells[:3] if cell not in {None, ""}),
                done.change.value if done and row.number not in wrong else None,
                tuple(
                    (headers[name], forms.as_cell(before, zone, locale), forms.as_cell(now, zone, locale))
                    for name, (before, now) in changes
                ),
                tuple(wrong.get(row.number, ())),
            )
        )
    return found
