"""Services through HTTP: defined by the office, booked by engineers, carried out by the operator."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import time
from threading import Barrier
from typing import Any

import pytest

from booking.presence import overrun
from coop import database
from coop.identity import Role
from coop.machines import Machine, OpeningHours, add_machine
from tests.booking.test_reserve import at, moment
from tests.callers import Caller, Callers

API = "/api/v1"


@dataclass
class Room:
    """Two CMMs and a portable tester, always open; a fixture, a shelf and two members."""

    sato: Caller
    kato: Caller
    suzuki: Caller
    office: Caller
    operator: Caller

    def book(self, who: Caller, start: str, end: str, machine_id: str = "cmm-1", **more: Any) -> Any:
        body = {"machine_id": machine_id, "starts_at": at(start), "ends_at": at(end), **more}
        return who.post(f"{API}/reservations", json=body)

    def change(self, who: Caller, made: dict[str, Any], what: str, body: Any = None, **headers: str) -> Any:
        headers = {"If-Match": f'"{made["version"]}"'} | headers
        return who.post(f"{API}/reservations/{made['id']}/{what}", json=body, headers=headers)


@pytest.fixture
def room(api: Callers) -> Room:
    api.member("m01", "佐藤精機")
    api.member("m02", "鈴木製作所")
    with database.transaction(api.pool) as conn:
        for machine_id in ("cmm-1", "cmm-2", "tester"):
            hours = [OpeningHours(machine_id, day, time(0), time.max) for day in range(1, 8)]
            add_machine(conn, Machine(machine_id, "cmm", "測定機", "CMM"), hours)
    room = Room(
        api.person(Role.ENGINEER, "m01", name="佐藤"),
        api.person(Role.ENGINEER, "m01", name="加藤"),
        api.person(Role.ENGINEER, "m02", name="鈴木"),
        api.person(Role.OFFICE),
        api.person(Role.OPERATOR),
    )
    for thing, kind in (("fixture", "accessory"), ("shelf", "place")):
        body = {"id": thing, "kind": kind, "name_ja": thing, "name_en": thing}
        assert room.office.post(f"{API}/resources", json=body).status_code == 201
    return room


def offered(room: Room, machine_id: str, kind: str, **form: Any) -> None:
    answer = room.office.put(f"{API}/machines/{machine_id}/services/{kind}", json=form)
    assert answer.status_code == 204, answer.text


def test_the_office_says_what_a_service_needs(room: Room) -> None:
    soak = {"name": "soak", "unit_id": "shelf", "from_edge": "day", "from_minutes": -420, "until_edge": "start"}
    offered(room, "cmm-1", "attended", needs=[soak, {"name": "fixture", "unit_id": "fixture", "optional": True}])
    [service] = room.sato.get(f"{API}/machines/cmm-1/services").json()
    assert (service["kind"], [need["name"] for need in service["needs"]]) == ("attended", ["fixture", "soak"])
    made = room.book(room.sato, "10:00", "12:00", service="attended", options=["fixture"])
    assert made.status_code == 201, made.text
    assert made.json()["service"] == "attended"
    claims = room.kato.get(f"{API}/reservations/{made.json()['id']}/claims").json()
    assert [each["resource_id"] for each in claims] == ["cmm-1", "fixture", "shelf"]
    assert moment(claims[2]["starts_at"]) == moment(at("17:00", 6))
    assert room.suzuki.get(f"{API}/reservations/{made.json()['id']}/claims").status_code == 404
    refused = room.book(room.sato, "13:00", "14:00", service="loan")
    assert (refused.status_code, refused.json()["code"]) == (422, "booking.service_unknown")
    free = [
        room.sato.get(
            f"{API}/machines/cmm-1/free",
            params={"from": at("00:00", day), "to": at("23:00", day), "minutes": 60, "service": "attended"},
        ).json()
        for day in (7, 8)
    ]
    assert free[0] == []  # the shelf is taken since the evening before
    assert moment(free[1][0]["starts_at"]) == moment(at("00:00", 8))


def test_what_cannot_be_entered_is_refused(room: Room) -> None:
    services = f"{API}/machines/cmm-1/services/attended"
    both = {"name": "a", "unit_id": "shelf", "pool_id": "p"}
    for body in ({"needs": [both]}, {"needs": [{"name": "a"}]}, {"approval_minutes": 0}):
        assert room.office.put(services, json=body).status_code == 422
    for unit in ("nothing", "cmm-1"):
        assert room.office.put(services, json={"needs": [{"name": "a", "unit_id": unit}]}).status_code == 404
    again = {"id": "shelf", "kind": "place", "name_ja": "棚", "name_en": "Shelf"}
    assert room.office.post(f"{API}/resources", json=again).status_code == 409
    assert room.sato.put(services, json={}).status_code == 403
    assert (
        room.office.put(f"{API}/pools/p", json={"name_ja": "p", "name_en": "p", "unit_ids": ["x"]}).status_code == 404
    )


def test_half_an_hour_more_in_one_call(room: Room) -> None:
    made = room.book(room.sato, "10:00", "11:00").json()
    assert room.sato.post(f"{API}/reservations/{made['id']}/extend", json={}).status_code == 428
    key = {"Idempotency-Key": "more"}
    longer = room.change(room.sato, made, "extend", {}, **key)
    assert (longer.status_code, moment(longer.json()["ends_at"])) == (200, moment(at("11:30")))
    assert longer.headers["etag"] == '"2"'
    again = room.change(room.sato, made, "extend", {}, **key)
    assert (again.json(), again.headers["idempotent-replayed"]) == (longer.json(), "true")
    assert room.change(room.sato, made, "extend", {}).status_code == 412
    shorter = room.change(room.sato, longer.json(), "shorten", {"ends_at": at("10:30")}).json()
    swapped = room.change(room.sato, shorter, "swap", {"machine_id": "cmm-2"}).json()
    late = room.change(room.sato, swapped, "late", {"expected_at": at("10:15")}).json()
    handed = room.change(room.sato, late, "hand-over", {"person_id": str(room.kato.person_id)}).json()
    assert (handed["machine_id"], handed["uid"], handed["version"]) == ("cmm-2", made["uid"], 6)
    assert handed["person_name"] == "加藤"
    assert room.change(room.suzuki, handed, "extend", {}).status_code == 404


def test_a_request_is_answered_over_http(room: Room) -> None:
    offered(room, "cmm-1", "self_use", approval_minutes=60)
    asked = room.book(room.sato, "10:00", "11:00").json()
    assert asked["status"] == "pending"
    assert room.change(room.sato, asked, "approve").status_code == 403
    approved = room.change(room.operator, asked, "approve")
    assert (approved.status_code, approved.json()["status"]) == (200, "confirmed")
    late = room.change(room.operator, approved.json(), "decline")
    assert (late.status_code, late.json()["code"]) == (409, "booking.not_pending")


def test_a_commission_goes_step_by_step(room: Room) -> None:
    offered(room, "cmm-1", "commissioned")
    made = room.book(room.sato, "10:00", "12:00", service="commissioned").json()
    steps = f"{API}/reservations/{made['id']}/steps"

    def take(who: Caller, step: str, **body: Any) -> Any:
        return who.post(f"{steps}/{step}", json=body)

    assert take(room.sato, "received").status_code == 403
    assert take(room.operator, "measured").json()["code"] == "booking.step_out_of_turn"
    assert take(room.office, "received").status_code == 200
    assert take(room.office, "received").status_code == 409
    assert take(room.office, "quoted").json()["code"] == "booking.quote_needed"
    assert take(room.office, "quoted", quote_yen=12_000).status_code == 200
    assert take(room.office, "measured").status_code == 403  # an operator says that it was measured
    for step in ("measured", "delivered", "returned"):
        assert take(room.operator, step).status_code == 200
    seen = room.kato.get(steps).json()
    assert [each["step"] for each in seen] == ["received", "quoted", "measured", "delivered", "returned"]
    assert [each["quote_yen"] for each in seen] == [None, 12_000, None, None, None]
    assert room.suzuki.get(steps).status_code == 404
    plain = room.book(room.sato, "13:00", "14:00").json()
    assert room.operator.post(f"{API}/reservations/{plain['id']}/steps/received", json={}).status_code == 409


def test_a_tester_goes_out_and_comes_back(room: Room) -> None:
    offered(room, "tester", "loan", needs=[{"name": "fixture", "unit_id": "fixture"}])
    made = room.book(room.sato, "10:00", "20:00", "tester", service="loan").json()
    assert room.change(room.operator, made, "take-back").json()["code"] == "booking.loan_not_out"
    out = room.change(room.operator, made, "lend").json()
    assert out["status"] == "in_use"
    assert room.change(room.operator, out, "lend").json()["code"] == "booking.loan_out"
    [loan] = room.office.get(f"{API}/loans").json()
    assert (loan["reservation"]["id"], loan["overdue"]) == (made["id"], False)
    assert moment(loan["due_at"]) == moment(at("20:00"))
    with database.transaction(room.office.client.app.state.pool) as conn:
        assert overrun.finish(conn, moment(at("21:00"))) == [], "what is overdue is not back"
    assert room.change(room.operator, out, "take-back").json()["status"] == "done"
    assert room.office.get(f"{API}/loans").json() == []
    assert room.book(room.suzuki, "12:00", "13:00", "tester", service="loan").status_code == 201


def test_any_of_the_pool_over_http(room: Room) -> None:
    units = {"name_ja": "三次元", "name_en": "CMMs", "unit_ids": ["cmm-1", "cmm-2"]}
    assert room.office.put(f"{API}/pools/cmms", json=units).status_code == 204
    slot = {"starts_at": at("10:00"), "ends_at": at("11:00")}
    answers = [who.post(f"{API}/pools/cmms/reservations", json=slot) for who in (room.sato, room.suzuki, room.kato)]
    assert [answer.status_code for answer in answers] == [201, 201, 409]
    assert [answer.json()["machine_id"] for answer in answers[:2]] == ["cmm-1", "cmm-2"]
    assert room.sato.get(answers[0].headers["location"]).json() == answers[0].json()


def test_an_outage_lists_what_is_in_its_way(room: Room) -> None:
    made = room.book(room.sato, "10:00", "11:00", purpose="part 7").json()
    body = {"resource_id": "cmm-1", "kind": "maintenance", "starts_at": at("09:00"), "ends_at": at("12:00")}
    refused = room.office.post(f"{API}/outages", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "booking.outage_conflicts")
    assert refused.json()["reservations"][0]["reservation"]["id"] == made["id"]
    down = room.office.post(f"{API}/outages", json=body | {"kind": "breakdown", "reason": "probe"})
    assert down.status_code == 201, down.text
    assert [each["id"] for each in down.json()["affected"]] == [made["id"]]
    query = f"from={at('00:00')}&to={at('23:00')}".replace("+", "%2B")
    [seen] = room.suzuki.get(f"{API}/outages?{query}").json()
    assert seen["affected"] == [room.suzuki.get(f"{API}/reservations?{query}").json()[0]]
    assert seen["affected"][0]["id"] is None
    assert "part 7" not in down.text
    assert room.office.delete(f"{API}/outages/{seen['id']}").status_code == 204
    assert room.suzuki.get(f"{API}/outages?{query}").json() == []


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        (
            "pools/gauges",
            {"name_ja": "器", "name_en": "Gauges", "unit_ids": ["cmm-1"]},
            {"name_ja": "器", "name_en": "Gauges", "unit_ids": ["cmm-1", "cmm-2"]},
        ),
        ("machines/cmm-1/services/attended", {"needs": []}, {"approval_minutes": 60, "needs": []}),
    ],
)
def test_nobody_overwrites_a_pool_or_service_unseen(room: Room, path: str, one: Any, other: Any) -> None:
    put, address = room.office.put, f"{API}/{path}"
    assert room.sato.get(address).status_code == 404
    assert put(address, json=one, headers={"If-Match": "*"}).status_code == 412  # there is nothing to match
    made = put(address, json=one)
    assert made.status_code == 204
    assert put(address, json=other).json()["code"] == "booking.version_needed"
    read = room.sato.get(address)
    assert read.headers["etag"] == made.headers["etag"]
    changed = put(address, json=other, headers={"If-Match": read.headers["etag"]})
    assert changed.status_code == 204
    assert changed.headers["etag"] != read.headers["etag"]
    stale = put(address, json=one, headers={"If-Match": read.headers["etag"]})
    assert (stale.status_code, stale.json()["code"]) == (412, "coop.changed_meanwhile")
    assert room.sato.get(address).headers["etag"] == changed.headers["etag"]
    assert put(address, json=one, headers={"If-Match": "*"}).status_code == 204


def test_of_two_who_change_what_they_read_at_once_one_is_told(room: Room) -> None:
    pool = {"name_ja": "器", "name_en": "Gauges", "unit_ids": ["cmm-1"]}
    address = f"{API}/pools/gauges"
    for round_of in range(5):
        tag = room.sato.get(address).headers.get("etag")
        headers, both = {"If-Match": tag} if tag else {}, Barrier(2)

        def put(name: str, headers: dict[str, str] = headers, both: Barrier = both) -> int:
            both.wait()
            return int(room.office.put(address, json=pool | {"name_en": name}, headers=headers).status_code)

        with ThreadPoolExecutor(2) as threads:
            statuses = sorted(threads.map(put, (f"a{round_of}", f"b{round_of}")))
        assert statuses == ([204, 412] if tag else [204, 428])


def test_all_pools_are_listed(room: Room) -> None:
    for pool in ("b", "a"):
        body = {"name_ja": pool, "name_en": pool, "unit_ids": ["cmm-2", "cmm-1"]}
        assert room.office.put(f"{API}/pools/{pool}", json=body).status_code == 204
    listed = room.sato.get(f"{API}/pools").json()
    assert [(each["id"], each["unit_ids"]) for each in listed] == [("a", ["cmm-1", "cmm-2"]), ("b", ["cmm-1", "cmm-2"])]


def test_a_step_sent_twice_with_one_key_is_one_step(room: Room) -> None:
    offered(room, "cmm-1", "commissioned")
    made = room.book(room.sato, "10:00", "12:00", service="commissioned").json()
    key = {"Idempotency-Key": "received"}
    first = room.change(room.operator, made, "steps/received", {}, **key)
    again = room.change(room.operator, made, "steps/received", {}, **key)
    assert (first.status_code, again.status_code) == (200, 200), first.text
    assert (again.json(), again.headers["etag"]) == (first.json(), first.headers["etag"])
    assert again.headers["idempotent-replayed"] == "true"
    assert [each["step"] for each in again.json()] == ["received"]
