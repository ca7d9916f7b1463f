"""Export a table as a file for Excel; what goes out can come in again and changes nothing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from booking.listing import reservations_of
from booking.tables import forms
from booking.tables.forms import Form, Kind, as_cells
from booking.tables.registering import open_week
from coop import machines, people, register, sheet
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.messages import translate

PAGE = 1000


def table(
    conn: Connection,
    viewer: Viewer,
    kind: Kind,
    locale: str,
    now: datetime,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[Form, list[list[sheet.Cell]]]:
    """The form of `kind` and its rows; of reservations those that touch `[since, until)`, without what they are for.

    `since` is now, if not given.
    """
    viewer.require(Role.OFFICE)
    zone = register.cooperative(conn).time_zone
    of = forms.form(kind, zone)
    return of, [as_cells(of, values, zone, locale) for values in _records(conn, viewer, kind, now, since or now, until)]


def to_file(of: Form, rows: list[list[sheet.Cell]], form: str, locale: str) -> bytes:
    """The rows under the headers of `locale`, as `xlsx` or `csv`; without rows it is a template."""
    headers = [column.header(locale) for column in of.columns]
    if form == "csv":
        return sheet.to_csv(headers, rows)
    return sheet.to_xlsx(translate(f"booking.kind.{of.kind}", locale), headers, rows, [None] * len(headers))


def _records(
    conn: Connection, viewer: Viewer, kind: Kind, now: datetime, since: datetime, until: datetime | None
) -> Iterable[Mapping[str, Any]]:
    if kind is Kind.RESERVATIONS:
        return _reservations(conn, viewer, since, until)
    if kind is Kind.MACHINES:
        return ({**values_of(each), "opening_hours": open_week(conn, each.id, now)} for each in machines.machines(conn))
    if kind is Kind.MEMBERS:
        return map(values_of, register.members(conn, viewer))
    return map(values_of, people.people_of(conn, viewer))


def _reservations(
    conn: Connection, viewer: Viewer, since: datetime, until: datetime | None
) -> Iterator[Mapping[str, Any]]:
    emails = {person.id: person.email for person in people.people_of(conn, viewer)}
    cursor: str | None = None
    while True:
        page = reservations_of(conn, viewer, since=since, until=until, cursor=cursor, limit=PAGE)
        for each in page.reservations:
            yield {
                "uid": each.uid,
                "machine_id": each.machine_id,
                "member_id": each.member_id,
                "person_email": emails[each.person_id] if each.person_id else None,
                "starts_at": each.when.start,
                "ends_at": each.when.end,
            }
        cursor = page.next_cursor
        if cursor is None:
            return


def values_of(record: Any) -> dict[str, Any]:
    """What an entry of the register says, by column."""
    return {each.name: getattr(record, each.name) for each in fields(record)}
