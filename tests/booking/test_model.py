"""Random people make, move and cancel reservations; the database and a model as simple as a paper calendar agree."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from booking import AlreadyEnded, Reservation, SlotTaken, Wish, cancel, find, move, on_board, reserve
from coop.database import Connection
from coop.errors import Forbidden, NotFound, PreconditionFailed
from coop.interval import Interval
from tests.booking.places import Place, settle_in

NOW = datetime(2026, 10, 1, tzinfo=UTC)
SET_UP, TEAR_DOWN = timedelta(minutes=15), timedelta(minutes=30)
DAY = Interval.of(NOW, timedelta(days=1))

when = st.tuples(st.integers(1, 40), st.integers(1, 12)).map(
    lambda drawn: Interval.of(NOW + drawn[0] * timedelta(minutes=15), drawn[1] * timedelta(minutes=15))
)
person = st.integers(0, 2)
mostly_own = st.sampled_from([0, 0, 0, 1])
"""How far from its person the one who tries to change a reservation is."""


@dataclass(frozen=True)
class Entry:
    """A line of the paper calendar."""

    machine_id: str
    person: int
    when: Interval
    version: int = 1
    cancelled: bool = False


def calendar_of(conn: Connection, place: Place) -> type[RuleBasedStateMachine]:
    class Calendar(RuleBasedStateMachine):
        made: Bundle[UUID] = Bundle("made")

        def __init__(self) -> None:
            super().__init__()
            self.entries: dict[UUID, Entry] = {}
            self.uids: dict[UUID, str] = {}

        def teardown(self) -> None:
            conn.rollback()

        def fits(self, machine_id: str, when: Interval, but_for: UUID | None = None) -> bool:
            """Between two uses of a machine lie a tear-down and a set-up."""
            between = SET_UP + TEAR_DOWN
            return all(
                when.end + between <= entry.when.start or entry.when.end + between <= when.start
                for key, entry in self.entries.items()
                if entry.machine_id == machine_id and not entry.cancelled and key != but_for
            )

        def expect_taken(
            self, error: SlotTaken, machine_id: str, wanted: Interval, but_for: UUID | None = None
        ) -> None:
            assert not self.fits(machine_id, wanted, but_for)
            assert error.extra["conflicts"]
            offered = [
                Interval(datetime.fromisoformat(slot["starts_at"]), datetime.fromisoformat(slot["ends_at"]))
                for slot in error.extra["next_free"]
            ]
            assert len(offered) == 3
            length = wanted.end - wanted.start
            later = (Interval.of(wanted.start + number * timedelta(minutes=15), length) for number in count())
            assert offered[0] == next(slot for slot in later if self.fits(machine_id, slot, but_for))
            for slot in offered:
                assert slot.seconds == wanted.seconds
                assert slot.start >= wanted.start
                assert self.fits(machine_id, slot, but_for)

        @rule(target=made, who=person, machine_id=st.sampled_from(place.machine_ids), when=when)
        def reserve(self, who: int, machine_id: str, when: Interval) -> Any:
            try:
                reservation = reserve(conn, place.engineers[who], Wish(machine_id, when), NOW)
            except SlotTaken as taken:
                self.expect_taken(taken, machine_id, when)
                return None
            assert self.fits(machine_id, when)
            self.entries[reservation.id] = Entry(machine_id, who, when)
            self.uids[reservation.id] = reservation.uid
            return reservation.id

        @rule(key=made, other=mostly_own, when=when, stale=st.sampled_from([False, False, True]))
        def move(self, key: UUID | None, other: int, when: Interval, stale: bool) -> None:
            if key is None:
                return
            entry = self.entries[key]
            who = (entry.person + other) % 3
            version = entry.version - stale
            try:
                moved: Reservation = move(conn, place.engineers[who], key, when, NOW, version=version)
            except NotFound:
                assert who != entry.person
                return
            except PreconditionFailed:
                assert stale
                return
            except AlreadyEnded:
                assert entry.cancelled
                return
            except SlotTaken as taken:
                self.expect_taken(taken, entry.machine_id, when, key)
                return
            assert who == entry.person
            assert not stale
            assert not entry.cancelled
            assert self.fits(entry.machine_id, when, key)
            assert moved.uid == self.uids[key]
            self.entries[key] = replace(entry, when=when, version=moved.version)
            assert moved.version == entry.version + 1

        @rule(key=made, other=mostly_own)
        def cancel(self, key: UUID | None, other: int) -> None:
            if key is None:
                return
            entry = self.entries[key]
            who = (entry.person + other) % 3
            try:
                ended = cancel(conn, place.engineers[who], key, NOW)
            except (NotFound, Forbidden):
                assert who != entry.person
                return
            assert who == entry.person
            assert ended.version == entry.version + (not entry.cancelled)
            self.entries[key] = replace(entry, cancelled=True, version=ended.version)

        @invariant()
        def board_and_calendar_agree(self) -> None:
            for number, viewer in enumerate(place.engineers):
                board = on_board(conn, viewer, place.machine_ids, DAY)
                shown = {(each.machine_id, each.when, each.mine, each.id) for seen in board.values() for each in seen}
                assert shown == {
                    (entry.machine_id, entry.when, entry.person == number, key if entry.person == number else None)
                    for key, entry in self.entries.items()
                    if not entry.cancelled
                }
            for key, entry in self.entries.items():
                reservation = find(conn, place.engineers[entry.person], key)
                assert (reservation.when, reservation.version) == (entry.when, entry.version)

    return Calendar


def test_the_database_agrees_with_a_paper_calendar(conn: Connection) -> None:
    place = settle_in(conn, machines=2, members=3, set_up=15, tear_down=30)
    run_state_machine_as_test(
        calendar_of(conn, place), settings=settings(max_examples=30, stateful_step_count=25, deadline=None)
    )
