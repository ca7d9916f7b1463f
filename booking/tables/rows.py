"""One row of the office's tables, read and changed as an import of just this row would."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from booking.rules.edit import not_past
from booking.tables.exporting import values_of
from booking.tables.forms import Kind, form, stated
from booking.tables.importing import Imported, import_rows
from booking.tables.registering import keep_hours, open_week
from coop import audit, machines, people, register
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Role, Viewer
from coop.machines import OpeningHours
from coop.tables import Cell, Row
from coop.weekly import Week


def row(conn: Connection, viewer: Viewer, kind: Kind, key: str, now: datetime) -> dict[str, Any]:
    """What the row with this key (of people: their e-mail address) says, by column; raises `NotFound`."""
    viewer.require(Role.OFFICE)
    if kind is Kind.MACHINES:
        return values_of(machines.machine(conn, key)) | {"opening_hours": open_week(conn, key, now)}
    if kind is Kind.MEMBERS:
        return values_of(register.member(conn, viewer, key))
    person = people.person_called(conn, key) if kind is Kind.PEOPLE else None
    if person is None:
        raise NotFound()
    return values_of(person)


def version(values: Mapping[str, Any]) -> str:
    """Tells a row from what it was before."""
    said = json.dumps({name: stated(each) for name, each in values.items()}, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def enter_row(conn: Connection, viewer: Viewer, kind: Kind, cells: Mapping[str, Cell], now: datetime) -> Imported:
    """Enter a row or change the one with its key; columns that `cells` does not name stay as they are.

    Raises `ImportRefused`, whose findings name the columns.
    """
    of = form(kind, register.cooperative(conn).time_zone)
    try:
        there = row(conn, viewer, kind, str(cells.get(of.columns[0].name, "")).strip(), now)
    except NotFound:
        there = {}
    given = {each.name: stated(there[each.name]) for each in of.columns if each.needed and there} | dict(cells)
    return import_rows(conn, viewer, kind, [Row(1, tuple(given)), Row(2, tuple(given.values()))], now, dry_run=False)


def weekly_hours(conn: Connection, machine_id: str) -> list[tuple[date, date | None, Week]]:
    """The weekly hours that a machine kept, keeps and will keep, the last ones first; raises `MachineUnknown`."""
    machines.machine(conn, machine_id)
    spans: dict[tuple[date, date | None], list[OpeningHours]] = {}
    for each in machines.opening_hours(conn, [machine_id]).get(machine_id, []):
        spans.setdefault((each.valid_from, each.valid_until), []).append(each)
    return [
        (since, until, Week(tuple(sorted((each.iso_weekday, each.opens, each.closes) for each in hours))))
        for (since, until), hours in sorted(spans.items(), key=lambda each: each[0][0], reverse=True)
    ]


def open_weekly(conn: Connection, viewer: Viewer, machine_id: str, week: Week, since: date, now: datetime) -> None:
    """Let a machine be open in these weekly hours from a local day on. Reservations that lie outside stay.

    Raises `MachineUnknown` or `RuleInThePast`.
    """
    viewer.require(Role.OFFICE)
    machines.machine(conn, machine_id)
    not_past(conn, since, now)
    keep_hours(conn, machine_id, week, since)
    detail: dict[str, object] = {"valid_from": since.isoformat(), "opening_hours": stated(week)}
    audit.record(conn, "machine.hours_set", viewer=viewer, subject=f"machine:{machine_id}", now=now, detail=detail)
