"""Passkeys (WebAuthn): a device's own key in place of a password and second factor together."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg import errors
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from coop import audit
from coop.accounts import ceremonies, links
from coop.accounts.ceremonies import Ceremony
from coop.accounts.links import Kind
from coop.accounts.sessions import OpenedBy, end_sessions, open_session
from coop.database import Connection
from coop.errors import Conflict, Invalid, NotFound, Unauthenticated
from coop.identity import Viewer
from coop.queries import load

SQL = load("coop.accounts")


class PasskeyRefused(Unauthenticated):
    """The passkey is not known here, or what it signed is not what was asked."""

    code = "coop.passkey_refused"


class PasskeyInvalid(Invalid):
    """The browser's answer is not that of a new passkey for this site and this request."""

    code = "coop.passkey_invalid"


class PasskeyKnown(Conflict):
    """This passkey is registered already."""

    code = "coop.passkey_known"


@dataclass(frozen=True, slots=True)
class Site:
    """For whom passkeys are made: the host's name, the origin that browsers say, and the cooperative's name."""

    host: str
    origin: str
    name: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """A registered passkey."""

    id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None


def ask_new(conn: Connection, person_id: UUID, site: Site, now: datetime) -> dict[str, Any]:
    """What a browser needs to make a passkey for the person (PublicKeyCredentialCreationOptionsJSON)."""
    row = conn.execute(SQL["own_password"], {"person_id": person_id}).fetchone()
    assert row is not None
    _, name, email, sign_in_name = row
    known = conn.execute(SQL["credentials_of"], {"person_id": person_id}).fetchall()
    options = generate_registration_options(
        rp_id=site.host,
        rp_name=site.name,
        user_id=person_id.bytes,
        user_name=email or sign_in_name,
        user_display_name=name,
        challenge=ceremonies.begin(conn, Ceremony.PASSKEY_NEW, now, person_id=person_id),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=bytes(each[0])) for each in known],
    )
    return _json(options)


def add(conn: Connection, person_id: UUID, credential: dict[str, Any], name: str, site: Site, now: datetime) -> Passkey:
    """Keep the passkey that the browser made for `ask_new`; raises `PasskeyInvalid` or `PasskeyKnown`."""
    challenge = _challenge(credential)
    begun = ceremonies.finish(conn, Ceremony.PASSKEY_NEW, challenge, now)
    if begun is None or begun[0] != person_id:
        raise PasskeyInvalid()
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError):
        raise PasskeyInvalid() from None
    values = {
        "credential_id": made.credential_id,
        "person_id": person_id,
        "public_key": made.credential_public_key,
        "sign_count": made.sign_count,
        "name": name,
        "now": now,
    }
    try:
        with conn.transaction():
            row = conn.execute(SQL["add_passkey"], values).fetchone()
    except errors.UniqueViolation:
        raise PasskeyKnown() from None
    assert row is not None
    viewer = Viewer(person_id, None, frozenset())
    audit.record(conn, "passkey.added", viewer=viewer, subject=f"person:{person_id}", now=now)
    return Passkey(*row)


def accept(
    conn: Connection, invitation: str, credential: dict[str, Any], name: str, site: Site, now: datetime, device: str
) -> tuple[Passkey, str]:
    """Who was invited makes a passkey, and is signed in here and nowhere else: the passkey and the session's secret.

    Raises `LinkInvalid`, `PasskeyInvalid` or `PasskeyKnown`; only what succeeds uses the link up.
    """
    person_id = links.use(conn, Kind.INVITATION, invitation, now).person_id
    made = add(conn, person_id, credential, name, site, now)
    viewer = Viewer(person_id, None, frozenset())
    audit.record(conn, "invitation.accepted", viewer=viewer, subject=f"person:{person_id}", now=now)
    end_sessions(conn, viewer, person_id, now)
    return made, open_session(conn, person_id, OpenedBy.INVITATION, now, device=device, proved=True)


def ask_use(conn: Connection, site: Site, now: datetime) -> dict[str, Any]:
    """What a browser needs to sign in with any passkey of this site (PublicKeyCredentialRequestOptionsJSON)."""
    options = generate_authentication_options(
        rp_id=site.host,
        challenge=ceremonies.begin(conn, Ceremony.PASSKEY_USE, now),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _json(options)


def use(conn: Connection, credential: dict[str, Any], site: Site, now: datetime) -> UUID:
    """Whose passkey signed what `ask_use` asked; raises `PasskeyRefused`."""
    try:
        challenge = _challenge(credential)
        credential_id = base64url_to_bytes(str(credential["rawId"]))
    except (PasskeyInvalid, ValueError, KeyError):
        raise PasskeyRefused() from None
    known = conn.execute(SQL["passkey_to_use"], {"credential_id": credential_id, "now": now}).fetchone()
    if known is None or ceremonies.finish(conn, Ceremony.PASSKEY_USE, challenge, now) is None:
        raise PasskeyRefused()
    passkey_id, person_id, public_key, sign_count = known
    try:
        done = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=bytes(public_key),
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError):
        raise PasskeyRefused() from None
    conn.execute(SQL["passkey_used"], {"id": passkey_id, "sign_count": done.new_sign_count, "now": now})
    found: UUID = person_id
    return found


def passkeys_of(conn: Connection, viewer: Viewer) -> list[Passkey]:
    """The viewer's own passkeys, newest first."""
    return [Passkey(*row) for row in conn.execute(SQL["passkeys_of"], {"person_id": viewer.person_id})]


def remove(conn: Connection, viewer: Viewer, passkey_id: UUID, now: datetime) -> None:
    """Forget one of the viewer's own passkeys; raises `NotFound` for any other."""
    values = {"id": passkey_id, "person_id": viewer.person_id}
    if conn.execute(SQL["remove_passkey"], values).fetchone() is None:
        raise NotFound()
    audit.record(conn, "passkey.removed", viewer=viewer, subject=f"person:{viewer.person_id}", now=now)


def _challenge(credential: dict[str, Any]) -> bytes:
    """The challenge that a browser's answer says it answers; raises `PasskeyInvalid`."""
    try:
        said = orjson.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return base64url_to_bytes(said["challenge"])
    except (ValueError, TypeError, KeyError, AttributeError):
        raise PasskeyInvalid() from None


def _json(options: Any) -> dict[str, Any]:
    written: dict[str, Any] = orjson.loads(options_to_json(options))
    return written
