"""Change a series: move or cancel one of its reservations with those that follow, or with all."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from uuid import UUID

from booking.cancel import cancel
from booking.model import Reservation, Terms
from booking.move import HOLDS_TIME, lock_to_change, move
from booking.pending import lapse
from booking.series import recurrence
from booking.series import store as series_store
from booking.series.outcome import Outcome, SeriesRefused, attempt
from booking.series.reserve import find_series
from booking.taken import slot_taken
from booking.waitlist.offer import offer_freed
from coop.database import Connection
from coop.identity import Viewer
from coop.interval import Interval, subtract


class Scope(StrEnum):
    """Which occurrences of a series change with one of them; those that have begun stay as they are."""

    FOLLOWING = "following"
    ALL = "all"


def move_series(
    conn: Connection,
    viewer: Viewer,
    reservation_id: UUID,
    when: Interval,
    scope: Scope,
    now: datetime,
    *,
    version: int | None = None,
) -> list[Outcome]:
    """Give a reservation the slot `when`, and its series the same shift on the local clock and change of length.

    They may shift over each other. All move or none does: raises `SeriesRefused`, or what `move` raises about the
    whole.
    """
    anchor, terms = lock_to_change(conn, viewer, reservation_id, version)
    chosen = _upcoming(conn, viewer, anchor, scope, now)
    by = _local(when.start, terms) - _local(anchor.when.start, terms)
    longer = (when.end - when.start) - (anchor.when.end - anchor.when.start)
    lapse(conn, now, resource_ids=[anchor.machine_id])  # while overlaps are deferred, nobody runs into what is over
    series_store.defer_overlaps(conn)
    moved = []
    # Who goes ahead makes room first, so that a unit of a pool that a sibling has is free again.
    ahead_first = sorted(chosen, key=lambda each: each[1].when, reverse=when.start > anchor.when.start)
    for recurrence_id, each in ahead_first:
        start = recurrence.shifted(each.when.start, by, terms.zone)
        slot = when if each.id == anchor.id else Interval.of(start, each.when.end - each.when.start + longer)
        moved.append(attempt(conn, recurrence_id, slot, partial(move, conn, viewer, each.id, slot, now, offers=False)))
    clashing = series_store.overlapping(conn, [each.id for _, each in chosen])
    outcomes = [
        replace(each, slot=None, refusal=slot_taken(conn, viewer, terms, each.wanted, now, but_for=each.reservation.id))
        if each.reservation and each.reservation.id in clashing
        else each
        for each in sorted(moved, key=lambda each: each.recurrence_id)
    ]
    if any(each.refusal for each in outcomes):
        raise SeriesRefused(outcomes, viewer)
    series_store.check_overlaps(conn)
    has = [each.reservation for each in outcomes if each.reservation]
    for _, was in chosen:
        for freed in subtract(was.when, [each.when for each in has if each.machine_id == was.machine_id]):
            offer_freed(conn, was.machine_id, freed, now)
    return outcomes


def cancel_series(
    conn: Connection, viewer: Viewer, reservation_id: UUID, scope: Scope, now: datetime, *, version: int | None = None
) -> list[Reservation]:
    """Cancel a reservation and of its series what has not begun; raises what `cancel` raises about any of them."""
    anchor, _ = lock_to_change(conn, viewer, reservation_id, version)
    return [cancel(conn, viewer, each.id, now) for _, each in _upcoming(conn, viewer, anchor, scope, now)]


def _upcoming(
    conn: Connection, viewer: Viewer, anchor: Reservation, scope: Scope, now: datetime
) -> list[tuple[datetime, Reservation]]:
    """The reservation itself, and those of its series in `scope` that hold time and have not begun."""
    _, members = find_series(conn, viewer, anchor.id)
    since = next(recurrence_id for recurrence_id, each in members if each.id == anchor.id)
    return [
        (recurrence_id, each)
        for recurrence_id, each in members
        if each.id == anchor.id
        or ((scope is Scope.ALL or recurrence_id > since) and each.status in HOLDS_TIME and each.when.start > now)
    ]


def _local(moment: datetime, terms: Terms) -> datetime:
    return moment.astimezone(terms.zone).replace(tzinfo=None)
