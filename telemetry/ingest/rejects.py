"""Messages that could not be taken: kept with their bytes and a reason, within bounds; beyond them they are counted.

Of one device (and of all that nobody knows together) so many messages and bytes are kept a day: one that floods cannot
fill the disk, and what it sends first is there to look at.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from coop.database import Connection
from coop.identity import Role, Viewer
from coop.paging import WHOLE, Slice
from coop.queries import load
from telemetry.decoders import MAX_PAYLOAD_BYTES
from telemetry.model import Message, Reason, Rejected

SQL = load("telemetry.ingest")

KEPT_A_DAY = 1_000
KEPT_BYTES_A_DAY = 4_000_000
KEPT_BYTES_OF_TOO_LARGE = 4_096  # a message that is too large cannot be replayed: its beginning tells what it is
KEPT_DAYS = 90

Refused = tuple[Message, Rejected]


@dataclass(frozen=True, slots=True)
class Reject:
    """A message as it is kept; `payload` is the beginning where `payload_bytes`, its length as received, is more."""

    id: int
    device_id: str | None
    received_at: datetime
    topic: str
    reason: Reason
    detail: str
    payload: bytes
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class RejectedDay:
    """How many messages of a device (None: of nobody that is known) were rejected on a day of UTC."""

    device_id: str | None
    day: date
    rejected: int
    kept: int
    last_at: datetime


def keep(conn: Connection, refused: Sequence[Refused]) -> None:
    """Count them all, and keep as many as there is room for."""
    if not refused:
        return
    topics = {_storable(message.topic) for message, _ in refused}
    owners: dict[str, str] = dict(conn.execute(SQL["topic_owners"], {"topics": list(topics)}).fetchall())
    days = [(owners.get(_storable(message.topic)), message.received_at.date()) for message, _ in refused]
    last_at = max(message.received_at for message, _ in refused)
    rooms = {
        each: _Room.of(conn, *each, rejected, last_at)
        for each, rejected in sorted(Counter(days).items(), key=lambda counted: (counted[0][0] or "", counted[0][1]))
    }
    rows = [row for day, one in zip(days, refused, strict=True) if (row := rooms[day].take(*one)) is not None]
    with conn.cursor() as cursor:
        cursor.executemany(SQL["add_reject"], rows)
    for room in rooms.values():
        room.fill(conn)


def rejects(conn: Connection, viewer: Viewer, device_id: str | None = None, part: Slice = WHOLE) -> list[Reject]:
    """The messages that are kept, the newest first: of one device, or of all."""
    viewer.require(Role.OFFICE)
    values = part.values("before_id") | {"device_id": device_id}
    return [
        Reject(id_, device, received_at, topic, Reason(reason), detail, payload, payload_bytes)
        for id_, device, received_at, topic, reason, detail, payload, payload_bytes in conn.execute(
            SQL["rejects"], values
        )
    ]


def rejected_days(conn: Connection, viewer: Viewer, since: date) -> list[RejectedDay]:
    """The counts from a day on, the newest first; what is not kept is counted too."""
    viewer.require(Role.OFFICE)
    return [RejectedDay(*row) for row in conn.execute(SQL["rejected_days"], {"since": since})]


@dataclass(slots=True)
class _Room:
    """What may still be kept of a device and day."""

    device_id: str | None
    day: date
    kept: int
    kept_bytes: int
    more: int = 0
    more_bytes: int = 0

    @classmethod
    def of(cls, conn: Connection, device_id: str | None, day: date, rejected: int, last_at: datetime) -> "_Room":
        """Count so many; at the first of a day what has become too old goes."""
        values = {"device_id": device_id, "day": day, "rejected": rejected, "last_at": last_at}
        counted = conn.execute(SQL["count_rejects"], values).fetchone()
        assert counted is not None
        total, kept, kept_bytes = counted
        if total == rejected:
            conn.execute(SQL["drop_old_rejects"], {"before": last_at - timedelta(days=KEPT_DAYS)})
        return cls(device_id, day, kept, kept_bytes)

    def take(self, message: Message, rejected: Rejected) -> dict[str, object] | None:
        """The message as it is kept, while there is room."""
        whole = len(message.payload) <= MAX_PAYLOAD_BYTES
        payload = message.payload if whole else message.payload[:KEPT_BYTES_OF_TOO_LARGE]
        if self.kept + self.more >= KEPT_A_DAY or self.kept_bytes + self.more_bytes + len(payload) > KEPT_BYTES_A_DAY:
            return None
        self.more += 1
        self.more_bytes += len(payload)
        return {
            "device_id": self.device_id,
            "received_at": message.received_at,
            "topic": _storable(message.topic),
            "reason": rejected.reason,
            "detail": _storable(rejected.detail),
            "payload": payload,
            "payload_bytes": len(message.payload),
            "queued": message.queued,
        }

    def fill(self, conn: Connection) -> None:
        """So much more is kept."""
        values = {"device_id": self.device_id, "day": self.day, "kept": self.more, "kept_bytes": self.more_bytes}
        if self.more:
            conn.execute(SQL["fill_reject_day"], values)


def _storable(text: str) -> str:
    """PostgreSQL's text holds everything but NUL."""
    return text.replace("\0", "\ufffd")
