"""Messages that name themselves by nothing (no time of their own, or unreadable), known again when redelivered.

Each is remembered by its last packet id and its content, in the transaction that stores it. The broker uses an id anew
only after its acknowledgement.
"""

from collections.abc import Sequence
from hashlib import blake2b

from coop.database import Connection
from coop.queries import load
from telemetry.model import Message

SQL = load("telemetry.ingest")


def stored_before(conn: Connection, client: str, messages: Sequence[Message]) -> set[Message]:
    """Those that are the very ones stored before, or redeliveries of them."""
    doubtful = [message for message in messages if message.mid]
    if not doubtful:
        return set()
    rows = conn.execute(SQL["deliveries"], {"client": client, "mids": [message.mid for message in doubtful]})
    last = {mid: (digest, received_at) for mid, digest, received_at in rows}
    stored = set()
    for message in doubtful:
        digest, received_at = last.get(message.mid, (b"", None))
        same_moment = received_at == message.received_at
        if (message.redelivered or same_moment) and digest == _digest(message):
            stored.add(message)
    return stored


def remember(conn: Connection, client: str, messages: Sequence[Message]) -> None:
    """These are stored by this transaction."""
    last = {message.mid: message for message in messages if message.mid}
    if last:
        values = {
            "client": client,
            "mids": list(last),
            "hashes": [_digest(message) for message in last.values()],
            "received": [message.received_at for message in last.values()],
        }
        conn.execute(SQL["remember_deliveries"], values)


def _digest(message: Message) -> bytes:
    return blake2b(message.topic.encode() + b"\0" + message.payload, digest_size=16).digest()
