"""Somebody leaves: they come in no more, and what they did stays as it was."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from coop import audit, people
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import Role, Viewer


class OwnAccess(Conflict):
    """Nobody ends their own access: then nobody might be left who can let people in."""

    code = "coop.own_access"


def end_access(conn: Connection, viewer: Viewer, person_id: UUID, now: datetime) -> None:
    """End a person's access at once, wherever they are signed in; a second time changes nothing.

    The office ends anybody's, a member's manager that of their own people. Raises `NotFound`, `Forbidden`, `OwnAccess`.
    """
    viewer.require(Role.OFFICE, Role.MEMBER_MANAGER)
    person = next((each for each in people.people_of(conn, viewer) if each.id == person_id), None)
    if person is None or (not viewer.has(Role.OFFICE) and person.member_id != viewer.member_id):
        raise NotFound()
    if person_id == viewer.person_id:
        raise OwnAccess()
    if not person.active:
        return
    people.change_person(conn, replace(person, active=False))
    audit.record(conn, "person.access_ended", viewer=viewer, subject=f"person:{person_id}", now=now)
