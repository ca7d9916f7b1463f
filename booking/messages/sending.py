"""The jobs that tell people and programs what `announce` put into the queue.

Spreading an event enters each message once, however often it runs. Each message is then a job of its own, sent at least
once; it keeps its id, so that a second copy is recognised.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job
from procrastinate.types import JSONValue

from booking.messages import letters, webhooks
from booking.messages import words as messages
from booking.messages.announcing import SPREAD, Event
from booking.messages.confirmation import Quote
from booking.messages.words import FOR_HOLDER, FOR_OTHERS, NEEDS_ANSWER, Channel
from booking.pending import APPROVES
from coop.database import Connection, run
from coop.jobs import enqueue
from coop.queries import load

SQL = load("booking.messages")
ATTEMPTS = 16
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=4)
MESSAGES_KEPT = timedelta(days=90)

Written = dict[str, JSONValue]


class Backoff(BaseRetryStrategy):
    """Again after 5 s, 20 s, 80 s, … at last every four hours, for a day and a half."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When to try again; None when it was tried often enough."""
        del exception
        if job.attempts + 1 >= ATTEMPTS:
            return None
        return RetryDecision(retry_at=datetime.now(UTC) + min(FIRST_WAIT * 4**job.attempts, LONGEST_WAIT))


def unpriced(conn: Connection, reservation_id: UUID) -> int | None:
    """The quote of a house that has no tariffs."""
    del conn, reservation_id
    return None


def register(app: App, quote: Quote = unpriced) -> None:
    """Add the tasks that send. `quote` says the most that a reservation can cost: booking knows no prices."""

    @app.task(name=SPREAD, pass_context=True, retry=Backoff())
    def spread_event(context: JobContext, event: Written) -> None:
        run(context.additional_context["pool"], lambda conn: spread(conn, Event.read(event), datetime.now(UTC)))

    @app.task(name="booking.send_mail", pass_context=True, retry=Backoff())
    def mail_event(context: JobContext, event: Written, person_id: str) -> None:
        pool, settings = context.additional_context["pool"], context.additional_context["settings"]
        letters.send_mail(pool, settings, Event.read(event), UUID(person_id), quote, datetime.now(UTC))

    @app.task(name="booking.send_push", pass_context=True, retry=Backoff())
    def push_event(context: JobContext, event: Written, browser_id: str) -> None:
        pool, settings = context.additional_context["pool"], context.additional_context["settings"]
        letters.send_push(pool, settings, Event.read(event), UUID(browser_id), datetime.now(UTC))

    @app.task(name=webhooks.SEND, pass_context=True, retry=Backoff())
    def webhook_event(context: JobContext, delivery_id: str) -> None:
        pool, settings = context.additional_context["pool"], context.additional_context["settings"]
        webhooks.deliver(pool, settings, UUID(delivery_id), datetime.now(UTC))

    @app.periodic(cron="23 4 * * *")
    @app.task(name="booking.forget_messages", queueing_lock="booking.forget_messages", pass_context=True)
    def forget_messages(context: JobContext, timestamp: int) -> None:
        del timestamp
        before = {"before": datetime.now(UTC) - MESSAGES_KEPT}
        run(context.additional_context["pool"], lambda conn: conn.execute(SQL["forget_messages"], before))


def spread(conn: Connection, event: Event, now: datetime) -> None:
    """Enter a delivery for each program and a message for each person, and a job for each that is new."""
    told = {"event_id": event.id, "type": event.type, "body": webhooks.body(event).decode(), "now": now}
    for (delivery_id,) in conn.execute(SQL["add_deliveries"], told).fetchall():
        enqueue(conn, webhooks.SEND, delivery_id=str(delivery_id))
    if not messages.is_told(event.type):
        return
    values = {
        "person_id": event.person_id,
        "former_ids": [*filter(None, (event.was_person_id,)), *event.was_helper_ids],
        "member_id": event.member_id,
        "reservation_id": event.reservation_id,
        "asks": event.asks,
        "approvers": [role.value for role in APPROVES],
    }
    for person_id, preferred, browsers, approves, holds in conn.execute(SQL["to_be_told"], values).fetchall():
        if event.type in (FOR_OTHERS if holds else FOR_HOLDER):
            continue
        must_answer = approves or event.type in NEEDS_ANSWER
        channel = _channel(Channel(preferred), must_answer=must_answer, has_browser=bool(browsers))
        entered = {"event_id": event.id, "person_id": person_id, "channel": channel.value, "now": now}
        if channel is Channel.CALENDAR or conn.execute(SQL["add_message"], entered).fetchone() is None:
            continue
        if channel is Channel.PUSH:
            for browser in browsers:
                enqueue(conn, "booking.send_push", event=event.written(), browser_id=str(browser))
        else:
            in_order = f"mail {event.reservation_id} {person_id}"
            enqueue(conn, "booking.send_mail", lock=in_order, event=event.written(), person_id=str(person_id))


def _channel(preferred: Channel, *, must_answer: bool, has_browser: bool) -> Channel:
    """By which channel somebody hears: as they prefer, but what they must answer always reaches them."""
    if preferred is Channel.CALENDAR and not must_answer:
        return Channel.CALENDAR
    return Channel.PUSH if has_browser and preferred is not Channel.MAIL else Channel.MAIL
