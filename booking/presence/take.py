"""Take a machine that is free now, standing before it: what is free is reserved, and begun with the code at it."""

from datetime import datetime, timedelta

from booking import store
from booking.free import free_slots
from booking.model import Reservation, Status
from booking.presence import store as store_presence
from booking.presence.check_in import OFFICE, begin_due, prove, theirs
from booking.presence.rules import Came
from booking.projection import free as told_free
from booking.reserve import Wish, reserve
from booking.rules.facts import for_member
from booking.taken import SlotTaken
from coop.database import Connection
from coop.errors import Conflict
from coop.identity import Viewer
from coop.interval import Interval

USUAL = timedelta(hours=1)
LOOK_AHEAD = timedelta(days=7)
A_GRANULE = timedelta(hours=1)
"""A slot under way since the last grid line can still be booked."""


class NotFreeNow(Conflict):
    """Nobody can begin on the machine now; `next_free` of the problem document says when."""

    code = "booking.not_free_now"


def take(
    conn: Connection,
    viewer: Viewer,
    machine_id: str,
    now: datetime,
    *,
    length: timedelta = USUAL,
    code: str | None = None,
    secret_key: str = "",
) -> Reservation:
    """One's reservation of a machine for now: the one that is due, else what is free, up to `length`.

    It is begun with the code at the machine; without it, it is reserved and waits for its person. Once more changes
    nothing. Raises `NotAtMachine`, `NotFreeNow`, `SlotDenied`, `SlotTaken`, `HolderUnknown` or `MachineUnknown`.
    """
    at_machine = prove(conn, secret_key, machine_id, code) if code is not None else viewer.has(*OFFICE)
    due = theirs(store_presence.due(conn, machine_id, now), viewer, anybody=at_machine and code is None)
    if due is None:
        try:
            reserved = reserve(conn, viewer, Wish(machine_id, _free_now(conn, viewer, machine_id, now, length)), now)
        except (SlotTaken, NotFreeNow):  # by a second tap of the same finger?
            due = theirs(store_presence.due(conn, machine_id, now), viewer, anybody=False)
            if due is None:
                raise
        else:
            if reserved.status is not Status.CONFIRMED or not at_machine:
                return reserved
            return begin_due(conn, viewer, reserved.id, Came.OFFICE if code is None else Came.CODE, now)
    if at_machine:
        return begin_due(conn, viewer, due.reservation_id, Came.OFFICE if code is None else Came.CODE, now)
    found = store.reservation(conn, due.reservation_id)
    assert found is not None, "reservations are never deleted"
    return found


def _free_now(conn: Connection, viewer: Viewer, machine_id: str, now: datetime, length: timedelta) -> Interval:
    """The slot from the grid line before `now`; raises `NotFreeNow` or `MachineUnknown`."""
    terms = for_member(conn, store.terms(conn, machine_id), viewer.member_id)
    free = free_slots(conn, terms, Interval(now - A_GRANULE, now + LOOK_AHEAD), now)
    if not free or not free[0].contains(now):
        instead = [told_free(machine_id, each) for each in free[:3]]
        raise NotFreeNow(machine=machine_id, extra={"next_free": instead})
    return Interval(free[0].start, min(free[0].end, free[0].start + length))
