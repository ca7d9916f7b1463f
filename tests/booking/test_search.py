"""What is free for these needs: which machines could, who may book them, when, and what nobody could offer."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from booking.search.ranking import Answer, PartNeeds, answer, mpe_um, screen
from coop import database, machines
from coop.identity import Role
from coop.machines import Machine, OpeningHours
from tests.callers import Caller, Callers

MICRO = Machine(
    "cmm-a", "cmm", "A", "A", site="north", range_x_mm=Decimal(500), range_y_mm=Decimal(400), range_z_mm=Decimal(300),
    table_load_kg=Decimal(100), mpe_constant_um=Decimal("1.7"), mpe_length_divisor=Decimal(300), probe_types=("touch",),
)  # fmt: skip
LARGE = Machine(
    "cmm-b", "cmm", "B", "B", site="south", range_x_mm=Decimal(1200), range_y_mm=Decimal(1000), range_z_mm=Decimal(600),
    table_load_kg=Decimal(900), mpe_constant_um=Decimal("2.5"), mpe_length_divisor=Decimal(250),
    probe_types=("touch", "laser"),
)  # fmt: skip
UNKNOWN = Machine("cmm-c", "cmm", "C", "C")


@pytest.mark.parametrize(
    ("machine", "needs", "codes"),
    [
        (MICRO, PartNeeds(), []),
        (MICRO, PartNeeds(x_mm=Decimal(500), y_mm=Decimal(400), z_mm=Decimal(300)), []),
        (MICRO, PartNeeds(x_mm=Decimal(501)), ["part_too_large"]),
        (MICRO, PartNeeds(x_mm=Decimal(300), y_mm=Decimal(500)), ["part_fits_turned?"]),
        (MICRO, PartNeeds(mass_kg=Decimal("100.1")), ["part_too_heavy"]),
        (MICRO, PartNeeds(tolerance_um=Decimal(10), length_mm=Decimal(90)), []),
        (MICRO, PartNeeds(tolerance_um=Decimal(10), length_mm=Decimal(91)), ["accuracy_near?"]),
        (MICRO, PartNeeds(tolerance_um=Decimal(2), length_mm=Decimal(91)), ["accuracy_not_enough"]),
        (MICRO, PartNeeds(tolerance_um=Decimal(10)), ["accuracy_unknown?"]),
        (MICRO, PartNeeds(probe_type="laser"), ["probe_missing"]),
        (replace(MICRO, smallest_hole_mm=Decimal("0.8")), PartNeeds(hole_mm=Decimal("0.8")), []),
        (replace(MICRO, smallest_hole_mm=Decimal("0.8")), PartNeeds(hole_mm=Decimal("0.79")), ["hole_too_small"]),
        (UNKNOWN, PartNeeds(hole_mm=Decimal(1)), ["hole_unknown?"]),
        (MICRO, PartNeeds(material="SUS304"), []),
        (replace(MICRO, kind="ct"), PartNeeds(material="SUS304"), ["material_to_ask?"]),
        (MICRO, PartNeeds(x_mm=Decimal(900), probe_type="laser"), ["part_too_large", "probe_missing"]),
        (
            UNKNOWN,
            PartNeeds(x_mm=Decimal(1), mass_kg=Decimal(1), tolerance_um=Decimal(1), probe_type="touch"),
            ["range_unknown?", "load_unknown?", "accuracy_unknown?", "probe_unknown?"],
        ),
    ],
)
def test_screening(machine: Machine, needs: PartNeeds, codes: list[str]) -> None:
    """At 90 mm, 1.7 + 90/300 = 2.0 µm: a fifth of 10 µm, and no more. A question mark: ask the operator."""
    said = screen(machine, needs)
    assert [each.code.removeprefix("booking.") + "?" * each.warns for each in said] == codes
    no = any(not code.endswith("?") for code in codes)
    assert answer(said) is (Answer.NO if no else Answer.ASK if codes else Answer.CANDIDATE)


def test_the_error_at_the_longest_size() -> None:
    assert mpe_um(MICRO, PartNeeds(x_mm=Decimal(30), z_mm=Decimal(300))) == Decimal("2.7")


class Shop:
    """Three machines, open from nine to five, and an engineer."""

    def __init__(self, api: Callers) -> None:
        self.api = api
        for member in ("m01", "m02"):
            api.member(member)
        with database.transaction(api.pool) as conn:
            for machine in (MICRO, LARGE, UNKNOWN):
                hours = [OpeningHours(machine.id, day, time(9), time(17)) for day in range(1, 8)]
                machines.add_machine(conn, machine, hours)
        self.engineer = api.person(Role.ENGINEER, "m01", name="佐藤")
        self.other = api.person(Role.ENGINEER, "m02", name="他社 花子")
        self.office = api.person(Role.OFFICE)
        midnight = datetime.now(UTC).replace(hour=15, minute=0, second=0, microsecond=0) + timedelta(days=1)
        self.open = midnight + timedelta(hours=9)
        self.window = {"from": midnight.isoformat(), "to": (midnight + timedelta(days=2)).isoformat()}

    def search(self, caller: Caller, **asked: Any) -> dict[str, Any]:
        answer = caller.get("/api/v1/search", params={"minutes": 120} | self.window | asked)
        assert answer.status_code == 200, answer.text
        return {each["machine_id"]: each for each in answer.json()["machines"]}

    def book(self, caller: Caller, machine_id: str, start: datetime, hours: int) -> dict[str, Any]:
        body = {"machine_id": machine_id, "starts_at": start.isoformat(), "purpose": "秘密"}
        answer = caller.post(
            "/api/v1/reservations", json=body | {"ends_at": (start + timedelta(hours=hours)).isoformat()}
        )
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def unmet(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.office.get("/api/v1/unmet-demand").json()
        return found


@pytest.fixture
def shop(api: Callers) -> Shop:
    return Shop(api)


def starts(found: dict[str, Any]) -> list[datetime]:
    return [datetime.fromisoformat(each["starts_at"]) for each in found["slots"]]


def test_the_first_slots_beside_what_is_taken_and_within_hours(shop: Shop) -> None:
    shop.book(shop.other, "cmm-a", shop.open, 5)
    found = shop.search(shop.engineer)
    two = timedelta(hours=2)
    assert starts(found["cmm-b"]) == [shop.open, shop.open + two, shop.open + 2 * two]
    day = timedelta(days=1)
    assert starts(found["cmm-a"]) == [shop.open + timedelta(hours=5), shop.open + day, shop.open + day + two]
    assert list(found) == ["cmm-b", "cmm-c", "cmm-a"]
    assert {each["answer"] for each in found.values()} == {"candidate"}


def test_every_slot_found_is_free_by_the_calendar_of_its_machine_and_can_be_booked(shop: Shop) -> None:
    shop.book(shop.other, "cmm-b", shop.open + timedelta(hours=1), 3)
    for machine_id, found in shop.search(shop.engineer, minutes=60).items():
        free = shop.engineer.get(f"/api/v1/machines/{machine_id}/free", params=shop.window).json()
        assert len(found["slots"]) == 3
        for slot in found["slots"]:
            assert any(each["starts_at"] <= slot["starts_at"] and slot["ends_at"] <= each["ends_at"] for each in free)
            shop.book(shop.engineer, machine_id, datetime.fromisoformat(slot["starts_at"]), 1)


def test_a_machine_with_many_gaps_while_it_is_closed_is_looked_at_to_the_end(shop: Shop) -> None:
    """Closed from nine to five, and taken every other hour of the night: no gap of the first two days is a slot."""
    with database.transaction(shop.api.pool) as conn:
        conn.execute(
            "INSERT INTO booking.outage (id, resource_id, kind, during, entered_at)"
            " SELECT gen_random_uuid(), 'cmm-a', 'maintenance', tstzrange(since, since + lasts), now()"
            " FROM (SELECT %(open)s + day + after, lasts FROM unnest('{0 hours,24 hours}'::interval[]) AS day,"
            "       (VALUES (interval '0 hours', interval '8 hours'), ('9 hours', '1 hour'), ('11 hours', '1 hour'),"
            "               ('13 hours', '1 hour'), ('15 hours', '1 hour'), ('17 hours', '1 hour'),"
            "               ('19 hours', '1 hour'), ('21 hours', '1 hour')) AS closed (after, lasts))"
            " AS each (since, lasts)",
            {"open": shop.open},
        )
        conn.execute(
            "INSERT INTO booking.claim (outage_id, resource_id, blocked)"
            " SELECT id, resource_id, during FROM booking.outage"
        )
    until = (shop.open + timedelta(days=3)).isoformat()
    found = shop.search(shop.engineer, minutes=60, to=until)
    two = shop.open + timedelta(days=2)
    assert starts(found["cmm-a"]) == [two, two + timedelta(hours=1), two + timedelta(hours=2)]
    assert starts(found["cmm-b"])[0] == shop.open


def test_who_can_just_do_it_comes_first_if_asked(shop: Shop) -> None:
    assert list(shop.search(shop.engineer, order="fit", x_mm=100)) == ["cmm-a", "cmm-b", "cmm-c"]
    found = shop.search(shop.engineer, order="fit", x_mm=600, tolerance_um=10)
    assert [(each["machine_id"], each["answer"]) for each in found.values()] == [
        ("cmm-b", "ask"),
        ("cmm-c", "ask"),
        ("cmm-a", "no"),
    ]
    assert [each["code"] for each in found["cmm-a"]["reasons"]] == ["booking.part_too_large", "booking.accuracy_near"]
    assert found["cmm-a"]["slots"] == []
    assert found["cmm-b"]["mpe_um"] == "4.9"


def test_who_may_not_book_is_told_why(shop: Shop) -> None:
    with database.transaction(shop.api.pool) as conn:
        conn.execute("UPDATE booking.policy SET required_level = 2 WHERE machine_id = 'cmm-a'")
        conn.execute("UPDATE coop.machine SET in_service = false WHERE id = 'cmm-b'")
    found = shop.search(shop.engineer)
    assert [each["code"] for each in found["cmm-a"]["denials"]] == ["booking.qualification_missing"]
    assert [each["code"] for each in found["cmm-b"]["denials"]] == ["booking.out_of_service"]
    assert not found["cmm-a"]["slots"]
    assert found["cmm-c"]["slots"]
    assert shop.search(shop.office)["cmm-a"]["slots"]


def test_a_search_in_vain_is_counted_without_who_it_was(shop: Shop) -> None:
    shop.search(shop.engineer, kind="cmm")
    assert shop.unmet() == []
    for _ in range(2):
        shop.search(shop.engineer, kind="ct")
    shop.search(shop.engineer, kind="cmm", minutes=600)
    vain = {(each["machine_kind"], each["searches"], each["without_machine"]): each for each in shop.unmet()}
    assert set(vain) == {("ct", 2, 2), ("cmm", 1, 0)}
    assert vain["ct", 2, 2]["minutes"] == 240
    assert vain["ct", 2, 2]["by_member"]
    assert shop.engineer.get("/api/v1/unmet-demand").status_code == 403
    with database.transaction(shop.api.pool) as conn:
        assert str(shop.engineer.person_id) not in str(
            conn.execute("SELECT u::text FROM booking.unmet_demand u").fetchall()
        )


def test_a_service_that_is_not_offered_is_said_so(shop: Shop) -> None:
    found = shop.search(shop.engineer, service="attended")["cmm-a"]
    assert (found["answer"], [each["code"] for each in found["reasons"]]) == ("no", ["booking.service_unknown"])


def test_the_timeline_shows_of_others_that_it_is_taken(shop: Shop) -> None:
    mine = shop.book(shop.engineer, "cmm-a", shop.open, 2)
    shop.book(shop.other, "cmm-a", shop.open + timedelta(hours=2), 1)
    answer = shop.engineer.get("/api/v1/timeline", params=shop.window)
    lines = {each["machine_id"]: each for each in answer.json()["machines"]}
    assert list(lines) == ["cmm-a", "cmm-b", "cmm-c"]
    assert [len(each["open"]) for each in lines.values()] == [2, 2, 2]
    own, theirs = lines["cmm-a"]["taken"]
    assert (own["id"], own["mine"], own["person_name"]) == (mine["id"], True, "佐藤")
    assert set(theirs) == {"starts_at", "ends_at"}
    everything = shop.office.get("/api/v1/timeline", params=shop.window).json()["machines"][0]["taken"]
    assert [(each["person_name"], each.get("id")) for each in everything] == [("佐藤", None), ("他社 花子", None)]
    seen = shop.office.get("/api/v1/timeline", params=shop.window | {"machine": "cmm-a"}).json()["machines"]
    assert [each["person_name"] for each in seen[0]["taken"]] == ["佐藤", "他社 花子"]
    assert seen[0]["taken"][0]["id"] == mine["id"]


def test_so_long_a_time_is_asked_about_in_parts(shop: Shop) -> None:
    until = (shop.open + timedelta(days=93)).isoformat()
    for path in ("/api/v1/timeline", "/api/v1/search?minutes=60"):
        answer = shop.engineer.get(
            path
            + ("&" if "?" in path else "?")
            + "from="
            + shop.open.strftime("%Y-%m-%dT%H:%M:%SZ")
            + "&to="
            + until.replace("+", "%2B")
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "booking.window_too_long")
