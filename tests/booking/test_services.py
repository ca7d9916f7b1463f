"""A reservation claims all that its service needs, or nothing: operators, soak places, accessories, units of pools."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from booking import (
    ServiceKind,
    SlotDenied,
    SlotTaken,
    Status,
    Wish,
    book,
    extend,
    free_slots,
    move,
    reserve,
    reserve_any,
    shorten,
    store,
    swap,
    terms,
)
from booking.claim import claim
from booking.model import Claim
from booking.move import HasBegun, NotShorter
from booking.services import store as store_services
from booking.services.model import Edge, Mark, Need
from booking.services.store import OptionUnknown, ServiceUnknown
from coop.database import Connection
from coop.errors import PreconditionFailed
from coop.interval import Interval
from coop.machines import MachineUnknown
from tests.booking.places import Place, settle_in
from tests.booking.services import EVENING_BEFORE, NOW, START, any_of, offer, operator, pool, things, unit

HOUR = timedelta(hours=1)
TOKYO = ZoneInfo("Asia/Tokyo")
GAUGES = ("gauge-a", "gauge-b", "gauge-c")
ATTENDED = ServiceKind.ATTENDED


def hour(number: float, length: float = 1) -> Interval:
    return Interval.of(NOW + number * HOUR, length * HOUR)


def claims(conn: Connection, reservation_id: UUID) -> dict[str | None, Claim]:
    return {each.need: each for each in store.claims_of(conn, reservation_id)}


def units(conn: Connection, reservation_id: UUID) -> dict[str | None, str]:
    return {need: each.resource_id for need, each in claims(conn, reservation_id).items()}


@pytest.fixture
def place(conn: Connection) -> Place:
    """Two machines with 10 minutes of set-up and 5 of tear-down; a shelf, three gauges, a fixture to be had."""
    place = settle_in(conn, machines=2, members=4, set_up=10, tear_down=5)
    things(conn, *GAUGES, "fixture")
    things(conn, "shelf", kind="place")
    pool(conn, "gauges", *GAUGES)
    return place


def test_each_claim_has_its_own_interval(conn: Connection, place: Place) -> None:
    operator(conn, "meister")
    soak, first_half_hour = unit("soak", "shelf", EVENING_BEFORE, START), Mark(Edge.START, 30)
    offer(conn, "cmm-1", ATTENDED, soak, unit("operator", "meister", START, first_half_hour))
    made = reserve(conn, place.engineers[0], Wish("cmm-1", hour(26, 2), service=ATTENDED), NOW)
    found = claims(conn, made.id)
    start, end = made.when.start, made.when.end
    assert found[None] == Claim("cmm-1", Interval(start - timedelta(minutes=10), end + timedelta(minutes=5)))
    assert found["operator"].blocked == Interval(start, start + timedelta(minutes=30))
    # 11:00 in Tokyo on 2 October soaks from five in the evening of 1 October.
    assert found["soak"].blocked == Interval(datetime(2026, 10, 1, 17, tzinfo=TOKYO), start)


def test_all_is_claimed_or_nothing(conn: Connection, place: Place) -> None:
    offer(conn, "cmm-1", ATTENDED, unit("fixture", "fixture"))
    offer(conn, "cmm-2", ATTENDED, unit("fixture", "fixture"))
    mine, other, *_ = place.engineers
    reserve(conn, mine, Wish("cmm-1", hour(1), service=ATTENDED), NOW)
    with pytest.raises(SlotTaken) as refused:
        reserve(conn, other, Wish("cmm-2", hour(1), service=ATTENDED), NOW)
    [conflict] = refused.value.extra["conflicts"]
    assert conflict["resource_id"] == "fixture"
    assert "reservation" not in conflict  # it is another member's
    assert refused.value.extra["next_free"][0]["starts_at"] == "2026-10-01T02:00:00Z"
    reserve(conn, other, Wish("cmm-2", hour(1)), NOW)  # self-use needs no fixture


def test_a_pool_gives_a_free_unit_until_none_is_left(conn: Connection, place: Place) -> None:
    for machine_id in place.machine_ids:
        offer(conn, machine_id, ATTENDED, any_of("gauge", "gauges"), any_of("second", "gauges", optional=True))
    first, second, third, fourth = place.engineers
    made = reserve(conn, first, Wish("cmm-1", hour(1), service=ATTENDED, options=("second",)), NOW)
    assert units(conn, made.id) == {None: "cmm-1", "gauge": "gauge-a", "second": "gauge-b"}
    made = reserve(conn, second, Wish("cmm-2", hour(1), service=ATTENDED), NOW)
    assert units(conn, made.id)["gauge"] == "gauge-c"
    with pytest.raises(SlotTaken):
        reserve(conn, third, Wish("cmm-2", hour(1.5), service=ATTENDED), NOW)
    made = reserve(conn, fourth, Wish("cmm-1", hour(3), service=ATTENDED, units=("gauge-b",)), NOW)
    assert units(conn, made.id)["gauge"] == "gauge-b"


def test_needs_that_share_a_pool_are_both_met(conn: Connection, place: Place) -> None:
    """The first need could take any gauge, the second only the first one: giving it away would leave nothing."""
    pool(conn, "only-a", "gauge-a")
    offer(conn, "cmm-1", ATTENDED, any_of("any", "gauges"), any_of("best", "only-a"))
    made = reserve(conn, place.engineers[0], Wish("cmm-1", hour(1), service=ATTENDED), NOW)
    assert units(conn, made.id) == {None: "cmm-1", "any": "gauge-b", "best": "gauge-a"}


def test_who_writes_past_the_locks_is_seen_as_an_overlap_and_the_next_unit_is_taken(
    conn: Connection, place: Place
) -> None:
    offer(conn, "cmm-1", ATTENDED, any_of("gauge", "gauges"))
    service = store_services.service(conn, "cmm-1", ATTENDED)
    refused: list[str] = []

    def write(claimed: tuple[Claim, ...]) -> None:
        unit_id = claimed[1].resource_id
        if unit_id != "gauge-c":
            refused.append(unit_id)
            conn.execute(
                "WITH o AS (INSERT INTO booking.outage (id, resource_id, kind, during, entered_at) VALUES"
                " (gen_random_uuid(), %(unit)s, 'absence', tstzrange(%(from)s, %(until)s), now()) RETURNING id)"
                " INSERT INTO booking.claim (outage_id, resource_id, blocked)"
                " SELECT id, %(unit)s, tstzrange(%(from)s, %(until)s) FROM o",
                {"unit": unit_id, "from": hour(1).start, "until": hour(1).end},
            )
            raise store.Overlap()

    claim(conn, place.engineers[0], terms(conn, "cmm-1", service), hour(1), NOW, write)
    assert refused == ["gauge-a", "gauge-b"]


def test_a_need_has_no_claim_where_nothing_of_it_is_left(conn: Connection, place: Place) -> None:
    after_an_hour = unit("fixture", "fixture", Mark(Edge.START, 60))
    offer(conn, "cmm-1", ATTENDED, after_an_hour)
    short = reserve(conn, place.engineers[0], Wish("cmm-1", hour(1), service=ATTENDED), NOW)
    assert set(claims(conn, short.id)) == {None}
    longer = extend(conn, place.engineers[0], short.id, timedelta(minutes=30), NOW)
    assert claims(conn, longer.id)["fixture"].blocked == Interval(hour(2).start, hour(2.5).start)


def test_what_is_not_offered_is_refused(conn: Connection, place: Place) -> None:
    offer(conn, "cmm-1", ATTENDED, any_of("gauge", "gauges", optional=True))
    mine = place.engineers[0]
    for wish, error in (
        (Wish("cmm-2", hour(1), service=ATTENDED), ServiceUnknown),
        (Wish("cmm-1", hour(1), service=ATTENDED, options=("laser",)), OptionUnknown),
        (Wish("cmm-1", hour(1), service=ATTENDED, units=("fixture",)), OptionUnknown),
        (Wish("cmm-9", hour(1)), MachineUnknown),
        (Wish("cmm-1", hour(1), service=ServiceKind.ADVICE), MachineUnknown),
    ):
        with pytest.raises(error):
            reserve(conn, mine, wish, NOW)


def test_a_person_is_booked_with_and_without_a_machine(conn: Connection, place: Place) -> None:
    operator(conn, "meister", time(9), time(17))
    offer(conn, "cmm-1", ATTENDED, unit("operator", "meister"))
    mine, other, *_ = place.engineers
    # 1 October 2026 is a Thursday; 00:00 UTC is nine in the morning in Tokyo.
    advice = reserve(conn, mine, Wish("meister", hour(2), service=ServiceKind.ADVICE), NOW)
    assert (advice.machine_id, advice.status) == ("meister", Status.CONFIRMED)
    assert conn.execute("SELECT machine_id, resource_id FROM booking.reservation").fetchall() == [(None, "meister")]
    with pytest.raises(SlotTaken):
        reserve(conn, other, Wish("cmm-1", hour(2), service=ATTENDED), NOW)
    reserve(conn, other, Wish("cmm-1", hour(2)), NOW)
    with pytest.raises(SlotTaken):  # after five the machine is open, the operator has gone home
        reserve(conn, other, Wish("cmm-1", hour(7.5), service=ATTENDED), NOW)
    with pytest.raises(SlotDenied):
        reserve(conn, other, Wish("meister", hour(9), service=ServiceKind.ADVICE), NOW)
    moved = move(conn, mine, advice.id, hour(4), NOW)
    assert (moved.uid, moved.when) == (advice.uid, hour(4))


def test_free_slots_consider_every_claim(conn: Connection, place: Place) -> None:
    operator(conn, "meister", time(9), time(12))
    offer(conn, "cmm-1", ATTENDED, unit("operator", "meister", START, Mark(Edge.START, 30)), any_of("gauge", "gauges"))
    offer(conn, "cmm-2", ATTENDED, any_of("all", "gauges"), any_of("b", "gauges"), any_of("c", "gauges"))
    day = hour(0, 12)
    service = store_services.service(conn, "cmm-1", ATTENDED)
    asked = terms(conn, "cmm-1", service)
    # He is there from nine to twelve: an hour may start until half past eleven.
    assert free_slots(conn, asked, day, NOW, HOUR) == [Interval(hour(0).start, hour(2.5, 1).end)]
    reserve(conn, place.engineers[0], Wish("cmm-2", hour(1), service=ATTENDED), NOW)
    slots = free_slots(conn, asked, day, NOW, HOUR)
    assert slots == [hour(0), Interval(hour(2).start, hour(3.5).start)]
    for start in (0, 2, 2.5):
        probe = book(conn, place.engineers[1], Wish("cmm-1", hour(start), service=ATTENDED), NOW)
        conn.execute("DELETE FROM booking.reservation WHERE id = %s", [probe.id])
    for start in (0.25, 1.75, 2.75):
        with pytest.raises(SlotTaken):
            book(conn, place.engineers[1], Wish("cmm-1", hour(start), service=ATTENDED), NOW)


def test_a_move_shifts_over_its_own_claims_and_keeps_its_units(conn: Connection, place: Place) -> None:
    """The operator helps in the first and in the last half hour: the shifted first falls on the old last."""
    operator(conn, "meister")
    help_first = unit("first", "meister", START, Mark(Edge.START, 30))
    help_last = unit("last", "meister", Mark(Edge.END, -30))
    offer(conn, "cmm-1", ATTENDED, help_first, help_last, any_of("gauge", "gauges"))
    mine = place.engineers[0]
    made = reserve(conn, mine, Wish("cmm-1", hour(1), service=ATTENDED, units=("gauge-b",)), NOW)
    moved = move(conn, mine, made.id, hour(1.5), NOW, version=1)
    assert (moved.uid, moved.version, moved.when) == (made.uid, 2, hour(1.5))
    assert units(conn, made.id) == {None: "cmm-1", "first": "meister", "last": "meister", "gauge": "gauge-b"}
    assert claims(conn, made.id)["last"].blocked == Interval(hour(2).start, hour(2.5).start)


def test_extend_shorten_and_swap_keep_the_reservation(conn: Connection, place: Place) -> None:
    mine, other, *_ = place.engineers
    made = reserve(conn, mine, Wish("cmm-1", hour(2), purpose="part 7"), NOW)
    longer = extend(conn, mine, made.id, timedelta(minutes=30), NOW, version=1)
    assert longer.when == hour(2, 1.5)
    with pytest.raises(PreconditionFailed):
        extend(conn, mine, made.id, timedelta(minutes=30), NOW, version=1)
    shorter = shorten(conn, mine, made.id, hour(2.5).start, NOW, version=2)
    assert shorter.when == hour(2, 0.5)
    with pytest.raises(NotShorter):
        shorten(conn, mine, made.id, hour(3).start, NOW)
    swapped = swap(conn, mine, made.id, "cmm-2", NOW, version=3)
    assert (swapped.machine_id, swapped.uid, swapped.version, swapped.purpose) == ("cmm-2", made.uid, 4, "part 7")
    reserve(conn, other, Wish("cmm-1", hour(2)), NOW)
    with pytest.raises(SlotTaken):
        swap(conn, mine, made.id, "cmm-1", NOW)
    with pytest.raises(HasBegun):
        swap(conn, mine, made.id, "cmm-1", hour(2).start)
    assert conn.execute("SELECT machine_id FROM booking.reservation WHERE id = %s", [made.id]).fetchone() == ("cmm-2",)


def test_any_machine_of_a_pool_will_do(conn: Connection, place: Place) -> None:
    pool(conn, "cmms", *place.machine_ids)
    wish = Wish("", hour(1))
    got = [reserve_any(conn, who, "cmms", wish, NOW).machine_id for who in place.engineers[:2]]
    assert got == ["cmm-1", "cmm-2"]
    with pytest.raises(SlotTaken):
        reserve_any(conn, place.engineers[2], "cmms", wish, NOW)


def test_an_evening_before_is_read_on_the_local_clock() -> None:
    """Berlin puts its clocks back on 25 October 2026: from five in the evening to ten in the morning are 18 hours."""
    berlin = ZoneInfo("Europe/Berlin")
    slot = Interval.of(datetime(2026, 10, 25, 10, tzinfo=berlin), HOUR)
    soak = Need("soak", ("shelf",), EVENING_BEFORE, START).during(slot, berlin)
    assert soak == Interval(datetime(2026, 10, 24, 15, tzinfo=UTC), datetime(2026, 10, 25, 9, tzinfo=UTC))
    assert soak.seconds == 18 * 3600
