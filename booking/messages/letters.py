"""One message to one person: what they need to know is read, written in their language, and sent."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import orjson

from booking.messages import ics
from booking.messages import words as messages
from booking.messages.announcing import Event
from booking.messages.confirmation import Quote, needed
from booking.messages.ics import Method, Standing
from booking.messages.words import Channel, Facts, Notice
from booking.model import Status
from booking.pending import APPROVES
from coop import machines, mail, outward, push
from coop.database import Connection, Pool, run
from coop.interval import Interval
from coop.push import Subscription
from coop.queries import load
from coop.settings import Settings

log = logging.getLogger("booking.letters")

SQL = load("booking.messages")
ENDED = frozenset({Status.CANCELLED, Status.RELEASED, Status.DECLINED})
BROWSER_IS_GONE = frozenset({404, 410})


class PushAway(Exception):
    """The push service does not take the message now; it is tried again."""


class _Part(StrEnum):
    """What a reader has to do with the reservation."""

    HOLDER = "holder"
    FORMER = "former"
    HELPER = "helper"
    APPROVER = "approver"


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who is told, as what, and of which entry in their calendar."""

    name: str
    address: str
    locale: str
    cooperative: str
    part: _Part
    uid: str
    created_at: datetime


def send_mail(pool: Pool, settings: Settings, event: Event, person_id: UUID, quote: Quote, now: datetime) -> None:
    """Send a mail with its calendar file, unless it was sent before; raises `MailServerAway` to be tried again."""
    message = {"event_id": event.id, "person_id": person_id, "channel": Channel.MAIL.value}

    def letter(conn: Connection) -> mail.Letter | None:
        waiting = conn.execute(SQL["message_is_open"], message).fetchone()
        known = _known(conn, settings, event, person_id, quote)
        if waiting != (True,) or known is None or not known[0].address:
            return None
        reader, facts = known
        notice = _notice(event, reader, facts)
        return mail.Letter(
            from_name=reader.cooperative,
            from_address=settings.mail_from,
            to_name=reader.name,
            to_address=reader.address,
            subject=notice.subject,
            text=notice.text,
            html=notice.html,
            message_id=str(uuid5(event.id, str(person_id))),
            calendar=_calendar(event, reader, facts, settings),
        )

    if not settings.smtp_url:
        return
    written = run(pool, letter)
    if written is None:
        return
    try:
        mail.send(settings.smtp_url, mail.compose(written, now))
    except mail.AddressRefused:
        log.warning("mail.refused event=%s person=%s", event.id, person_id)
        return
    run(pool, lambda conn: conn.execute(SQL["message_sent"], message | {"now": now}))


def send_push(pool: Pool, settings: Settings, event: Event, browser_id: UUID, now: datetime) -> None:
    """Push to one browser; one that is gone is forgotten. Raises `PushAway` to be tried again."""

    def letter(conn: Connection) -> tuple[UUID, Subscription, Notice] | None:
        browser = conn.execute(SQL["push_subscription"], {"id": browser_id}).fetchone()
        known = _known(conn, settings, event, browser[0], _no_quote) if browser is not None else None
        if browser is None or known is None:
            return None
        return browser[0], Subscription(*browser[1:]), _notice(event, *known)

    written = run(pool, letter)
    if written is None:
        return
    person_id, browser, notice = written
    said = {"title": notice.headline, "body": notice.brief, "url": notice.link, "tag": str(event.reservation_id)}
    headers = push.headers(push.sender_key(settings.secret_key), browser, settings.mail_from, now)
    try:
        status = outward.post(
            browser.endpoint, push.encrypt(orjson.dumps(said), browser), headers, private=settings.private_targets
        )
    except outward.TargetAway as away:
        raise PushAway(str(away)) from away
    except outward.TargetRefused:
        status = 410
    if status in BROWSER_IS_GONE:
        run(pool, lambda conn: conn.execute(SQL["forget_push"], {"id": browser_id}))
    elif status == 429 or status >= 500:
        raise PushAway(status)
    elif status >= 300:
        log.warning("push.refused event=%s browser=%s status=%s", event.id, browser_id, status)
    else:
        sent = {"event_id": event.id, "person_id": person_id, "channel": Channel.PUSH.value, "now": now}
        run(pool, lambda conn: conn.execute(SQL["message_sent"], sent))


