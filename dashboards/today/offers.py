"""One offer for a quick request: which machine, when, what comes with it, and what it costs at most."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import booking
from billing.tariffs import quote
from billing.tariffs.quote import Price
from booking.search.find import Found, Search, search
from booking.search.ranking import Order, PartNeeds
from booking.services import store as services
from booking.services.model import ServiceKind
from coop import machines, register
from coop.database import Connection
from coop.errors import MoyaiError
from coop.identity import Viewer
from coop.interval import Interval
from coop.machines import Machine
from dashboards.today.asking import Asked, Named, read

INSTEAD_OF_ALONE = ServiceKind.ATTENDED
"""Who may use nothing alone is offered the operator's help."""


OF_LATE, LOOKED_AT = timedelta(days=90), 100


@dataclass(frozen=True, slots=True)
class Beside:
    """What is taken beside the machine: a person, a place where the part soaks, an accessory; and when."""

    kind: str
    name: str
    when: Interval


@dataclass(frozen=True, slots=True)
class Offer:
    """A machine for a slot. `price` is None where no tariff says it."""

    machine: Machine
    when: Interval
    service: ServiceKind
    beside: Sequence[Beside]
    price: Price | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The offer at one place of the list, whether there is another after it, and what stands against the rest."""

    asked: Asked
    offer: Offer | None
    more: bool
    refused: Sequence[Found]


def answer(conn: Connection, viewer: Viewer, text: str, skip: int, now: datetime, locale: str) -> Answer:
    """What is offered for `text`, after the first `skip` offers; raises `NotRead` or `NotInThePast`."""
    known = [
        Named(each.id, each.kind, (each.name_ja, each.name_en, each.model))
        for each in machines.machines(conn)
        if each.in_service
    ]
    zone = register.cooperative(conn).time_zone
    asked = read(text, known, now, zone)
    service = asked.service
    found = _search(conn, viewer, asked, service, now)
    if service is ServiceKind.SELF_USE and not any(each.slots for each in found):
        helped = _search(conn, viewer, asked, INSTEAD_OF_ALONE, now)
        if any(each.slots for each in helped):
            service, found = INSTEAD_OF_ALONE, helped
    used = _kinds_used(conn, viewer, now)
    slots = sorted(
        ((slot, each) for each in found for slot in each.slots),
        key=lambda pair: (-used[pair[1].machine.kind], pair[0].start),
    )
    chosen = slots[skip] if skip < len(slots) else None
    offered = _offer(conn, viewer, chosen[1].machine, chosen[0], service, zone, locale) if chosen else None
    return Answer(asked, offered, skip + 1 < len(slots), [each for each in found if not each.slots])


def _kinds_used(conn: Connection, viewer: Viewer, now: datetime) -> Counter[str]:
    """How often the viewer reserved machines of each kind of late: who names none means one of those."""
    kinds = {each.id: each.kind for each in machines.machines(conn)}
    late = booking.reservations_of(conn, viewer, since=now - OF_LATE, mine=True, limit=LOOKED_AT)
    return Counter(kinds[each.machine_id] for each in late.reservations if each.machine_id in kinds)


def _search(conn: Connection, viewer: Viewer, asked: Asked, service: ServiceKind, now: datetime) -> list[Found]:
    start = asked.window.start
    if start == now:  # a slot under way since the last grid line can still be booked
        start -= timedelta(hours=1)
    wanted = Search(PartNeeds(kind=asked.kind), Interval(start, asked.window.end), asked.length, service)
    found = search(conn, viewer, wanted, Order.EARLIEST, now)
    return [each for each in found if asked.machine_id in {None, each.machine.id}]


def _offer(
    conn: Connection,
    viewer: Viewer,
    machine: Machine,
    when: Interval,
    service: ServiceKind,
    zone: ZoneInfo,
    locale: str,
) -> Offer:
    return Offer(
        machine,
        when,
        service,
        _beside(conn, machine.id, when, service, zone, locale),
        price_of(conn, viewer, machine.id, when, service),
    )


def price_of(
    conn: Connection, viewer: Viewer, machine_id: str, when: Interval, service: ServiceKind = ServiceKind.SELF_USE
) -> Price | None:
    """What a slot costs whoever looks; None where no tariff says it."""
    try:
        return quote.price(conn, machine_id, when, service, is_member=quote.is_member(conn, viewer.member_id))
    except MoyaiError:  # not offered there any more
        return None


def _beside(
    conn: Connection, machine_id: str, when: Interval, service: ServiceKind, zone: ZoneInfo, locale: str
) -> list[Beside]:
    """What the service takes beside the machine, by time; of several units that would do, the kind alone is said."""
    known = {each.id: each for each in booking.resources(conn)}
    taken = []
    for need in services.service(conn, machine_id, service).needs:
        during, units = need.during(when, zone), [known[each] for each in need.units if each in known]
        if during is not None and units:
            taken.append(Beside(units[0].kind, units[0].name(locale) if len(units) == 1 else "", during))
    return sorted(taken, key=lambda each: each.when.start)
