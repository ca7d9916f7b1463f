"""Rules as the office edits them, and every way in obeying them from the next request on."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, time, timedelta
from threading import Barrier
from typing import Any

import psycopg
import pytest

from coop import database
from coop.identity import Role
from coop.machines import Machine, OpeningHours, add_machine
from tests.booking.shop import Shop, at, moment, reasons, today, warnings
from tests.callers import Callers
from tests.parts.databases import Database


@pytest.fixture
def shop(api: Callers) -> Shop:
    return Shop.open(api)


def test_a_rule_is_obeyed_by_every_way_in(shop: Shop) -> None:
    """Create, move, hold, and the office on somebody's behalf; without a restart."""
    made = shop.book(shop.sato, "08:00", "09:00").json()
    assert reasons(shop.book(shop.sato, "10:00", "14:00", days=8)) == []
    shop.rule(longest_minutes=120)
    on_behalf = {"person_id": str(shop.suzuki.person_id)}
    assert reasons(shop.book(shop.sato, "10:00", "12:15")) == ["too_long"]
    assert reasons(shop.book(shop.office, "10:00", "12:15", **on_behalf)) == ["too_long"]
    assert reasons(shop.book(shop.operator, "10:00", "12:15", **on_behalf)) == ["too_long"]
    body = {"starts_at": at("10:00"), "ends_at": at("12:15")}
    for who in (shop.sato, shop.office):
        moved = who.patch(f"/api/v1/reservations/{made['id']}", json=body, headers={"If-Match": "*"})
        assert reasons(moved) == ["too_long"]
    assert reasons(shop.book(shop.office, "10:00", "12:00", **on_behalf)) == []
    kept = shop.sato.get(f"/api/v1/reservations/{made['id']}").json()
    assert moment(kept["starts_at"]) == moment(at("08:00"))


def test_a_version_decides_from_its_day_on(shop: Shop) -> None:
    tomorrow = today() + timedelta(days=1)
    planned = shop.rule(valid_from=str(tomorrow), longest_minutes=60)
    assert planned["valid_from"] == str(tomorrow)
    assert reasons(shop.book(shop.sato)) == []
    now = shop.rule(longest_minutes=90)
    assert (now["valid_from"], now["valid_until"]) == (str(today()), str(tomorrow))
    assert reasons(shop.book(shop.sato, days=8)) == ["too_long"]
    versions = shop.sato.get("/api/v1/machines/cmm-1/policies").json()
    assert [(each["valid_from"], each["valid_until"], each["longest_minutes"]) for each in versions] == [
        ("2000-01-01", str(today()), 1440),
        (str(today()), str(tomorrow), 90),
        (str(tomorrow), None, 60),
    ]


def test_a_day_is_edited_twice_and_keeps_what_is_not_named(shop: Shop) -> None:
    shop.rule(longest_minutes=90, notice_minutes=30)
    again = shop.rule(longest_minutes=120)
    assert (again["longest_minutes"], again["notice_minutes"]) == (120, 30)
    versions = shop.office.get("/api/v1/machines/cmm-1/policies").json()
    assert [each["longest_minutes"] for each in versions] == [1440, 120]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"valid_from": str(today() - timedelta(days=2)), "longest_minutes": 60}, "booking.rule_in_the_past"),
        ({"shortest_minutes": 60, "longest_minutes": 30}, "booking.figures_contradict"),
        ({"granularity_minutes": 7}, "booking.figures_contradict"),
        ({"coldest_celsius": "21", "warmest_celsius": "19"}, "booking.figures_contradict"),
        ({"required_level": 1, "supervised_level": 1}, "booking.figures_contradict"),
    ],
)
def test_what_cannot_be_a_rule(shop: Shop, body: dict[str, Any], code: str) -> None:
    answer = shop.office.post("/api/v1/machines/cmm-1/policies", json={"valid_from": str(today()), **body})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert len(shop.office.get("/api/v1/machines/cmm-1/policies").json()) == 1


def test_two_versions_never_decide_at_once(database: Database, shop: Shop) -> None:
    with (
        psycopg.connect(database.owner_url) as owner,
        pytest.raises(psycopg.errors.ExclusionViolation, match="policy_one_at_a_time"),
    ):
        owner.execute("INSERT INTO booking.policy (machine_id, valid) VALUES ('cmm-1', '[2026-01-01,2027-01-01)')")


