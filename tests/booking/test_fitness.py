"""Calibration, daily checks, the room, and whom a failure concerns: through HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from booking.fitness.evidence import WalkUp, tell_walk_ups
from coop.identity import Role
from coop.interval import Interval
from tests.booking.shop import Shop, at, moment, reasons, today, warnings
from tests.callers import Callers
from tests.parts.databases import Database


@pytest.fixture
def shop(api: Callers) -> Shop:
    return Shop.open(api)


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


def days_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def master(shop: Shop, name: str = "リングゲージ") -> str:
    body = {"name": name, "unit": "mm", "lower_limit": "49.998", "upper_limit": "50.002"}
    made = shop.operator.post("/api/v1/machines/cmm-1/masters", json=body)
    assert made.status_code == 201, made.text
    return f"/api/v1/masters/{made.json()['id']}"


def check(shop: Shop, address: str, value: str, checked_at: str | None = None) -> bool:
    body = {"value": value} | ({"checked_at": checked_at} if checked_at else {})
    answer = shop.operator.post(f"{address}/checks", json=body)
    assert answer.status_code == 201, answer.text
    passed: bool = answer.json()["passed"]
    return passed


def test_a_calibration_is_valid_at_the_end_of_the_slot(shop: Shop) -> None:
    shop.rule(calibration_required=True)
    assert reasons(shop.book(shop.sato)) == ["calibration_ends"]
    assert shop.sato.get("/api/v1/machines/cmm-1/free").json() == []
    last = today() + timedelta(days=7)
    body = {"number": "JCSS-1", "issued_on": str(today() - timedelta(days=358)), "valid_until": str(last)}
    made = shop.operator.post("/api/v1/machines/cmm-1/calibrations", json=body | {"document": "棚 3"})
    assert made.status_code == 201, made.text
    assert reasons(shop.book(shop.sato, "22:00", "23:00")) == []
    overnight = {"starts_at": at("23:00"), "ends_at": at("01:00", 8)}
    answer = shop.sato.post("/api/v1/reservations", json={"machine_id": "cmm-1", **overnight})
    assert reasons(answer) == ["calibration_ends"]
    assert answer.json()["reasons"][0]["params"] == {"until": str(last)}
    free = shop.sato.get("/api/v1/machines/cmm-1/free", params={"from": at("00:00"), "to": at("00:00", 9)}).json()
    assert moment(free[-1]["ends_at"]) == moment(at("00:00", 8))
    renewed = body | {"number": "JCSS-2", "valid_until": str(last + timedelta(days=365))}
    assert shop.operator.post("/api/v1/machines/cmm-1/calibrations", json=renewed).status_code == 201
    assert reasons(shop.sato.post("/api/v1/reservations", json={"machine_id": "cmm-1", **overnight})) == []
    listed = shop.sato.get("/api/v1/machines/cmm-1/calibrations").json()
    assert [each["number"] for each in listed] == ["JCSS-2", "JCSS-1"]


@pytest.mark.parametrize(
    ("value", "passed"),
    [("49.9979", False), ("49.998", True), ("50", True), ("50.002", True), ("50.0021", False)],
)
def test_a_check_passes_within_limits(shop: Shop, value: str, passed: bool) -> None:
    assert check(shop, master(shop), value) is passed
    assert reasons(shop.book(shop.sato)) == ([] if passed else ["check_failed"])
    assert (shop.sato.get("/api/v1/machines/cmm-1/free").json() == []) is not passed


def test_a_failed_check_blocks_until_one_passes(shop: Shop) -> None:
    ring, block = master(shop), master(shop, "ブロックゲージ")
    made = shop.book(shop.sato, "14:00", "15:00").json()
    assert not check(shop, ring, "51", ago(hours=2))
    assert check(shop, block, "50", ago(hours=1))
    assert reasons(shop.book(shop.sato)) == ["check_failed"]
    assert reasons(shop.book(shop.office, person_id=str(shop.sato.person_id))) == ["check_failed"]
    body = {"starts_at": at("15:00"), "ends_at": at("16:00")}
    moved = shop.sato.patch(f"/api/v1/reservations/{made['id']}", json=body, headers={"If-Match": "*"})
    assert reasons(moved) == ["check_failed"]
    assert check(shop, ring, "50", ago(minutes=30))
    assert reasons(shop.book(shop.sato)) == []
    late_entry = check(shop, ring, "51", ago(hours=3))
    assert not late_entry
    assert reasons(shop.book(shop.sato, days=8)) == []


def test_what_failed_on_a_retired_master_blocks_no_more(shop: Shop) -> None:
    ring = master(shop)
    check(shop, ring, "51")
    assert reasons(shop.book(shop.sato)) == ["check_failed"]
    assert shop.operator.delete(ring).status_code == 204
    assert reasons(shop.book(shop.sato)) == []
    assert shop.operator.post(f"{ring}/checks", json={"value": "50"}).status_code == 404
    assert shop.operator.delete(ring).status_code == 404
    master(shop)


def test_every_use_since_the_last_pass_is_recalled_to_its_person(shop: Shop, database: Database) -> None:
    ring = master(shop)
    assert check(shop, ring, "50", ago(days=3))
    uses = [
        used(shop, shop.sato, days=-4),
        used(shop, shop.sato, days=-2),
        used(shop, shop.suzuki, days=-1),
        used(shop, shop.suzuki, days=-1, hours=3, cancelled=True),
    ]
    coming = shop.book(shop.suzuki).json()["id"]
    assert not check(shop, ring, "51", ago(minutes=5))
    [mine] = shop.sato.get("/api/v1/recalls").json()
    assert mine["reservation_id"] == uses[1]
    assert mine["seen_at"] is None
    [theirs] = shop.suzuki.get("/api/v1/recalls").json()
    assert theirs["reservation_id"] == uses[2]
    assert shop.guest.get("/api/v1/recalls").json() == []
    everybody = {each["reservation_id"] for each in shop.operator.get("/api/v1/recalls").json()}
    assert everybody == {uses[1], uses[2]}
    assert coming not in everybody
    assert "鈴木" not in shop.sato.get("/api/v1/recalls").text
    assert shop.suzuki.post(f"/api/v1/recalls/{mine['id']}/seen").status_code == 404
    assert shop.sato.post(f"/api/v1/recalls/{mine['id']}/seen").status_code == 204
    assert shop.sato.get("/api/v1/recalls").json()[0]["seen_at"] is not None
    with psycopg.connect(database.app_url) as conn:
        row = conn.execute("SELECT detail FROM coop.audit WHERE action = 'master.checked' ORDER BY id DESC").fetchone()
    assert row is not None
    assert (row[0]["passed"], row[0]["recalled"]) == (False, 2)


def test_a_second_failure_recalls_again_what_is_still_in_doubt(shop: Shop) -> None:
    ring = master(shop)
    used(shop, shop.sato, days=-2)
    assert not check(shop, ring, "51", ago(hours=2))
    assert not check(shop, ring, "51", ago(hours=1))
    assert len(shop.sato.get("/api/v1/recalls").json()) == 2


@pytest.mark.parametrize("known_first", [True, False])
def test_use_without_a_reservation_is_recalled_too(shop: Shop, database: Database, known_first: bool) -> None:
    """Whether the office says whose it was before the check fails or after."""
    ring = master(shop)
    assert check(shop, ring, "50", ago(days=3))
    within, before = (Interval.of(begun, timedelta(hours=2)) for begun in (days_ago(2), days_ago(5)))
    uses = [WalkUp(uuid4(), each, "m01", shop.sato.person_id) for each in (within, before)]

    def told() -> None:
        with psycopg.connect(database.app_url) as conn:
            tell_walk_ups(conn, "cmm-1", [], uses)

    if known_first:
        told()
    assert not check(shop, ring, "51", ago(minutes=5))
    if not known_first:
        told()
    [mine] = shop.sato.get("/api/v1/recalls").json()
    assert (mine["reservation_id"], datetime.fromisoformat(mine["starts_at"])) == (None, within.start)
    assert shop.suzuki.get("/api/v1/recalls").json() == []
    assert shop.suzuki.post(f"/api/v1/recalls/{mine['id']}/seen").status_code == 404
    assert shop.sato.post(f"/api/v1/recalls/{mine['id']}/seen").status_code == 204
    assert shop.sato.get("/api/v1/recalls").json()[0]["seen_at"] is not None


def test_what_the_office_booked_for_a_member_concerns_its_people(shop: Shop) -> None:
    ring = master(shop)
    body = {"machine_id": "cmm-1", "starts_at": at("10:00", -2), "ends_at": at("12:00", -2), "member_id": "m01"}
    assert shop.office.post("/api/v1/reservations", json=body).status_code == 201
    check(shop, ring, "51")
    assert len(shop.sato.get("/api/v1/recalls").json()) == 1
    assert shop.suzuki.get("/api/v1/recalls").json() == []


def used(shop: Shop, who: Any, *, days: int, hours: int = 0, cancelled: bool = False) -> str:
    """A use that the office entered afterwards."""
    start, end = f"{2 + hours:02}:00", f"{3 + hours:02}:00"
    made = shop.book(shop.office, start, end, days=days, person_id=str(who.person_id))
    assert made.status_code == 201, made.text
    identifier: str = made.json()["id"]
    if cancelled:
        assert shop.office.delete(f"/api/v1/reservations/{identifier}").status_code == 204
    return identifier


def test_a_machine_without_todays_check_warns(shop: Shop) -> None:
    shop.rule(daily_check_required=True, shortest_minutes=15, granularity_minutes=1)
    start = datetime.now(UTC).replace(second=0, microsecond=0)
    body = {"machine_id": "cmm-1", "starts_at": start.isoformat()}
    ring = master(shop)
    first = body | {"ends_at": (start + timedelta(minutes=15)).isoformat()}
    made = shop.sato.post("/api/v1/reservations", json=first)
    assert warnings(made) == ["check_missing"]
    assert shop.sato.delete(made.headers["location"]).status_code in {204, 409}
    assert shop.office.delete(made.headers["location"]).status_code == 204
    assert check(shop, ring, "50")
    assert warnings(shop.sato.post("/api/v1/reservations", json=first)) == []


def test_the_rooms_temperature_counts_for_slots_to_come(shop: Shop) -> None:
    shop.rule(coldest_celsius="19", warmest_celsius="21", granularity_minutes=1)
    address = "/api/v1/machines/cmm-1/temperature"
    sensor = shop.callers.person(Role.MACHINE)
    assert sensor.post(address, json={"celsius": "22.5"}).status_code == 204
    assert sensor.post(address, json={"celsius": "20", "at": ago(hours=1)}).status_code == 204  # an older one
    start = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=10)
    soon = {"machine_id": "cmm-1", "starts_at": start.isoformat()}
    soon["ends_at"] = (start + timedelta(minutes=15)).isoformat()
    made = shop.sato.post("/api/v1/reservations", json=soon)
    assert warnings(made) == ["room_temperature"]
    assert made.json()["warnings"][0]["params"]["celsius"] == "22.5"
    assert warnings(shop.book(shop.sato, days=1)) == []
    assert shop.office.delete(made.headers["location"]).status_code == 204
    shop.rule(temperature_denies=True)
    assert reasons(shop.sato.post("/api/v1/reservations", json=soon)) == ["room_temperature"]
    first = shop.sato.get("/api/v1/machines/cmm-1/free").json()[0]
    assert moment(first["starts_at"]) > datetime.now(UTC) + timedelta(minutes=115)
    assert sensor.post(address, json={"celsius": "20.5"}).status_code == 204
    assert reasons(shop.sato.post("/api/v1/reservations", json=soon)) == []
    known = shop.sato.get("/api/v1/machines/cmm-1/fitness").json()
    assert known["celsius"] == "20.5"


def test_what_cannot_be_entered(shop: Shop) -> None:
    ring = master(shop)
    future = {"value": "50", "checked_at": at("00:00", 2)}
    assert shop.operator.post(f"{ring}/checks", json=future).json()["code"] == "booking.not_measured_yet"
    twice = {"value": "50", "checked_at": ago(hours=1)}
    assert shop.operator.post(f"{ring}/checks", json=twice).status_code == 201
    assert shop.operator.post(f"{ring}/checks", json=twice).json()["code"] == "booking.entered_before"
    same_name = {"name": "リングゲージ", "unit": "mm", "lower_limit": "1", "upper_limit": "2"}
    assert shop.operator.post("/api/v1/machines/cmm-1/masters", json=same_name).status_code == 409
    reversed_limits = same_name | {"name": "x", "upper_limit": "0"}
    answer = shop.operator.post("/api/v1/machines/cmm-1/masters", json=reversed_limits)
    assert answer.json()["code"] == "booking.limits_reversed"
    assert shop.operator.post("/api/v1/machines/cmm-9/masters", json=same_name).status_code == 404
    assert shop.operator.post(f"/api/v1/masters/{uuid4()}/checks", json={"value": "1"}).status_code == 404
    assert shop.sato.post(f"{ring}/checks", json={"value": "50"}).status_code == 403


def test_a_check_is_never_rewritten(shop: Shop, database: Database) -> None:
    check(shop, master(shop), "51")
    with psycopg.connect(database.app_url) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("UPDATE booking.master_check SET value = 50")
    [listed] = shop.sato.get("/api/v1/machines/cmm-1/checks").json() or [None]
    assert listed["passed"] is False
