"""Reserve a series: admitted once, each occurrence booked as a single reservation is, all of them or as chosen."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from uuid import UUID, uuid4

from booking.free import free_slots
from booking.listing import find
from booking.model import Holder, Reservation, Terms
from booking.reserve import Wish, admit, book
from booking.rules.policy import SlotDenied, latest_end, on_grid_before
from booking.series import recurrence
from booking.series import store as series_store
from booking.series.outcome import Outcome, SeriesRefused, attempt
from booking.series.store import Series
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import Viewer
from coop.interval import Interval

MOST_OCCURRENCES = 400
NEAR = timedelta(days=3)


class Conflicts(StrEnum):
    """What becomes of occurrences that cannot be had at their own time."""

    REFUSE = "refuse"
    SKIP = "skip"
    NEAREST = "nearest"


def reserve_series(
    conn: Connection, viewer: Viewer, wish: Wish, rule: str, conflicts: Conflicts, now: datetime
) -> tuple[Series, list[Outcome]]:
    """Reserve what `rule` names from the slot of `wish` on; what cannot be had at its time goes as `conflicts` says.

    Raises `SeriesRefused` with every outcome, and what `recurrence` and `reserve` raise about the whole.
    """
    checked = recurrence.parse(rule)
    admitted = admit(conn, viewer, wish)
    _, terms = admitted
    slots = recurrence.occurrences(checked, wish.when, terms.zone, latest_end(terms, now), most=MOST_OCCURRENCES)
    wanted = [
        attempt(conn, slot.start, slot, partial(book, conn, viewer, at(wish, slot), now, admitted=admitted))
        for slot in slots
    ]
    # What is free beside a refused time is known when all that can be had at their own time are taken.
    outcomes = [
        _beside(conn, viewer, wish, admitted, each, conflicts, now) if each.refusal else each for each in wanted
    ]
    made = [(each.recurrence_id, each.reservation) for each in outcomes if each.reservation]
    if not made or (conflicts is Conflicts.REFUSE and len(made) < len(outcomes)):
        raise SeriesRefused(outcomes, viewer)
    series = Series(uuid4(), wish.when, terms.zone, checked.text)
    series_store.add(conn, series, made, now)
    detail: dict[str, object] = {"rule": series.rule, "reservations": len(made)}
    actor = viewer.acting_for(made[0][1].holder.person_id)
    audit.record(conn, "series.created", viewer=actor, subject=f"series:{series.id}", now=now, detail=detail)
    return series, outcomes


def find_series(
    conn: Connection, viewer: Viewer, identifier: UUID
) -> tuple[Series, list[tuple[datetime, Reservation]]]:
    """A series by its own id or that of one of its reservations; these with their place in the rule, in its order.

    Raises `NotFound` where there is none or the viewer may not know of it.
    """
    series = series_store.series(conn, identifier)
    if series is None:
        raise NotFound()
    places = series_store.occurrences(conn, series.id)
    return series, [(recurrence_id, find(conn, viewer, each)) for each, recurrence_id in places.items()]


def at(wish: Wish, slot: Interval) -> Wish:
    """The same wish for `slot`: whatever is prepared for it is prepared as long before."""
    soaks_from, later = wish.preparation.soaks_from, slot.start - wish.when.start
    prepared = replace(wish.preparation, soaks_from=soaks_from + later if soaks_from else None)
    return replace(wish, when=slot, preparation=prepared)


def nearest(terms: Terms, free: Sequence[Interval], wanted: Interval) -> Interval | None:
    """The slot as long as `wanted` and nearest to it that lies in one of `free` on the machine's grid."""
    length = wanted.end - wanted.start
    starts = [
        on_grid_before(terms, max(each.start, min(wanted.start, each.end - length)))
        for each in free
        if each.end - each.start >= length
    ]
    best = min(starts, key=lambda start: (abs(start - wanted.start), start), default=None)
    return Interval.of(best, length) if best else None


def _beside(
    conn: Connection,
    viewer: Viewer,
    wish: Wish,
    admitted: tuple[Holder, Terms],
    refused: Outcome,
    conflicts: Conflicts,
    now: datetime,
) -> Outcome:
    """The outcome with what can be had instead, which is reserved if that was chosen."""
    around = Interval(refused.wanted.start - NEAR, refused.wanted.end + NEAR)
    _, terms = admitted
    length = refused.wanted.end - refused.wanted.start
    slot = nearest(terms, free_slots(conn, terms, around, now, length), refused.wanted)
    if slot is None:
        return refused
    try:
        with conn.transaction(force_rollback=conflicts is not Conflicts.NEAREST):
            reservation = book(conn, viewer, at(wish, slot), now, admitted=admitted)
    except (SlotDenied, Conflict):
        return refused
    if conflicts is Conflicts.NEAREST:
        return replace(refused, slot=slot, reservation=reservation, nearest=slot)
    return replace(refused, nearest=slot)
