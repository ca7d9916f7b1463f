"""Time that became free is offered to who waits: held for them until they answer, then for the next.

Whoever frees time calls `offer_freed` in the same transaction, holding the machine's lock; so does whoever ends an
offer. Nobody can see the time free in between. An offer that is over is no hold that others may drop: only the sweep
ends it, and passes it on in the same transaction.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from booking import store
from booking.free import free_slots
from booking.listing import find
from booking.model import Reservation, Status, Terms
from booking.pending import ask, lapse
from booking.reserve import Wish, book
from booking.rules.facts import Preparation, for_member
from booking.services import store as store_services
from booking.services.model import Service
from booking.services.store import OptionUnknown, ServiceUnknown
from booking.store import HolderUnknown
from booking.tell import tell
from booking.training.supervision import supervised
from booking.waitlist import store as store_waitlist
from booking.waitlist.waiting import Offer, Request, answers_for, fits, whose
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, MoyaiError, NotFound
from coop.identity import SYSTEM, Viewer
from coop.interval import Interval
from coop.queries import load

SQL = load("booking.waitlist")

LASTS = timedelta(minutes=30)
"""An offer stands so long, but not past the start of what it offers."""
TIME_TO_ANSWER = timedelta(minutes=10)
"""What starts sooner is not offered any more."""
TRIES = 4
"""Slots tried for one request before the next in line gets its turn."""


class OfferOver(Conflict):
    """The offer was answered, or its time is over; the slot goes to the next who waits."""

    code = "booking.offer_over"


class _OfferedElsewhere(MoyaiError):
    """The request got another offer at the same moment."""

    code = "booking.offer_over"


def offer_freed(conn: Connection, machine_id: str, freed: Interval, now: datetime) -> list[Offer]:
    """Offer what was `freed`, and what is free beside it, to who waits: the highest priority first, then the oldest
    request that fits. The caller holds the machine's lock. The offers made."""
    ahead = Interval(now, freed.end) if freed.start < now < freed.end else freed
    if ahead.end <= now:
        return []
    requests = store_waitlist.waiting_for(conn, machine_id, ahead, now)
    if not requests:
        return []
    terms = store.terms(conn, machine_id)
    made: list[Offer] = []
    for request in requests:
        offer = _offer(conn, terms, request, ahead, now)
        if offer is not None:
            made.append(offer)
    return made


def accept(conn: Connection, viewer: Viewer, offer_id: UUID, now: datetime) -> Reservation:
    """Take what is offered: it becomes a reservation in place. Raises `NotFound` or `OfferOver`."""
    offer = _known(conn, viewer, offer_id)
    store.lock(conn, offer.machine_id, offer.member_id, offer.person_id)
    row = conn.execute(SQL["accept_offer"], {"id": offer_id, "now": now}).fetchone()
    if row is None:
        raise OfferOver()
    accepted = ask(conn, viewer, find(conn, viewer, row[0]), now)
    tell(conn, "reservation.created", viewer, accepted, now, offer_id=str(offer_id))
    return accepted


def decline(conn: Connection, viewer: Viewer, offer_id: UUID, now: datetime) -> None:
    """Let the next have what is offered; the request goes on waiting for other times.

    Raises `NotFound` or `OfferOver`.
    """
    offer = _known(conn, viewer, offer_id)
    store_waitlist.lock_to_offer(conn, offer.machine_id)
    if not _end(conn, "decline_offer", viewer, offer, now):
        raise OfferOver()


def expire(conn: Connection, offer_id: UUID, now: datetime) -> bool:
    """Pass on an offer that is over by the database's clock; False if it is not, or was answered."""
    offer = store_waitlist.offer(conn, offer_id)
    if offer is None:
        return False
    store_waitlist.lock_to_offer(conn, offer.machine_id)
    return _end(conn, "expire_offer", SYSTEM, offer, now)


def offer_whatever_is_free(conn: Connection, machine_id: str, now: datetime) -> list[Offer]:
    """Offer any free time of a machine to who waits for it: what was freed by a lapsed hold, by new opening hours."""
    store_waitlist.lock_to_offer(conn, machine_id)
    horizon = timedelta(days=store.terms(conn, machine_id).horizon_days + 1)
    return offer_freed(conn, machine_id, Interval.of(now, horizon), now)


