"""The second factor: codes of an authenticator app (RFC 6238), and ten recovery codes for who lost it."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyotp
from cryptography.fernet import Fernet

from coop import audit, people
from coop.accounts.throttle import CODE
from coop.database import Connection
from coop.errors import Conflict, Invalid, NotFound
from coop.identity import Role, Viewer
from coop.keys import derive
from coop.queries import load

SQL = load("coop.accounts")
STEP_SECONDS = 30
RECOVERY_CODES = 10


class CodeWrong(Invalid):
    """The code is another, was used already, or is too old."""

    code = "coop.code_wrong"


class AlreadySetUp(Conflict):
    """Codes are set up; they are removed before they are set up anew."""

    code = "coop.second_factor_set_up"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app is told, as text and as the address that its QR code holds."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a person is asked for codes, and how many recovery codes are left."""

    set_up_at: datetime | None
    recovery_codes: int


def begin(conn: Connection, viewer: Viewer, issuer: str, secret_key: str, now: datetime) -> Enrolment:
    """A new secret for the viewer's app; it counts once a code of it was confirmed. Raises `AlreadySetUp`."""
    secret = pyotp.random_base32()
    values = {"person_id": viewer.person_id, "sealed": _seal(secret_key).encrypt(secret.encode()), "now": now}
    row = conn.execute(SQL["begin_second_factor"], values).fetchone()
    if row is None:
        raise AlreadySetUp()
    return _enrolment(conn, viewer, issuer, secret)


def begun(conn: Connection, viewer: Viewer, issuer: str, secret_key: str) -> Enrolment | None:
    """What `begin` told and is not confirmed yet."""
    row = conn.execute(SQL["second_factor"], {"person_id": viewer.person_id}).fetchone()
    if row is None or row[2] is not None:
        return None
    return _enrolment(conn, viewer, issuer, _seal(secret_key).decrypt(bytes(row[0])).decode())


def confirm(conn: Connection, viewer: Viewer, code: str, secret_key: str, now: datetime) -> list[str] | None:
    """The app shows `code`: it counts from now on. The recovery codes, which cannot be shown again; None if wrong."""
    assert viewer.person_id is not None
    row = conn.execute(SQL["second_factor"], {"person_id": viewer.person_id}).fetchone()
    if row is None or row[2] is not None:
        raise AlreadySetUp()
    CODE.check(conn, str(viewer.person_id), now)
    if not _app_code(conn, viewer.person_id, code, secret_key, now):
        CODE.failed(conn, str(viewer.person_id), now)
        return None
    conn.execute(SQL["confirm_second_factor"], {"person_id": viewer.person_id, "now": now})
    conn.execute(SQL["forget_recovery_codes"], {"person_id": viewer.person_id})
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    for each in codes:
        conn.execute(SQL["add_recovery_code"], {"person_id": viewer.person_id, "code_hash": _digest(each)})
    audit.record(conn, "second_factor.set_up", viewer=viewer, subject=f"person:{viewer.person_id}", now=now)
    return codes


def attempt(conn: Connection, person_id: UUID, code: str, secret_key: str, now: datetime) -> bool:
    """Whether `code` is of the person's app or a recovery code, each taken once; a wrong one is counted.

    Raises `SignInThrottled`. The failure must survive the refusal, so a door commits it.
    """
    CODE.check(conn, str(person_id), now)
    viewer, subject = Viewer(person_id, None, frozenset()), f"person:{person_id}"
    if _app_code(conn, person_id, code, secret_key, now):
        CODE.forget(conn, str(person_id))
        return True
    used = {"person_id": person_id, "code_hash": _digest(code), "now": now}
    if conn.execute(SQL["use_recovery_code"], used).fetchone() is not None:
        audit.record(conn, "recovery_code.used", viewer=viewer, subject=subject, now=now)
        return True
    CODE.failed(conn, str(person_id), now)
    audit.record(conn, "code.refused", viewer=viewer, subject=subject, now=now)
    return False


def standing(conn: Connection, person_id: UUID) -> Standing:
    """What the person has set up."""
    row = conn.execute(SQL["second_factor"], {"person_id": person_id}).fetchone()
    left = conn.execute(SQL["recovery_codes_left"], {"person_id": person_id}).fetchone()
    return Standing(row[2] if row else None, left[0] if left else 0)


def remove(conn: Connection, viewer: Viewer, person_id: UUID, now: datetime) -> None:
    """Ask the person for codes no more: oneself, or the office for who lost their telephone. Raises `NotFound`."""
    if viewer.person_id != person_id and (
        not viewer.has(Role.OFFICE) or all(each.id != person_id for each in people.people_of(conn, viewer))
    ):
        raise NotFound()
    conn.execute(SQL["forget_recovery_codes"], {"person_id": person_id})
    if conn.execute(SQL["remove_second_factor"], {"person_id": person_id}).rowcount:
        audit.record(conn, "second_factor.removed", viewer=viewer, subject=f"person:{person_id}", now=now)


def _app_code(conn: Connection, person_id: UUID, code: str, secret_key: str, now: datetime) -> bool:
    """Whether an app shows `code` now, or half a minute before or after; its step is used up."""
    row = conn.execute(SQL["second_factor"], {"person_id": person_id}).fetchone()
    if row is None:
        return False
    app = pyotp.TOTP(_seal(secret_key).decrypt(bytes(row[0])).decode())
    step = int(now.timestamp()) // STEP_SECONDS
    written = "".join(code.split()).encode()
    for each in (step - 1, step, step + 1):
        if hmac.compare_digest(app.generate_otp(each).encode(), written):
            values = {"person_id": person_id, "step": each}
            return conn.execute(SQL["use_step"], values).fetchone() is not None
    return False


def _enrolment(conn: Connection, viewer: Viewer, issuer: str, secret: str) -> Enrolment:
    row = conn.execute(SQL["own_password"], {"person_id": viewer.person_id}).fetchone()
    assert row is not None
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=row[2] or row[3], issuer_name=issuer))


def _recovery_code() -> str:
    """80 random bits as four groups of four letters and digits."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def _digest(code: str) -> bytes:
    return hashlib.sha256("".join(code.split()).replace("-", "").lower().encode()).digest()


def _seal(secret_key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derive(secret_key, "second factor")))
