"""My page: what is next, and what does it cost?"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

import booking
from billing.periods.so_far import SoFar, so_far
from booking.training import granting
from booking.training.granting import Granted
from booking.training.sessions import Training, trainings
from booking.waitlist import ask as waitlist
from booking.waitlist.offer import offers_of
from booking.waitlist.waiting import Offer, Request
from coop import register
from coop.database import Connection
from coop.door import Entrance
from coop.identity import Role, Viewer
from coop.problems import locale_of
from coop.queries import load
from dashboards.mine.answers import TOLD
from dashboards.mine.rows import kinds, names, rows
from dashboards.shell import page

SQL = load("dashboards.mine")
router = APIRouter(include_in_schema=False)

NEXT = 5
DONE = frozenset({"declined", "withdrawn", "joined", "left"})
MEMBERS_PEOPLE = frozenset({Role.ENGINEER, Role.MEMBER_MANAGER})
BOOKS = MEMBERS_PEOPLE | {Role.OPERATOR, Role.OFFICE}


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the viewer and, for a manager, their people wait for and are offered."""

    offers: list[Offer]
    requests: list[Request]


@dataclass(frozen=True, slots=True)
class Learning:
    """What the viewer may use, and what they can learn next."""

    granted: list[Granted]
    trainings: list[Training]


@router.get("/me")
def me(door: Entrance, done: str = "", refused: str = "") -> Response:
    """What is next and what it costs, then who waits and what is learnt, then the settings."""
    viewer, locale, now = door.viewer, locale_of(door.request), door.now

    def ask(conn: Connection) -> dict[str, Any]:
        cooperative = register.cooperative(conn)
        name, email = person(conn, viewer)
        coming = booking.reservations_of(conn, viewer, since=now, mine=True, limit=NEXT)
        return {
            "zone": cooperative.time_zone,
            "name": name,
            "email": email,
            "member": register.member(conn, viewer, viewer.member_id).name if viewer.member_id else None,
            "coming": rows(conn, coming.reservations, viewer, now, locale),
            "names": names(conn, locale),
            "kinds": kinds(conn, locale),
            "month": _month(conn, viewer, now),
            "waiting": _waiting(conn, viewer),
            "learning": _learning(conn, viewer, now),
        }

    return page(
        door,
        "mine/me.html",
        here="me",
        now=now,
        done=done if done in DONE else "",
        refused=refused if refused in TOLD else "",
        roles=sorted(role.value for role in viewer.roles),
        books=viewer.has(*BOOKS),
        pays=viewer.sees_money_of(viewer.member_id),
        manages=viewer.has(Role.MEMBER_MANAGER) and viewer.member_id is not None,
        **door.run(ask),
    )


def _month(conn: Connection, viewer: Viewer, now: datetime) -> SoFar | None:
    """What the month has cost the viewer's member so far; None for who has none or does not see its money."""
    return so_far(conn, viewer, now) if viewer.sees_money_of(viewer.member_id) and viewer.member_id else None


def person(conn: Connection, viewer: Viewer) -> tuple[str, str]:
    """Name and address of whoever is signed in."""
    row = conn.execute(SQL["person"], {"person_id": viewer.person_id}).fetchone()
    assert row is not None, "a session belongs to a person"
    return row[0], row[1]


def _waiting(conn: Connection, viewer: Viewer) -> Waiting:
    """The office sees everybody's elsewhere; here stands one's own, and a manager's people's."""
    if not viewer.has(*BOOKS):
        return Waiting([], [])

    def concerns(person_id: UUID, member_id: str) -> bool:
        return person_id == viewer.person_id or member_id == viewer.member_id

    return Waiting(
        [each for each in offers_of(conn, viewer) if concerns(each.person_id, each.member_id)],
        [each for each in waitlist.waiting(conn, viewer) if concerns(each.person_id, each.member_id)],
    )


def _learning(conn: Connection, viewer: Viewer, now: datetime) -> Learning:
    if not viewer.has(*BOOKS):
        return Learning([], [])
    granted = granting.qualifications(conn, viewer, now)
    return Learning([each for each in granted if each.person_id == viewer.person_id], trainings(conn, viewer, now))