def offer_lapsed(conn: Connection, resource_id: str, now: datetime) -> list[Offer]:
    """End the requests for a machine, or person, that nobody answered in time, and offer what that frees at once."""
    store_waitlist.lock_to_offer(conn, resource_id)
    lapsed = [store.reservation(conn, each) for each in lapse(conn, now, resource_ids=[resource_id])]
    return [offer for each in lapsed if each for offer in offer_freed(conn, each.machine_id, each.when, now)]


def offers_of(conn: Connection, viewer: Viewer) -> list[Offer]:
    """The offers that wait for an answer, as far as the viewer may know of them, the first to end first."""
    return store_waitlist.open_offers(conn, whose(viewer))


def _offer(conn: Connection, plain: Terms, request: Request, freed: Interval, now: datetime) -> Offer | None:
    soonest = max(request.window.start, now + TIME_TO_ANSWER)
    service = _service(conn, plain.machine_id, request)
    if soonest >= request.window.end or service is None:
        return None
    terms = for_member(conn, replace(plain, service=service), request.member_id)
    free = free_slots(conn, terms, Interval(soonest, request.window.end), now, request.length)
    offered = store_waitlist.offered_before(conn, request.id, terms.machine_id)
    try:
        candidate = store_waitlist.viewer_of(conn, request.person_id)
    except HolderUnknown:  # who asked is here no more
        return None
    for slot in islice(fits(request, free, freed, offered, terms), TRIES):
        try:
            with conn.transaction():
                return _hold_for(conn, candidate, request, terms.machine_id, slot, now)
        except _OfferedElsewhere:
            return None
        except MoyaiError:  # a rule is against it, or something else that it needs is taken: not this one
            continue
    return None


def _service(conn: Connection, machine_id: str, request: Request) -> Service | None:
    """What a request needs of a machine; None where the machine does not offer it."""
    needs = request.needs
    try:
        service = store_services.service(conn, machine_id, needs.service, needs.options)
    except (ServiceUnknown, OptionUnknown):
        return None
    return supervised(conn, service, instructor_id=needs.instructor_id) if needs.instructor_id else service


def _hold_for(
    conn: Connection, candidate: Viewer, request: Request, machine_id: str, slot: Interval, now: datetime
) -> Offer:
    """Book it as the candidate would, by all the rules, and wait for their answer."""
    needs = request.needs
    wish = Wish(
        machine_id,
        slot,
        request.purpose,
        service=needs.service,
        options=needs.options,
        preparation=Preparation(needs.instructor_id),
    )
    held = book(conn, candidate, wish, now, status=Status.HELD)
    offer = store_waitlist.add_offer(conn, request, held, LASTS, now)
    if offer is None:
        raise _OfferedElsewhere()
    answer_by = offer.expires_at.isoformat()
    tell(conn, "reservation.offered", SYSTEM, held, now, offer_id=str(offer.id), answer_by=answer_by)
    return offer


def _end(conn: Connection, statement: str, viewer: Viewer, offer: Offer, now: datetime) -> bool:
    """End an offer and pass its time on; the machine is locked. False if it is not there to be ended so."""
    row = conn.execute(SQL[statement], {"id": offer.id}).fetchone()
    if row is None:
        return False
    action = {"decline_offer": "offer.declined", "expire_offer": "offer.expired"}[statement]
    audit.record(conn, action, viewer=viewer, subject=f"offer:{offer.id}", now=now)
    held = store.reservation(conn, row[0]) if row[0] else None
    if held is not None and held.status is Status.HELD:
        conn.execute(store.SQL["drop_held"], {"id": held.id})
        tell(conn, "reservation.let_go", viewer, held, now)
        offer_freed(conn, offer.machine_id, held.when, now)
    return True


def _known(conn: Connection, viewer: Viewer, offer_id: UUID) -> Offer:
    offer = store_waitlist.offer(conn, offer_id)
    if offer is None or not answers_for(viewer, offer.member_id, offer.person_id):
        raise NotFound()
    return offer
