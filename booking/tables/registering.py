"""Enter what a row of a table says: a new machine, member, person or reservation, a changed one, or nothing new."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from booking import store
from booking.model import Reservation
from booking.move import HOLDS_TIME, move
from booking.reserve import Wish, reserve
from booking.store import HolderUnknown
from booking.tables.forms import Kind, stated
from coop import audit, machines, people, register
from coop.cells import CellMissing
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import Viewer
from coop.interval import Interval
from coop.machines import Machine, MachineUnknown, OpeningHours
from coop.queries import load
from coop.register import Member
from coop.weekly import Week

SQL = load("booking.tables")
FROM_THE_BEGINNING = date(2000, 1, 1)
Values: TypeAlias = Mapping[str, Any]
"""What the cells of a row mean, by column; columns that the file does not have are missing."""


class Change(StrEnum):
    """What a row did."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Entered:
    """What a row did, and its cells that say something else now: by column, what stood there before and what stands."""

    change: Change
    cells: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


UNCHANGED = Entered(Change.UNCHANGED)
OF_PEOPLE = frozenset({"name", "kana", "address", "telephone"})
"""Columns of which the audit trail says only that they changed."""


class MemberUnknown(NotFound):
    """There is no member with this key."""

    code = "booking.member_unknown"


class ReservationFixed(Conflict):
    """A table moves a reservation in time only: its machine and for whom it is are changed in the calendar."""

    code = "booking.reservation_fixed"


def enter_machine(conn: Connection, viewer: Viewer, values: Values, now: datetime) -> Entered:
    """Enter a machine or change its specification, and its weekly hours from today on; none given: they stay."""
    given = dict(values)
    week: Week | None = given.pop("opening_hours", None)
    try:
        before = machines.machine(conn, given["id"])
    except MachineUnknown:
        machines.add_machine(conn, Machine(**given), _hours(given["id"], week or Week(), FROM_THE_BEGINNING))
        return _tell(conn, viewer, Entered(Change.ADDED), f"machine:{given['id']}", now)
    before = replace(before, probe_types=tuple(before.probe_types), program_formats=tuple(before.program_formats))
    wanted = replace(before, **given)
    cells = _differences(before, wanted)
    open_before = open_week(conn, wanted.id, now)
    if week is not None and week != open_before:
        cells["opening_hours"] = (open_before, week)
        keep_hours(conn, wanted.id, week, _today(conn, now))
    if not cells:
        return UNCHANGED
    machines.change_machine(conn, wanted)
    return _tell(conn, viewer, Entered(Change.CHANGED, cells), f"machine:{wanted.id}", now)


def keep_hours(conn: Connection, machine_id: str, week: Week, since: date) -> None:
    """Let a machine be open in these weekly hours from a local day on; what was open before stays known."""
    machines.change_opening_hours(conn, machine_id, _hours(machine_id, week, since), since)


def open_week(conn: Connection, machine_id: str, now: datetime) -> Week:
    """The weekly hours that a machine keeps today."""
    today = _today(conn, now)
    weekly = machines.opening_hours(conn, [machine_id]).get(machine_id, [])
    return Week(
        tuple(
            sorted(
                (each.iso_weekday, each.opens, each.closes)
                for each in weekly
                if each.valid_from <= today and (each.valid_until is None or today < each.valid_until)
            )
        )
    )


def _today(conn: Connection, now: datetime) -> date:
    return now.astimezone(register.cooperative(conn).time_zone).date()


def _hours(machine_id: str, week: Week, since: date) -> list[OpeningHours]:
    return [OpeningHours(machine_id, *each, valid_from=since) for each in week.hours]


def enter_member(conn: Connection, viewer: Viewer, values: Values, now: datetime) -> Entered:
    """Enter a member or change its entry."""
    before = _member(conn, viewer, values["id"])
    wanted = replace(before, **values) if before else Member(**values)
    if wanted == before:
        return UNCHANGED
    if before is None:
        register.add_member(conn, wanted)
    register.change_member(conn, wanted)
    return _tell(conn, viewer, _entered(before, wanted), f"member:{wanted.id}", now)


