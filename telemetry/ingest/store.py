"""One batch of messages into the database, within the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from psycopg import Connection as AnyConnection

from coop.database import Connection
from coop.queries import load
from telemetry.ingest import deliveries, rejects
from telemetry.model import Decoded, Message, Reading, Reason, Rejected

SQL = load("telemetry.ingest")

_COLUMN_TYPES = ("int4", "timestamptz", "int8", "float8", "text", "timestamptz", "bool")

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


@dataclass(frozen=True, slots=True)
class Entered:
    """Readings entered, readings that were there already, the messages whose device is gone, and new channel ids."""

    entered: int
    duplicates: int
    unheard: list[tuple[Message, Rejected]]
    channels: Channels


def prepare(conn: AnyConnection[tuple[object, ...]]) -> None:
    """Make a new connection ready for `save` and `enter`."""
    conn.execute(SQL["stage"])


def save(conn: Connection, client: str, batch: Sequence[Decoded], known: Channels) -> Stored:
    """Store what is new of a batch that `client` received; storing it again changes nothing.

    A reading is known by (channel, at, tie). What has no such identity (no time of its own, or rejected) is known by
    the packet id and content of its last delivery to `client`.
    """
    nameless = [message for message, said in batch if not _has_identity(said)]
    anew = deliveries.stored_before(conn, client, nameless)
    taken: list[tuple[Message, list[Reading]]] = []
    refused: list[tuple[Message, Rejected]] = []
    for message, said in batch:
        if message in anew:
            continue
        if isinstance(said, Rejected):
            refused.append((message, said))
        else:
            taken.append((message, said))
    result = enter(conn, taken, known)
    refused += result.unheard
    rejects.keep(conn, refused)
    deliveries.remember(conn, client, [message for message in nameless if message not in anew])
    return Stored(result.entered, result.duplicates + len(anew), len(refused), result.channels)


def enter(conn: Connection, taken: Sequence[tuple[Message, list[Reading]]], known: Channels) -> Entered:
    """Enter readings that are not there yet, and mark what they change."""
    if not taken:
        return Entered(0, 0, [], {})
    heard = {each[:2] for _, said in taken for each in said}
    found = _channels(conn, heard, known)
    ids = {**known, **found} if found else known
    rows: list[tuple[object, ...]] = []
    unheard: list[tuple[Message, Rejected]] = []
    for message, said in taken:
        queued = True if message.queued and not said[0].has_own_time else None
        try:
            rows += [
                (ids[address, channel], at, tie, value, text, received_at, queued)
                for address, channel, at, tie, value, text, received_at in said
            ]
        except KeyError:
            unheard.append((message, Rejected(Reason.UNKNOWN_DEVICE, said[0].address)))
    entered = _take(conn, rows)
    return Entered(entered, len(rows) - entered, unheard, found)


def _has_identity(said: list[Reading] | Rejected) -> bool:
    return isinstance(said, list) and said[0].has_own_time


def _channels(conn: Connection, wanted: set[tuple[str, str]], known: Channels) -> dict[tuple[str, str], int]:
    missing = sorted(wanted - known.keys())
    if not missing:
        return {}
    values = {"addresses": [address for address, _ in missing], "names": [name for _, name in missing]}
    conn.execute(SQL["open_channels"], values)
    return {(address, name): channel_id for address, name, channel_id in conn.execute(SQL["channels"], values)}


def _take(conn: Connection, rows: Iterable[tuple[object, ...]]) -> int:
    if not rows:
        return 0
    with conn.cursor() as cursor:
        with cursor.copy(SQL["copy_staged"]) as copy:
            copy.set_types(_COLUMN_TYPES)
            for row in rows:
                copy.write_row(row)
        counted = cursor.execute(SQL["take_staged"]).fetchone()
    return int(counted[0]) if counted else 0
