"""People: how they are entered, and let programs act for them. How they come in themselves: `coop.accounts`."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import errors

from coop import audit
from coop.database import Connection
from coop.errors import Conflict, Invalid, NotFound, Unauthenticated
from coop.identity import Role, Viewer
from coop.paging import WHOLE, Slice
from coop.password_hash import hash_password
from coop.queries import load

SQL = load("coop")


class EmailTaken(Conflict):
    """Another person has this e-mail address."""

    code = "coop.email_taken"


class SignInNameTaken(Conflict):
    """Another person signs in with this name."""

    code = "coop.sign_in_name_taken"


class SignInNameInvalid(Invalid):
    """Who has no e-mail address signs in with a name of 3 to 31 letters, digits, dots and hyphens."""

    code = "coop.sign_in_name_invalid"


class ScopeUnknown(Invalid):
    """A token's scopes are `read` and `write`, and not more than its maker has."""

    code = "coop.scope_unknown"


@dataclass(frozen=True, slots=True)
class Person:
    """A person of a member, or of the office where `member_id` is None. Who has no `email` has a `sign_in_name`."""

    id: UUID
    member_id: str | None
    name: str
    email: str
    locale: str
    active: bool
    roles: frozenset[Role]
    sign_in_name: str | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """An API token without its secret, which is shown only once."""

    id: UUID
    name: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def add_person(
    conn: Connection,
    *,
    name: str,
    email: str,
    roles: Iterable[Role],
    member_id: str | None = None,
    password: str | None = None,
    password_hash: str | None = None,
    locale: str = "ja",
    sign_in_name: str | None = None,
) -> UUID:
    """Enter a person and their roles; raises `EmailTaken`, `SignInNameTaken` or `SignInNameInvalid`."""
    values = {
        "member_id": member_id,
        "name": name,
        "email": email,
        "password_hash": hash_password(password, (name, email)) if password is not None else password_hash,
        "locale": locale,
        "sign_in_name": sign_in_name.strip().lower() or None if sign_in_name else None,
    }
    try:
        with conn.transaction():
            row = conn.execute(SQL["add_person"], values).fetchone()
    except errors.UniqueViolation as taken:
        if taken.diag.constraint_name == "person_sign_in_name_is_unique":
            raise SignInNameTaken() from None
        raise EmailTaken() from None
    except errors.CheckViolation as refused:
        if refused.diag.constraint_name in {"person_sign_in_name_form", "person_can_sign_in"}:
            raise SignInNameInvalid() from None
        raise
    assert row is not None
    person_id: UUID = row[0]
    for role in roles:
        conn.execute(SQL["grant_role"], {"person_id": person_id, "role": role.value})
    return person_id


def change_person(conn: Connection, person: Person) -> None:
    """Let a person's entry say this from now on, and give them exactly these roles; the e-mail address stays."""
    values = {"id": person.id, "name": person.name, "member_id": person.member_id, "locale": person.locale}
    conn.execute(SQL["change_person"], values | {"active": person.active})
    conn.execute(SQL["withdraw_roles"], {"person_id": person.id, "roles": sorted(person.roles)})
    for role in sorted(person.roles):
        conn.execute(SQL["grant_role"], {"person_id": person.id, "role": role.value})


def people_of(conn: Connection, viewer: Viewer, member_id: str | None = None) -> list[Person]:
    """The people of `member_id`; without one, all whom the viewer may know (their own member's, or everybody)."""
    if not viewer.has(Role.OFFICE, Role.OPERATOR, Role.DIRECTOR, Role.AUDITOR):
        if viewer.member_id is None or member_id not in {None, viewer.member_id}:
            raise NotFound()
        member_id = viewer.member_id
    return [_person(row) for row in conn.execute(SQL["people_of"], {"member_id": member_id})]


def person_called(conn: Connection, email: str) -> Person | None:
    """The person with this e-mail address, active or not; for the office's tables."""
    row = conn.execute(SQL["person_called"], {"email": email}).fetchone()
    return None if row is None else _person(row)


def viewer_of_token(conn: Connection, secret: str, now: datetime) -> Viewer:
    """Who is behind an API token; raises `Unauthenticated` when it is unknown, expired or revoked."""
    row = conn.execute(SQL["viewer_of_token"], {"secret_hash": _digest(secret), "now": now}).fetchone()
    if row is None:
        raise Unauthenticated()
    person_id, member_id, locale, roles, scopes = row
    return Viewer(person_id, member_id, frozenset(Role(role) for role in roles), frozenset(scopes), locale)


def add_token(
    conn: Connection,
    viewer: Viewer,
    *,
    name: str,
    scopes: Iterable[str] = ("read", "write"),
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[UUID, str]:
    """A new API token for the viewer: its id and its secret, which cannot be shown again."""
    secret = "moyai_" + secrets.token_urlsafe(32)
    row = conn.execute(
        SQL["add_token"],
        {
            "secret_hash": _digest(secret),
            "person_id": viewer.person_id,
            "name": name,
            "scopes": sorted(set(scopes)),
            "created_at": now,
            "expires_at": expires_at,
        },
    ).fetchone()
    assert row is not None
    audit.record(conn, "token.created", viewer=viewer, subject=f"token:{row[0]}", now=now)
    return row[0], secret


def tokens_of(conn: Connection, viewer: Viewer, part: Slice = WHOLE) -> list[Token]:
    """The viewer's own API tokens, newest first."""
    values = {"person_id": viewer.person_id} | part.values("after_created", "after_id")
    rows = conn.execute(SQL["tokens_of"], values)
    return [Token(row[0], row[1], frozenset(row[2]), *row[3:]) for row in rows]


def revoke_token(conn: Connection, viewer: Viewer, token_id: UUID, now: datetime) -> None:
    """End one of the viewer's own tokens; raises `NotFound` for any other."""
    values = {"id": token_id, "person_id": viewer.person_id, "now": now}
    if conn.execute(SQL["revoke_token"], values).fetchone() is None:
        raise NotFound()
    audit.record(conn, "token.revoked", viewer=viewer, subject=f"token:{token_id}", now=now)


def viewer_by_email(conn: Connection, email: str) -> Viewer:
    """The person behind an address, for the command line; raises `NotFound`."""
    row = conn.execute(SQL["person_by_email"], {"email": email}).fetchone()
    if row is None:
        raise NotFound()
    for person in people_of(conn, _COMMAND_LINE):
        if person.id == row[0]:
            return Viewer(person.id, person.member_id, person.roles, locale=person.locale)
    raise NotFound()


_COMMAND_LINE = Viewer(None, None, frozenset({Role.OFFICE}))


def _person(row: Sequence[Any]) -> Person:
    person_id, member_id, name, email, locale, active, roles, sign_in_name = row
    return Person(person_id, member_id, name, email, locale, active, frozenset(map(Role, roles)), sign_in_name)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