def enter_person(conn: Connection, viewer: Viewer, values: Values, now: datetime) -> Entered:
    """Enter a person or change their entry; who is new can sign in when they have set a password."""
    given = {**values, "roles": frozenset(values["roles"])}
    if given.get("member_id") and _member(conn, viewer, given["member_id"]) is None:
        raise MemberUnknown(member=given["member_id"])
    before = known = people.person_called(conn, given.pop("email"))
    if known is None:
        people.add_person(conn, name=given["name"], email=values["email"], roles=given["roles"])
        known = people.person_called(conn, values["email"])
        assert known is not None
    wanted = replace(known, **given)
    if wanted == before:
        return UNCHANGED
    people.change_person(conn, wanted)
    return _tell(conn, viewer, _entered(before, wanted), f"person:{wanted.id}", now)


def lock_reservations(conn: Connection, rows: Sequence[Values]) -> None:
    """Lock the members and then the machines of all rows, each in order, so that no other booking waits in a circle."""
    emails = {str(row["person_email"]).lower() for row in rows if row.get("person_email")}
    members = {row["member_id"] for row in rows if row.get("member_id")}
    conn.execute(SQL["lock_members"], {"member_ids": sorted(members), "emails": sorted(emails)})
    conn.execute(store.SQL["lock_resources"], {"resource_ids": sorted({row["machine_id"] for row in rows})})


def enter_reservation(conn: Connection, viewer: Viewer, values: Values, now: datetime) -> Entered:
    """Reserve as anybody would, or move what this row became before; what was cancelled since stays so.

    The same row is known again by its `uid`, else by its machine, its start, and for whom it is.
    """
    member_id, email, machine_id = values.get("member_id"), values.get("person_email"), values["machine_id"]
    when = Interval(values["starts_at"], values["ends_at"])
    if member_id is None and email is None:
        raise CellMissing()
    person = people.person_called(conn, email) if email else None
    if email and (person is None or not person.active):
        raise HolderUnknown()
    person_id = person.id if person else None
    key = values.get("uid") or f"{machine_id} {when.start:%Y%m%dT%H%M%SZ} {member_id or ''} {email or ''}"
    row = conn.execute(SQL["imported"], {"key": key}).fetchone()
    before = store.reservation(conn, row[0]) if row else None
    if before is None:
        wish = Wish(machine_id, when, values.get("purpose", ""), person_id, member_id)
        made = reserve(conn, viewer, wish, now)
        conn.execute(SQL["add_imported"], {"key": key, "reservation_id": made.id})
        return Entered(Change.ADDED)
    if not _is_for(before, machine_id, member_id, person_id):
        raise ReservationFixed()
    if before.when == when or before.status not in HOLDS_TIME:
        return UNCHANGED
    move(conn, viewer, before.id, when, now)
    times = {"starts_at": (before.when.start, when.start), "ends_at": (before.when.end, when.end)}
    return Entered(Change.CHANGED, {name: pair for name, pair in times.items() if pair[0] != pair[1]})


ENTER: Mapping[Kind, Callable[[Connection, Viewer, Values, datetime], Entered]] = {
    Kind.MACHINES: enter_machine,
    Kind.MEMBERS: enter_member,
    Kind.PEOPLE: enter_person,
    Kind.RESERVATIONS: enter_reservation,
}


def _member(conn: Connection, viewer: Viewer, member_id: str) -> Member | None:
    try:
        return register.member(conn, viewer, member_id)
    except NotFound:
        return None


def _is_for(before: Reservation, machine_id: str, member_id: str | None, person_id: UUID | None) -> bool:
    same_machine, same_person = before.machine_id == machine_id, before.holder.person_id == person_id
    return same_machine and same_person and member_id in {None, before.holder.member_id}


def _entered(before: Any, wanted: Any) -> Entered:
    return Entered(Change.CHANGED, _differences(before, wanted)) if before else Entered(Change.ADDED)


def _differences(before: Any, after: Any) -> dict[str, tuple[Any, Any]]:
    """The fields in which two entries differ."""
    pairs = {each.name: (getattr(before, each.name), getattr(after, each.name)) for each in fields(before)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _tell(conn: Connection, viewer: Viewer, entered: Entered, subject: str, now: datetime) -> Entered:
    cells = {
        name: None if name in OF_PEOPLE and not subject.startswith("machine:") else [stated(each) for each in pair]
        for name, pair in entered.cells.items()
    }
    action = f"{subject.partition(':')[0]}.{entered.change}"
    detail: dict[str, object] = {"cells": cells} if cells else {}
    audit.record(conn, action, viewer=viewer, subject=subject, now=now, detail=detail)
    return entered
