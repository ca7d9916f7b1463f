"""A trainee's reservation claims its instructor for the whole slot, like any other thing that it needs."""

from dataclasses import replace
from uuid import UUID

from booking.services.model import Need, Service
from booking.services.store import hours_of
from coop.database import Connection
from coop.queries import load

SQL = load("booking.training")


def supervised(
    conn: Connection, service: Service, *, instructor_id: UUID | None = None, reservation_id: UUID | None = None
) -> Service:
    """`service` that needs the instructor who is named, or whom a reservation has; unchanged if there is none.

    Whether somebody may instruct is for the rules to say; who never was an instructor cannot be claimed.
    """
    values = {"instructor_id": instructor_id, "reservation_id": reservation_id}
    row = conn.execute(SQL["instructor_of"], values).fetchone()
    if row is None:
        return service
    need = Need("supervisor", (row[0],))
    return replace(service, needs=(*service.needs, need), hours=service.hours | hours_of(conn, [row[0]]))
