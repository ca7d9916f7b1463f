"""Somebody leaves: they come in no more, and what they did stays as it was. Who left by mistake comes in again."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from coop import audit, people
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import Role, Viewer
from coop.people import Person


class OwnAccess(Conflict):
    """Nobody ends their own access: then nobody might be left who can let people in."""

    code = "coop.own_access"


def end_access(conn: Connection, viewer: Viewer, person_id: UUID, now: datetime) -> None:
    """End a person's access at once, wherever they are signed in; a second time changes nothing.

    The office ends anybody's, a member's manager that of their own people. Raises `NotFound`, `Forbidden`, `OwnAccess`.
    """
    person = _theirs(conn, viewer, person_id)
    if person_id == viewer.person_id:
        raise OwnAccess()
    _let(conn, viewer, person, now, active=False)


def access_again(conn: Connection, viewer: Viewer, person_id: UUID, now: datetime) -> None:
    """Let a person in again as before; raises `NotFound` or `Forbidden`."""
    _let(conn, viewer, _theirs(conn, viewer, person_id), now, active=True)


def _theirs(conn: Connection, viewer: Viewer, person_id: UUID) -> Person:
    """The person, if the viewer decides about their access."""
    viewer.require(Role.OFFICE, Role.MEMBER_MANAGER)
    person = next((each for each in people.people_of(conn, viewer) if each.id == person_id), None)
    if person is None or (not viewer.has(Role.OFFICE) and person.member_id != viewer.member_id):
        raise NotFound()
    return person


def _let(conn: Connection, viewer: Viewer, person: Person, now: datetime, *, active: bool) -> None:
    if person.active is active:
        return
    people.change_person(conn, replace(person, active=active))
    action = "person.access_given" if active else "person.access_ended"
    audit.record(conn, action, viewer=viewer, subject=f"person:{person.id}", now=now)
