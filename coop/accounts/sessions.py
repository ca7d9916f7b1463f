"""Signed-in browsers: opened, recognised by their secret, listed, and ended."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from coop import audit, people
from coop.accounts.proof import Lacking, lacking
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import ANONYMOUS, Role, Viewer
from coop.queries import load

SQL = load("coop.accounts")
SESSION_LENGTH = timedelta(days=14)
SEEN_EVERY = timedelta(minutes=5)
"""How exactly it is known when a browser was last seen."""


class OpenedBy(StrEnum):
    """With what somebody signed in."""

    PASSWORD = "password"  # noqa: S105  # the word, not a password
    PASSKEY = "passkey"
    PROVIDER = "provider"
    INVITATION = "invitation"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser, without its secret."""

    id: UUID
    device: str
    opened_by: OpenedBy
    opened_at: datetime
    seen_at: datetime
    proved: bool


@dataclass(frozen=True, slots=True)
class Signed:
    """Who is behind a browser's secret. While a second factor is `lacking` the session opens nothing else."""

    session_id: UUID
    viewer: Viewer
    lacking: Lacking | None


def open_session(
    conn: Connection, person_id: UUID, opened_by: OpenedBy, now: datetime, *, device: str = "", proved: bool = False
) -> str:
    """Remember a browser and return its secret, for a cookie."""
    secret = secrets.token_urlsafe(32)
    values = {
        "secret_hash": _digest(secret),
        "person_id": person_id,
        "now": now,
        "expires_at": now + SESSION_LENGTH,
        "opened_by": opened_by.value,
        "device": device,
        "proved_at": now if proved else None,
    }
    conn.execute(SQL["open_session"], values)
    detail: dict[str, object] = {"by": opened_by.value}
    viewer, subject = Viewer(person_id, None, frozenset()), f"person:{person_id}"
    audit.record(conn, "session.opened", viewer=viewer, subject=subject, now=now, detail=detail)
    return secret


def signed_in(conn: Connection, secret: str, now: datetime, *, second_factor_for_office: bool) -> Signed | None:
    """Who is behind the secret; None when the session is unknown or over, or its person may not come in any more."""
    row = conn.execute(SQL["session_by_secret"], {"secret_hash": _digest(secret), "now": now}).fetchone()
    if row is None:
        return None
    session_id, person_id, member_id, locale, roles, proved, has_code, has_passkey, seen_at = row
    if seen_at is None or now - seen_at >= SEEN_EVERY:
        conn.execute(SQL["touch_session"], {"id": session_id, "now": now})
    viewer = Viewer(person_id, member_id, frozenset(Role(role) for role in roles), locale=locale)
    left = lacking(
        viewer.roles, proved=proved, has_code=has_code, has_passkey=has_passkey, for_office=second_factor_for_office
    )
    return Signed(session_id, viewer, left)


def viewer_of_session(conn: Connection, secret: str, now: datetime) -> Viewer:
    """Who is behind the secret, however they proved it; `ANONYMOUS` when nobody is."""
    found = signed_in(conn, secret, now, second_factor_for_office=False)
    return ANONYMOUS if found is None else found.viewer


def sign_out(conn: Connection, secret: str, now: datetime) -> None:
    """Close the session of `secret`; a second time changes nothing."""
    row = conn.execute(SQL["close_session"], {"secret_hash": _digest(secret)}).fetchone()
    if row is not None:
        viewer = Viewer(row[0], None, frozenset())
        audit.record(conn, "session.closed", viewer=viewer, subject=f"person:{row[0]}", now=now)


def prove(conn: Connection, session_id: UUID, now: datetime) -> None:
    """A second factor was given in this session: it opens what its person may see."""
    conn.execute(SQL["prove_session"], {"id": session_id, "now": now})


def sessions_of(conn: Connection, viewer: Viewer, person_id: UUID, now: datetime) -> list[Session]:
    """A person's signed-in browsers, the last seen first: one's own, or anybody's for the office; else `NotFound`."""
    _own_or_office(conn, viewer, person_id)
    rows = conn.execute(SQL["sessions_of"], {"person_id": person_id, "now": now})
    return [Session(row[0], row[1], OpenedBy(row[2]), *row[3:]) for row in rows]


def end_session(conn: Connection, viewer: Viewer, person_id: UUID, session_id: UUID, now: datetime) -> None:
    """Sign one browser of a person out, one's own or as the office; raises `NotFound`."""
    _own_or_office(conn, viewer, person_id)
    if conn.execute(SQL["end_session"], {"id": session_id, "person_id": person_id}).fetchone() is None:
        raise NotFound()
    detail: dict[str, object] = {"session_id": str(session_id)}
    audit.record(conn, "session.ended", viewer=viewer, subject=f"person:{person_id}", now=now, detail=detail)


def end_sessions(conn: Connection, viewer: Viewer, person_id: UUID, now: datetime, *, but: UUID | None = None) -> int:
    """Sign a person out everywhere, but for the session `but`; how many browsers that were. Raises `NotFound`."""
    _own_or_office(conn, viewer, person_id)
    ended = conn.execute(SQL["end_sessions"], {"person_id": person_id, "but": but}).rowcount
    if ended:
        detail: dict[str, object] = {"count": ended}
        audit.record(conn, "sessions.ended", viewer=viewer, subject=f"person:{person_id}", now=now, detail=detail)
    return ended


def device_of(user_agent: str) -> str:
    """What a browser says of itself, in the words that people know: `Chrome · Windows`; empty when it says nothing."""
    browsers = (("Edg", "Edge"), ("Firefox|FxiOS", "Firefox"), ("Chrome|CriOS", "Chrome"), ("Safari", "Safari"))
    systems = (
        ("iPhone|iPod", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X|Macintosh", "Mac"),
        ("Linux|X11", "Linux"),
    )
    found = [next((name for signs, name in kinds if re.search(signs, user_agent)), "") for kinds in (browsers, systems)]
    return " · ".join(filter(None, found))


def _own_or_office(conn: Connection, viewer: Viewer, person_id: UUID) -> None:
    if viewer.person_id == person_id:
        return
    if not viewer.has(Role.OFFICE) or all(person.id != person_id for person in people.people_of(conn, viewer)):
        raise NotFound()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
