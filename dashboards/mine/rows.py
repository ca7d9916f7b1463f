"""A reservation as a row of a list: whose it is, what may be done with it, and the series that it stands for."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import booking
from booking import Seen, Status
from booking.move import HOLDS_TIME
from booking.series import store as series_store
from coop import machines
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.interval import Interval


@dataclass(frozen=True, slots=True)
class Row:
    """One reservation that the viewer may know of; `holder` is empty where it is the viewer themselves.

    `following` are the later ones of the same series that the list holds too.
    """

    id: UUID
    slot: Interval
    machine_id: str
    machine: str
    member_id: str
    holder: str
    mine: bool
    purpose: str
    status: Status
    expected_at: datetime | None
    may_change: bool
    may_cancel: bool
    series_id: UUID | None = None
    following: "list[Row]" = field(default_factory=list)


def names(conn: Connection, locale: str) -> dict[str, str]:
    """What a reservation can be of, by id: machines, and who advises without one."""
    known = {each.id: each.name(locale) for each in machines.machines(conn)}
    return known | {each.id: each.name(locale) for each in booking.resources(conn)}


def kinds(conn: Connection, locale: str) -> dict[str, str]:
    """The machines of each kind by name: what people call a kind."""
    found: dict[str, list[str]] = {}
    for each in machines.machines(conn):
        found.setdefault(each.kind, []).append(each.name(locale))
    return {kind: ("、" if locale == "ja" else ", ").join(of) for kind, of in found.items()}


def row(seen: Seen, of: dict[str, str], viewer: Viewer, now: datetime, series_id: UUID | None = None) -> Row:
    """The row of a reservation that the viewer may know of."""
    assert seen.id is not None
    assert seen.status is not None
    assert seen.member_id is not None
    holder = booking.Holder(seen.member_id, seen.member_name or "", seen.person_id, seen.person_name)
    may_change = booking.may_change(viewer, holder) and seen.status in HOLDS_TIME and seen.when.end > now
    outside = seen.member_id != viewer.member_id
    said = (seen.member_name if outside else None, None if seen.mine else seen.person_name)
    return Row(
        id=seen.id,
        slot=seen.when,
        machine_id=seen.machine_id,
        machine=of[seen.machine_id],
        member_id=seen.member_id,
        holder=" · ".join(filter(None, said)),
        mine=seen.mine,
        purpose=seen.purpose or "",
        status=seen.status,
        expected_at=seen.expected_at,
        may_change=may_change,
        may_cancel=may_change and (seen.when.start > now or viewer.has(Role.OFFICE)),
        series_id=series_id,
    )


def rows(conn: Connection, found: Iterable[Seen], viewer: Viewer, now: datetime, locale: str) -> list[Row]:
    """The reservations of `found` that the viewer may know of; a series stands where its first one does."""
    known = [each for each in found if each.id is not None]
    of = names(conn, locale)
    series = series_store.series_of(conn, [each.id for each in known if each.id])
    listed: list[Row] = []
    first: dict[UUID, Row] = {}
    for each in known:
        series_id = series.get(each.id) if each.id else None
        made = row(each, of, viewer, now, series_id)
        if series_id is not None and series_id in first:
            first[series_id].following.append(made)
            continue
        if series_id is not None:
            first[series_id] = made
        listed.append(made)
    return listed
