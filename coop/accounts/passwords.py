"""Passwords: signing in with one, changing it, and a new one for who forgot it.

Every refusal takes as long and says as much whether or not there is such a person.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from coop import audit, password_hash
from coop.accounts import links, throttle
from coop.accounts.links import MAIL_TASK, RESET_TASK, Holder, Kind
from coop.accounts.sessions import OpenedBy, end_sessions, open_session
from coop.database import Connection
from coop.errors import Invalid, Unauthenticated
from coop.identity import ANONYMOUS, Viewer
from coop.jobs import enqueue
from coop.queries import load

SQL = load("coop.accounts")


class SignInRefused(Unauthenticated):
    """Wrong name or password: which of the two is not said."""

    code = "coop.sign_in_refused"


class PasswordWrong(Invalid):
    """The present password, asked for before it is changed, is another."""

    code = "coop.password_wrong"


@dataclass(frozen=True, slots=True)
class From:
    """Where somebody signs in: their network, and what their browser says of itself."""

    source: str = "unknown"
    device: str = ""


HERE = From()


def sign_in(conn: Connection, called: str, password: str, now: datetime, at: From = HERE) -> str:
    """Open a session and return its secret, for a cookie; raises `SignInRefused` or `SignInThrottled`.

    The failure must survive the refusal, so a door commits it: it calls this through `attempt_sign_in`.
    """
    secret = attempt_sign_in(conn, called, password, now, at)
    if secret is None:
        raise SignInRefused()
    return secret


def attempt_sign_in(conn: Connection, called: str, password: str, now: datetime, at: From = HERE) -> str | None:
    """Like `sign_in`, but None for a wrong e-mail address, sign-in name or password, with the failure counted."""
    called = called.strip()
    throttle.ADDRESS.check(conn, called.lower(), now)
    throttle.SOURCE.check(conn, at.source, now)
    known = conn.execute(SQL["person_for_sign_in"], {"called": called, "now": now}).fetchone()
    person_id, kept = known or (None, None)
    if not password_hash.matches(kept, password) or person_id is None:
        throttle.ADDRESS.failed(conn, called.lower(), now)
        throttle.SOURCE.failed(conn, at.source, now)
        subject = f"person:{person_id}" if person_id else "person"
        audit.record(conn, "sign_in.refused", viewer=ANONYMOUS, subject=subject, now=now)
        return None
    throttle.ADDRESS.forget(conn, called.lower())
    if password_hash.is_dated(kept):
        _keep(conn, person_id, password_hash.rehash(password))
    return open_session(conn, person_id, OpenedBy.PASSWORD, now, device=at.device)


def change(conn: Connection, viewer: Viewer, session_id: UUID | None, present: str, wanted: str, now: datetime) -> None:
    """The viewer's new password; all other sessions end. Who has none yet leaves `present` empty.

    Raises `PasswordWrong`, `PasswordTooShort`, `PasswordTooCommon`, `SignInThrottled`.
    """
    assert viewer.person_id is not None
    row = conn.execute(SQL["own_password"], {"person_id": viewer.person_id}).fetchone()
    assert row is not None
    kept, *known = row
    if kept is not None and not password_hash.matches(kept, present):
        raise PasswordWrong()
    _keep(conn, viewer.person_id, password_hash.hash_password(wanted, known))
    audit.record(conn, "password.changed", viewer=viewer, subject=f"person:{viewer.person_id}", now=now)
    end_sessions(conn, viewer, viewer.person_id, now, but=session_id)


def ask_reset(conn: Connection, email: str, now: datetime) -> None:
    """Have a link to a new password sent, if somebody has this address.

    Who asks is told the same and waits as long in either case: the address is looked up by a job.
    """
    email = email.strip().lower()
    if throttle.RESET.is_open(conn, email, now):
        throttle.RESET.failed(conn, email, now)
        enqueue(conn, RESET_TASK, email=email)


def begin_reset(conn: Connection, email: str, secret_key: str, now: datetime) -> None:
    """The job of `ask_reset`: a link for who has the address, and its letter."""
    row = conn.execute(SQL["person_to_reset"], {"email": email, "now": now}).fetchone()
    if row is None:
        return
    link_id, _ = links.make(conn, Kind.RESET, row[0], secret_key, now)
    enqueue(conn, MAIL_TASK, link_id=str(link_id))
    viewer = Viewer(row[0], None, frozenset())
    audit.record(conn, "password.reset_asked", viewer=viewer, subject=f"person:{row[0]}", now=now)


def accept(
    conn: Connection, kind: Kind, secret: str, password: str, now: datetime, at: From = HERE
) -> tuple[Holder, str]:
    """Who holds a link sets a password with it, and is signed in here and nowhere else: the holder and the session.

    Raises `LinkInvalid`, `PasswordTooShort`, `PasswordTooCommon`; a refused password leaves the link as it is.
    """
    found = links.holder(conn, kind, secret, now)
    kept = password_hash.hash_password(password, (found.name, found.email, found.sign_in_name or ""))
    links.use(conn, kind, secret, now)
    _keep(conn, found.person_id, kept)
    viewer = Viewer(found.person_id, None, frozenset())
    done = "invitation.accepted" if kind is Kind.INVITATION else "password.reset"
    audit.record(conn, done, viewer=viewer, subject=f"person:{found.person_id}", now=now)
    end_sessions(conn, viewer, found.person_id, now)
    return found, open_session(conn, found.person_id, OpenedBy(kind.value), now, device=at.device)


def _keep(conn: Connection, person_id: UUID, kept: str) -> None:
    conn.execute(SQL["set_password"], {"person_id": person_id, "password_hash": kept})


def has_password(conn: Connection, person_id: UUID) -> bool:
    """Whether the person signs in with a password."""
    row = conn.execute(SQL["own_password"], {"person_id": person_id}).fetchone()
    return row is not None and row[0] is not None
