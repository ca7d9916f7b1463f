"""Which unit of a pool is taken: the first that is free, so that every need of a service finds one."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from booking.model import Claim, Terms
from booking.services.model import Need
from coop.interval import Interval, merge, subtract
from coop.machines import open_intervals

Busy = Mapping[str, Sequence[Interval]]
"""When each resource is not to be had, merged and by time."""


def choose(terms: Terms, when: Interval, busy: Busy, kept: Mapping[str, str] | None = None) -> tuple[Claim, ...] | None:
    """The claims of the slot `when`: its machine, and a unit for each need. None if a need finds no unit.

    `kept` are the units that needs had before, by need: they keep them if they can. Whether the machine is free is not
    asked here.
    """
    needs = [(need, during) for need in terms.service.needs if (during := need.during(when, terms.zone))]
    return _fill(needs, (terms.main_claim(when),), busy, kept or {})


def _fill(
    needs: Sequence[tuple[Need, Interval]], chosen: tuple[Claim, ...], busy: Busy, kept: Mapping[str, str]
) -> tuple[Claim, ...] | None:
    if not needs:
        return chosen
    (need, during), rest = needs[0], needs[1:]
    for unit in sorted(need.units, key=lambda unit: unit != kept.get(need.name)):
        if any(claim.resource_id == unit and claim.blocked.overlaps(during) for claim in chosen):
            continue
        if is_clear(busy.get(unit, ()), during):
            found = _fill(rest, (*chosen, Claim(unit, during, need.name)), busy, kept)
            if found is not None:
                return found
    return None


def is_clear(busy: Sequence[Interval], during: Interval) -> bool:
    """Whether nothing of `busy` (merged, by time) overlaps `during`."""
    before = bisect_left(busy, during.end, key=lambda each: each.start)
    return before == 0 or busy[before - 1].end <= during.start


def hull(terms: Terms, slots: Sequence[Interval]) -> Interval | None:
    """The time in which the needs of `slots` lie; None if they have none."""
    times = [during for need in terms.service.needs for slot in slots if (during := need.during(slot, terms.zone))]
    return Interval(min(each.start for each in times), max(each.end for each in times)) if times else None


def with_hours(terms: Terms, blocked: Mapping[str, Sequence[Interval]], window: Interval) -> Busy:
    """`blocked` and, for units that keep hours, the time outside them."""
    busy = {unit: list(times) for unit, times in blocked.items()}
    for unit, hours in terms.service.hours.items():
        away = subtract(window, open_intervals(hours, window, terms.zone))
        busy[unit] = [*busy.get(unit, ()), *away]
    return {unit: merge(times) for unit, times in busy.items()}
