"""One batch of messages into the database, within the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from psycopg import Connection as AnyConnection

from coop.database import Connection
from coop.queries import load
from telemetry.decoders import MAX_PAYLOAD_BYTES
from telemetry.model import Decoded, Message, Reading, Reason, Rejected

SQL = load("telemetry.ingest")

_COLUMN_TYPES = ("int4", "timestamptz", "int8", "float8", "text", "timestamptz")

Channels = Mapping[tuple[str, str], int]
"""Ids of channels by (address, name)."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch: readings entered, readings and messages that were there already, messages rejected.

    `channels` are the ids that had to be looked up; they are good once the transaction committed.
    """

    entered: int
    duplicates: int
    rejected: int
    channels: Channels


def prepare(conn: AnyConnection[tuple[object, ...]]) -> None:
    """Make a new connection ready for `save`."""
    conn.execute(SQL["stage"])


def save(conn: Connection, client: str, batch: Sequence[Decoded], known: Channels) -> Stored:
    """Store what is new of a batch that `client` received; storing it again changes nothing.

    A reading is known by (channel, at, tie). What has no such identity (no time of its own, or rejected) is known by
    the packet id and content of its last delivery to `client`.
    """
    anew = _already_stored(conn, client, batch)
    fresh = [(message, said) for message, said in batch if message not in anew]
    heard = {(each.address, each.channel) for _, said in fresh if isinstance(said, list) for each in said}
    found = _channels(conn, heard, known)
    rows: list[tuple[object, ...]] = []
    rejects: list[tuple[Message, Rejected]] = []
    for message, said in fresh:
        if isinstance(said, Rejected):
            rejects.append((message, said))
            continue
        ids = [known.get(key) or found.get(key) for key in ((each.address, each.channel) for each in said)]
        if None in ids:
            rejects.append((message, Rejected(Reason.UNKNOWN_DEVICE, said[0].address)))
            continue
        rows.extend((id_, r.at, r.tie, r.value, r.text, r.received_at) for id_, r in zip(ids, said, strict=True))
    entered = _enter(conn, rows)
    _reject(conn, rejects)
    _remember(conn, client, [message for message, said in fresh if not _has_identity(said)])
    return Stored(entered, len(rows) - entered + len(anew), len(rejects), found)


def _has_identity(said: list[Reading] | Rejected) -> bool:
    return isinstance(said, list) and said[0].has_own_time


def _already_stored(conn: Connection, client: str, batch: Sequence[Decoded]) -> set[Message]:
    """Messages without an identity that are the very ones stored before, or redeliveries of them."""
    doubtful = [message for message, said in batch if message.mid and not _has_identity(said)]
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


def _channels(conn: Connection, wanted: set[tuple[str, str]], known: Channels) -> dict[tuple[str, str], int]:
    missing = sorted(wanted - known.keys())
    if not missing:
        return {}
    values = {"addresses": [address for address, _ in missing], "names": [name for _, name in missing]}
    conn.execute(SQL["open_channels"], values)
    return {(address, name): channel_id for address, name, channel_id in conn.execute(SQL["channels"], values)}


def _enter(conn: Connection, rows: Iterable[tuple[object, ...]]) -> int:
    if not rows:
        return 0
    with conn.cursor() as cursor:
        with cursor.copy(SQL["copy_staged"]) as copy:
            copy.set_types(_COLUMN_TYPES)
            for row in rows:
                copy.write_row(row)
        counted = cursor.execute(SQL["take_staged"]).fetchone()
    return int(counted[0]) if counted else 0


def _reject(conn: Connection, rejects: Sequence[tuple[Message, Rejected]]) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            SQL["add_reject"],
            [
                {
                    "received_at": message.received_at,
                    "topic": _storable(message.topic),
                    "reason": rejected.reason,
                    "detail": _storable(rejected.detail),
                    "payload": message.payload[:MAX_PAYLOAD_BYTES],
                    "payload_bytes": len(message.payload),
                }
                for message, rejected in rejects
            ],
        )


def _remember(conn: Connection, client: str, messages: Sequence[Message]) -> None:
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


def _storable(text: str) -> str:
    """PostgreSQL's text holds everything but NUL."""
    return text.replace("\0", "\ufffd")
