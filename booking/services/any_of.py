"""Reserve any machine of a pool: the first by id that the rules allow and that is free."""

from dataclasses import replace
from datetime import datetime

from booking import store
from booking.model import Reservation
from booking.reserve import Wish, book, for_whom
from booking.rules.policy import SlotDenied
from booking.services.define import pool_units
from booking.taken import SlotTaken
from coop.database import Connection
from coop.identity import Viewer


def reserve_any(conn: Connection, viewer: Viewer, pool_id: str, wish: Wish, now: datetime) -> Reservation:
    """Reserve what `wish` wants on some machine of a pool; its `machine_id` is not looked at.

    The member and then all machines of the pool are locked first, in the order in which everybody locks. Raises
    `ResourceUnknown`, or for the last machine what `reserve` raises.
    """
    units = pool_units(conn, pool_id)
    member_id, person_id = for_whom(viewer, wish)
    store.lock(conn, units[0], member_id, person_id, also=units)
    for unit in units[:-1]:
        try:
            return book(conn, viewer, replace(wish, machine_id=unit), now)
        except (SlotTaken, SlotDenied):
            continue
    return book(conn, viewer, replace(wish, machine_id=units[-1]), now)
