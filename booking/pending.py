"""Requests that wait for an answer hold their time, by the clock of the database, until nobody answered them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from booking import store
from booking.model import Reservation, Status
from booking.services import store as store_services
from booking.services.model import Service
from booking.tell import tell
from coop.database import Connection
from coop.identity import SYSTEM, Role, Viewer

SQL = store.SQL
APPROVES = (Role.OPERATOR, Role.OFFICE)


def standing(
    conn: Connection, viewer: Viewer, service: Service, start: datetime, now: datetime
) -> tuple[Status, datetime | None]:
    """What a reservation becomes that `viewer` makes now: confirmed, or pending until when by the database's clock.

    A request ends when its slot starts, but waits a minute at least.
    """
    if service.approval_minutes is None or viewer.has(*APPROVES):
        return Status.CONFIRMED, None
    waits = max(min(timedelta(minutes=service.approval_minutes), start - now), timedelta(minutes=1))
    row = conn.execute(SQL["moment_from_now"], {"length": waits}).fetchone()
    assert row is not None
    return Status.PENDING, row[0]


def ask(conn: Connection, viewer: Viewer, reservation: Reservation, now: datetime) -> Reservation:
    """Make a request of a hold or offer that `viewer` just confirmed, where the machine asks for approval."""
    service = store_services.service(conn, reservation.machine_id, reservation.service, reservation.options)
    status, expires_at = standing(conn, viewer, service, reservation.when.start, now)
    if status is Status.PENDING:
        conn.execute(SQL["ask_approval"], {"id": reservation.id, "expires_at": expires_at})
    return replace(reservation, status=status)


def over(conn: Connection) -> list[str]:
    """The machines, and persons, of requests that nobody answered in time by the database's clock."""
    return [resource_id for (resource_id,) in conn.execute(SQL["requests_over"])]


def lapse(
    conn: Connection, now: datetime, *, resource_ids: Sequence[str] | None = None, for_taker: bool = False
) -> list[UUID]:
    """Decline the requests whose time is over by the database's clock, of some resources or of all; which they were.

    Idempotent: a missed run is made up by the next. What others wait for does not end `for_taker`, who would come
    before them; the sweep ends and offers it.
    """
    rows = conn.execute(
        SQL["lapse_requests"], {"resource_ids": resource_ids, "now": now, "for_taker": for_taker}
    ).fetchall()
    for (identifier,) in rows:
        reservation = store.reservation(conn, identifier)
        assert reservation is not None
        tell(conn, "reservation.lapsed", SYSTEM, reservation, now)
    return [identifier for (identifier,) in rows]
