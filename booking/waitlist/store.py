"""The waitlist and its offers in rows."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from booking.model import Reservation
from booking.services.model import ServiceKind
from booking.store import HolderUnknown
from booking.waitlist.waiting import Needs, Offer, Request, Whose
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.interval import Interval
from coop.paging import WHOLE, Slice
from coop.queries import load

SQL = load("booking.waitlist")


def lock_to_offer(conn: Connection, machine_id: str) -> None:
    """Keep others from giving away or taking a machine's time until the transaction ends."""
    lock_waiting(conn, machine_id, None)
    conn.execute(SQL["lock_resource"], {"machine_id": machine_id})


def lock_waiting(conn: Connection, machine_id: str, member_id: str | None) -> None:
    """Lock a member, and all members who wait for time of a machine: before the machine, as everybody does.

    Who frees time books it for who waits. Locking their member only then would meet somebody who has that lock and
    wants the machine.
    """
    conn.execute(SQL["lock_waiting"], {"machine_id": machine_id, "member_id": member_id})


def viewer_of(conn: Connection, person_id: UUID) -> Viewer:
    """A person of a member as a viewer, to judge for them while they are away; raises `HolderUnknown`."""
    row = conn.execute(SQL["viewer_of_person"], {"person_id": person_id}).fetchone()
    if row is None or row[1] is None:
        raise HolderUnknown()
    return Viewer(row[0], row[1], frozenset(Role(role) for role in row[3]), locale=row[2])


def machines_for(conn: Connection, needs: Needs) -> list[str]:
    """The machines in service that meet `needs`, by id."""
    return [machine_id for (machine_id,) in conn.execute(SQL["machines_for"], _written(needs))]


def add_request(conn: Connection, request: Request) -> None:
    """Enter a request."""
    values = {
        "id": request.id,
        "member_id": request.member_id,
        "person_id": request.person_id,
        "purpose": request.purpose,
        "length_minutes": request.length // timedelta(minutes=1),
        "earliest_start": request.window.start,
        "latest_end": request.window.end,
        "now": request.created_at,
    }
    conn.execute(SQL["add_request"], values | _written(request.needs))


def request(conn: Connection, request_id: UUID) -> Request | None:
    """One request, whoever asks."""
    row = conn.execute(SQL["request_by_id"], {"id": request_id}).fetchone()
    return None if row is None else _request(row)


def requests_of(conn: Connection, whose: Whose, part: Slice = WHOLE) -> list[Request]:
    """What they wait for, oldest first."""
    values = asdict(whose) | part.values("after_created", "after_id")
    return [_request(row) for row in conn.execute(SQL["requests_of"], values)]


def withdraw(conn: Connection, request_id: UUID) -> bool:
    """End a request; False if it does not wait any more."""
    return conn.execute(SQL["end_request"], {"id": request_id}).rowcount == 1


def lapse(conn: Connection, now: datetime) -> int:
    """End the requests whose time has passed; how many."""
    return conn.execute(SQL["lapse_waiting"], {"now": now}).rowcount


def machines_waited_for(conn: Connection, now: datetime) -> list[str]:
    """The machines that somebody without an offer waits for, by id."""
    return [machine_id for (machine_id,) in conn.execute(SQL["machines_waited_for"], {"now": now})]


def waiting_for(conn: Connection, machine_id: str, window: Interval, now: datetime) -> list[Request]:
    """Who waits for time of a machine within `window` and has no offer: the highest priority first, then the oldest."""
    values = {"machine_id": machine_id, "from": window.start, "until": window.end, "now": now}
    return [_request(row) for row in conn.execute(SQL["waiting_for"], values)]


def offered_before(conn: Connection, request_id: UUID, machine_id: str) -> list[Interval]:
    """The times of a machine that were offered for a request already."""
    rows = conn.execute(SQL["offered_before"], {"request_id": request_id, "machine_id": machine_id})
    return [Interval(start, end) for start, end in rows]


def add_offer(conn: Connection, request: Request, held: Reservation, lasts: timedelta, now: datetime) -> Offer | None:
    """Offer what is `held` for a request; None if that got another offer at the same moment."""
    offer_id = uuid4()
    values = {
        "id": offer_id,
        "request_id": request.id,
        "reservation_id": held.id,
        "machine_id": held.machine_id,
        "start": held.when.start,
        "end": held.when.end,
        "lasts": lasts,
        "now": now,
    }
    made = conn.execute(SQL["add_offer"], values).fetchone()
    return offer(conn, offer_id) if made else None


def offer(conn: Connection, offer_id: UUID) -> Offer | None:
    """One offer, whoever asks."""
    row = conn.execute(SQL["offer_by_id"], {"id": offer_id}).fetchone()
    return None if row is None else _offer(row)


def open_offers(conn: Connection, whose: Whose, *, request_id: UUID | None = None) -> list[Offer]:
    """The offers that wait for their answer, the first to end first."""
    return [_offer(row) for row in conn.execute(SQL["open_offers"], asdict(whose) | {"request_id": request_id})]


def offers_over(conn: Connection) -> list[UUID]:
    """The offers that nobody answered in time by the clock of the database, the first first."""
    return [offer_id for (offer_id,) in conn.execute(SQL["offers_over"])]


def _request(row: Sequence[Any]) -> Request:
    request_id, machine_id, kind, x, y, z, load, service, options, instructor_id, *rest = row
    member_id, person_id, purpose, minutes, start, end, status, at = rest
    needs = Needs(machine_id, kind, x, y, z, load, ServiceKind(service), tuple(options), instructor_id)
    length = timedelta(minutes=minutes)
    return Request(request_id, needs, member_id, person_id, purpose, length, Interval(start, end), status, at)


def _written(needs: Needs) -> dict[str, Any]:
    return asdict(needs) | {"service": needs.service.value, "options": list(needs.options)}


def _offer(row: Sequence[Any]) -> Offer:
    offer_id, request_id, reservation_id, machine_id, start, end, expires_at, answer, member_id, person_id = row
    when = Interval(start, end)
    return Offer(offer_id, request_id, reservation_id, machine_id, when, expires_at, answer, member_id, person_id)
