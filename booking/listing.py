"""Look up reservations: one, a page of them, or what stands on the board."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from booking import store
from booking.model import Reservation
from booking.projection import Seen, knows, seen
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Viewer
from coop.interval import Interval
from coop.paging import cursor_of, key_in


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list; `next_cursor` leads to the rest, None at its end."""

    reservations: list[Seen]
    next_cursor: str | None


def find(conn: Connection, viewer: Viewer, reservation_id: UUID) -> Reservation:
    """One reservation; raises `NotFound` for one that is not there or that the viewer may not know."""
    reservation = store.reservation(conn, reservation_id)
    if reservation is None or not knows(viewer, reservation):
        raise NotFound()
    return reservation


def reservations_of(
    conn: Connection,
    viewer: Viewer,
    *,
    since: datetime,
    until: datetime | None = None,
    machine_id: str | None = None,
    mine: bool = False,
    member_id: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """A page of the reservations that touch `[since, until)`, by start, as `viewer` may see them.

    `mine` keeps those that are for the viewer themselves, `member_id` those of one member; cancelled and released ones
    are left out. Raises `CursorInvalid`, or `NotFound` for a member that the viewer may not know.
    """
    if member_id is not None and not viewer.sees_names_of(member_id):
        raise NotFound()
    found = store.reservations(
        conn,
        since=since,
        until=until,
        machine_id=machine_id,
        person_id=viewer.person_id if mine else None,
        member_id=member_id,
        after=key_in(cursor, datetime, UUID) if cursor else None,
        limit=limit + 1,
    )
    last = found[limit - 1] if len(found) > limit else None
    more = cursor_of(last.when.start, last.id) if last else None
    return Page([seen(each, viewer) for each in found[:limit]], more)


def on_board(conn: Connection, viewer: Viewer, machine_ids: Sequence[str], window: Interval) -> dict[str, list[Seen]]:
    """Who has each machine within `window`, by machine and start, as `viewer` may see it; a key for every machine."""
    board: dict[str, list[Seen]] = defaultdict(list, {machine_id: [] for machine_id in machine_ids})
    for each in store.taken(conn, machine_ids, window):
        if each.reservation and each.reservation.when.overlaps(window):
            board[each.claim.resource_id].append(seen(each.reservation, viewer))
    return dict(board)
