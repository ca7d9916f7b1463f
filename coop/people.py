"""People: how they are entered, sign in, and let programs act for them."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from psycopg import errors

from coop import audit
from coop.database import Connection
from coop.errors import Conflict, Invalid, NotFound, Unauthenticated
from coop.identity import ANONYMOUS, Role, Viewer
from coop.paging import WHOLE, Slice
from coop.queries import load

SQL = load("coop")

SESSION_LENGTH = timedelta(days=14)
FAILURE_WINDOW = timedelta(minutes=15)
FAILURES_ALLOWED = 10
PASSWORD_MIN_LENGTH = 8


class SignInRefused(Unauthenticated):
    """Wrong address or password: which of the two is not said."""

    code = "coop.sign_in_refused"


class SignInThrottled(Unauthenticated):
    """Too many wrong passwords for one address."""

    code = "coop.sign_in_throttled"


class EmailTaken(Conflict):
    """Another person has this e-mail address."""

    code = "coop.email_taken"


class PasswordTooShort(Invalid):
    """A password must have a minimum length."""

    code = "coop.password_too_short"


class ScopeUnknown(Invalid):
    """A token's scopes are `read` and `write`, and not more than its maker has."""

    code = "coop.scope_unknown"


@dataclass(frozen=True, slots=True)
class Person:
    """A person of a member, or of the office where `member_id` is None."""

    id: UUID
    member_id: str | None
    name: str
    email: str
    locale: str
    active: bool
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Token:
    """An API token without its secret, which is shown only once."""

    id: UUID
    name: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _hash_of_nobody() -> str:
    """Verified when the address is unknown, so that an answer takes as long as for a known one."""
    return _hasher().hash(secrets.token_hex(16))


def hash_password(password: str) -> str:
    """The argon2id hash; raises `PasswordTooShort`."""
    if len(password) < PASSWORD_MIN_LENGTH:
        raise PasswordTooShort(minimum=PASSWORD_MIN_LENGTH)
    return _hasher().hash(password)


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
) -> UUID:
    """Enter a person and their roles; raises `EmailTaken`."""
    values = {
        "member_id": member_id,
        "name": name,
        "email": email,
        "password_hash": hash_password(password) if password is not None else password_hash,
        "locale": locale,
    }
    try:
        with conn.transaction():
            row = conn.execute(SQL["add_person"], values).fetchone()
    except errors.UniqueViolation:
        raise EmailTaken() from None
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


def sign_in(conn: Connection, email: str, password: str, now: datetime) -> str:
    """Open a session and return its secret, for a cookie; raises `SignInRefused` or `SignInThrottled`.

    The failure must survive the refusal, so a door commits it: it calls this through `attempt_sign_in`.
    """
    secret = attempt_sign_in(conn, email, password, now)
    if secret is None:
        raise SignInRefused()
    return secret


def attempt_sign_in(conn: Connection, email: str, password: str, now: datetime) -> str | None:
    """Like `sign_in`, but None for a wrong address or password, with the failure counted."""
    email_hash = hashlib.sha256(email.strip().lower().encode()).digest()
    failed = conn.execute(SQL["count_sign_in_failures"], {"email_hash": email_hash, "since": now - FAILURE_WINDOW})
    row = failed.fetchone()
    if row is not None and row[0] >= FAILURES_ALLOWED:
        raise SignInThrottled(minutes=int(FAILURE_WINDOW.total_seconds() // 60))
    known = conn.execute(SQL["person_for_sign_in"], {"email": email.strip()}).fetchone()
    person_id, password_hash = known or (None, None)
    if not _matches(password_hash or _hash_of_nobody(), password) or person_id is None or password_hash is None:
        conn.execute(SQL["add_sign_in_failure"], {"email_hash": email_hash, "at": now})
        return None
    conn.execute(SQL["forget_sign_in_failures"], {"email_hash": email_hash})
    if _hasher().check_needs_rehash(password_hash):
        conn.execute(SQL["update_password_hash"], {"id": person_id, "password_hash": _hasher().hash(password)})
    secret = secrets.token_urlsafe(32)
    conn.execute(
        SQL["open_session"],
        {"secret_hash": _digest(secret), "person_id": person_id, "created_at": now, "expires_at": now + SESSION_LENGTH},
    )
    viewer = Viewer(person_id, None, frozenset())
    audit.record(conn, "session.opened", viewer=viewer, subject=f"person:{person_id}", now=now)
    return secret


def sign_out(conn: Connection, secret: str) -> None:
    """Close the session of `secret`; a second time changes nothing."""
    conn.execute(SQL["close_session"], {"secret_hash": _digest(secret)})


def viewer_of_session(conn: Connection, secret: str, now: datetime) -> Viewer:
    """Who is behind a browser's cookie; `ANONYMOUS` when the session is unknown or over."""
    return _viewer(conn, "viewer_of_session", secret, now) or ANONYMOUS


def viewer_of_token(conn: Connection, secret: str, now: datetime) -> Viewer:
    """Who is behind an API token; raises `Unauthenticated` when it is unknown, expired or revoked."""
    viewer = _viewer(conn, "viewer_of_token", secret, now)
    if viewer is None:
        raise Unauthenticated()
    return viewer


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
    person_id, member_id, name, email, locale, active, roles = row
    return Person(person_id, member_id, name, email, locale, active, frozenset(Role(role) for role in roles))


def _viewer(conn: Connection, statement: str, secret: str, now: datetime) -> Viewer | None:
    row = conn.execute(SQL[statement], {"secret_hash": _digest(secret), "now": now}).fetchone()
    if row is None:
        return None
    person_id, member_id, locale, roles, scopes = row
    return Viewer(person_id, member_id, frozenset(Role(role) for role in roles), frozenset(scopes), locale)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher().verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
