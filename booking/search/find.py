"""What is free for these needs from A to B, across all machines."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from booking.free import bookable, runs, slots
from booking.model import Denial, Terms
from booking.rules.policy import Facts, Question, judge
from booking.search import ranking
from booking.search import store as store_search
from booking.search.opened import Opened
from booking.search.ranking import Answer, Order, PartNeeds
from booking.search.store import Gap
from booking.services import pools
from booking.services import store as store_services
from booking.services.model import ServiceKind
from coop import machines
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.interval import Interval
from coop.machines import Machine

SLOTS = 3
"""How many slots of a machine are shown."""

FIRST_GAPS = 8
"""In so many gaps between reservations most machines have that many slots."""

NOTHING_FREE = Denial("booking.nothing_free")
NOT_OFFERED = Denial("booking.service_unknown")

LASTING = frozenset(
    {
        "booking.out_of_service",
        "booking.check_failed",
        "booking.members_only",
        "booking.nonmember_limit_reached",
        "booking.qualification_missing",
        "booking.qualification_lapsed",
        "booking.too_short",
        "booking.too_long",
    }
)
"""What no other slot would change."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: a slot of `length` within `window` for `service` on a machine that meets `needs`."""

    needs: PartNeeds
    window: Interval
    length: timedelta
    service: ServiceKind = ServiceKind.SELF_USE


@dataclass(frozen=True, slots=True)
class Found:
    """One machine: whether it could, why not or what to ask (`reasons`), why this viewer may not book it (`denials`),
    and the first slots that they may."""

    machine: Machine
    answer: Answer
    reasons: Sequence[Denial]
    denials: Sequence[Denial] = ()
    slots: Sequence[Interval] = ()


def search(conn: Connection, viewer: Viewer, wanted: Search, order: Order, now: datetime) -> list[Found]:
    """Every machine of the kind and site in question, what can be booked first, then what to ask, then what cannot.

    A search that found no slot is remembered as unmet demand, without who it was.
    """
    needs = wanted.needs
    known = [
        each for each in machines.machines(conn) if needs.kind in {None, each.kind} and needs.site in {None, each.site}
    ]
    screened = {each.id: ranking.screen(each, needs) for each in known}
    possible = [each.id for each in known if ranking.answer(screened[each.id]) is not Answer.NO]
    terms = store_search.terms_of_all(conn, possible, wanted.service)
    standing = store_search.standing_of_all(conn, viewer, {each.kind for each in known}, wanted.window.start, now)
    if viewer.has(Role.OFFICE, Role.OPERATOR):
        standing = replace(standing, facts=replace(standing.facts, is_member=True))
    looked = _look(conn, list(terms.values()), wanted, now, standing.to, alone=viewer.member_id is not None)
    found = [_found(each, screened[each.id], looked, offered=each.id in terms) for each in known]
    if not any(each.slots for each in found):
        store_search.log_unmet_demand(
            conn,
            needs,
            wanted.window,
            wanted.length,
            wanted.service,
            by_member=viewer.member_id is not None and standing.facts.is_member,
            candidates=len(terms),
            now=now,
        )
    return sorted(found, key=lambda each: _rank(each, order))


def _found(
    machine: Machine, said: list[Denial], looked: dict[str, tuple[list[Interval], list[Denial]]], *, offered: bool
) -> Found:
    answer = ranking.answer(said)
    if answer is Answer.NO:
        return Found(machine, answer, said)
    if not offered:
        return Found(machine, Answer.NO, [*said, NOT_OFFERED])
    slots, denials = looked[machine.id]
    return Found(machine, answer, said, denials, slots)


def _rank(found: Found, order: Order) -> tuple[object, ...]:
    first = found.slots[0].start.timestamp() if found.slots else float("inf")
    grade = list(Answer).index(found.answer)
    spare = ranking.spare(found.machine)
    told = (first, spare) if order is Order.EARLIEST else (spare, first)
    return (not found.slots, grade, *told, found.machine.id)


