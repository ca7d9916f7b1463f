"""Calendars to subscribe to, behind a secret address that can be revoked.

A calendar is read with the rights that its person has at that moment: what another member has reserved is busy time and
nothing else, and a purpose stands only in the calendar of the reservation's own person.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

from booking import store
from booking.listing import find
from booking.messages import ics
from booking.messages.ics import Entry, Standing
from booking.model import Status
from booking.projection import seen
from booking.services.define import resources
from coop import audit, machines, register
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Role, Viewer
from coop.interval import Interval, merge
from coop.keys import base64url, derive
from coop.messages import translate
from coop.queries import load

SQL = load("booking.messages")
LOOKS_BACK = timedelta(days=90)
KEEPS_CANCELLED = timedelta(days=30)
GIVEN_BACK = frozenset({Status.CANCELLED, Status.RELEASED, Status.DECLINED})


@dataclass(frozen=True, slots=True)
class Feed:
    """A calendar of one machine, of one member, or (neither) of its person."""

    id: UUID
    machine_id: str | None
    member_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class _Plan:
    """A reservation with what a calendar may say of it."""

    uid: str
    member_id: str
    member_name: str
    person_id: UUID | None
    person_name: str | None
    when: Interval
    status: Status
    purpose: str
    version: int
    created_at: datetime
    changed_at: datetime
    title: str
    site: str


def add_feed(
    conn: Connection,
    viewer: Viewer,
    secret_key: str,
    now: datetime,
    *,
    machine_id: str | None = None,
    member_id: str | None = None,
) -> Feed:
    """A new calendar for the viewer; `secret_of` tells its secret, which is not stored.

    Raises `MachineUnknown`, or `NotFound` for a member that the viewer may not know.
    """
    if machine_id is not None:
        machines.machine(conn, machine_id)
    if member_id is not None:
        register.member(conn, viewer, member_id)
    feed_id = uuid4()
    values = {
        "id": feed_id,
        "secret_hash": _digest(secret_of(feed_id, secret_key)),
        "person_id": viewer.person_id,
        "machine_id": machine_id,
        "member_id": member_id,
        "now": now,
    }
    row = conn.execute(SQL["add_feed"], values).fetchone()
    assert row is not None
    feed = Feed(*row)
    audit.record(conn, "feed.created", viewer=viewer, subject=f"feed:{feed.id}", now=now)
    return feed


def secret_of(feed_id: UUID, secret_key: str) -> str:
    """What the address of a calendar ends with, derived from the installation's secret."""
    return base64url(derive(secret_key, f"feed {feed_id}"))


def feeds_of(conn: Connection, viewer: Viewer) -> list[Feed]:
    """The viewer's own calendars, newest first."""
    return [Feed(*row) for row in conn.execute(SQL["feeds_of"], {"person_id": viewer.person_id})]


def feed_of(conn: Connection, viewer: Viewer, feed_id: UUID) -> Feed:
    """One of the viewer's own calendars; raises `NotFound` for any other."""
    for feed in feeds_of(conn, viewer):
        if feed.id == feed_id:
            return feed
    raise NotFound()


def revoke_feed(conn: Connection, viewer: Viewer, feed_id: UUID, now: datetime) -> None:
    """End one of the viewer's own calendars; raises `NotFound` for any other."""
    values = {"id": feed_id, "person_id": viewer.person_id, "now": now}
    if conn.execute(SQL["revoke_feed"], values).fetchone() is None:
        raise NotFound()
    audit.record(conn, "feed.revoked", viewer=viewer, subject=f"feed:{feed_id}", now=now)


