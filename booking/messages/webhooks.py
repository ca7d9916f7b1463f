"""Programs that are told of every reservation: signed, at least once, with a log of what became of each delivery.

An event says ids, times and codes: no name, no purpose. Its id is the same in every attempt.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import orjson

from booking.messages.announcing import Event
from coop import audit, outward, webhooks
from coop.database import Connection, Pool, run
from coop.errors import NotFound
from coop.identity import Viewer
from coop.jobs import enqueue
from coop.paging import WHOLE, Slice
from coop.queries import load
from coop.settings import Settings

SQL = load("booking.messages")
SEND = "booking.send_webhook"
PING = "ping"


class DeliveryFailed(Exception):
    """The program did not take the event; it is tried again."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A program that is told."""

    id: UUID
    url: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one program, with what became of it. `last_error` says why nobody answered."""

    id: UUID
    event_id: UUID
    type: str
    created_at: datetime
    attempts: int
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    delivered_at: datetime | None


def add_webhook(conn: Connection, viewer: Viewer, url: str, *, private: bool, now: datetime) -> Webhook:
    """Tell a program from now on; raises `TargetRefused`. Whether its address is private is asked at each delivery."""
    outward.check(url, private=private)
    row = conn.execute(SQL["add_webhook"], {"url": url, "person_id": viewer.person_id, "now": now}).fetchone()
    assert row is not None
    audit.record(conn, "webhook.created", viewer=viewer, subject=f"webhook:{row[0]}", now=now)
    return Webhook(*row)


def webhooks_told(conn: Connection) -> list[Webhook]:
    """The programs that are told, newest first."""
    return [Webhook(*row) for row in conn.execute(SQL["webhooks"])]


def webhook(conn: Connection, webhook_id: UUID) -> Webhook:
    """One program that is told; raises `NotFound`."""
    for each in webhooks_told(conn):
        if each.id == webhook_id:
            return each
    raise NotFound()


def stop_webhook(conn: Connection, viewer: Viewer, webhook_id: UUID, now: datetime) -> None:
    """Tell a program no more; raises `NotFound`."""
    if conn.execute(SQL["stop_webhook"], {"id": webhook_id, "now": now}).fetchone() is None:
        raise NotFound()
    audit.record(conn, "webhook.stopped", viewer=viewer, subject=f"webhook:{webhook_id}", now=now)


def deliveries(conn: Connection, webhook_id: UUID, part: Slice = WHOLE) -> list[Delivery]:
    """What a program was told, newest first; the log stays when it is told no more."""
    values = {"webhook_id": webhook_id} | part.values("after_created", "after_id")
    return [Delivery(*row) for row in conn.execute(SQL["deliveries"], values)]


def resend(conn: Connection, viewer: Viewer, webhook_id: UUID, delivery_id: UUID, now: datetime) -> Delivery:
    """Send an event once more, the same bytes with the same id, whatever became of it. Raises `NotFound`, also for a
    program that is told no more."""
    values = {"webhook_id": webhook_id, "id": delivery_id}
    row = conn.execute(SQL["reopen_delivery"], values).fetchone()
    if row is None:
        raise NotFound()
    audit.record(conn, "webhook.resent", viewer=viewer, subject=f"webhook:{webhook_id}", now=now)
    enqueue(conn, SEND, delivery_id=str(delivery_id))
    return Delivery(*row)


def ping(conn: Connection, viewer: Viewer, webhook_id: UUID, now: datetime) -> Delivery:
    """Send an event that tells nothing, to see whether a program hears us. Raises `NotFound`."""
    event_id, said = uuid4(), webhook(conn, webhook_id)
    told = {"type": PING, "timestamp": now.isoformat(), "id": str(event_id), "data": {"webhook_id": str(said.id)}}
    values = {
        "webhook_id": said.id,
        "event_id": event_id,
        "type": PING,
        "body": orjson.dumps(told).decode(),
        "now": now,
    }
    row = conn.execute(SQL["add_delivery"], values).fetchone()
    assert row is not None
    audit.record(conn, "webhook.pinged", viewer=viewer, subject=f"webhook:{webhook_id}", now=now)
    enqueue(conn, SEND, delivery_id=str(row[0]))
    return Delivery(*row)


def body(event: Event) -> bytes:
    """An event as programs read it."""
    data = event.written()
    said = {"type": data.pop("type"), "timestamp": data.pop("at"), "id": data.pop("id"), "data": data}
    return orjson.dumps(said)


def deliver(pool: Pool, settings: Settings, delivery_id: UUID, now: datetime) -> None:
    """Make one attempt and write it in the log; raises `DeliveryFailed` to be tried again.

    An address that may not be called is written down and not tried again.
    """
    row = run(pool, lambda conn: conn.execute(SQL["open_delivery"], {"id": delivery_id}).fetchone())
    if row is None:
        return
    webhook_id, url, event_id, text = row
    sent = text.encode()
    key = webhooks.signing_key(settings.secret_key, str(webhook_id))
    status, error, final = None, None, False
    try:
        status = outward.post(
            url, sent, webhooks.headers(key, str(event_id), sent, now), private=settings.private_targets
        )
    except outward.TargetRefused as refused:
        error, final = refused.code, True
    except outward.TargetAway as away:
        error = str(away)
    delivered = status is not None and 200 <= status < 300
    values = {"id": delivery_id, "now": now, "status": status, "error": error, "delivered": delivered}
    run(pool, lambda conn: conn.execute(SQL["note_attempt"], values))
    if not delivered and not final:
        raise DeliveryFailed(status or error)
