"""A reservation through HTTP: made, refused, moved, cancelled, listed, seen by others."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from coop import database
from coop.identity import Role
from coop.machines import Machine, OpeningHours, add_machine
from tests.callers import Caller, Callers

TOKYO = ZoneInfo("Asia/Tokyo")


def at(clock: str, days: int = 7) -> str:
    """A local time of the day `days` ahead, as a client writes it."""
    day = datetime.now(TOKYO).date() + timedelta(days=days)
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=TOKYO).isoformat()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass
class House:
    """A cooperative with one CMM (open 9-18 every day; 10 minutes of set-up, 5 of tear-down) and two members."""

    callers: Callers
    sato: Caller
    kato: Caller
    suzuki: Caller
    office: Caller
    operator: Caller

    def book(self, who: Caller, start: str, end: str, **more: Any) -> Any:
        headers = more.pop("headers", {})
        body = {"machine_id": "cmm-1", "starts_at": at(start), "ends_at": at(end), **more}
        return who.post("/api/v1/reservations", json=body, headers=headers)


@pytest.fixture
def house(api: Callers) -> House:
    api.member("m01", "佐藤精機")
    api.member("m02", "鈴木製作所")
    with database.transaction(api.pool) as conn:
        hours = [OpeningHours("cmm-1", day, time(9), time(18)) for day in range(1, 8)]
        machine = Machine("cmm-1", "cmm", "三次元測定機", "CMM", set_up_minutes=10, tear_down_minutes=5)
        add_machine(conn, machine, hours)
    return House(
        api,
        api.person(Role.ENGINEER, "m01", name="佐藤"),
        api.person(Role.ENGINEER, "m01", name="加藤"),
        api.person(Role.ENGINEER, "m02", name="鈴木"),
        api.person(Role.OFFICE),
        api.person(Role.OPERATOR),
    )


def test_a_reservation_is_made_and_read_back(house: House) -> None:
    made = house.book(house.sato, "10:00", "12:00", purpose="part 7")
    assert made.status_code == 201, made.text
    view = made.json()
    assert view["status"] == "confirmed"
    assert view["mine"] is True
    assert view["person_name"] == "佐藤"
    assert moment(view["starts_at"]) == moment(at("10:00"))
    assert made.headers["etag"] == '"1"'
    read = house.sato.get(made.headers["location"])
    assert read.json() == view
    assert read.headers["etag"] == '"1"'


def test_a_conflict_tells_another_member_only_that_it_is_taken(house: House) -> None:
    house.book(house.sato, "10:00", "12:00", purpose="part 7")
    refused = house.book(house.suzuki, "11:00", "13:00")
    assert refused.status_code == 409
    problem = refused.json()
    assert problem["code"] == "booking.slot_taken"
    [conflict] = problem["conflicts"]
    assert set(conflict) == {"resource_id", "starts_at", "ends_at"}
    assert moment(conflict["starts_at"]) == moment(at("09:50"))
    assert moment(conflict["ends_at"]) == moment(at("12:05"))
    assert "佐藤" not in refused.text
    assert "part 7" not in refused.text
    # After 12:05 come ten minutes of set-up and the quarter-hour grid; the third no longer fits into the day.
    starts = [moment(slot["starts_at"]) for slot in problem["next_free"]]
    assert starts == [moment(at("12:15")), moment(at("14:15")), moment(at("09:00", 8))]
    again = house.suzuki.post(
        "/api/v1/reservations",
        json={key: problem["next_free"][0][key] for key in ("machine_id", "starts_at", "ends_at")},
    )
    assert again.status_code == 201, again.text


def test_a_conflict_tells_ones_own_member_who_has_it(house: House) -> None:
    made = house.book(house.sato, "10:00", "12:00", purpose="part 7").json()
    refused = house.book(house.kato, "11:00", "13:00")
    [conflict] = refused.json()["conflicts"]
    assert conflict["reservation"]["id"] == made["id"]
    assert conflict["reservation"]["person_name"] == "佐藤"
    assert "part 7" not in refused.text


def test_set_up_and_tear_down_are_kept_clear(house: House) -> None:
    house.book(house.sato, "10:00", "12:00")
    assert house.book(house.suzuki, "12:00", "13:00").status_code == 409
    assert house.book(house.suzuki, "12:15", "13:00").status_code == 201
    assert house.book(house.suzuki, "09:00", "09:45").status_code == 201


def test_every_reason_is_given_at_once(house: House) -> None:
    refused = house.book(house.sato, "17:50", "18:10")
    assert refused.status_code == 422
    problem = refused.json()
    assert problem["code"] == "booking.denied"
    assert [reason["code"] for reason in problem["reasons"]] == ["booking.outside_opening_hours", "booking.off_grid"]
    assert problem["reasons"][0]["params"] == {"open": "09:00–18:00"}
    assert "09:00–18:00" in problem["reasons"][0]["detail"]


def test_a_time_without_offset_is_malformed(house: House) -> None:
    body = {"machine_id": "cmm-1", "starts_at": "2030-01-01T10:00:00", "ends_at": "2030-01-01T11:00:00+09:00"}
    refused = house.sato.post("/api/v1/reservations", json=body)
    assert refused.status_code == 422
    assert [each["in"] for each in refused.json()["errors"]] == ["body.starts_at"]


@pytest.mark.parametrize("extreme", ["0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00"])
def test_times_beyond_reason_are_malformed(house: House, extreme: str) -> None:
    body = {"machine_id": "cmm-1", "starts_at": extreme, "ends_at": extreme}
    assert house.sato.post("/api/v1/reservations", json=body).status_code == 422
    assert house.sato.get("/api/v1/machines/cmm-1/free", params={"from": extreme}).status_code == 422


def test_an_unknown_machine_is_not_found(house: House) -> None:
    assert house.book(house.sato, "10:00", "11:00", machine_id="none").status_code == 404
    assert house.sato.get("/api/v1/machines/none/free").status_code == 404


def test_a_move_keeps_the_uid_and_frees_the_old_slot(house: House) -> None:
    made = house.book(house.sato, "10:00", "12:00")
    where = made.headers["location"]
    moved = house.sato.patch(
        where, json={"starts_at": at("11:00"), "ends_at": at("14:00")}, headers={"If-Match": made.headers["etag"]}
    )
    assert moved.status_code == 200, moved.text
    assert moved.json()["uid"] == made.json()["uid"]
    assert moved.headers["etag"] == '"2"'
    assert house.book(house.suzuki, "09:30", "10:30").status_code == 201
    assert house.book(house.suzuki, "13:00", "14:00").status_code == 409


def test_a_move_into_a_taken_slot_keeps_the_old_one(house: House) -> None:
    made = house.book(house.sato, "14:00", "16:00")
    house.book(house.suzuki, "12:00", "13:00")
    refused = house.sato.patch(
        made.headers["location"],
        json={"starts_at": at("12:30"), "ends_at": at("14:30")},
        headers={"If-Match": '"1"'},
    )
    assert refused.status_code == 409
    assert len(refused.json()["conflicts"]) == 1
    # The slot it would give up counts as free.
    assert moment(refused.json()["next_free"][0]["starts_at"]) == moment(at("13:15"))
    assert house.sato.get(made.headers["location"]).json() == made.json()


def test_a_change_must_name_the_version_it_changes(house: House) -> None:
    made = house.book(house.sato, "10:00", "12:00")
    where = made.headers["location"]
    body = {"starts_at": at("10:00"), "ends_at": at("12:30")}
    assert house.sato.patch(where, json=body).status_code == 428
    assert house.sato.patch(where, json=body, headers={"If-Match": '"1"'}).status_code == 200
    assert house.sato.patch(where, json=body, headers={"If-Match": '"1"'}).status_code == 412
    assert house.sato.patch(where, json=body, headers={"If-Match": 'W/"2"'}).status_code == 412
    assert house.sato.patch(where, json=body, headers={"If-Match": "*"}).status_code == 200
    assert house.sato.delete(where, headers={"If-Match": '"1"'}).status_code == 412
    assert house.sato.delete(where, headers={"If-Match": '"3"'}).status_code == 204


def test_a_retry_gets_the_first_answer_and_books_once(house: House) -> None:
    first = house.book(house.sato, "10:00", "12:00", headers={"Idempotency-Key": "k1"})
    again = house.book(house.sato, "10:00", "12:00", headers={"Idempotency-Key": "k1"})
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["etag"] == first.headers["etag"]
    assert len(house.sato.get("/api/v1/reservations").json()) == 1


def test_a_retried_move_gets_the_first_answer(house: House) -> None:
    where = house.book(house.sato, "10:00", "12:00").headers["location"]
    body = {"starts_at": at("10:00"), "ends_at": at("12:30")}
    headers = {"If-Match": '"1"', "Idempotency-Key": "k2"}
    first, again = (house.sato.patch(where, json=body, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.content == again.content


def test_cancelling_gives_the_time_back_and_happens_once(house: House) -> None:
    where = house.book(house.sato, "10:00", "12:00").headers["location"]
    assert house.sato.delete(where).status_code == 204
    assert house.sato.delete(where).status_code == 204
    view = house.sato.get(where).json()
    assert (view["status"], view["version"]) == ("cancelled", 2)
    assert house.book(house.suzuki, "10:00", "12:00").status_code == 201
    body = {"starts_at": at("14:00"), "ends_at": at("15:00")}
    assert house.sato.patch(where, json=body, headers={"If-Match": "*"}).status_code == 409


def test_who_may_change_a_reservation(house: House) -> None:
    where = house.book(house.sato, "10:00", "12:00").headers["location"]
    body = {"starts_at": at("10:00"), "ends_at": at("12:30")}
    manager = house.callers.person(Role.MEMBER_MANAGER, "m01")
    other_manager = house.callers.person(Role.MEMBER_MANAGER, "m02")
    answers = {
        who: caller.patch(where, json=body, headers={"If-Match": "*"}).status_code
        for who, caller in {
            "owner": house.sato,
            "colleague": house.kato,
            "manager": manager,
            "other member": house.suzuki,
            "other manager": other_manager,
            "office": house.office,
            "operator": house.operator,
        }.items()
    }
    assert answers == {
        "owner": 200,
        "colleague": 403,
        "manager": 200,
        "other member": 404,
        "other manager": 404,
        "office": 200,
        "operator": 200,
    }


def test_the_office_books_for_a_person_and_the_audit_names_both(house: House) -> None:
    made = house.book(house.office, "10:00", "12:00", person_id=str(house.sato.person_id))
    assert made.status_code == 201, made.text
    assert made.json()["member_id"] == "m01"
    assert house.sato.get(made.headers["location"]).json()["mine"] is True
    with database.transaction(house.callers.pool) as conn:
        row = conn.execute(
            "SELECT actor_id, on_behalf_of, detail FROM coop.audit WHERE subject = %s",
            [f"reservation:{made.json()['id']}"],
        ).fetchone()
    assert row is not None
    assert row[:2] == (house.office.person_id, house.sato.person_id)
    assert row[2]["member_id"] == "m01"


def test_for_whom_one_may_book(house: House) -> None:
    suzuki = str(house.suzuki.person_id)
    assert house.book(house.sato, "10:00", "12:00", person_id=suzuki).status_code == 403
    assert house.book(house.sato, "10:00", "12:00", member_id="m02").status_code == 403
    assert house.book(house.office, "10:00", "12:00").json()["code"] == "booking.holder_unknown"
    mixed = house.book(house.office, "10:00", "12:00", person_id=suzuki, member_id="m01")
    assert mixed.json()["code"] == "booking.holder_unknown"
    for_member = house.book(house.office, "10:00", "12:00", member_id="m02")
    assert for_member.status_code == 201
    assert for_member.json()["person_id"] is None
    assert house.suzuki.get(for_member.headers["location"]).status_code == 200


def test_only_the_office_enters_what_is_past(house: House) -> None:
    body = {"machine_id": "cmm-1", "starts_at": at("10:00", -20), "ends_at": at("12:00", -20)}
    refused = house.sato.post("/api/v1/reservations", json=body)
    assert [reason["code"] for reason in refused.json()["reasons"]] == ["booking.in_the_past"]
    entered = house.office.post("/api/v1/reservations", json=body | {"person_id": str(house.sato.person_id)})
    assert entered.status_code == 201


def test_a_reservation_as_each_role_sees_it(house: House) -> None:
    made = house.book(house.sato, "10:00", "12:00", purpose="part 7").json()
    names = ("person_name", "member_name", "purpose", "id")
    expected = {
        house.sato: ("佐藤", "佐藤精機", "part 7", made["id"]),
        house.kato: ("佐藤", "佐藤精機", None, made["id"]),
        house.suzuki: (None, None, None, None),
        house.office: ("佐藤", "佐藤精機", None, made["id"]),
        house.operator: ("佐藤", "佐藤精機", "part 7", made["id"]),
        house.callers.person(Role.DIRECTOR): ("佐藤", "佐藤精機", None, made["id"]),
    }
    for caller, shown in expected.items():
        [view] = caller.get("/api/v1/reservations").json()
        assert tuple(view[name] for name in names) == shown
        assert view["taken"] is (shown[3] is None)
        status = caller.get(f"/api/v1/reservations/{made['id']}").status_code
        assert status == (200 if shown[3] else 404)
    assert house.callers.person(Role.WARD).get("/api/v1/reservations").status_code == 403  # it is told sums only


def test_a_list_is_read_page_by_page(house: House) -> None:
    slots = [("09:00", "09:30"), ("10:00", "10:30"), ("11:00", "11:30"), ("12:00", "12:30"), ("13:00", "13:30")]
    for number, (start, end) in enumerate(slots):
        assert house.book([house.sato, house.suzuki][number % 2], start, end).status_code == 201
    found, address = [], "/api/v1/reservations?machine=cmm-1&limit=2"
    pages = 0
    while address and pages < 5:
        answer = house.sato.get(address)
        assert answer.status_code == 200, answer.text
        found += [moment(each["starts_at"]) for each in answer.json()]
        link = answer.headers.get("link", "")
        assert not link or link.endswith('>; rel="next"')
        address, pages = link.partition(">")[0].lstrip("<"), pages + 1
    assert found == [moment(at(start)) for start, _ in slots]
    assert pages == 3
    assert len(house.sato.get("/api/v1/reservations?mine=true").json()) == 3
    window = {"from": at("10:30"), "to": at("12:00")}
    assert [moment(each["starts_at"]) for each in house.sato.get("/api/v1/reservations", params=window).json()] == [
        moment(at("11:00"))
    ]
    assert house.sato.get("/api/v1/reservations?machine=other").json() == []
    assert house.sato.get("/api/v1/reservations?cursor=nonsense").status_code == 422


def test_what_is_free_can_be_booked(house: House) -> None:
    house.book(house.sato, "10:00", "12:00")
    window = {"from": at("00:00"), "to": at("23:00")}
    free = house.suzuki.get("/api/v1/machines/cmm-1/free", params=window).json()
    assert [(moment(each["starts_at"]), moment(each["ends_at"])) for each in free] == [
        (moment(at("09:00")), moment(at("09:45"))),
        (moment(at("12:15")), moment(at("18:00"))),
    ]
    long = house.suzuki.get("/api/v1/machines/cmm-1/free", params=window | {"minutes": 60}).json()
    assert long == free[1:]
    assert house.book(house.suzuki, "12:15", "18:00").status_code == 201


def test_a_machine_out_of_service_has_nothing_free(house: House) -> None:
    with database.transaction(house.callers.pool) as conn:
        conn.execute("UPDATE coop.machine SET in_service = false")
    assert house.sato.get("/api/v1/machines/cmm-1/free").json() == []
    reasons = house.book(house.sato, "10:00", "12:00").json()["reasons"]
    assert [reason["code"] for reason in reasons] == ["booking.out_of_service"]
