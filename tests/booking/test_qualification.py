"""Who may use a machine alone, who must be instructed, and how one learns it: through HTTP."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest

from booking import SlotDenied, SlotTaken, Wish, reserve
from booking.rules.edit import change_policy
from booking.rules.facts import Preparation
from booking.training import granting
from booking.training import sessions as training
from booking.training.sessions import TrainingFull, TrainingWish
from coop import database
from coop.database import Connection, Pool
from coop.identity import SYSTEM, Role
from coop.interval import Interval
from tests.booking.places import settle_in
from tests.booking.shop import Shop, at, reasons, today
from tests.callers import Caller, Callers


@pytest.fixture
def shop(api: Callers) -> Shop:
    opened = Shop.open(api)
    opened.rule(required_level=2, supervised_level=1)
    return opened


def grant(shop: Shop, who: Caller, level: int, **more: Any) -> None:
    body = {"person_id": str(who.person_id), "machine_kind": "cmm", "level": level, **more}
    answer = shop.office.post("/api/v1/qualifications", json=body)
    assert answer.status_code == 204, answer.text


def test_who_is_qualified_books(shop: Shop) -> None:
    assert reasons(shop.book(shop.sato)) == ["qualification_missing"]
    on_behalf = shop.book(shop.office, person_id=str(shop.sato.person_id))
    assert reasons(on_behalf) == ["qualification_missing"]
    assert reasons(shop.book(shop.office, member_id="m01")) == ["qualification_missing"]
    grant(shop, shop.sato, 2)
    assert reasons(shop.book(shop.sato)) == []
    assert reasons(shop.book(shop.suzuki, days=8)) == ["qualification_missing"]
    grant(shop, shop.sato, 0)
    assert reasons(shop.book(shop.sato, days=8)) == ["qualification_expires"]


def test_a_qualification_holds_to_the_end_of_the_slot(shop: Shop) -> None:
    grant(shop, shop.sato, 2, valid_until=at("12:00"))
    made = shop.book(shop.sato, "10:00", "12:00")
    assert reasons(made) == []
    later = {"starts_at": at("10:15"), "ends_at": at("12:15")}
    address = f"/api/v1/reservations/{made.json()['id']}"
    assert reasons(shop.sato.patch(address, json=later, headers={"If-Match": "*"})) == ["qualification_expires"]
    refused = shop.book(shop.sato, days=8).json()["reasons"]
    assert [each["code"] for each in refused] == ["booking.qualification_expires"]
    assert refused[0]["params"]["until"] == at("12:00")[:16].replace("T", " ")


def test_a_qualification_lapses_without_use(shop: Shop) -> None:
    grant(shop, shop.sato, 2)
    lapse = shop.office.put("/api/v1/qualifications/lapse/cmm", json={"days": 20})
    assert lapse.status_code == 204, lapse.text
    assert reasons(shop.book(shop.sato, days=30)) == ["qualification_lapsed"]
    assert reasons(shop.book(shop.sato, days=15)) == []
    assert reasons(shop.book(shop.sato, days=30)) == []
    [granted] = shop.sato.get("/api/v1/qualifications").json()
    assert granted["ends_at"] is not None
    assert shop.office.put("/api/v1/qualifications/lapse/cmm", json={"days": None}).status_code == 204
    assert reasons(shop.book(shop.sato, days=80)) == []


def test_a_trainee_comes_with_an_instructor(shop: Shop) -> None:
    grant(shop, shop.sato, 1)
    grant(shop, shop.suzuki, 1)
    grant(shop, shop.operator, 3)
    refused = shop.book(shop.sato)
    assert reasons(refused) == ["instructor_needed"]
    assert refused.json()["reasons"][0]["params"]["instructors"] == "高橋"
    [instructor] = shop.sato.get("/api/v1/instructors", params={"machine_kind": "cmm"}).json()
    assert instructor == {"person_id": str(shop.operator.person_id), "name": "高橋"}
    named = {"instructor_id": instructor["person_id"]}
    made = shop.book(shop.sato, **named)
    assert reasons(made) == []
    assert reasons(shop.book(shop.sato, days=8, instructor_id=str(shop.suzuki.person_id))) == ["instructor_needed"]
    assert reasons(shop.book(shop.sato, days=8, instructor_id=str(uuid4()))) == ["instructor_needed"]
    address = f"/api/v1/reservations/{made.json()['id']}"
    body = {"starts_at": at("11:00"), "ends_at": at("13:00")}
    assert reasons(shop.sato.patch(address, json=body, headers={"If-Match": "*"})) == []


def test_an_instructor_is_with_one_trainee_at_a_time(shop: Shop) -> None:
    with database.transaction(shop.callers.pool) as conn:
        second_machine(conn)
    body = {"valid_from": at("00:00", 0)[:10], "required_level": 2, "supervised_level": 1}
    assert shop.office.post("/api/v1/machines/cmm-2/policies", json=body).status_code == 201
    grant(shop, shop.sato, 1)
    grant(shop, shop.suzuki, 1)
    grant(shop, shop.operator, 3)
    named = {"instructor_id": str(shop.operator.person_id)}
    made = shop.book(shop.sato, "10:00", "12:00", **named)
    assert reasons(made) == []
    assert reasons(shop.book(shop.suzuki, "11:00", "13:00", machine_id="cmm-2", **named)) == ["instructor_taken"]
    assert reasons(shop.book(shop.suzuki, "12:00", "13:00", machine_id="cmm-2", **named)) == []
    assert shop.sato.delete(f"/api/v1/reservations/{made.json()['id']}").status_code == 204
    assert reasons(shop.book(shop.suzuki, "11:00", "12:00", machine_id="cmm-2", **named)) == []


def second_machine(conn: Connection) -> None:
    conn.execute("INSERT INTO coop.machine (id, kind, name_ja, name_en) VALUES ('cmm-2', 'cmm', '二号機', 'Second')")
    conn.execute(
        "INSERT INTO coop.opening_hours (machine_id, iso_weekday, opens, closes)"
        " SELECT 'cmm-2', iso_weekday, opens, closes FROM coop.opening_hours WHERE machine_id = 'cmm-1'"
    )


def test_everybody_sees_their_own_qualifications(shop: Shop) -> None:
    grant(shop, shop.sato, 1)
    grant(shop, shop.sato, 2)
    grant(shop, shop.suzuki, 1)
    [own] = shop.sato.get("/api/v1/qualifications").json()
    assert (own["person_id"], own["level"]) == (str(shop.sato.person_id), 2)
    assert own["granted_by"] == str(shop.office.person_id)
    assert len(shop.operator.get("/api/v1/qualifications").json()) == 2
    assert shop.guest.get("/api/v1/qualifications").json() == []
    assert shop.sato.post("/api/v1/qualifications", json={}).status_code == 403


def test_what_cannot_be_granted(shop: Shop) -> None:
    body = {"person_id": str(uuid4()), "machine_kind": "cmm", "level": 2}
    assert shop.office.post("/api/v1/qualifications", json=body).json()["code"] == "booking.person_unknown"
    past = {**body, "person_id": str(shop.sato.person_id), "valid_until": at("00:00", -1)}
    assert shop.office.post("/api/v1/qualifications", json=past).json()["code"] == "booking.ends_before_it_begins"


def test_a_training_makes_qualified(shop: Shop) -> None:
    body = {
        "machine_kind": "cmm",
        "level": 2,
        "starts_at": at("13:00"),
        "ends_at": at("17:00"),
        "seats": 1,
        "instructor_id": str(shop.operator.person_id),
    }
    made = shop.office.post("/api/v1/trainings", json=body)
    assert made.status_code == 201, made.text
    address = f"/api/v1/trainings/{made.json()['id']}"
    assert shop.sato.post(f"{address}/seat").json() == {"seat": 1}
    assert shop.sato.post(f"{address}/seat").json() == {"seat": 1}
    assert shop.suzuki.post(f"{address}/seat").json()["code"] == "booking.training_full"
    [listed] = shop.suzuki.get("/api/v1/trainings").json()
    assert (listed["taken"], listed["mine"], listed["instructor_name"]) == (1, False, "高橋")
    assert shop.suzuki.get(f"{address}/seats").status_code == 404
    [seat] = shop.operator.get(f"{address}/seats").json()
    assert seat["person_name"] == "佐藤"
    result = {"person_id": str(shop.sato.person_id), "passed": True}
    assert shop.sato.post(f"{address}/results", json=result).status_code == 404
    assert shop.operator.post(f"{address}/results", json=result).status_code == 204
    assert reasons(shop.book(shop.sato)) == []


def test_a_seat_that_is_given_back_is_free(shop: Shop) -> None:
    body = {"machine_kind": "cmm", "level": 2, "starts_at": at("13:00"), "ends_at": at("17:00"), "seats": 1}
    made = shop.operator.post("/api/v1/trainings", json={**body, "instructor_id": str(shop.operator.person_id)})
    address = f"/api/v1/trainings/{made.json()['id']}/seat"
    assert shop.sato.post(address).status_code == 201
    assert shop.sato.delete(address).status_code == 204
    assert shop.sato.delete(address).status_code == 204
    assert shop.suzuki.post(address).json() == {"seat": 1}
    nobody = shop.operator.post("/api/v1/trainings", json={**body, "instructor_id": str(uuid4())})
    assert nobody.json()["code"] == "booking.person_unknown"
    begun = {"starts_at": at("00:00", 0), "ends_at": at("23:59", 1), "instructor_id": str(shop.operator.person_id)}
    running = shop.operator.post("/api/v1/trainings", json={**body, **begun}).json()
    assert shop.sato.post(f"/api/v1/trainings/{running['id']}/seat").json()["code"] == "booking.training_begun"


def test_sixteen_want_five_seats(conn: Connection, pool: Pool) -> None:
    place = settle_in(conn, machines=1, members=16)
    now = datetime.now(UTC)
    when = Interval.of(now + timedelta(days=3), timedelta(hours=4))
    instructor = place.engineers[0]
    assert instructor.person_id is not None
    wish = TrainingWish(uuid4(), "cmm", 2, when, 5, instructor.person_id)
    training.offer(conn, instructor, wish, now)
    conn.commit()
    start = Barrier(16)

    def attempt(number: int) -> int | str:
        start.wait()
        try:
            return database.run(pool, lambda c: training.sign_up(c, place.engineers[number], wish.id, now))
        except TrainingFull:
            return "full"

    with ThreadPoolExecutor(16) as threads:
        outcome = Counter(threads.map(attempt, range(16)))
    assert outcome == {1: 1, 2: 1, 3: 1, 4: 1, 5: 1, "full": 11}


def test_a_machine_without_a_rule_asks_nobody(api: Callers) -> None:
    shop = Shop.open(api)
    assert reasons(shop.book(shop.sato)) == []
    assert shop.callers.person(Role.AUDITOR).get("/api/v1/instructors?machine_kind=cmm").json() == []


def test_sixteen_trainees_want_one_instructor(conn: Connection, pool: Pool) -> None:
    """On sixteen machines at the same time: the claim of the instructor decides."""
    place = settle_in(conn, machines=16, members=17)
    now = datetime.now(UTC)
    instructor, *trainees = place.engineers
    assert instructor.person_id is not None
    grant_level(conn, instructor.person_id, "cmm", 3, now)
    for each in trainees:
        assert each.person_id is not None
        grant_level(conn, each.person_id, "cmm", 1, now)
    for machine_id in place.machine_ids:
        changes = {"required_level": 2, "supervised_level": 1}
        change_policy(conn, SYSTEM, machine_id, today(), changes, now)
    conn.commit()
    when = Interval.of((now + timedelta(days=3)).replace(minute=0, second=0, microsecond=0), timedelta(hours=1))
    start = Barrier(16)

    def attempt(number: int) -> str:
        wish = Wish(place.machine_ids[number], when, preparation=Preparation(instructor.person_id))
        start.wait()
        try:
            database.run(pool, lambda c: reserve(c, trainees[number], wish, datetime.now(UTC)))
        except (SlotDenied, SlotTaken):
            return "refused"
        return "won"

    with ThreadPoolExecutor(16) as threads:
        assert Counter(threads.map(attempt, range(16))) == {"won": 1, "refused": 15}


def grant_level(conn: Connection, person_id: UUID, kind: str, level: int, now: datetime) -> None:
    granting.grant(conn, SYSTEM, person_id, kind, level, now - timedelta(hours=1))
