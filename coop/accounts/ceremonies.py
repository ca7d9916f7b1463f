"""A way in that has begun and is ended by who holds its secret, once: a passkey's challenge, a provider's state."""

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from coop.database import Connection
from coop.queries import load

SQL = load("coop.accounts")
LASTS = timedelta(minutes=10)


class Ceremony(StrEnum):
    """What was begun."""

    PASSKEY_NEW = "passkey_new"
    PASSKEY_USE = "passkey_use"
    PROVIDER = "provider"


def begin(conn: Connection, kind: Ceremony, now: datetime, *, person_id: UUID | None = None, **detail: Any) -> bytes:
    """The secret of a new ceremony: 32 random bytes."""
    secret = secrets.token_bytes(32)
    values = {
        "secret_hash": hashlib.sha256(secret).digest(),
        "kind": kind.value,
        "person_id": person_id,
        "detail": Jsonb(detail),
        "expires_at": now + LASTS,
    }
    conn.execute(SQL["begin_ceremony"], values)
    return secret


def finish(conn: Connection, kind: Ceremony, secret: bytes, now: datetime) -> tuple[UUID | None, dict[str, Any]] | None:
    """For whom it was begun, and its detail; None when there is no such ceremony, or no more."""
    values = {"secret_hash": hashlib.sha256(secret).digest(), "kind": kind.value, "now": now}
    row = conn.execute(SQL["finish_ceremony"], values).fetchone()
    return None if row is None else (row[0], row[1])