def _look(
    conn: Connection,
    machines: Sequence[Terms],
    wanted: Search,
    now: datetime,
    facts: Callable[[Terms], Facts],
    *,
    alone: bool,
) -> dict[str, tuple[list[Interval], list[Denial]]]:
    """The first slots of each machine and, where it has none, what stands against it.

    The first gaps of all machines are read at once; all gaps, of those that find too little in them.
    """
    opened, taken = Opened(wanted.window), _taken(conn, machines, wanted.window, wanted.length)
    questions = {
        each.machine_id: Question(
            Interval.of(wanted.window.start, wanted.length),
            each,
            now,
            alone=alone and wanted.service is ServiceKind.SELF_USE,
            facts=facts(each),
            opened=opened.of(each),
        )
        for each in machines
    }
    found: dict[str, tuple[list[Interval], list[Denial]]] = {}
    pending = machines
    for most in (FIRST_GAPS, None):
        gaps = store_search.gaps_of_all(conn, pending, wanted.window, wanted.length, most)
        for each in pending:
            question = questions[each.machine_id]
            slots = _slots(question, gaps.get(each.machine_id, []), wanted, taken)
            found[each.machine_id] = _first(question, slots)
        pending = [each for each in pending if _may_find_more(found[each.machine_id], gaps.get(each.machine_id), most)]
        if not pending:
            break
    return {
        machine_id: (slots, [] if slots else refused or _lasting(judge(questions[machine_id])) or [NOTHING_FREE])
        for machine_id, (slots, refused) in found.items()
    }


def _first(question: Question, slots: Iterator[Interval]) -> tuple[list[Interval], list[Denial]]:
    """The first of `slots` that the rules allow, and what they said of the first that they do not."""
    allowed: list[Interval] = []
    refused: list[Denial] = []
    for slot in slots:
        said = judge(replace(question, wanted=slot))
        if _lasting(said):
            return [], _lasting(said)
        refused = refused or said
        if not said:
            allowed.append(slot)
        if len(allowed) == SLOTS:
            break
    return allowed, refused


def _lasting(said: Sequence[Denial]) -> list[Denial]:
    return [each for each in said if each.code in LASTING]


def _may_find_more(found: tuple[list[Interval], list[Denial]], gaps: Sequence[Gap] | None, most: int | None) -> bool:
    slots, refused = found
    return len(slots) < SLOTS and not _lasting(refused) and gaps is not None and len(gaps) == most


def _slots(question: Question, gaps: Sequence[Gap], wanted: Search, taken: pools.Busy) -> Iterator[Interval]:
    """Slots in which the machine is open, has room, and its service can be had; worked out as they are asked for."""
    terms = question.terms
    free = bookable(terms, _shared(question.opened or (), gaps, wanted.length), question.now)
    if terms.service.needs:
        around = _around(terms, wanted.window, wanted.length)
        units = {unit: taken.get(unit, ()) for unit in terms.service.unit_ids}
        free = runs(terms, free, wanted.length, pools.with_hours(terms, units, around) if around else {})
    return slots(free, wanted.length)


def _taken(conn: Connection, machines: Sequence[Terms], window: Interval, length: timedelta) -> pools.Busy:
    """When the units are taken that the services of `machines` may need for slots within `window`."""
    times = [around for each in machines if (around := _around(each, window, length))]
    if not times:
        return {}
    units = {unit for each in machines for unit in each.service.unit_ids}
    return store_services.busy(
        conn, units, Interval(min(each.start for each in times), max(each.end for each in times))
    )


def _around(terms: Terms, window: Interval, length: timedelta) -> Interval | None:
    """The time in which the needs of slots within `window` lie."""
    return pools.hull(terms, [Interval.of(window.start, length), Interval(window.end - length, window.end)])


def _shared(opened: Sequence[Interval], gaps: Sequence[Gap], length: timedelta) -> Iterator[Interval]:
    """Where at least `length` lies in both of two sorted lists."""
    i = j = 0
    while i < len(opened) and j < len(gaps):
        hours, (since, until) = opened[i], gaps[j]
        start, end = max(hours.start, since), min(hours.end, until)
        if end - start >= length:
            yield Interval(start, end)
        if hours.end <= until:
            i += 1
        else:
            j += 1
