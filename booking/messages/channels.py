"""How people hear of their reservations: the channel they chose, and the browsers that may be pushed to."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from booking.messages.words import Channel
from coop import audit, outward, push
from coop.database import Connection
from coop.errors import Invalid, NotFound
from coop.identity import Viewer
from coop.queries import load

SQL = load("booking.messages")


class PushKeysInvalid(Invalid):
    """The keys are not those of a browser's push subscription."""

    code = "booking.push_keys_invalid"


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that may be pushed to."""

    id: UUID
    endpoint: str
    created_at: datetime


def channel_of(conn: Connection, viewer: Viewer) -> Channel:
    """How the viewer hears of their reservations; by mail unless they chose otherwise."""
    row = conn.execute(SQL["message_preference"], {"person_id": viewer.person_id}).fetchone()
    return Channel.MAIL if row is None else Channel(row[0])


def prefer(conn: Connection, viewer: Viewer, channel: Channel) -> None:
    """Remember how the viewer wants to hear of their reservations."""
    conn.execute(SQL["prefer_channel"], {"person_id": viewer.person_id, "channel": channel.value})


def subscribe(
    conn: Connection, viewer: Viewer, endpoint: str, *, p256dh: str, auth: str, private: bool, now: datetime
) -> Browser:
    """Let a browser be pushed to, with the keys that it gave; raises `TargetRefused` or `PushKeysInvalid`."""
    outward.check(endpoint, private=private)
    public_key, secret = _decoded(p256dh), _decoded(auth)
    if not push.is_point(public_key) or len(secret) != 16:
        raise PushKeysInvalid()
    values = {
        "person_id": viewer.person_id,
        "endpoint": endpoint,
        "public_key": public_key,
        "auth": secret,
        "now": now,
    }
    row = conn.execute(SQL["subscribe_push"], values).fetchone()
    assert row is not None
    audit.record(conn, "push.subscribed", viewer=viewer, subject=f"push:{row[0]}", now=now)
    return Browser(*row)


def browsers_of(conn: Connection, viewer: Viewer) -> list[Browser]:
    """The viewer's browsers that may be pushed to, newest first."""
    return [Browser(*row) for row in conn.execute(SQL["push_subscriptions_of"], {"person_id": viewer.person_id})]


def unsubscribe(conn: Connection, viewer: Viewer, browser_id: UUID, now: datetime) -> None:
    """Push to one of the viewer's browsers no more; raises `NotFound` for any other."""
    values = {"id": browser_id, "person_id": viewer.person_id}
    if conn.execute(SQL["revoke_push"], values).fetchone() is None:
        raise NotFound()
    audit.record(conn, "push.revoked", viewer=viewer, subject=f"push:{browser_id}", now=now)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise PushKeysInvalid() from None
