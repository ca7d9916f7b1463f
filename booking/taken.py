"""The answer to who came second: what is in the way, and what is free instead."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from booking import projection, store
from booking.free import next_free
from booking.model import Terms
from booking.store import Overlap, Taken
from coop.database import Connection
from coop.identity import Viewer
from coop.interval import Interval


class SlotTaken(Overlap):
    """Somebody has the machine then, or what the service needs of it.

    `conflicts` says what the viewer may know, `next_free` three slots instead.
    """


def slot_taken(
    conn: Connection, viewer: Viewer, terms: Terms, when: Interval, now: datetime, *, but_for: UUID | None = None
) -> SlotTaken:
    """The error for `when`; `but_for` is the reservation that was to be moved there."""
    main = terms.main_claim(when)
    wanted: list[tuple[tuple[str, ...], Interval]] = [((main.resource_id,), main.blocked)]
    wanted += [(need.units, during) for need in terms.service.needs if (during := need.during(when, terms.zone))]
    conflicts = [
        projection.conflict(each, viewer)
        for units, during in wanted
        for each in _in_the_way(conn, units, during, but_for)
    ]
    instead = next_free(conn, terms, when.end - when.start, after=when.start, now=now, but_for=but_for)
    return SlotTaken(
        machine=terms.machine_id,
        extra={
            "conflicts": conflicts,
            "next_free": [projection.free(terms.machine_id, slot) for slot in instead],
        },
    )


def _in_the_way(conn: Connection, units: Sequence[str], during: Interval, but_for: UUID | None) -> list[Taken]:
    """What takes `units`, if it leaves none of them free."""
    taken = [
        each for each in store.taken(conn, units, during) if each.reservation is None or each.reservation.id != but_for
    ]
    return taken if {each.claim.resource_id for each in taken} == set(units) else []
