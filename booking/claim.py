"""Claim all that a slot needs, at once: the machine, and a free unit for every need of its service."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from booking.free import busy
from booking.model import Claim, Terms
from booking.pending import lapse
from booking.services import pools
from booking.store import Overlap
from booking.taken import slot_taken
from coop.database import Connection
from coop.identity import Viewer
from coop.interval import Interval

Write = Callable[[tuple[Claim, ...]], None]


def claim(
    conn: Connection,
    viewer: Viewer,
    terms: Terms,
    when: Interval,
    now: datetime,
    write: Write,
    *,
    but_for: UUID | None = None,
    kept: Mapping[str, str] | None = None,
) -> None:
    """Choose the claims of the slot `when` and `write` them; what stood in the way is looked at anew after an overlap.

    The locks of `store.lock` are held, so that what is chosen stays free; who wrote past them is seen as an overlap and
    the next unit is tried. `but_for` is the reservation that is changed, `kept` the units that it has. Raises
    `SlotTaken`.
    """
    refused: tuple[Claim, ...] | None = None
    while True:
        claims = pools.choose(terms, when, busy(conn, terms, [when], but_for), kept)
        if claims is None or claims == refused:
            raise slot_taken(conn, viewer, terms, when, now, but_for=but_for)
        try:
            return write(claims)
        except Overlap:
            ended = lapse(conn, now, resource_ids=[each.resource_id for each in claims], for_taker=True)
            refused = None if ended else claims
