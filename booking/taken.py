"""The answer to who came second: what is in the way, and what is free instead."""

from datetime import datetime
from uuid import UUID

from booking import projection, store
from booking.free import next_free
from booking.model import Terms
from booking.store import Overlap
from coop.database import Connection
from coop.identity import Viewer
from coop.interval import Interval


class SlotTaken(Overlap):
    """Somebody has the machine then. `conflicts` says what the viewer may know, `next_free` three slots instead."""


def slot_taken(
    conn: Connection, viewer: Viewer, terms: Terms, when: Interval, now: datetime, *, but_for: UUID | None = None
) -> SlotTaken:
    """The error for `when`; `but_for` is the reservation that was to be moved there."""
    conflicts = [
        projection.conflict(each, viewer)
        for claim in terms.claims(when)
        for each in store.taken(conn, [claim.resource_id], claim.blocked)
        if each.reservation.id != but_for
    ]
    instead = next_free(conn, terms, when.end - when.start, after=when.start, now=now, but_for=but_for)
    return SlotTaken(
        machine=terms.machine_id,
        extra={
            "conflicts": conflicts,
            "next_free": [projection.free(terms.machine_id, slot) for slot in instead],
        },
    )