def test_eight_who_edit_at_once_leave_one_version_for_the_day(shop: Shop) -> None:
    start = Barrier(8)

    def edit(number: int) -> int:
        start.wait()
        body = {"valid_from": str(today()), "longest_minutes": 60 + number}
        status: int = shop.office.post("/api/v1/machines/cmm-1/policies", json=body).status_code
        return status

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(edit, range(8))) == {201}
    versions = shop.office.get("/api/v1/machines/cmm-1/policies").json()
    assert [each["valid_from"] for each in versions] == ["2000-01-01", str(today())]


def test_who_edits_is_on_the_audit_trail(shop: Shop, database: Database) -> None:
    shop.rule(longest_minutes=90)
    assert shop.sato.post("/api/v1/machines/cmm-1/policies", json={"valid_from": str(today())}).status_code == 403
    with psycopg.connect(database.app_url) as conn:
        rows = conn.execute(
            "SELECT actor_id, subject, detail FROM coop.audit WHERE action = 'policy.changed'"
        ).fetchall()
    assert rows == [(shop.office.person_id, "machine:cmm-1", {"longest_minutes": 90, "valid_from": str(today())})]


def test_a_closure_and_an_extra_opening(shop: Shop) -> None:
    closed = {"starts_at": at("00:00"), "ends_at": at("00:00", 8), "site": "本館", "reason": "停電"}
    closure = shop.office.post("/api/v1/closures", json=closed)
    assert closure.status_code == 201, closure.text
    assert reasons(shop.book(shop.sato)) == ["outside_opening_hours"]
    assert reasons(shop.book(shop.sato, days=8)) == []
    window = {"from": at("00:00"), "to": at("00:00", 8)}
    assert shop.sato.get("/api/v1/machines/cmm-1/free", params=window).json() == []
    opens = {"starts_at": at("09:00"), "ends_at": at("13:00"), "machine_id": "cmm-1", "opens": True}
    assert shop.office.post("/api/v1/closures", json=opens).status_code == 201
    for path in ("open", "free"):
        [stretch] = shop.sato.get(f"/api/v1/machines/cmm-1/{path}", params=window).json()
        assert (moment(stretch["starts_at"]), moment(stretch["ends_at"])) == (moment(at("09:00")), moment(at("13:00")))
    assert reasons(shop.book(shop.sato, "10:00", "13:15")) == ["outside_opening_hours"]
    assert reasons(shop.book(shop.sato, "10:00", "13:00")) == []
    assert len(shop.sato.get("/api/v1/closures", params=window).json()) == 2
    assert shop.office.delete(f"/api/v1/closures/{closure.json()['id']}").status_code == 204
    assert reasons(shop.book(shop.sato, "14:00", "15:00")) == []
    assert shop.office.delete(f"/api/v1/closures/{closure.json()['id']}").status_code == 404


def test_a_closure_of_another_site_closes_nothing_here(shop: Shop) -> None:
    closed = {"starts_at": at("00:00"), "ends_at": at("00:00", 8), "site": "別館"}
    assert shop.office.post("/api/v1/closures", json=closed).status_code == 201
    assert reasons(shop.book(shop.sato)) == []
    everything = {"starts_at": at("00:00"), "ends_at": at("00:00", 8)}
    assert shop.office.post("/api/v1/closures", json=everything).status_code == 201
    assert reasons(shop.book(shop.sato, "14:00", "15:00")) == ["outside_opening_hours"]


def test_a_machine_closes_on_holidays(shop: Shop) -> None:
    shop.rule(horizon_days=800)
    holiday = next_holiday()
    days = (holiday - today()).days
    assert reasons(shop.book(shop.sato, days=days)) == []
    body = {"valid_from": str(today()), "country": "JP"}
    assert shop.office.post("/api/v1/machines/cmm-1/holidays", json=body).status_code == 204
    assert reasons(shop.book(shop.sato, "14:00", "15:00", days=days)) == ["outside_opening_hours"]
    window = {"from": at("00:00", days), "to": at("00:00", days + 1)}
    assert shop.sato.get("/api/v1/machines/cmm-1/open", params=window).json() == []
    unknown = shop.office.post("/api/v1/machines/cmm-1/holidays", json=body | {"country": "XX"})
    assert unknown.json()["code"] == "booking.country_unknown"
    assert shop.office.post("/api/v1/machines/cmm-1/holidays", json=body | {"country": None}).status_code == 204
    assert reasons(shop.book(shop.sato, "14:00", "15:00", days=days)) == []


