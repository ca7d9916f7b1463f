"""When a machine is free: its opening hours without what is taken, set-up and tear-down included. Nothing is locked."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from booking import store
from booking.model import Terms
from booking.rules.policy import earliest_start, fit, latest_end, on_grid_after, on_grid_before
from booking.services import pools
from booking.services import store as store_services
from coop.database import Connection
from coop.interval import Interval, merge, subtract

STRIDE = timedelta(days=7)


def stretches(terms: Terms, blocked: Iterable[Interval], window: Interval) -> list[Interval]:
    """Where a slot may lie within `window`, by time: open, and with room for its set-up and tear-down beside `blocked`.

    A slot keeps its distance from a blocked time: its set-up lies before it, its tear-down after it.
    """
    kept_clear = [Interval(each.start - terms.tear_down, each.end + terms.set_up) for each in blocked]
    return [free for hours in terms.calendar.open_intervals(window) for free in subtract(hours, kept_clear)]


def bookable(terms: Terms, free: Iterable[Interval], now: datetime) -> Iterator[Interval]:
    """The parts of `free` that can be booked at `now`: on the grid, long enough, not past and within the horizon."""
    first, last = earliest_start(terms, now), latest_end(terms, now)
    if not fit(terms) or last <= first:
        return
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


def runs(terms: Terms, free: Iterable[Interval], length: timedelta, taken: pools.Busy) -> Iterator[Interval]:
    """The stretches of `free` in which slots of `length` find a unit for each need, from any grid line on."""
    step = timedelta(minutes=terms.granularity_minutes)
    for each in free:
        first, start = None, each.start
        while start + length <= each.end:
            fits = pools.choose(terms, Interval.of(start, length), taken) is not None
            if fits and first is None:
                first = start
            if first is not None and not fits:
                yield Interval(first, start - step + length)
                first = None
            start += step
        if first is not None:
            yield Interval(first, start - step + length)


def free_slots(
    conn: Connection, terms: Terms, window: Interval, now: datetime, length: timedelta | None = None
) -> list[Interval]:
    """The stretches of `window` in which the machine of `terms` can be booked, by time.

    Where its service needs more than the machine, they are those for slots of `length` (the shortest, if not given).
    """
    start, end = max(window.start, earliest_start(terms, now)), min(window.end, latest_end(terms, now))
    free = list(bookable(terms, _free(conn, terms, Interval(start, end), None), now)) if start < end else []
    length = length or timedelta(minutes=terms.shortest_minutes)
    return list(_served(conn, terms, free, length, None))


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
    served = _served(conn, terms, bookable(terms, ahead, now), length, but_for)
    return list(islice(slots(served, length), count))


def room_until(conn: Connection, terms: Terms, when: Interval, but_for: UUID) -> datetime:
    """Until when the reservation `but_for` of `when` could last: what comes next, closing time, the longest allowed.
    Units of its service are not looked at."""
    longest = when.start + timedelta(minutes=terms.longest_minutes)
    window = Interval(when.start, max(when.end, longest))
    last = next((each.end for each in _free(conn, terms, window, but_for) if each.contains(when.start)), when.end)
    return max(when.end, on_grid_before(terms, last))


def _served(
    conn: Connection, terms: Terms, free: Iterable[Interval], length: timedelta, but_for: UUID | None
) -> Iterator[Interval]:
    """Of the stretches in which the machine is free, those in which its service can be had; asked one at a time."""
    if not terms.service.needs:
        yield from free
        return
    for each in free:
        if each.start + length <= each.end:
            first, last = Interval.of(each.start, length), Interval(each.end - length, each.end)
            yield from runs(terms, [each], length, busy(conn, terms, [first, last], but_for))


def busy(conn: Connection, terms: Terms, slots: Sequence[Interval], but_for: UUID | None) -> pools.Busy:
    """When units are not to be had that slots from the first to the last may need."""
    window = pools.hull(terms, slots)
    if window is None:
        return {}
    taken = store_services.busy(conn, terms.service.unit_ids, window, but_for=but_for)
    return pools.with_hours(terms, taken, window)


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
