"""When a machine is free: its opening hours without what is taken, set-up and tear-down included. Nothing is locked."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from booking import store
from booking.model import Terms
from booking.policy import earliest_start, latest_end, on_grid_after, on_grid_before
from coop.database import Connection
from coop.interval import Interval, merge, subtract
from coop.machines import open_intervals

STRIDE = timedelta(days=7)


def stretches(terms: Terms, blocked: Iterable[Interval], window: Interval) -> list[Interval]:
    """Where a slot may lie within `window`, by time: open, and with room for its set-up and tear-down beside `blocked`.

    A slot keeps its distance from a blocked time: its set-up lies before it, its tear-down after it.
    """
    kept_clear = [Interval(each.start - terms.tear_down, each.end + terms.set_up) for each in blocked]
    return [free for hours in open_intervals(terms.hours, window, terms.zone) for free in subtract(hours, kept_clear)]


def bookable(terms: Terms, free: Iterable[Interval], now: datetime) -> Iterator[Interval]:
    """The parts of `free` that can be booked at `now`: on the grid, long enough, not past and within the horizon."""
    if not terms.in_service:
        return
    first, last = earliest_start(terms, now), latest_end(terms, now)
    for each in free:
        start, end = on_grid_after(terms, max(each.start, first)), on_grid_before(terms, min(each.end, last))
        if end - start >= timedelta(minutes=terms.shortest_minutes):
            yield Interval(start, end)


def slots(free: Iterable[Interval], length: timedelta) -> Iterator[Interval]:
    """Slots of `length` within `free`, one after the other."""
    for each in free:
        start = each.start
        while start + length <= each.end:
            yield Interval.of(start, length)
            start += length


def free_slots(conn: Connection, terms: Terms, window: Interval, now: datetime) -> list[Interval]:
    """The stretches of `window` in which the machine of `terms` can be booked, by time."""
    possible = Interval(earliest_start(terms, now), latest_end(terms, now)).intersect(window)
    return list(bookable(terms, _free(conn, terms, possible, None), now)) if possible else []


def next_free(
    conn: Connection,
    terms: Terms,
    length: timedelta,
    *,
    after: datetime,
    now: datetime,
    count: int = 3,
    but_for: UUID | None = None,
) -> list[Interval]:
    """The next `count` slots of `length` that start at or after `after`, not counting the reservation `but_for`."""
    if length > timedelta(minutes=terms.longest_minutes):
        return []
    ahead = _ahead(conn, terms, max(after, earliest_start(terms, now)), latest_end(terms, now), but_for)
    return list(islice(slots(bookable(terms, ahead, now), length), count))


def _ahead(conn: Connection, terms: Terms, start: datetime, last: datetime, but_for: UUID | None) -> Iterator[Interval]:
    """Free stretches from `start` to `last`, read a stride at a time: mostly the first is enough."""
    pending: list[Interval] = []
    while start < last:
        window = Interval(start, min(start + STRIDE, last))
        pending = merge([*pending, *_free(conn, terms, window, but_for)])
        yield from pending[:-1]
        pending = pending[-1:]
        start = window.end
    yield from pending


def _free(conn: Connection, terms: Terms, window: Interval, but_for: UUID | None) -> list[Interval]:
    around = Interval(window.start - terms.set_up, window.end + terms.tear_down)
    return stretches(terms, store.blocked(conn, terms.machine_id, around, but_for=but_for), window)
