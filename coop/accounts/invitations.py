"""Inviting: the office lets anybody in, a member's manager their own people; the invited choose how they sign in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from coop import audit, people, register
from coop.accounts import links
from coop.accounts.links import MAIL_TASK, Kind
from coop.database import Connection
from coop.errors import Conflict, Forbidden, Invalid, NotFound
from coop.identity import Role, Viewer
from coop.jobs import enqueue
from coop.paging import WHOLE, Slice
from coop.people import Person
from coop.queries import load

SQL = load("coop.accounts")
OF_A_MEMBER = frozenset({Role.ENGINEER, Role.MEMBER_MANAGER})
INVITED = frozenset(Role) - {Role.ANONYMOUS, Role.MACHINE}


class RoleUnknown(Invalid):
    """People are invited to do something: one of the known roles."""

    code = "coop.role_unknown"


class MemberNeeded(Invalid):
    """An engineer or manager belongs to a member; who is of the office does not."""

    code = "coop.member_needed"


class HasAccess(Conflict):
    """The person signs in already; only the office gives them a new way in."""

    code = "coop.has_access"


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation with its person; the secret of its link is `links.secret_of(id, key)`."""

    id: UUID
    person_id: UUID
    name: str
    email: str
    sign_in_name: str | None
    member_id: str | None
    locale: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None

    def open(self, now: datetime) -> bool:
        """Whether the link still works."""
        return self.used_at is None and self.revoked_at is None and now < self.expires_at


def invite(
    conn: Connection,
    viewer: Viewer,
    secret_key: str,
    now: datetime,
    *,
    name: str,
    roles: Iterable[Role],
    member_id: str | None = None,
    email: str = "",
    sign_in_name: str | None = None,
    locale: str = "ja",
) -> Invitation:
    """Enter a person and invite them; who has an e-mail address gets a letter.

    The office invites anybody, a member's manager engineers and managers of their own member. Raises `Forbidden`,
    `NotFound` (member), `RoleUnknown`, `MemberNeeded`, `EmailTaken`, `SignInNameTaken`, `SignInNameNeeded`.
    """
    wanted = frozenset(roles)
    _may_invite(viewer, member_id, wanted)
    if not wanted or not wanted <= INVITED:
        raise RoleUnknown()
    if member_id is None and not wanted.isdisjoint(OF_A_MEMBER):
        raise MemberNeeded()
    if member_id is not None:
        register.member(conn, viewer, member_id)
    person_id = people.add_person(
        conn,
        name=name,
        email=email.strip(),
        roles=wanted,
        member_id=member_id,
        locale=locale,
        sign_in_name=sign_in_name,
    )
    detail: dict[str, object] = {"roles": sorted(wanted), "member_id": member_id}
    audit.record(conn, "person.entered", viewer=viewer, subject=f"person:{person_id}", now=now, detail=detail)
    return _invite(conn, viewer, secret_key, now, person_id)


def invite_again(conn: Connection, viewer: Viewer, secret_key: str, now: datetime, person_id: UUID) -> Invitation:
    """A new link for somebody who is entered already; earlier ones end.

    Who signs in already gets one from the office only: it lets them choose a new password. Raises `NotFound`,
    `Forbidden`, `HasAccess`.
    """
    person = _person(conn, viewer, person_id)
    _may_invite(viewer, person.member_id, person.roles)
    row = conn.execute(SQL["has_access"], {"person_id": person_id}).fetchone()
    if row == (True,) and not viewer.has(Role.OFFICE):
        raise HasAccess()
    return _invite(conn, viewer, secret_key, now, person_id)


def invitations(conn: Connection, viewer: Viewer, part: Slice = WHOLE) -> list[Invitation]:
    """The invitations that the viewer may know, newest first: all for the office, one's own member's for a manager."""
    return _found(conn, viewer, None, part)


def invitation(conn: Connection, viewer: Viewer, invitation_id: UUID) -> Invitation:
    """One of `invitations`; raises `NotFound`."""
    found = _found(conn, viewer, invitation_id, WHOLE)
    if not found:
        raise NotFound()
    return found[0]


def revoke(conn: Connection, viewer: Viewer, invitation_id: UUID, now: datetime) -> None:
    """Take an invitation back; one that ended already stays as it is. Raises `NotFound`."""
    found = invitation(conn, viewer, invitation_id)
    if conn.execute(SQL["revoke_link"], {"id": found.id, "now": now}).fetchone() is not None:
        audit.record(conn, "invitation.revoked", viewer=viewer, subject=f"person:{found.person_id}", now=now)


def _invite(conn: Connection, viewer: Viewer, secret_key: str, now: datetime, person_id: UUID) -> Invitation:
    link_id, _ = links.make(conn, Kind.INVITATION, person_id, secret_key, now, viewer.person_id)
    audit.record(conn, "person.invited", viewer=viewer, subject=f"person:{person_id}", now=now)
    made = invitation(conn, viewer, link_id)
    if made.email:
        enqueue(conn, MAIL_TASK, link_id=str(link_id))
    return made


def _found(conn: Connection, viewer: Viewer, invitation_id: UUID | None, part: Slice) -> list[Invitation]:
    viewer.require(Role.OFFICE, Role.MEMBER_MANAGER)
    member_id = None if viewer.has(Role.OFFICE) else viewer.member_id or ""
    values = {"id": invitation_id, "member_id": member_id} | part.values("after_created", "after_id")
    return [Invitation(*row) for row in conn.execute(SQL["invitations"], values)]


def _may_invite(viewer: Viewer, member_id: str | None, roles: frozenset[Role]) -> None:
    if viewer.has(Role.OFFICE):
        return
    viewer.require(Role.MEMBER_MANAGER)
    if member_id is None or member_id != viewer.member_id:
        raise NotFound()
    if not roles <= OF_A_MEMBER:
        raise Forbidden()


def _person(conn: Connection, viewer: Viewer, person_id: UUID) -> Person:
    for person in people.people_of(conn, viewer):
        if person.id == person_id:
            return person
    raise NotFound()