def next_holiday() -> date:
    """元日 or 文化の日, whichever comes first and is at least two days away."""
    year = today().year
    candidates = [date(year + more, month, day) for more in (0, 1) for month, day in ((1, 1), (11, 3))]
    return min(each for each in candidates if each > today() + timedelta(days=1))


def test_owners_come_first(shop: Shop) -> None:
    shop.rule(horizon_days=7, priority_horizon_days=14, nonmember_horizon_days=3)
    body = {"member_id": "m02", "reason": "owner", "valid_from": str(today())}
    assert shop.office.post("/api/v1/machines/cmm-1/priorities", json=body).status_code == 200
    assert reasons(shop.book(shop.suzuki, days=14)) == []
    assert reasons(shop.book(shop.suzuki, days=15)) == ["beyond_horizon"]
    assert reasons(shop.book(shop.sato, days=8)) == ["beyond_horizon"]
    assert reasons(shop.book(shop.guest, days=4)) == ["beyond_horizon"]
    assert reasons(shop.book(shop.guest, days=3)) == []
    for who, days in ((shop.suzuki, 14), (shop.sato, 7), (shop.guest, 3)):
        window = {"from": at("00:00", 0), "to": at("00:00", 20)}
        free = who.get("/api/v1/machines/cmm-1/free", params=window).json()
        assert moment(free[-1]["ends_at"]) == moment(at("00:00", days + 1))
    unknown = shop.office.post("/api/v1/machines/cmm-1/priorities", json=body | {"member_id": "m99"})
    assert unknown.status_code == 404
    ended = shop.office.post("/api/v1/machines/cmm-1/priorities", json=body | {"reason": None})
    assert ended.json() == []
    assert reasons(shop.book(shop.suzuki, days=13)) == ["beyond_horizon"]


def test_nonmembers_stay_below_the_gauge(shop: Shop) -> None:
    assert shop.office.get("/api/v1/nonmember-use").json() is None
    for percent, denied, warned in (("15.9", [], []), ("16", [], ["nonmember_limit_near"])):
        told = shop.office.put("/api/v1/nonmember-use", json={"percent": percent})
        assert told.status_code == 200, told.text
        made = shop.book(shop.guest)
        assert (reasons(made), warnings(made)) == (denied, warned)
        assert shop.guest.delete(f"/api/v1/reservations/{made.json()['id']}").status_code == 204
    shop.office.put("/api/v1/nonmember-use", json={"percent": "20"})
    assert reasons(shop.book(shop.guest)) == ["nonmember_limit_reached"]
    assert reasons(shop.book(shop.office, person_id=str(shop.guest.person_id))) == ["nonmember_limit_reached"]
    assert reasons(shop.book(shop.sato)) == []
    shop.office.put("/api/v1/nonmember-use", json={"percent": "1"})
    shop.rule(nonmembers_allowed=False)
    assert reasons(shop.book(shop.guest, "14:00", "15:00")) == ["members_only"]
    window = {"from": at("00:00"), "to": at("23:00"), "minutes": 60}
    [found] = shop.guest.get("/api/v1/search", params=window).json()["machines"]
    assert ([each["code"] for each in found["denials"]], found["slots"]) == (["booking.members_only"], [])
    assert shop.guest.get("/api/v1/machines/cmm-1/free", params=window).json() == []
    for member in (shop.sato, shop.office):
        [found] = shop.sato.get("/api/v1/search", params=window).json()["machines"]
        assert (found["denials"], bool(found["slots"])) == ([], True)
        assert member.get("/api/v1/machines/cmm-1/free", params=window).json()


