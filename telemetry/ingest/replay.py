"""After a fix: the messages that are kept are decoded again, and what is understood now becomes readings.

Twice is harmless: a message leaves the table in the transaction that stores its readings, and those are known by their
own identity, at the time they were received then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from coop import audit
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.queries import load
from telemetry.badges import without_taps
from telemetry.decoders import Context, decode
from telemetry.decoders.store import context
from telemetry.ingest import store
from telemetry.model import Message, Reading, Reason, Rejected

SQL = load("telemetry.ingest")

AT_ONCE = 500

NEVER = (Reason.RETAINED_WITHOUT_TIME, Reason.NOT_BORN)
"""What was not said when it was received, and what only the births of its own time could tell."""

_Kept = tuple[int, Message]


@dataclass(frozen=True, slots=True)
class Replayed:
    """Messages understood now, readings that came of them, and messages that stay."""

    messages: int
    readings: int
    left: int


def replay(conn: Connection, viewer: Viewer, now: datetime) -> Replayed:
    """Decode what is kept as devices and decoders are now."""
    viewer.require(Role.OFFICE)
    store.prepare(conn)
    devices = context(conn)
    messages = readings = left = after_id = 0
    while some := _next(conn, after_id):
        done, entered = _take(conn, some, devices)
        messages, readings, left = messages + done, readings + entered, left + len(some) - done
        after_id = some[-1][0]
    detail: dict[str, object] = {"messages": messages, "readings": readings, "left": left}
    audit.record(conn, "rejects.replayed", viewer=viewer, subject="rejects", now=now, detail=detail)
    return Replayed(messages, readings, left)


def _next(conn: Connection, after_id: int) -> list[_Kept]:
    values = {"after_id": after_id, "never": list(NEVER), "limit": AT_ONCE}
    return [
        (id_, Message(0, 0, False, False, topic, payload, received_at, queued))
        for id_, received_at, topic, payload, queued in conn.execute(SQL["rejects_to_replay"], values)
    ]


def _take(conn: Connection, some: Sequence[_Kept], devices: Context) -> tuple[int, int]:
    """Messages and readings stored; where the database refuses one message, each is tried by itself."""
    understood = [(id_, message, said) for id_, message in some if isinstance(said := decode(message, devices), list)]
    try:
        with conn.transaction():
            return len(understood), _store(conn, understood)
    except (psycopg.DataError, psycopg.IntegrityError):
        if len(some) == 1:
            return 0, 0
    each = [_take(conn, [one], devices) for one in some]
    return sum(messages for messages, _ in each), sum(readings for _, readings in each)


def _store(conn: Connection, understood: Sequence[tuple[int, Message, list[Reading]]]) -> int:
    said: list[tuple[Message, list[Reading] | Rejected]] = [
        (message, readings) for _, message, readings in understood if readings
    ]
    taken = [(message, readings) for message, readings in without_taps(said) if isinstance(readings, list)]
    entered = store.enter(conn, taken, {}).entered
    conn.execute(SQL["clear_staged"])
    conn.execute(SQL["drop_rejects"], {"ids": [id_ for id_, _, _ in understood]})
    return entered