def _known(
    conn: Connection, settings: Settings, event: Event, person_id: UUID, quote: Quote
) -> tuple[_Reader, Facts] | None:
    """Who is told and what they need to know; None when the reservation or the person is no longer there."""
    machine_id, when = event.was if person_id in event.was_helper_ids else (event.machine_id, event.when)
    values = {
        "reservation_id": event.reservation_id,
        "machine_id": machine_id,
        "person_id": person_id,
        "approvers": [role.value for role in APPROVES],
    }
    row = conn.execute(SQL["message_facts"], values).fetchone()
    if row is None:
        return None
    name, address, locale, uid, created_at, title_ja, title_en, helps, approves, lapses_at, *rest = row
    member_name, holder_name, cooperative, zone = rest
    part = _part(event, person_id, helps=helps, approves=approves)
    holds = part is _Part.HOLDER and event.status not in ENDED
    known = needed(
        conn,
        event.reservation_id,
        event.starts_at,
        event.status,
        but_for=person_id,
        quote=quote if holds else None,
    )
    facts = Facts(
        machine=title_en if locale == "en" else title_ja,
        when=when,
        zone=ZoneInfo(zone),
        link=f"{settings.base_url}/reservations",
        site=known.site,
        access=known.access.note(locale) if holds else "",
        answer_by=lapses_at if part is _Part.APPROVER else _moment(event, "answer_by"),
        expected_at=_moment(event, "expected_at"),
        bring_by=known.bring_by,
        helpers=known.helpers,
        for_whom="" if part is _Part.HOLDER else " ".join(filter(None, (member_name, holder_name))),
        cancel_until=known.cancel_until if holds else None,
        at_most_yen=known.at_most_yen,
        instead=_instead(conn, event, locale),
    )
    return _Reader(name, address, locale, cooperative, part, uid, created_at), facts


def _instead(conn: Connection, event: Event, locale: str) -> tuple[tuple[str, Interval], ...]:
    """The machines and slots that the event offers in place of the reservation's own."""
    found = event.detail.get("alternatives", ())
    return tuple((machines.machine(conn, each["machine_id"]).name(locale), _slot(each)) for each in found)


def _slot(written: Mapping[str, str]) -> Interval:
    return Interval(datetime.fromisoformat(written["starts_at"]), datetime.fromisoformat(written["ends_at"]))


def _part(event: Event, person_id: UUID, *, helps: bool, approves: bool) -> _Part:
    if person_id == event.person_id:
        return _Part.HOLDER
    if person_id == event.was_person_id or person_id in event.was_helper_ids:
        return _Part.FORMER
    if event.asks and approves:
        return _Part.APPROVER
    return _Part.HELPER if helps else _Part.HOLDER


def _moment(event: Event, name: str) -> datetime | None:
    """A time in the event's detail."""
    written = event.detail.get(name)
    return datetime.fromisoformat(written) if written else None


def _ends(event: Event, reader: _Reader) -> bool:
    """Whether the reader has this reservation no more."""
    return event.status in ENDED or reader.part is _Part.FORMER


def _notice(event: Event, reader: _Reader, facts: Facts) -> Notice:
    asked = "reservation.to_approve" if reader.part is _Part.APPROVER else "reservation.requested"
    said = asked if event.asks else event.type
    if reader.part is _Part.FORMER and event.type == "reservation.moved":
        said = "reservation.without_you"
    return messages.compose(said, facts, reader.locale, cooperative=reader.cooperative, ends=_ends(event, reader))


def _calendar(event: Event, reader: _Reader, facts: Facts, settings: Settings) -> tuple[str, bytes] | None:
    """The calendar file of a reservation that has, or had, a place in the calendar."""
    if event.status is Status.HELD or reader.part is _Part.APPROVER:
        return None
    standing = Standing.TENTATIVE if event.status is Status.PENDING else Standing.CONFIRMED
    entry = ics.Entry(
        uid=reader.uid,
        when=facts.when,
        summary=facts.machine,
        stamp=event.at,
        sequence=event.version - 1,
        standing=Standing.CANCELLED if _ends(event, reader) else standing,
        created_at=reader.created_at,
        location=facts.site,
        url=facts.link,
    )
    method = Method.CANCEL if _ends(event, reader) else Method.REQUEST
    return method.value, ics.letter(method, facts.zone, entry, settings.mail_from, reader.address)


def _no_quote(conn: Connection, reservation_id: UUID) -> None:
    del conn, reservation_id