def test_time_is_given_back_until_the_deadline(shop: Shop) -> None:
    shop.rule(cancel_minutes=1440)
    soon = shop.book(shop.sato, "12:00", "13:00", days=1).json()
    later = shop.book(shop.sato, "12:00", "13:00", days=3).json()
    shop.rule(cancel_minutes=2 * 1440)
    refused = shop.sato.delete(f"/api/v1/reservations/{soon['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "booking.gives_back_too_late")
    body = {"starts_at": at("12:00", 5), "ends_at": at("13:00", 5)}
    moved = shop.sato.patch(f"/api/v1/reservations/{soon['id']}", json=body, headers={"If-Match": "*"})
    assert reasons(moved) == ["gives_back_too_late"]
    longer = {"starts_at": at("12:00", 1), "ends_at": at("14:00", 1)}
    kept = shop.sato.patch(f"/api/v1/reservations/{soon['id']}", json=longer, headers={"If-Match": "*"})
    assert reasons(kept) == []
    assert shop.sato.delete(f"/api/v1/reservations/{later['id']}").status_code == 204
    assert shop.office.delete(f"/api/v1/reservations/{soon['id']}").status_code == 204


def test_taking_another_machine_is_no_way_round_the_deadline(shop: Shop) -> None:
    with database.transaction(shop.callers.pool) as conn:
        hours = [OpeningHours("cmm-2", day, time(0), time.max) for day in range(1, 8)]
        add_machine(conn, Machine("cmm-2", "cmm", "三次元測定機 2", "CMM 2"), hours)
    shop.rule(cancel_minutes=2 * 1440)
    soon = shop.book(shop.sato, "12:00", "13:00", days=1).json()
    path, other = f"/api/v1/reservations/{soon['id']}/swap", {"machine_id": "cmm-2"}
    refused = shop.sato.post(path, json=other, headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (409, "booking.gives_back_too_late")
    assert shop.office.post(path, json=other, headers={"If-Match": "*"}).json()["machine_id"] == "cmm-2"


def test_what_is_offered_can_be_booked_under_the_rules(shop: Shop) -> None:
    shop.rule(notice_minutes=3 * 1440, horizon_days=4)
    free = shop.sato.get("/api/v1/machines/cmm-1/free").json()
    assert moment(free[0]["starts_at"]) >= moment(at("00:00", 3))
    assert moment(free[-1]["ends_at"]) == moment(at("00:00", 5))
    shop.rule(notice_minutes=30 * 1440)
    assert shop.sato.get("/api/v1/machines/cmm-1/free").json() == []


def test_soaking_is_asked_for_and_kept(shop: Shop) -> None:
    shop.rule(soak_minutes=300)
    made = shop.book(shop.sato)
    assert warnings(made) == ["soak_too_short"]
    [warning] = made.json()["warnings"]
    assert warning["params"] == {"minutes": 300, "bring_by": at("05:00")[:16].replace("T", " ")}
    shop.rule(soak_denies=True)
    assert reasons(shop.book(shop.sato, days=8)) == ["soak_too_short"]
    soaked = shop.book(shop.sato, days=8, soaks_from=at("05:00", 8))
    assert (reasons(soaked), warnings(soaked)) == ([], [])
    address = f"/api/v1/reservations/{soaked.json()['id']}"
    for start, end, said in (("10:15", "12:15", []), ("09:45", "11:45", ["soak_too_short"])):
        body = {"starts_at": at(start, 8), "ends_at": at(end, 8)}
        assert reasons(shop.sato.patch(address, json=body, headers={"If-Match": "*"})) == said


def test_a_place_on_the_shelf_counts_as_soaking(shop: Shop) -> None:
    """From seven hours before the start: enough for five hours, and for seven, not for eight."""
    shelf = {"id": "shelf", "kind": "place", "name_ja": "棚", "name_en": "Shelf"}
    assert shop.office.post("/api/v1/resources", json=shelf).status_code == 201
    soak = {"name": "soak", "unit_id": "shelf", "from_edge": "start", "from_minutes": -420, "until_edge": "start"}
    answer = shop.office.put("/api/v1/machines/cmm-1/services/self_use", json={"needs": [soak]})
    assert answer.status_code == 204, answer.text
    for days, minutes, said in ((7, 300, []), (8, 420, []), (9, 421, ["soak_too_short"])):
        shop.rule(soak_minutes=minutes)
        assert warnings(shop.book(shop.sato, days=days)) == said


def test_nobody_but_the_office_edits(shop: Shop) -> None:
    director = shop.callers.person(Role.DIRECTOR)
    for who in (shop.sato, shop.operator, director):
        for path, body in (
            ("/api/v1/quotas", {"counted": "member", "span": "week", "most": 1, "valid_from": str(today())}),
            ("/api/v1/closures", {"starts_at": at("00:00"), "ends_at": at("01:00")}),
        ):
            assert who.post(path, json=body).status_code == 403
