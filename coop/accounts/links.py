"""Links that let one person in once: an invitation, or a way to a new password."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from coop.database import Connection
from coop.errors import NotFound
from coop.keys import base64url, derive
from coop.queries import load

SQL = load("coop.accounts")
MAIL_TASK = "coop.mail_entry_link"
RESET_TASK = "coop.begin_reset"


class Kind(StrEnum):
    """What a link is for."""

    INVITATION = "invitation"
    RESET = "reset"


LASTS = {Kind.INVITATION: timedelta(days=14), Kind.RESET: timedelta(hours=1)}
PATH = {Kind.INVITATION: "invitations", Kind.RESET: "reset"}


class LinkInvalid(NotFound):
    """The link was used or taken back, has expired, or never was."""

    code = "coop.link_invalid"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom an open link lets in."""

    link_id: UUID
    person_id: UUID
    name: str
    email: str
    sign_in_name: str | None
    locale: str
    expires_at: datetime


def make(
    conn: Connection, kind: Kind, person_id: UUID, secret_key: str, now: datetime, made_by: UUID | None = None
) -> tuple[UUID, datetime]:
    """A new link and when it ends; earlier ones of this kind for the person are taken back."""
    conn.execute(SQL["revoke_links_of"], {"person_id": person_id, "kind": kind.value, "now": now})
    link_id, expires_at = uuid4(), now + LASTS[kind]
    values = {
        "id": link_id,
        "kind": kind.value,
        "secret_hash": _digest(secret_of(link_id, secret_key)),
        "person_id": person_id,
        "made_by": made_by,
        "now": now,
        "expires_at": expires_at,
    }
    conn.execute(SQL["add_link"], values)
    return link_id, expires_at


def secret_of(link_id: UUID, secret_key: str) -> str:
    """The secret of a link: it is derived whenever it is printed or mailed, and stored nowhere."""
    return base64url(hmac.digest(derive(secret_key, "entry link"), link_id.bytes, "sha256"))


def address_of(kind: Kind, link_id: UUID, secret_key: str, base_url: str) -> str:
    """Where the link leads."""
    return f"{base_url}/{PATH[kind]}/{secret_of(link_id, secret_key)}"


def holder(conn: Connection, kind: Kind, secret: str, now: datetime) -> Holder:
    """Whom the link lets in, while it does; raises `LinkInvalid`."""
    values = {"secret_hash": _digest(secret), "kind": kind.value, "now": now}
    row = conn.execute(SQL["link_holder"], values).fetchone()
    if row is None:
        raise LinkInvalid()
    return Holder(*row)


def use(conn: Connection, kind: Kind, secret: str, now: datetime) -> Holder:
    """Like `holder`, and the link is used up; of two who come at once one raises `LinkInvalid`."""
    found = holder(conn, kind, secret, now)
    if conn.execute(SQL["use_link"], {"id": found.link_id, "now": now}).fetchone() is None:
        raise LinkInvalid()
    return found


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
