"""A machine runs on past the end of a reservation: the next person is warned and offered alternatives."""

from datetime import datetime, timedelta
from uuid import UUID

from booking import store
from booking.free import next_free
from booking.listing import find
from booking.presence import store as store_presence
from booking.rules.facts import for_member
from booking.services import store as store_services
from booking.services.store import OptionUnknown, ServiceUnknown
from booking.tell import tell
from booking.training.supervision import supervised
from coop import machines
from coop.database import Connection
from coop.identity import SYSTEM, Viewer
from coop.interval import Interval

SOON = timedelta(minutes=30)
"""Whose reservation begins within this is warned."""


def warn(conn: Connection, now: datetime) -> list[UUID]:
    """Warn, once, everybody whose reservation is next on a machine that overruns; which reservations are next."""
    warned = []
    for running, following in store_presence.overruns(conn, now, SOON):
        reservation = store.reservation(conn, following)
        if reservation is not None and store_presence.warn(conn, running, following, now):
            instead = [
                {"machine_id": machine_id, "starts_at": slot.start.isoformat(), "ends_at": slot.end.isoformat()}
                for machine_id, slot in alternatives(conn, SYSTEM, following, now)
            ]
            tell(conn, "reservation.delayed", SYSTEM, reservation, now, alternatives=instead)
            warned.append(following)
    return warned


def alternatives(
    conn: Connection, viewer: Viewer, reservation_id: UUID, now: datetime, *, count: int = 3
) -> list[tuple[str, Interval]]:
    """Slots as long as a reservation, on its machine or another of its kind, with all that its service needs; the
    earliest first. Raises `NotFound`."""
    reservation = find(conn, viewer, reservation_id)
    kind = machines.machine(conn, reservation.machine_id).kind
    length = reservation.when.end - reservation.when.start
    own, after = reservation.machine_id, reservation.when.start
    found: list[tuple[str, Interval]] = []
    for machine in machines.machines(conn):
        if machine.kind == kind and machine.in_service:
            try:
                service = store_services.service(conn, machine.id, reservation.service, reservation.options)
            except (ServiceUnknown, OptionUnknown):
                continue
            service = supervised(conn, service, reservation_id=reservation_id)
            terms = for_member(conn, store.terms(conn, machine.id, service), reservation.holder.member_id)
            free = next_free(conn, terms, length, after=after, now=now, count=count, but_for=reservation_id)
            found += [(machine.id, slot) for slot in free]
    instead = [each for each in found if each != (own, reservation.when)]
    return sorted(instead, key=lambda each: (each[1], each[0] == own, each[0]))[:count]


def finish(conn: Connection, now: datetime) -> list[UUID]:
    """What is in use, is over, and is not known to run any more is done; which reservations were ended."""
    ended = []
    for reservation_id in store_presence.in_use_and_over(conn, now):
        if store_presence.end_use(conn, reservation_id, None, now):
            tell(conn, "reservation.done", SYSTEM, find(conn, SYSTEM, reservation_id), now)
            ended.append(reservation_id)
    return ended
