"""Random people book services, move, extend, swap and cancel while machines break down; paper strips agree."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from booking import (
    AlreadyEnded,
    OutageKind,
    Reservation,
    ServiceKind,
    SlotTaken,
    Wish,
    cancel,
    close,
    extend,
    move,
    reopen,
    reserve,
    shorten,
    store,
    swap,
)
from booking.outages import OutageConflicts, OutageOverlaps
from booking.services.model import Edge, Mark
from coop.database import Connection
from coop.identity import SYSTEM
from coop.interval import Interval
from tests.booking.places import Place, settle_in
from tests.booking.services import START, any_of, offer, operator, pool, things, unit

NOW = datetime(2026, 10, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
GAUGES = ("gauge-a", "gauge-b")
RESOURCES = ("cmm-1", "gauge-a", "meister")

slot = st.tuples(st.integers(1, 12), st.integers(1, 8)).map(lambda d: Interval.of(NOW + d[0] * QUARTER, d[1] * QUARTER))
person = st.integers(0, 2)
service_kind = st.sampled_from([ServiceKind.SELF_USE, ServiceKind.ATTENDED])
Strips = set[tuple[str, Interval]]


@dataclass
class Entry:
    """What the wall has of one reservation: the strips (resource, time) that hang for it."""

    machine_id: str
    who: int
    when: Interval
    service: ServiceKind
    strips: Strips
    ended: bool = False


def wall_of(conn: Connection, place: Place) -> type[RuleBasedStateMachine]:
    machine = st.sampled_from(place.machine_ids)

    class Wall(RuleBasedStateMachine):
        made: Bundle[UUID] = Bundle("made")
        shut: Bundle[UUID] = Bundle("shut")

        def __init__(self) -> None:
            super().__init__()
            self.entries: dict[UUID, Entry] = {}
            self.outages: dict[UUID, tuple[str, Interval]] = {}

        def teardown(self) -> None:
            conn.rollback()

        def ways(self, machine_id: str, when: Interval, kind: ServiceKind) -> list[Strips]:
            """Every set of strips that would do, whether there is room or not."""
            if kind is ServiceKind.SELF_USE:
                return [{(machine_id, when)}]
            help_time = Interval.of(when.start, 2 * QUARTER)
            return [{(machine_id, when), (gauge, when), ("meister", help_time)} for gauge in GAUGES]

        def room(self, strip: tuple[str, Interval], but_for: UUID | None) -> bool:
            """A strip touches no other's strip, and an outage only where its own reservation hangs already."""
            resource, when = strip
            others = [s for key, e in self.entries.items() if key != but_for and not e.ended for s in e.strips]
            if any(other == resource and taken.overlaps(when) for other, taken in others):
                return False
            own = self.entries[but_for].strips if but_for else set()
            minutes = {when.start + n * QUARTER for n in range(when.seconds // 900)}
            minutes -= {m for r, t in own if r == resource for m in minutes if t.contains(m)}
            return not any(r == resource and t.contains(m) for r, t in self.outages.values() for m in minutes)

        def fits(self, machine_id: str, when: Interval, kind: ServiceKind, but_for: UUID | None = None) -> bool:
            return any(all(self.room(strip, but_for) for strip in way) for way in self.ways(machine_id, when, kind))

        def hang(self, key: UUID, reservation: Reservation, who: int) -> None:
            strips = {(claim.resource_id, claim.blocked) for claim in store.claims_of(conn, key)}
            assert strips in self.ways(reservation.machine_id, reservation.when, reservation.service)
            self.entries[key] = Entry(reservation.machine_id, who, reservation.when, reservation.service, strips)

        def change(self, key: UUID | None, machine_id: str | None, when: Interval | None, use_case: Any) -> None:
            if key is None:
                return
            entry = self.entries[key]
            machine_id, when = machine_id or entry.machine_id, when or entry.when
            try:
                changed = use_case(place.engineers[entry.who], key)
            except AlreadyEnded:
                assert entry.ended
                return
            except SlotTaken:
                assert not entry.ended
                assert not self.fits(machine_id, when, entry.service, key)
                return
            assert not entry.ended
            assert self.fits(machine_id, when, entry.service, key)
            assert (changed.machine_id, changed.when) == (machine_id, when)
            self.hang(key, changed, entry.who)

        @rule(target=made, who=person, machine_id=machine, when=slot, kind=service_kind)
        def reserve(self, who: int, machine_id: str, when: Interval, kind: ServiceKind) -> Any:
            try:
                made = reserve(conn, place.engineers[who], Wish(machine_id, when, service=kind), NOW)
            except SlotTaken:
                assert not self.fits(machine_id, when, kind)
                return None
            assert self.fits(machine_id, when, kind)
            self.hang(made.id, made, who)
            return made.id

        @rule(key=made, when=slot)
        def move(self, key: UUID | None, when: Interval) -> None:
            self.change(key, None, when, lambda who, i: move(conn, who, i, when, NOW))

        @rule(key=made, quarters=st.integers(1, 4))
        def extend(self, key: UUID | None, quarters: int) -> None:
            if key:
                was = self.entries[key].when
                longer = Interval(was.start, was.end + quarters * QUARTER)
                self.change(key, None, longer, lambda who, i: extend(conn, who, i, quarters * QUARTER, NOW))

        @rule(key=made, machine_id=machine)
        def swap(self, key: UUID | None, machine_id: str) -> None:
            self.change(key, machine_id, None, lambda who, i: swap(conn, who, i, machine_id, NOW))

        @rule(key=made)
        def shorten(self, key: UUID | None) -> None:
            if key is None or self.entries[key].when.seconds == 900:
                return
            was = self.entries[key].when
            shorter = Interval(was.start, was.end - QUARTER)
            self.change(key, None, shorter, lambda who, i: shorten(conn, who, i, shorter.end, NOW))

        @rule(key=made)
        def cancel(self, key: UUID | None) -> None:
            if key:
                cancel(conn, place.engineers[self.entries[key].who], key, NOW)
                self.entries[key].ended = True

        @rule(
            target=shut, resource=st.sampled_from(RESOURCES), when=slot, planned=st.sampled_from([False, False, True])
        )
        def close(self, resource: str, when: Interval, planned: bool) -> Any:
            kind = OutageKind.MAINTENANCE if planned else OutageKind.BREAKDOWN
            shut = any(r == resource and t.overlaps(when) for r, t in self.outages.values())
            taken = any(
                r == resource and t.overlaps(when) for e in self.entries.values() if not e.ended for r, t in e.strips
            )
            try:
                outage = close(conn, SYSTEM, resource, kind, when, "", NOW)
            except OutageOverlaps:
                assert shut
                return None
            except OutageConflicts:
                assert planned
                assert taken
                return None
            assert not shut
            assert not (planned and taken)
            self.outages[outage.id] = (resource, when)
            return outage.id

        @rule(key=shut)
        def reopen(self, key: UUID | None) -> None:
            if key in self.outages:
                reopen(conn, SYSTEM, key, NOW)
                del self.outages[key]

        @invariant()
        def the_wall_has_no_overlap_and_no_hole(self) -> None:
            rows = conn.execute(
                "SELECT resource_id, lower(blocked), upper(blocked), reservation_id FROM booking.claim"
                " WHERE released_at IS NULL"
            ).fetchall()
            hung = [(resource, Interval(start, end), key) for resource, start, end, key in rows]
            for (a, when, _), (b, other, _) in product(hung, hung):
                assert a != b or when == other or not when.overlaps(other)
            assert len({(resource, when) for resource, when, _ in hung}) == len(hung)
            for key, entry in self.entries.items():
                mine = {(resource, when) for resource, when, whose in hung if whose == key}
                assert mine == (set() if entry.ended else entry.strips)
            for resource, during in self.outages.values():
                covered = sum(
                    within.seconds for r, when, _ in hung if r == resource and (within := when.intersect(during))
                )
                assert covered == during.seconds

    return Wall


def test_the_database_agrees_with_a_wall_of_paper_strips(conn: Connection) -> None:
    place = settle_in(conn, machines=2, members=3)
    things(conn, *GAUGES)
    pool(conn, "gauges", *GAUGES)
    operator(conn, "meister")
    first_half_hour = unit("operator", "meister", START, Mark(Edge.START, 30))
    for machine_id in place.machine_ids:
        offer(conn, machine_id, ServiceKind.ATTENDED, any_of("gauge", "gauges"), first_half_hour)
    conn.commit()
    run_state_machine_as_test(
        wall_of(conn, place), settings=settings(max_examples=30, stateful_step_count=25, deadline=None)
    )
