"""A series: looked at, reserved, moved over itself, cancelled, raced for."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from booking import Status, Wish, cancel, find, move, reserve
from booking.series.change import Scope, cancel_series, move_series
from booking.series.outcome import Outcome, SeriesRefused, preview
from booking.series.recurrence import StartNotInRule
from booking.series.reserve import Conflicts, find_series, nearest, reserve_series
from booking.store import terms
from booking.waitlist import ask as waitlist
from booking.waitlist import offer
from booking.waitlist.waiting import Needs
from coop import database, people, register
from coop.database import Connection, Pool
from coop.errors import NotFound
from coop.identity import Role, Viewer
from coop.interval import Interval
from coop.machines import Machine, OpeningHours, add_machine
from coop.register import Member
from tests.booking.places import settle_in
from tests.callers import COOPERATIVE, Caller, Callers

NOW = datetime(2026, 10, 1, tzinfo=UTC)
TOKYO, BERLIN = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


def slot(text: str, hours: float = 1, zone: ZoneInfo = TOKYO) -> Interval:
    """`2026-10-05 09:00` local, so many hours long."""
    return Interval.of(datetime.fromisoformat(text).replace(tzinfo=zone), hours * HOUR)


def local(when: Interval | None, zone: ZoneInfo = TOKYO) -> str | None:
    return None if when is None else f"{when.start.astimezone(zone):%m-%d %H:%M}"


def weekly(conn: Connection, who: Viewer, first: Interval, count: int = 4, how: Conflicts = Conflicts.REFUSE) -> Any:
    return reserve_series(conn, who, Wish("cmm-1", first, "part 7"), f"FREQ=WEEKLY;COUNT={count}", how, NOW)


def whens(conn: Connection, who: Viewer, series_id: UUID) -> list[str | None]:
    """The local starts of a series as it is now, `-` before those that were cancelled."""
    return [
        ("-" if each.status is Status.CANCELLED else "") + (local(each.when) or "")
        for _, each in find_series(conn, who, series_id)[1]
    ]


def made(outcomes: list[Outcome]) -> list[UUID]:
    return [each.reservation.id for each in outcomes if each.reservation]


def test_every_occurrence_is_a_reservation_of_its_own(conn: Connection) -> None:
    sato, suzuki = settle_in(conn, machines=1, members=2).engineers
    series, outcomes = weekly(conn, sato, slot("2026-10-05 09:00"))
    assert [each.name for each in outcomes] == ["booked"] * 4
    assert whens(conn, sato, series.id) == ["10-05 09:00", "10-12 09:00", "10-19 09:00", "10-26 09:00"]
    reservations = [find(conn, sato, each) for each in made(outcomes)]
    assert len({each.uid for each in reservations}) == 4
    assert {each.purpose for each in reservations} == {"part 7"}
    assert find_series(conn, sato, reservations[2].id)[0] == series
    with pytest.raises(NotFound):
        find_series(conn, suzuki, series.id)


def test_what_is_taken_or_denied_refuses_all_or_is_skipped_or_gets_the_nearest(conn: Connection) -> None:
    sato, suzuki = settle_in(conn, machines=1, members=2).engineers
    reserve(conn, suzuki, Wish("cmm-1", slot("2026-10-12 08:00", 2)), NOW)
    with pytest.raises(SeriesRefused) as refused:
        weekly(conn, sato, slot("2026-10-05 09:00"))
    assert refused.value.params == {"refused": 1, "count": 4}
    said = refused.value.extra["occurrences"]
    assert [each["outcome"] for each in said] == ["booked", "skipped", "booked", "booked"]
    assert said[1]["refusal"]["code"] == "booking.slot_taken"
    assert said[1]["nearest"] == {"starts_at": "2026-10-12T01:00:00Z", "ends_at": "2026-10-12T02:00:00Z"}
    assert "鈴木" not in str(said)
    conn.rollback()
    place = [sato, suzuki]
    reserve(conn, place[1], Wish("cmm-1", slot("2026-10-12 08:00", 2)), NOW)
    conn.commit()
    series, outcomes = weekly(conn, sato, slot("2026-10-05 09:00"), how=Conflicts.SKIP)
    assert [each.name for each in outcomes] == ["booked", "skipped", "booked", "booked"]
    assert whens(conn, sato, series.id) == ["10-05 09:00", "10-19 09:00", "10-26 09:00"]
    conn.rollback()
    series, outcomes = weekly(conn, sato, slot("2026-10-05 09:00"), how=Conflicts.NEAREST)
    assert [each.name for each in outcomes] == ["booked", "alternative", "booked", "booked"]
    assert whens(conn, sato, series.id) == ["10-05 09:00", "10-12 10:00", "10-19 09:00", "10-26 09:00"]
    # Its place in the rule is the time that the rule gave it.
    assert [local(Interval.of(place, HOUR)) for place, _ in find_series(conn, sato, series.id)[1]][1] == "10-12 09:00"


def test_beyond_the_horizon_is_a_reason_and_without_an_end_the_horizon_is_the_end(conn: Connection) -> None:
    [sato] = settle_in(conn, machines=1, members=1).engineers
    _, outcomes = weekly(conn, sato, slot("2026-10-05 09:00"), count=14, how=Conflicts.SKIP)
    assert [each.name for each in outcomes].count("skipped") == 1
    [reason] = outcomes[-1].refusal.extra["reasons"] if outcomes[-1].refusal else []
    assert (reason["code"], reason["params"]) == ("booking.beyond_horizon", {"days": 90})
    wish = Wish("cmm-1", slot("2026-10-05 11:00"))
    _, endless = reserve_series(conn, sato, wish, "FREQ=WEEKLY", Conflicts.REFUSE, NOW)
    assert len(endless) == 13


def test_nothing_at_all_is_no_series(conn: Connection) -> None:
    sato, suzuki = settle_in(conn, machines=1, members=2).engineers
    weekly(conn, suzuki, slot("2026-10-05 09:00"))
    with pytest.raises(SeriesRefused):
        weekly(conn, sato, slot("2026-10-05 09:00"), how=Conflicts.SKIP)
    with pytest.raises(StartNotInRule):
        reserve_series(conn, sato, Wish("cmm-1", slot("2026-10-05 11:00")), "FREQ=WEEKLY;BYDAY=TU", Conflicts.SKIP, NOW)


def test_a_preview_keeps_nothing(conn: Connection) -> None:
    sato, suzuki = settle_in(conn, machines=1, members=2).engineers
    reserve(conn, suzuki, Wish("cmm-1", slot("2026-10-12 09:00")), NOW)
    for how, named in ((Conflicts.REFUSE, "skipped"), (Conflicts.NEAREST, "alternative")):
        shown = preview(conn, lambda how=how: weekly(conn, sato, slot("2026-10-05 09:00"), how=how)[1])
        assert [each.name for each in shown] == ["booked", named, "booked", "booked"]
        assert local(shown[1].nearest) == "10-12 08:00"
        assert all(each.reservation is None for each in shown)
    count = conn.execute("SELECT count(*), (SELECT count(*) FROM booking.series) FROM booking.reservation").fetchone()
    assert count == (1, 0)


def test_a_series_moves_over_its_own_siblings(conn: Connection) -> None:
    [sato] = settle_in(conn, machines=1, members=1, set_up=10).engineers
    wish = Wish("cmm-1", slot("2026-10-05 09:00", 1.5))
    series, outcomes = reserve_series(conn, sato, wish, "FREQ=DAILY;COUNT=4", Conflicts.REFUSE, NOW)
    before = [find(conn, sato, each) for each in made(outcomes)]
    # A day later, each takes what its next sibling had; the second is asked for, so the first stays.
    moved = move_series(conn, sato, before[1].id, slot("2026-10-07 09:00", 1.5), Scope.FOLLOWING, NOW, version=1)
    assert len(moved) == 3
    assert whens(conn, sato, series.id) == ["10-05 09:00", "10-07 09:00", "10-08 09:00", "10-09 09:00"]
    move_series(conn, sato, before[2].id, slot("2026-10-07 08:00", 2), Scope.ALL, NOW)
    after = find_series(conn, sato, series.id)[1]
    assert whens(conn, sato, series.id) == ["10-04 08:00", "10-06 08:00", "10-07 08:00", "10-08 08:00"]
    assert {each.when.seconds for _, each in after} == {7200}
    assert [each.uid for _, each in after] == [each.uid for each in before]
    assert [local(Interval.of(place, HOUR)) for place, _ in after] == [local(each.when) for each in before]
    claims = conn.execute(
        "SELECT lower(blocked) FROM booking.claim WHERE released_at IS NULL ORDER BY blocked"
    ).fetchall()
    assert [row[0] for row in claims] == [each.when.start - timedelta(minutes=10) for _, each in after]
    conn.commit()


def test_a_series_moves_over_its_own_siblings_before_anybody_is_offered_their_time(conn: Connection) -> None:
    sato, suzuki, kato = settle_in(conn, machines=1, members=3).engineers
    _, outcomes = weekly(conn, sato, slot("2026-10-05 09:00"), count=3)
    for who, first in ((suzuki, "2026-10-05 09:00"), (kato, "2026-10-19 09:00")):
        waitlist.ask(conn, who, Needs("cmm-1"), HOUR, slot(first), NOW)
    later = slot("2026-10-12 09:00")
    moved = move_series(conn, sato, made(outcomes)[0], later, Scope.ALL, NOW)
    assert [local(each.slot) for each in moved] == ["10-12 09:00", "10-19 09:00", "10-26 09:00"]
    office = Viewer(None, None, frozenset({Role.OFFICE}))
    assert [(each.person_id, local(each.when)) for each in offer.offers_of(conn, office)] == [
        (suzuki.person_id, "10-05 09:00")
    ]


def test_a_series_that_cannot_all_move_stays(conn: Connection) -> None:
    sato, suzuki = settle_in(conn, machines=1, members=2).engineers
    series, outcomes = weekly(conn, sato, slot("2026-10-05 09:00"))
    reserve(conn, suzuki, Wish("cmm-1", slot("2026-10-19 13:30")), NOW)
    conn.commit()
    before = whens(conn, sato, series.id)
    with pytest.raises(SeriesRefused) as refused:
        move_series(conn, sato, made(outcomes)[0], slot("2026-10-05 13:00"), Scope.ALL, NOW)
    said = refused.value.extra["occurrences"]
    assert [each["outcome"] for each in said] == ["booked", "booked", "skipped", "booked"]
    [conflict] = said[2]["refusal"]["conflicts"]
    assert set(conflict) == {"resource_id", "starts_at", "ends_at"}
    conn.rollback()
    assert whens(conn, sato, series.id) == before
    with pytest.raises(SeriesRefused) as refused:
        move_series(conn, sato, made(outcomes)[0], slot("2026-10-05 09:05"), Scope.ALL, NOW)
    assert {each["refusal"]["reasons"][0]["code"] for each in refused.value.extra["occurrences"]} == {
        "booking.off_grid"
    }
    conn.rollback()
    # Only who runs into somebody else is named, not those who would have followed.
    run = Wish("cmm-1", slot("2026-10-06 06:00"))
    _, days = reserve_series(conn, sato, run, "FREQ=DAILY;COUNT=4", Conflicts.REFUSE, NOW)
    reserve(conn, suzuki, Wish("cmm-1", slot("2026-10-10 06:30")), NOW)
    with pytest.raises(SeriesRefused) as refused:
        move_series(conn, sato, made(days)[0], slot("2026-10-07 06:00"), Scope.ALL, NOW)
    said = refused.value.extra["occurrences"]
    assert [each["outcome"] for each in said] == ["booked", "booked", "booked", "skipped"]
    conn.rollback()
    # An overlap that the move makes among the siblings themselves is refused too.
    daily = Wish("cmm-1", slot("2026-10-05 20:00", 2))
    _, nights = reserve_series(conn, sato, daily, "FREQ=DAILY;COUNT=3", Conflicts.REFUSE, NOW)
    with pytest.raises(SeriesRefused):
        move_series(conn, sato, made(nights)[0], slot("2026-10-05 19:00", 24.5), Scope.ALL, NOW)


def test_siblings_that_were_moved_or_cancelled_alone_are_respected(conn: Connection) -> None:
    [sato] = settle_in(conn, machines=1, members=1).engineers
    series, outcomes = weekly(conn, sato, slot("2026-10-05 09:00"), count=5)
    ids = made(outcomes)
    move(conn, sato, ids[1], slot("2026-10-13 15:00", 2), NOW)
    cancel(conn, sato, ids[2], NOW)
    move_series(conn, sato, ids[0], slot("2026-10-05 10:00"), Scope.ALL, NOW)
    assert whens(conn, sato, series.id) == [
        "10-05 10:00",
        "10-13 16:00",
        "-10-19 09:00",
        "10-26 10:00",
        "11-02 10:00",
    ]
    assert find(conn, sato, ids[1]).when.seconds == 7200


def test_what_has_begun_stays(conn: Connection) -> None:
    [sato] = settle_in(conn, machines=1, members=1).engineers
    series, outcomes = weekly(conn, sato, slot("2026-10-05 09:00"))
    later = datetime(2026, 10, 12, 9, 30, tzinfo=TOKYO)
    ids = made(outcomes)
    move_series(conn, sato, ids[2], slot("2026-10-19 11:00"), Scope.ALL, later)
    assert whens(conn, sato, series.id) == ["10-05 09:00", "10-12 09:00", "10-19 11:00", "10-26 11:00"]
    assert len(cancel_series(conn, sato, ids[3], Scope.ALL, later)) == 2
    assert whens(conn, sato, series.id) == ["10-05 09:00", "10-12 09:00", "-10-19 11:00", "-10-26 11:00"]


def test_cancelling_from_one_on_leaves_those_before(conn: Connection) -> None:
    [sato] = settle_in(conn, machines=1, members=1).engineers
    series, outcomes = weekly(conn, sato, slot("2026-10-05 09:00"))
    cancel_series(conn, sato, made(outcomes)[2], Scope.FOLLOWING, NOW, version=1)
    assert whens(conn, sato, series.id) == ["10-05 09:00", "10-12 09:00", "-10-19 09:00", "-10-26 09:00"]


def test_the_local_time_stays_over_the_end_of_summer_time(conn: Connection) -> None:
    register.found(conn, replace(COOPERATIVE, time_zone=BERLIN), NOW)
    register.add_member(conn, Member("m01", "m01", joined_on=date(2020, 4, 1)))
    person_id = people.add_person(conn, name="P", email="p@m.example", roles=[Role.ENGINEER], member_id="m01")
    who = Viewer(person_id, "m01", frozenset({Role.ENGINEER}))
    hours = [OpeningHours("cmm-1", day, time(8), time(18)) for day in range(1, 8)]
    add_machine(conn, Machine("cmm-1", "cmm", "測定機", "CMM"), hours)
    series, outcomes = weekly(conn, who, slot("2026-10-19 09:00", zone=BERLIN), count=2)
    assert [each.wanted.start.hour for each in outcomes] == [7, 8]
    # Two days earlier and an hour later on the clock of the wall, on both sides of the change.
    move_series(conn, who, made(outcomes)[1], slot("2026-10-24 10:00", zone=BERLIN), Scope.ALL, NOW)
    after = [each.when for _, each in find_series(conn, who, series.id)[1]]
    assert [local(each, BERLIN) for each in after] == ["10-17 10:00", "10-24 10:00"]
    assert [each.start.hour for each in after] == [8, 8]


def test_two_series_at_once_give_one_winner_and_no_half(conn: Connection, pool: Pool) -> None:
    engineers = settle_in(conn, machines=1, members=4).engineers
    for number in range(5):
        first = slot(f"2026-10-05 {9 + 2 * number:02}:00", 2)
        start = Barrier(len(engineers))

        def attempt(who: Viewer, first: Interval = first, start: Barrier = start) -> str:
            start.wait()
            try:
                database.run(pool, lambda conn: weekly(conn, who, first, 8))
            except SeriesRefused:
                return "refused"
            return "won"

        with ThreadPoolExecutor(len(engineers)) as threads:
            assert Counter(threads.map(attempt, engineers)) == {"won": 1, "refused": 3}
    counts = conn.execute("SELECT count(*) FROM booking.occurrence GROUP BY series_id").fetchall()
    assert counts == [(8,)] * 5
    assert conn.execute("SELECT count(*) FROM booking.reservation").fetchone() == (40,)


def test_series_that_skip_share_the_time_between_them(conn: Connection, pool: Pool) -> None:
    engineers = settle_in(conn, machines=1, members=3).engineers
    start = Barrier(3)
    rules = ["FREQ=DAILY;COUNT=9", "FREQ=DAILY;INTERVAL=2;COUNT=5", "FREQ=DAILY;INTERVAL=3;COUNT=3"]

    def attempt(number: int) -> int:
        start.wait()
        wish = Wish("cmm-1", slot("2026-10-05 09:00"))
        try:
            _, outcomes = database.run(
                pool, lambda c: reserve_series(c, engineers[number], wish, rules[number], Conflicts.SKIP, NOW)
            )
        except SeriesRefused:
            return 0
        return sum(each.slot is not None for each in outcomes)

    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(attempt, range(3))) == 9
    days = conn.execute("SELECT count(DISTINCT starts_at), count(*) FROM booking.reservation").fetchone()
    assert days == (9, 9)


def test_nearest_keeps_to_the_grid_and_within_what_is_free(conn: Connection) -> None:
    settle_in(conn, machines=1, members=1)
    rules = terms(conn, "cmm-1")
    free = [slot("2026-10-05 06:00", 2), slot("2026-10-05 10:30", 0.5), slot("2026-10-05 12:15", 8)]
    assert local(nearest(rules, free, slot("2026-10-05 09:00"))) == "10-05 07:00"
    assert local(nearest(rules, free, slot("2026-10-05 09:45"))) == "10-05 12:15"
    assert local(nearest(rules, free, slot("2026-10-05 13:05"))) == "10-05 13:00"
    assert nearest(rules, free, slot("2026-10-05 09:00", 9)) is None


# Through HTTP


class House:
    """A CMM that is always open, two engineers of one member, one of another, and the first slot of a series."""

    def __init__(self, api: Callers) -> None:
        api.member("m01")
        api.member("m02")
        self.sato = api.person(Role.ENGINEER, "m01", name="佐藤")
        self.kato = api.person(Role.ENGINEER, "m01", name="加藤")
        self.suzuki = api.person(Role.ENGINEER, "m02", name="鈴木")
        with database.transaction(api.pool) as conn:
            hours = [OpeningHours("cmm-1", day, time(0), time.max) for day in range(1, 8)]
            add_machine(conn, Machine("cmm-1", "cmm", "測定機", "CMM"), hours)
        day = datetime.now(TOKYO).date() + timedelta(days=3)
        self.first = Interval.of(datetime.combine(day, time(9), tzinfo=TOKYO), HOUR)

    def body(self, shift: timedelta = timedelta(0), **more: Any) -> dict[str, Any]:
        when = {"starts_at": self.first.start + shift, "ends_at": self.first.end + shift}
        wanted = {"machine_id": "cmm-1", "rule": "FREQ=WEEKLY;COUNT=3"} | more
        return {name: each.isoformat() for name, each in when.items()} | wanted

    def move(self, shift: timedelta, scope: str = "all") -> dict[str, Any]:
        return {
            name: each for name, each in self.body(shift, scope=scope).items() if name not in {"machine_id", "rule"}
        }

    def series(self, who: Caller, **more: Any) -> Any:
        answer = who.post("/api/v1/series", json=self.body(**more))
        assert answer.status_code == 201, answer.text
        return answer


@pytest.fixture
def house(api: Callers) -> House:
    return House(api)


def test_a_series_is_looked_at_and_then_reserved_as_it_was_seen(house: House) -> None:
    shown = house.sato.post("/api/v1/series/preview", json=house.body())
    assert shown.status_code == 200, shown.text
    assert (shown.json()["booked"], shown.json()["skipped"]) == (3, 0)
    assert house.sato.get("/api/v1/reservations").json() == []
    wanted = {"If-Match": shown.headers["etag"], "Idempotency-Key": "s-1"}
    made = house.sato.post("/api/v1/series", json=house.body(), headers=wanted)
    assert made.status_code == 201, made.text
    again = house.sato.post("/api/v1/series", json=house.body(), headers=wanted)
    assert (again.json(), again.headers["idempotent-replayed"]) == (made.json(), "true")
    read = house.sato.get(made.headers["location"]).json()
    assert (read["rule"], read["time_zone"], len(read["occurrences"])) == ("FREQ=WEEKLY;COUNT=3", "Asia/Tokyo", 3)
    one = made.json()["occurrences"][1]["reservation_id"]
    assert house.kato.get(f"/api/v1/reservations/{one}/series").json()["id"] == read["id"]
    assert house.suzuki.get(made.headers["location"]).status_code == 404


def test_who_saw_something_else_is_told_what_changed(house: House) -> None:
    shown = house.sato.post("/api/v1/series/preview", json=house.body(conflicts="skip"))
    slot = house.body(timedelta(days=7))
    house.suzuki.post("/api/v1/reservations", json={key: slot[key] for key in ("machine_id", "starts_at", "ends_at")})
    late = house.sato.post(
        "/api/v1/series", json=house.body(conflicts="skip"), headers={"If-Match": shown.headers["etag"]}
    )
    assert late.status_code == 412
    assert late.json()["code"] == "booking.plan_changed"
    assert [each["outcome"] for each in late.json()["occurrences"]] == ["booked", "skipped", "booked"]
    assert house.sato.get("/api/v1/reservations?mine=true").json() == []
    refused = house.sato.post("/api/v1/series", json=house.body())
    assert refused.status_code == 409
    assert "鈴木" not in refused.text
    assert house.series(house.sato, conflicts="nearest").json()["alternatives"] == 1


def test_a_series_is_moved_from_one_on_with_its_version(house: House) -> None:
    made = house.series(house.sato).json()["occurrences"]
    here = f"/api/v1/reservations/{made[1]['reservation_id']}/series"
    hour = house.move(HOUR, "following") | {
        name: (each + timedelta(days=7) + HOUR).isoformat()
        for name, each in {"starts_at": house.first.start, "ends_at": house.first.end}.items()
    }
    assert house.sato.patch(here, json=hour).status_code == 428
    assert house.sato.patch(here, json=hour, headers={"If-Match": '"7"'}).status_code == 412
    shown = house.sato.post(f"{here}/preview", json=hour)
    assert (shown.status_code, shown.json()["booked"]) == (200, 2)
    assert house.kato.patch(here, json=hour, headers={"If-Match": '"1"'}).status_code == 403
    assert house.suzuki.patch(here, json=hour, headers={"If-Match": '"1"'}).status_code == 404
    moved = house.sato.patch(here, json=hour, headers={"If-Match": '"1"'})
    assert moved.status_code == 200, moved.text
    read = house.sato.get(here).json()["occurrences"]
    starts = [datetime.fromisoformat(each["reservation"]["starts_at"]) for each in read]
    week = timedelta(days=7)
    assert starts == [house.first.start, house.first.start + week + HOUR, house.first.start + 2 * week + HOUR]
    assert [each["recurrence_id"] for each in read] == [each["recurrence_id"] for each in made]
    assert house.sato.delete(f"{here}?scope=all").status_code == 204
    assert {each["reservation"]["status"] for each in house.sato.get(here).json()["occurrences"]} == {"cancelled"}


def test_a_rule_that_is_wrong_or_too_long_is_named(house: House) -> None:
    for rule, code, params in (
        ("FREQ=HOURLY", "booking.rule_part_unsupported", {"part": "FREQ=HOURLY"}),
        ("FREQ=WEEKLY;BYDAY=XX", "booking.rule_invalid", {"part": "BYDAY=XX"}),
        ("FREQ=DAILY;COUNT=401", "booking.series_too_long", {"most": 400}),
    ):
        refused = house.sato.post("/api/v1/series/preview", json=house.body(rule=rule))
        assert (refused.status_code, refused.json()["code"], refused.json()["params"]) == (422, code, params)


def test_a_single_reservation_has_no_series(house: House) -> None:
    slot = {name: each for name, each in house.body().items() if name != "rule"}
    single = house.sato.post("/api/v1/reservations", json=slot).json()
    here = f"/api/v1/reservations/{single['id']}/series"
    assert house.sato.get(here).status_code == 404
    answer = house.sato.patch(here, json=house.move(HOUR), headers={"If-Match": "*"})
    assert answer.status_code == 404
