"""Tariffs and what is used up, through the doors; and a month with all of it, closed and verified."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from billing import store
from billing.model import Basis, ConsumablePrice, Consumption, Line, LineKind, Tariff
from billing.periods.settle import PeriodClosed, close
from billing.periods.verify import verify
from billing.tariffs import consumables
from billing.tariffs.edit import add_tariff
from booking.services.model import ServiceKind
from coop import database
from coop.database import Connection
from coop.identity import Role
from coop.machines import Machine, OpeningHours, add_machine, change_opening_hours
from tests.billing import ground
from tests.billing.ground import AUDITOR, NOVEMBER, OFFICE, at, name, span
from tests.callers import Callers
from tests.parts.databases import Database

FULL = {
    "machine_id": "cmm-1",
    "valid_from": "2026-10-01",
    "basis": "occupied",
    "yen_per_hour": 3_000,
    "increment_seconds": 900,
    "cap_yen_per_hour": 6_000,
    "minimum_seconds": 1_800,
    "setup_yen": 500,
    "idle_yen_per_hour": 1_000,
    "overrun_yen_per_hour": 6_000,
    "nonmember_yen_per_hour": 9_000,
    "operator_yen_per_hour": 4_000,
    "windows": [
        {"iso_weekdays": [1, 2], "starts": "17:00:00", "ends": "22:00:00", "yen_per_hour": 1_800, "name": "夜間"}
    ],
    "no_show_percent": 50,
    "no_show_tax": "standard",
    "late_cancel_percent": 30,
}


def cooperative(api: Callers) -> None:
    api.member("m01")
    with database.transaction(api.pool) as conn:
        add_machine(conn, Machine("cmm-1", "cmm", "三次元測定機 CMM-1", "CMM 1"))


def test_a_tariff_says_all_it_was_given_and_a_service_its_own(api: Callers) -> None:
    cooperative(api)
    office, engineer = api.person(Role.OFFICE), api.person(Role.ENGINEER, "m01")
    plain = {"machine_id": "cmm-1", "valid_from": "2026-04-01", "basis": "booked", "yen_per_hour": 2_000}
    assert office.post("/api/v1/tariffs", json=plain).status_code == 201
    entered = office.post("/api/v1/tariffs", json=FULL)
    assert entered.status_code == 201, entered.text
    assert FULL.items() <= entered.json().items()
    own = FULL | {"service": "attended", "valid_from": "2026-11-01", "windows": [], "yen_per_hour": 5_000}
    assert office.post("/api/v1/tariffs", json=own).status_code == 201

    def on(day: str) -> list[tuple[object, object]]:
        found = engineer.get("/api/v1/machines/cmm-1/tariff", params={"on": day}).json()
        return [(each["service"], each["yen_per_hour"]) for each in found]

    assert on("2026-09-30") == [(None, 2_000)]
    assert on("2026-10-01") == [(None, 3_000)]
    assert on("2026-11-01") == [(None, 3_000), ("attended", 5_000)]
    assert on("2026-03-31") == []
    assert engineer.get("/api/v1/machines/cmm-9/tariff").status_code == 404
    pages = engineer.get("/api/v1/tariffs", params={"limit": 2})
    assert [each["valid_from"] for each in pages.json()] == ["2026-04-01", "2026-10-01"]
    assert len(engineer.get(pages.links["next"]["url"]).json()) == 1
    assert engineer.post("/api/v1/tariffs", json=plain).status_code == 403


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"yen_per_hour": 6_001}, "billing.over_the_cap"),
        ({"overrun_yen_per_hour": 6_001}, "billing.over_the_cap"),
        ({"windows": [FULL["windows"][0] | {"yen_per_hour": 6_001}]}, "billing.over_the_cap"),  # type: ignore[index]  # JSON
        ({"windows": FULL["windows"] * 2}, "billing.windows_overlap"),  # type: ignore[operator]  # JSON
        ({"basis": "longer"}, "billing.idle_not_measured"),
    ],
)
def test_what_a_tariff_may_not_say_is_refused(api: Callers, change: dict[str, object], code: str) -> None:
    cooperative(api)
    refused = api.person(Role.OFFICE).post("/api/v1/tariffs", json=FULL | change)
    assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_a_price_is_told_by_service_hour_and_membership(api: Callers) -> None:
    cooperative(api)
    office, engineer = api.person(Role.OFFICE), api.person(Role.ENGINEER, "m01")
    office.post("/api/v1/tariffs", json=FULL)
    attended = {"service": "attended", "yen_per_hour": 5_000, "setup_yen": 0, "windows": []}
    office.post("/api/v1/tariffs", json=FULL | attended)
    person = {
        "id": "op-1",
        "kind": "person",
        "name_ja": "山田",
        "name_en": "Yamada",
        "person_id": str(office.person_id),
    }
    assert office.post("/api/v1/resources", json=person).status_code == 201
    need = {"name": "operator", "unit_id": "op-1", "from_minutes": -15, "until_edge": "start", "until_minutes": 30}
    offered = office.put("/api/v1/machines/cmm-1/services/attended", json={"needs": [need]})
    assert offered.status_code in {200, 204}, offered.text

    def ask(**more: object) -> tuple[int, int]:
        when = {"from": "2026-10-05T16:00:00+09:00", "to": "2026-10-05T18:00:00+09:00"}
        told = engineer.get("/api/v1/machines/cmm-1/quote", params=when | more)
        return told.json()["net_yen"], told.json()["most_yen"]

    assert ask() == (500 + 3_000 + 1_800, 5_830)
    assert ask(member=False) == (500 + 18_000, 20_350)
    assert ask(service="attended") == (10_000 + 3_000, 14_300), "the operator is there for 45 minutes"
    with database.transaction(api.pool) as conn:
        conn.execute("UPDATE coop.member SET is_member = false WHERE id = 'm01'")
    assert ask() == (500 + 18_000, 20_350), "who asks is not a member"
    assert ask(member=True) == (5_300, 5_830)


def test_what_is_used_up_is_priced_entered_and_taken_back(api: Callers) -> None:
    cooperative(api)
    office, operator = api.person(Role.OFFICE), api.person(Role.OPERATOR)
    stylus = {"id": "stylus-m2", "name_ja": "M2スタイラス", "name_en": "M2 stylus"}
    used = {
        "consumable_id": "stylus-m2",
        "machine_id": "cmm-1",
        "member_id": "m01",
        "used_on": "2026-10-05",
        "count": 2,
    }
    assert operator.post("/api/v1/consumptions", json=used).json()["code"] == "billing.consumption_invalid"
    assert office.post("/api/v1/consumables", json=stylus).status_code == 201
    assert office.post("/api/v1/consumables", json=stylus).json()["code"] == "billing.consumable_exists"
    prices = "/api/v1/consumables/stylus-m2/prices"
    for first, each in (("2026-04-01", 1_000), ("2026-10-01", 1_200)):
        assert office.post(prices, json={"valid_from": first, "yen_each": each}).status_code == 201
    again = office.post(prices, json={"valid_from": "2026-10-01", "yen_each": 1})
    assert (again.status_code, again.json()["code"]) == (409, "billing.price_overlaps")
    nothing = office.post("/api/v1/consumables/nothing/prices", json={"valid_from": "2026-10-01", "yen_each": 1})
    assert nothing.json()["code"] == "billing.consumable_unknown"
    listed = operator.get("/api/v1/consumables/prices").json()
    assert [(each["yen_each"], each["valid_until"]) for each in listed] == [(1_000, "2026-10-01"), (1_200, None)]
    key = {"Idempotency-Key": "one"}
    entered = operator.post("/api/v1/consumptions", json=used, headers=key).json()
    assert operator.post("/api/v1/consumptions", json=used, headers=key).json() == entered
    assert operator.get("/api/v1/consumptions", params={"month": "2026-10"}).json() == [entered]
    assert operator.get("/api/v1/consumptions", params={"month": "2026-11"}).json() == []
    assert operator.delete(f"/api/v1/consumptions/{entered['id']}").status_code == 204
    assert operator.delete(f"/api/v1/consumptions/{entered['id']}").status_code == 404
    assert operator.get("/api/v1/consumptions").json() == []


def test_people_count_what_they_used_up_themselves(api: Callers) -> None:
    """In their own reservation and once somebody came; another member's is not there for them."""
    cooperative(api)
    api.member("m02")
    with database.transaction(api.pool) as conn:
        always = [OpeningHours("cmm-1", day, time(0), time.max) for day in range(1, 8)]
        change_opening_hours(conn, "cmm-1", always, date(2026, 1, 1))
    office, operator = api.person(Role.OFFICE), api.person(Role.OPERATOR)
    own, other = (api.person(Role.ENGINEER, member) for member in ("m01", "m02"))
    stylus = {"id": "stylus-m2", "name_ja": "M2スタイラス", "name_en": "M2 stylus"}
    assert office.post("/api/v1/consumables", json=stylus).status_code == 201
    now = datetime.now(UTC)
    begins = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    slot = {"starts_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=2)).isoformat()}
    booked = own.post("/api/v1/reservations", json={"machine_id": "cmm-1"} | slot).json()
    path, used = f"/api/v1/reservations/{booked['id']}/consumptions", {"consumable_id": "stylus-m2", "count": 2}
    assert own.post(path, json=used).json()["code"] == "billing.not_used"
    assert operator.post("/api/v1/machines/cmm-1/check-in", json={}).status_code == 200
    assert other.post(path, json=used).status_code == 404
    key = {"Idempotency-Key": "two styli"}
    entered = own.post(path, json=used, headers=key).json()
    assert own.post(path, json=used, headers=key).json() == entered
    assert (entered["member_id"], entered["machine_id"], entered["count"]) == ("m01", "cmm-1", 2)
    assert operator.get("/api/v1/consumptions").json() == [entered]


def everything(conn: Connection) -> None:
    """October with a line of each kind: m01 attended and used up styluses, m02 stayed away, m03 (員外) lent, asked."""
    ground.found(conn)
    conn.execute("UPDATE coop.member SET is_member = false WHERE id = 'm03'")
    add_machine(conn, Machine("gauge-1", "gauge", "粗さ計", "Roughness tester"))
    person = conn.execute(
        "INSERT INTO coop.person (name, email) VALUES ('山田', 'y@coop.example') RETURNING id"
    ).fetchone()
    assert person is not None
    conn.execute(
        "INSERT INTO booking.resource (id, kind, person_id, name_ja, name_en)"
        " VALUES ('op-1', 'person', %s, '山田', 'Yamada')",
        person,
    )
    first = date(2026, 10, 1)
    for tariff in (
        Tariff(name("a"), "cmm-1", first, Basis.OCCUPIED, 5_000, service=ServiceKind.ATTENDED,
               operator_yen_per_hour=4_000, no_show_percent=50),
        Tariff(name("b"), "gauge-1", first, Basis.OCCUPIED, 100, nonmember_yen_per_hour=150),
        Tariff(name("c"), "op-1", first, Basis.BOOKED, 6_000),
    ):  # fmt: skip
        add_tariff(conn, OFFICE, tariff, NOVEMBER)
    consumables.add_consumable(conn, OFFICE, "stylus", "M2スタイラス", "M2 stylus", NOVEMBER)
    consumables.add_price(conn, OFFICE, ConsumablePrice(name("p"), "stylus", "", "", first, 1_200), NOVEMBER)
    used = Consumption(str(name("used")), "stylus", "cmm-1", "m01", date(2026, 10, 31), 2)
    consumables.enter(conn, OFFICE, used, NOVEMBER)
    held = service(conn, "cmm-1", "10-05 09:00 11:00", "m01", "attended")
    ground.usage(conn, "cmm-1", "10-05 09:00 11:00", "m01", kind="in_reservation", reservation=held)
    claim(conn, held, "10-05 08:45 10:00")
    away = service(conn, "cmm-1", "10-06 09:00 11:00", "m02", "attended", "released")
    conn.execute(
        "INSERT INTO booking.fee_event (kind, reservation_id, machine_id, member_id, during, at)"
        " SELECT 'no_show', id, machine_id, member_id, tstzrange(starts_at, ends_at), %s FROM booking.reservation"
        " WHERE id = %s",
        [at("10-06 09:20"), away],
    )
    lent = service(conn, "gauge-1", "10-31 09:00 12:00", "m03", "loan", "in_use")
    conn.execute("INSERT INTO booking.loan (reservation_id, out_at) VALUES (%s, %s)", [lent, at("10-31 09:00")])
    asked = uuid4()
    conn.execute(
        "INSERT INTO booking.reservation (id, uid, resource_id, member_id, starts_at, ends_at, status, service,"
        " created_at, changed_at) VALUES (%s, %s, 'op-1', 'm03', %s, %s, 'confirmed', 'advice', %s, %s)",
        [asked, str(asked), *(span("10-08 13:00 14:30").start, span("10-08 13:00 14:30").end), NOVEMBER, NOVEMBER],
    )


def service(conn: Connection, machine: str, when: str, member: str, kind: str, status: str = "confirmed") -> UUID:
    held = ground.reservation(conn, machine, when, member, status)
    conn.execute("UPDATE booking.reservation SET service = %s WHERE id = %s", [kind, held])
    ground.derived(conn)
    return held


def claim(conn: Connection, held: UUID, when: str) -> None:
    conn.execute(
        "INSERT INTO booking.claim (reservation_id, resource_id, blocked, need)"
        " VALUES (%s, 'op-1', tstzrange(%s, %s), 'operator')",
        [held, span(when).start, span(when).end],
    )


def test_a_month_with_every_kind_of_line_closes_and_verifies(database: Database) -> None:
    """m01: 2 h × 5,000, the operator 75 min × 4,000, 2 × 1,200. m02: half of 2 h × 5,000. m03: 15 h to midnight × 150,
    and 90 min of advice × 6,000."""
    with psycopg.connect(database.app_url) as conn:
        everything(conn)
        closed = close(conn, OFFICE, "2026-10", NOVEMBER)
        conn.commit()
        lines = [line for machine in ("cmm-1", "gauge-1", "op-1") for line in store.lines_of(conn, "2026-10", machine)]
        assert closed.control is not None
        assert closed.control.zero
        assert [(line.member_id, line.kind.value, line.amount_yen) for line in lines] == [
            ("m01", "fee", 10_000),
            ("m01", "operator", 5_000),
            ("m01", "consumable", 2_400),
            ("m02", "no_show", 5_000),
            ("m03", "fee", 2_250),
            ("m03", "fee", 9_000),
        ]
        assert taxed(lines) == {"m01": 1_740, "m02": 0, "m03": 1_125}
        assert verify(conn, AUDITOR, "2026-10").difference is None
        with pytest.raises(PeriodClosed):
            consumables.remove(conn, OFFICE, name("used"), NOVEMBER)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="closed"):
            conn.execute("DELETE FROM billing.consumption")


def taxed(lines: list[Line]) -> dict[str, int]:
    """10 % of what each member's lines bear tax on."""
    return {
        member: sum(line.amount_yen for line in lines if line.member_id == member and line.tax_rate) // 10
        for member in ("m01", "m02", "m03")
    }


def test_every_kind_of_line_is_known_to_the_database(database: Database) -> None:
    with psycopg.connect(database.app_url) as conn:
        row = conn.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'line_kind_known'"
        ).fetchone()
    assert row is not None
    assert all(f"'{kind}'" in row[0] for kind in LineKind)
