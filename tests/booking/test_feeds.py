"""Calendars behind a secret address: who may make, read and revoke them, and what they never show."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from coop import database
from coop.identity import Role
from coop.machines import Machine, OpeningHours, add_machine
from tests.booking import calendars
from tests.booking.calendars import Component
from tests.callers import Caller, Callers

TOKYO = ZoneInfo("Asia/Tokyo")
DAY = datetime.now(TOKYO).date() + timedelta(days=7)


def at(clock: str) -> datetime:
    return datetime.combine(DAY, time.fromisoformat(clock), tzinfo=TOKYO)


class House:
    """One machine, open all day; Sato and Kato of m01, Suzuki of m02."""

    def __init__(self, api: Callers) -> None:
        api.member("m01", "佐藤精機")
        api.member("m02", "鈴木製作所")
        with database.transaction(api.pool) as conn:
            hours = [OpeningHours("cmm-1", day, time(0), time.max) for day in range(1, 8)]
            machine = Machine("cmm-1", "cmm", "三次元測定機", "CMM", site="大田, 1階", set_up_minutes=15)
            add_machine(conn, machine, hours)
        self.api = api
        self.sato = api.person(Role.ENGINEER, "m01", name="佐藤")
        self.kato = api.person(Role.ENGINEER, "m01", name="加藤")
        self.suzuki = api.person(Role.ENGINEER, "m02", name="鈴木")

    def book(self, who: Caller, start: str, end: str, purpose: str = "") -> dict[str, Any]:
        body = {"machine_id": "cmm-1", "starts_at": at(start).isoformat(), "ends_at": at(end).isoformat()}
        made = who.post("/api/v1/reservations", json=body | {"purpose": purpose})
        assert made.status_code == 201, made.text
        view: dict[str, Any] = made.json()
        return view

    def move(self, who: Caller, view: dict[str, Any], start: str, end: str) -> None:
        body = {"starts_at": at(start).isoformat(), "ends_at": at(end).isoformat()}
        moved = who.patch(f"/api/v1/reservations/{view['id']}", json=body, headers={"If-Match": "*"})
        assert moved.status_code == 200, moved.text

    def feed(self, who: Caller, **of: str) -> str:
        """The path of a new calendar."""
        made = who.post("/api/v1/feeds", json=of)
        assert made.status_code == 201, made.text
        assert "url" not in made.json()
        url: str = who.get(made.headers["location"]).json()["url"]
        assert url.startswith("http://127.0.0.1:8000/feeds/")
        return url.removeprefix("http://127.0.0.1:8000")

    def read(self, path: str) -> Component:
        answer = self.api.nobody.get(path)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        return calendars.read(answer.content)


@pytest.fixture
def house(api: Callers) -> House:
    return House(api)


def test_my_calendar_follows_my_reservation(house: House) -> None:
    path = house.feed(house.sato, of="person")
    assert house.read(path).all("VEVENT") == []
    view = house.book(house.sato, "10:00", "12:00", purpose="軸受 7")
    first = house.read(path).all("VEVENT")[0]
    assert (first.value("UID"), first.value("SEQUENCE")) == (view["uid"], "0")
    assert (first.value("SUMMARY"), first.value("LOCATION")) == ("三次元測定機", "大田\\, 1階")
    assert first.value("DESCRIPTION") == "軸受 7"
    house.move(house.sato, view, "13:00", "15:00")
    moved = house.read(path).all("VEVENT")[0]
    assert (moved.value("UID"), moved.value("SEQUENCE"), moved.value("STATUS")) == (view["uid"], "1", "CONFIRMED")
    assert moved.value("DTSTART") == f"{DAY:%Y%m%d}T130000"
    house.sato.delete(f"/api/v1/reservations/{view['id']}")
    cancelled = house.read(path).all("VEVENT")[0]
    assert (cancelled.value("SEQUENCE"), cancelled.value("STATUS")) == ("2", "CANCELLED")


def test_what_was_cancelled_long_ago_is_gone(house: House) -> None:
    path = house.feed(house.sato, of="person")
    view = house.book(house.sato, "10:00", "12:00")
    house.sato.delete(f"/api/v1/reservations/{view['id']}")
    with database.transaction(house.api.pool) as conn:
        conn.execute("UPDATE booking.reservation SET changed_at = now() - interval '31 days'")
    assert house.read(path).all("VEVENT") == []


def test_a_reader_that_has_it_gets_304_until_something_changes(house: House) -> None:
    path = house.feed(house.sato, of="person")
    house.book(house.sato, "10:00", "12:00")
    tag = house.api.nobody.get(path).headers["etag"]
    for known in (tag, f'W/{tag}, "other"'):
        again = house.api.nobody.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    house.book(house.sato, "13:00", "14:00")
    assert house.api.nobody.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_machine_shows_another_member_as_busy_and_nothing_else(house: House) -> None:
    path = house.feed(house.sato, of="machine", id="cmm-1")
    mine = house.book(house.sato, "09:00", "10:00", purpose="秘密 1")
    colleague = house.book(house.kato, "10:30", "11:00", purpose="秘密 2")
    other = house.book(house.suzuki, "12:00", "14:00", purpose="秘密 3")
    answer = house.api.nobody.get(path)
    for secret in ("鈴木", "秘密", "m02", other["uid"], other["id"]):
        assert secret not in calendars.unfolded(answer.content), secret
    events = {event.value("UID"): event for event in calendars.read(answer.content).all("VEVENT")}
    assert len(events) == 3
    assert events[mine["uid"]].value("SUMMARY") == "三次元測定機 佐藤"
    assert events[colleague["uid"]].value("SUMMARY") == "三次元測定機 加藤"
    (busy,) = [event for uid, event in events.items() if uid not in {mine["uid"], colleague["uid"]}]
    assert (busy.value("SUMMARY"), busy.value("DTSTART")) == ("使用中", f"{DAY:%Y%m%d}T120000")
    assert {name for name, _, _ in busy.properties} <= {
        *("UID", "DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "DTSTART", "DTEND", "SUMMARY", "STATUS", "TRANSP", "CLASS")
    }
    written = f"{datetime.fromisoformat(other['created_at']):%Y%m%dT%H%M%SZ}"
    assert busy.value("DTSTAMP") <= written


def test_busy_time_of_another_member_goes_when_it_is_cancelled(house: House) -> None:
    path = house.feed(house.sato, of="machine", id="cmm-1")
    other = house.book(house.suzuki, "12:00", "14:00")
    before = house.read(path).all("VEVENT")[0].value("UID")
    house.move(house.suzuki, other, "15:00", "16:00")
    assert house.read(path).all("VEVENT")[0].value("UID") != before
    house.suzuki.delete(f"/api/v1/reservations/{other['id']}")
    assert house.read(path).all("VEVENT") == []


def test_a_machine_calendar_says_when_it_is_closed_and_not_why(house: House) -> None:
    path = house.feed(house.sato, of="machine", id="cmm-1")
    with database.transaction(house.api.pool) as conn:
        conn.execute(
            "INSERT INTO booking.outage (id, resource_id, kind, during, reason, entered_at) "
            "VALUES (gen_random_uuid(), 'cmm-1', 'maintenance', tstzrange(%s, %s), '秘密の理由', now())",
            [at("08:00"), at("09:30")],
        )
    (closed,) = house.read(path).all("VEVENT")
    assert (closed.value("SUMMARY"), closed.value("DTEND")) == ("使用できません", f"{DAY:%Y%m%d}T093000")
    assert closed.value("DESCRIPTION") is None


def test_a_member_calendar_names_colleagues_without_their_purpose(house: House) -> None:
    path = house.feed(house.sato, of="member", id="m01")
    house.book(house.kato, "10:00", "11:00", purpose="秘密")
    house.book(house.suzuki, "12:00", "14:00")
    (event,) = house.read(path).all("VEVENT")
    assert (event.value("SUMMARY"), event.value("DESCRIPTION")) == ("三次元測定機 加藤", None)
    assert house.suzuki.post("/api/v1/feeds", json={"of": "member", "id": "m01"}).status_code == 404


def test_only_the_secret_opens_a_calendar_and_only_until_it_is_revoked(house: House) -> None:
    made, again = (
        house.sato.post("/api/v1/feeds", json={"of": "person"}, headers={"Idempotency-Key": "1"}).json() for _ in "12"
    )
    assert made == again
    (listed,) = house.sato.get("/api/v1/feeds").json()
    path = listed["url"].removeprefix("http://127.0.0.1:8000")
    assert house.api.nobody.get("/feeds/guess.ics").status_code == 404
    with database.transaction(house.api.pool) as conn:
        stored = conn.execute("SELECT f::text, i::text FROM booking.feed f, coop.idempotency i").fetchall()
    assert stored
    assert path[7:-4] not in str(stored)
    assert house.kato.get(f"/api/v1/feeds/{made['id']}").status_code == 404
    assert house.kato.delete(f"/api/v1/feeds/{made['id']}").status_code == 404
    assert house.api.nobody.get(path).status_code == 200
    assert house.sato.delete(f"/api/v1/feeds/{made['id']}").status_code == 204
    assert house.api.nobody.get(path).status_code == 404
    assert house.sato.get("/api/v1/feeds").json() == []


def test_a_calendar_has_no_more_rights_than_its_person_has_now(house: House) -> None:
    office = house.api.person(Role.OFFICE)
    of_member, of_machine = (house.feed(office, of="member", id="m02"), house.feed(office, of="machine", id="cmm-1"))
    house.book(house.suzuki, "12:00", "14:00")
    assert "鈴木" in str(house.read(of_machine))
    with database.transaction(house.api.pool) as conn:
        conn.execute("UPDATE coop.person_role SET role = 'ward' WHERE person_id = %s", [office.person_id])
    assert house.api.nobody.get(of_member).status_code == 404
    assert "鈴木" not in str(house.read(of_machine))
    with database.transaction(house.api.pool) as conn:
        conn.execute("UPDATE coop.person SET active = false WHERE id = %s", [office.person_id])
    assert house.api.nobody.get(of_machine).status_code == 404


@pytest.mark.parametrize("body", [{"of": "machine"}, {"of": "person", "id": "cmm-1"}, {"of": "everything"}])
def test_a_calendar_is_of_one_thing(house: House, body: dict[str, str]) -> None:
    assert house.sato.post("/api/v1/feeds", json=body).status_code == 422
    assert house.sato.post("/api/v1/feeds", json={"of": "machine", "id": "none"}).status_code == 404


def test_busy_times_of_a_machine_are_times_and_nothing_else(house: House) -> None:
    house.book(house.suzuki, "12:00", "14:00", purpose="秘密")
    house.book(house.suzuki, "14:15", "15:00")
    window = {"from": at("00:00").isoformat(), "to": at("23:00").isoformat()}
    answer = house.sato.get("/api/v1/machines/cmm-1/freebusy.ics", params=window)
    (busy,) = calendars.read(answer.content).all("VFREEBUSY")
    start, end = (at(clock).astimezone(UTC) for clock in ("11:45", "15:00"))
    assert busy.value("FREEBUSY") == f"{start:%Y%m%dT%H%M%SZ}/{end:%Y%m%dT%H%M%SZ}"
    assert {name for name, _, _ in busy.properties} == {"UID", "DTSTAMP", "DTSTART", "DTEND", "FREEBUSY"}
    assert house.sato.get("/api/v1/machines/none/freebusy.ics").status_code == 404
    backwards = {"from": window["to"], "to": window["from"]}
    assert house.sato.get("/api/v1/machines/cmm-1/freebusy.ics", params=backwards).status_code == 422