def written_feed(conn: Connection, secret: str, base_url: str, now: datetime) -> bytes:
    """The calendar behind `secret` as iCalendar; raises `NotFound` when it is unknown, revoked or no longer allowed."""
    row = conn.execute(SQL["feed_by_secret"], {"secret_hash": _digest(secret), "now": now}).fetchone()
    if row is None:
        raise NotFound()
    feed, (name_ja, name_en, person_id, own_member, locale, roles, zone) = Feed(*row[:4]), row[4:]
    viewer = Viewer(person_id, own_member, frozenset(Role(role) for role in roles), locale=locale)
    if feed.member_id is not None and not viewer.sees_names_of(feed.member_id):
        raise NotFound()
    of_person = feed.machine_id is None and feed.member_id is None
    values = {
        "from": now - LOOKS_BACK,
        "cancelled_since": now - KEEPS_CANCELLED,
        "machine_id": feed.machine_id,
        "member_id": feed.member_id,
        "person_id": person_id if of_person else None,
    }
    link = f"{base_url}/reservations"
    entries = []
    for found in conn.execute(SQL["feed_plans"], values):
        plan = _plan(found, locale)
        if plan.person_id == person_id and of_person:
            entries.append(_told(plan, plan.title, plan.purpose, link))
        elif of_person or viewer.sees_names_of(plan.member_id):
            entries.append(_told(plan, _whose(plan), "", link))
        elif plan.status not in GIVEN_BACK:
            entries.append(_untold(feed, plan, locale))
    if feed.machine_id is not None:
        entries += _closed(conn, values, locale)
    name = translate("feed.name", locale, what=name_en if locale == "en" else name_ja)
    return ics.feed(name, ZoneInfo(zone), entries)


def written_reservation(conn: Connection, viewer: Viewer, reservation_id: UUID, base_url: str, now: datetime) -> bytes:
    """One reservation as iCalendar, to be put into a calendar by hand; raises `NotFound`."""
    found = find(conn, viewer, reservation_id)
    known = seen(found, viewer)
    names = {each.id: each.name(viewer.locale) for each in resources(conn)}
    known_machines = machines.machines(conn)
    names |= {each.id: each.name(viewer.locale) for each in known_machines}
    sites = {each.id: each.site for each in known_machines}
    standing = Standing.TENTATIVE if found.status is Status.PENDING else Standing.CONFIRMED
    entry = Entry(
        uid=found.uid,
        when=found.when,
        summary=names[found.machine_id],
        stamp=now,
        sequence=found.version - 1,
        standing=Standing.CANCELLED if found.status in GIVEN_BACK else standing,
        created_at=found.created_at,
        location=sites.get(found.machine_id, ""),
        description=known.purpose or "",
        url=f"{base_url}/reservations/{reservation_id}",
    )
    return ics.feed(names[found.machine_id], register.cooperative(conn).time_zone, [entry])


def written_busy(conn: Connection, machine_id: str, window: Interval, now: datetime) -> bytes:
    """When a machine cannot be had within `window`, as VFREEBUSY; raises `MachineUnknown`."""
    machines.machine(conn, machine_id)
    taken = merge(store.blocked(conn, machine_id, window))
    return ics.busy(f"busy-{machine_id}", window, taken, now)


def _closed(conn: Connection, values: dict[str, Any], locale: str) -> list[Entry]:
    """When the machine cannot be used; not why."""
    return [
        Entry(str(outage_id), Interval(start, end), translate("feed.closed", locale), entered_at)
        for outage_id, start, end, entered_at in conn.execute(SQL["feed_outages"], values)
    ]


def _told(plan: _Plan, summary: str, description: str, link: str) -> Entry:
    standing = Standing.TENTATIVE if plan.status is Status.PENDING else Standing.CONFIRMED
    return Entry(
        uid=plan.uid,
        when=plan.when,
        summary=summary,
        stamp=plan.changed_at,
        sequence=plan.version - 1,
        standing=Standing.CANCELLED if plan.status in GIVEN_BACK else standing,
        created_at=plan.created_at,
        location=plan.site,
        description=description,
        url=link,
    )


def _untold(feed: Feed, plan: _Plan, locale: str) -> Entry:
    """Busy time: a name of its own, from which the reservation cannot be told, nor when it was made."""
    uid = uuid5(feed.id, f"{plan.uid} {plan.when.start.isoformat()} {plan.when.end.isoformat()}")
    return Entry(str(uid), plan.when, translate("feed.taken", locale), feed.created_at)


def _whose(plan: _Plan) -> str:
    return f"{plan.title} {plan.person_name or plan.member_name}"


def _plan(row: Sequence[Any], locale: str) -> _Plan:
    uid, member_id, member, person_id, person, starts_at, ends_at, status, *rest = row
    purpose, version, created_at, changed_at, title_ja, title_en, site = rest
    return _Plan(
        uid,
        member_id,
        member,
        person_id,
        person,
        Interval(starts_at, ends_at),
        Status(status),
        purpose,
        version,
        created_at,
        changed_at,
        title_en if locale == "en" else title_ja,
        site,
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
