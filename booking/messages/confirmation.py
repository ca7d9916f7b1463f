"""What a person needs to know for a reservation: written in their letter, and told to who asks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from booking.listing import find
from booking.model import Status
from booking.presence.access import Access
from coop.database import Connection
from coop.identity import Viewer
from coop.queries import load

SQL = load("booking.messages")
STANDS = frozenset({Status.CONFIRMED, Status.IN_USE})
"""When a person is told how to get in: a request or an offer may still come to nothing."""

Quote = Callable[[Connection, UUID], int | None]
"""The most that a reservation can cost, in yen; None where nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The room, the key, when the part is brought, who helps, until when it may be cancelled, the most it can cost.

    What is None or empty is not known, or not asked for.
    """

    site: str
    access: Access
    bring_by: datetime | None
    helpers: tuple[str, ...]
    cancel_until: datetime
    at_most_yen: int | None = None


def confirmation(conn: Connection, viewer: Viewer, reservation_id: UUID, quote: Quote) -> Confirmation:
    """What is to be known of a reservation that the viewer may know of. Raises `NotFound`."""
    reservation = find(conn, viewer, reservation_id)
    holder = reservation.holder.person_id
    return needed(conn, reservation_id, reservation.when.start, reservation.status, but_for=holder, quote=quote)


def needed(
    conn: Connection,
    reservation_id: UUID,
    start: datetime,
    status: Status,
    *,
    but_for: UUID | None,
    quote: Quote | None = None,
) -> Confirmation:
    """What is to be known of a reservation that starts at `start`; the reader `but_for` is not named as a helper.

    Without a `quote` it says no price. The key is only told while the reservation stands.
    """
    row = conn.execute(SQL["needed"], {"reservation_id": reservation_id, "person_id": but_for}).fetchone()
    assert row is not None, "reservations are never deleted once they are told of"
    site, note_ja, note_en, cancel_minutes, soak_minutes, soaks_from, helpers = row
    if soaks_from is None and soak_minutes:
        soaks_from = start - timedelta(minutes=soak_minutes)
    return Confirmation(
        site=site,
        access=Access(note_ja, note_en) if status in STANDS else Access(),
        bring_by=soaks_from,
        helpers=tuple(helpers),
        cancel_until=start - timedelta(minutes=cancel_minutes),
        at_most_yen=quote(conn, reservation_id) if quote else None,
    )
