"""One month of a small cooperative through its real doors, from the first reservation to the verified close.

Two members, one measuring machine at 3,000 yen an hour (begun quarters of an hour), a rent of 10,000 yen to share:

    m01  5th  09:00-10:30  booked 09:00-11:00                      90 min  ->  1.50 h  ->   4,500 yen
    m02  5th  13:00-13:50  nobody had booked; the office decides   50 min  ->  1.00 h  ->   3,000 yen
    m02  6th  10:00-12:20  booked 10:00-12:00, 20 min over        140 min  ->  2.50 h  ->   7,500 yen

    rent: 10,000 x 90/280 = 3,214.29 and 10,000 x 190/280 = 6,785.71 -> 3,214 and 6,786 (the leftover yen to .71)
    m01:  4,500         + 3,214 =  7,714, tax   771, together  8,485
    m02:  3,000 + 7,500 + 6,786 = 17,286, tax 1,728, together 19,014
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import psycopg
import pytest

from billing.costs.edit import add_pool
from billing.model import Pool, PoolKind
from coop import machines, people, register
from coop.identity import SYSTEM, Role, Viewer
from coop.machines import Machine, OpeningHours
from coop.register import Cooperative, Member
from moyai.parts.broker import BrokerUser, EmbeddedBroker
from telemetry import devices
from telemetry.model import Device
from telemetry.states import rules
from telemetry.states.model import StateRule
from tests.parts.mosquitto import Mosquitto
from tests.servers import serving, working
from tests.telemetry.plant import LONG_AGO, Publisher

TOKYO = ZoneInfo("Asia/Tokyo")
PASSWORD = "hand in hand"
TODAY = datetime.now(TOKYO).date()
FIRST = (TODAY.replace(day=1) - timedelta(days=1)).replace(day=1)  # of the month before this one
MONTH = f"{FIRST:%Y-%m}"
PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class World:
    """Where everything runs."""

    app_url: str
    mqtt_url: str
    mqtt_version: int


@pytest.fixture(params=["timescale and mosquitto", "embedded parts"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "embedded parts":
        broker = EmbeddedBroker(tmp_path / "broker", users=(BrokerUser("moyai", "only-for-tests"),))
        broker.start()
        yield World(request.getfixturevalue("embedded_database").app_url, broker.url, 3)
        broker.stop()
    else:
        mosquitto: Mosquitto = request.getfixturevalue("own_mosquitto")
        yield World(request.getfixturevalue("database").app_url, mosquitto.url, 5)


def test_a_month_from_the_first_reservation_to_the_verified_close(world: World) -> None:
    found(world.app_url)
    with (
        running(world) as url,
        sign_in(url, "office") as office,
        sign_in(url, "director") as director,
        sign_in(url, "sato") as sato,
    ):
        own_future = book(sato, TODAY + timedelta(days=3), "09:00", "10:00")
        assert own_future.status_code == 201, own_future.text
        assert book(sato, day(5), "09:00", "11:00").json()["code"] == "booking.denied"  # the past is the office's
        assert book(office, day(5), "09:00", "11:00", member_id="m01").status_code == 201
        assert book(office, day(5), "10:00", "12:00", member_id="m02").status_code == 409
        assert book(office, day(6), "10:00", "12:00", member_id="m02").status_code == 201
        price(office)

        report(world)
        walk_up = wait_for_usage(office)["unassigned"]
        assert span(walk_up) == (at(5, "13:00"), at(5, "13:50"))
        assert [each["kind"] for each in usage(sato)] == ["in_reservation"]

        refused = office.post(f"/periods/{MONTH}/close")
        assert (refused.status_code, refused.json()["code"]) == (409, "billing.close_blocked")
        unowned, unapproved = f"usage:{walk_up['id']}", f"period:{MONTH}"
        assert [each["subject"] for each in refused.json()["findings"]] == [unowned, unapproved]
        decision = {"resolution": "assign", "member_id": "m02", "reason": "asked at the machine"}
        assert office.post(f"/usage/{walk_up['id']}/decision", json=decision).json()["kind"] == "assigned"
        refused = office.post(f"/periods/{MONTH}/close").json()
        assert [each["code"] for each in refused["findings"]] == ["billing.finding.unapproved"]
        assert office.post(f"/periods/{MONTH}/draft").json()["status"] == "draft"
        assert director.post(f"/periods/{MONTH}/approve").json()["status"] == "approved"
        closed = office.post(f"/periods/{MONTH}/close")
        assert (closed.status_code, closed.json()["status"]) == (200, "closed"), closed.text
        assert closed.json()["control"]
        assert set(closed.json()["control"].values()) == {0}
        assert {pool["pool_id"]: pool["carried_yen"] for pool in closed.json()["pools"]} == {"cmm-1": 3_000, "rent": 0}

        assert statements(office) == {"m01": (7_714, 771, 8_485), "m02": (17_286, 1_728, 19_014)}
        assert statements(sato) == {"m01": (7_714, 771, 8_485)}
        assert amounts(office, "m02") == [3_000, 7_500, 6_786]
        explains_down_to_the_readings(sato)
        verified = office.get(f"/periods/{MONTH}/verify").json()
        assert (verified["same"], verified["evidence_hash"]) == (True, closed.json()["evidence_hash"])


def found(app_url: str) -> None:
    """What stands before the month begins: members, people, the machine with its plug, and what costs are shared."""
    with psycopg.connect(app_url) as conn:
        register.found(conn, Cooperative("demo", "試験協同組合", TOKYO, "T7123456789012", ""), LONG_AGO)
        for member in ("m01", "m02"):
            register.add_member(conn, Member(member, f"{member}製作所", joined_on=date(2020, 4, 1)))
        enter = {"office": (Role.OFFICE, None), "director": (Role.DIRECTOR, None), "sato": (Role.ENGINEER, "m01")}
        for name, (role, member_id) in enter.items():
            email = f"{name}@kumiai.example"
            people.add_person(conn, name=name, email=email, roles=[role], member_id=member_id, password=PASSWORD)
        always = [OpeningHours("cmm-1", weekday, clock(0), clock.max) for weekday in range(1, 8)]
        machines.add_machine(conn, Machine("cmm-1", "cmm", "三次元測定機", "CMM 1"), always)
        devices.add_device(conn, SYSTEM, Device("plug-1", "cmm-1"), LONG_AGO)
        devices.bind(conn, SYSTEM, "plug-1", "cmm-1", LONG_AGO, LONG_AGO)
        rule = StateRule("power", "power", on_watts=200, off_watts=100, on_seconds=60, off_seconds=120, gap_seconds=300)
        rules.set_rule(conn, SYSTEM, "cmm-1", rule, LONG_AGO, LONG_AGO)
        office = Viewer(None, None, frozenset({Role.OFFICE}))
        add_pool(conn, office, Pool("cmm-1", PoolKind.FEE, "CMMの費用", "Costs of CMM", ("cmm-1",)), LONG_AGO)
        add_pool(conn, office, Pool("rent", PoolKind.SHARE, "家賃", "Rent"), LONG_AGO)


@contextmanager
def running(world: World) -> Iterator[str]:
    """`moyai serve`, `moyai ingest` and `moyai work`; the base URL."""
    with serving(world.app_url, 1) as [url], working(world.app_url, world.mqtt_url, world.mqtt_version):
        yield url


@contextmanager
def sign_in(url: str, name: str) -> Iterator[httpx2.Client]:
    """A browser with its session."""
    own_page = {"Sec-Fetch-Site": "same-origin"}
    with httpx2.Client(base_url=f"{url}/api/v1", headers=own_page, trust_env=False, timeout=30) as client:
        enter_password(client, name)
        yield client


def enter_password(client: httpx2.Client, name: str) -> None:
    assert client.post("/session", json={"email": f"{name}@kumiai.example", "password": "wrong"}).status_code == 401
    answer = client.post("/session", json={"email": f"{name}@kumiai.example", "password": PASSWORD})
    assert answer.status_code == 204, answer.text


def day(number: int) -> date:
    return FIRST.replace(day=number)


def at(number: int | date, text: str) -> datetime:
    """`09:30` of that day of the month, in Tokyo."""
    on = day(number) if isinstance(number, int) else number
    return datetime.combine(on, clock.fromisoformat(text), TOKYO).astimezone(UTC)


def book(client: httpx2.Client, on: date, start: str, end: str, **more: str) -> httpx2.Response:
    wanted = {"machine_id": "cmm-1", "starts_at": at(on, start).isoformat(), "ends_at": at(on, end).isoformat()}
    return client.post("/reservations", json=wanted | more)


def price(office: httpx2.Client) -> None:
    """3,000 yen an occupied hour; a rent of 10,000 yen; maintenance of 12,000 that the fees cover."""
    tariff = {"machine_id": "cmm-1", "valid_from": f"{FIRST:%Y-%m-%d}", "basis": "occupied", "yen_per_hour": 3_000}
    assert office.post("/tariffs", json=tariff | {"increment_seconds": 900}).status_code == 201
    for pool, kind, yen in (("rent", "room", 10_000), ("cmm-1", "maintenance", 12_000)):
        cost = {"month": MONTH, "pool_id": pool, "kind": kind, "amount_yen": yen}
        assert office.post("/costs", json=cost).status_code == 201


def report(world: World) -> None:
    """The plug of the machine: a reading a minute, sixty to a message, and each message sent twice."""
    trace = [
        *minutes(5, "08:30", "09:00", 40.0),
        *minutes(5, "09:00", "10:30", 500.0),
        *minutes(5, "10:30", "13:00", 40.0),
        *minutes(5, "13:00", "13:50", 500.0),
        *minutes(5, "13:50", "14:30", 40.0),
        *minutes(6, "09:30", "10:00", 40.0),
        *minutes(6, "10:00", "12:20", 500.0),
        *minutes(6, "12:20", "13:00", 40.0),
    ]
    messages = [{"readings": trace[begin : begin + 60]} for begin in range(0, len(trace), 60)]
    plug = Publisher(world.mqtt_url, "plug")
    plug.send("moyai/demo/cmm-1/power", *messages, *messages)
    plug.close()


def minutes(number: int, start: str, end: str, watts: float) -> Iterator[dict[str, Any]]:
    moment = at(number, start)
    while moment < at(number, end):
        yield {"at": moment.isoformat(), "value": watts}
        moment += timedelta(minutes=1)


def usage(client: httpx2.Client) -> list[dict[str, Any]]:
    month = {"from": at(1, "00:00").isoformat(), "to": at(28, "00:00").isoformat()}
    found: list[dict[str, Any]] = client.get("/usage", params=month).json()
    return found


def span(of: dict[str, Any]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(of["started_at"]), datetime.fromisoformat(of["ended_at"])


def wait_for_usage(office: httpx2.Client) -> dict[str, dict[str, Any]]:
    """By kind, once the last minute reported is derived; each kind occurs once."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    expected = [
        (at(5, "09:00"), at(5, "10:30"), 5_400, "in_reservation", "m01"),
        (at(5, "13:00"), at(5, "13:50"), 3_000, "unassigned", None),
        (at(6, "10:00"), at(6, "12:00"), 7_200, "in_reservation", "m02"),
        (at(6, "12:00"), at(6, "12:20"), 1_200, "overrun", "m02"),
    ]
    while True:
        seen = usage(office)
        told = [(*span(each), each["running_seconds"], each["kind"], each["member_id"]) for each in seen]
        if told == expected:
            return {each["kind"]: each for each in seen}
        assert time.monotonic() < give_up, told
        time.sleep(0.2)


def statements(client: httpx2.Client) -> dict[str, tuple[int, int, int]]:
    """Net, tax and total by member."""
    found = client.get("/statements", params={"month": MONTH}).json()
    return {each["member_id"]: (each["net_yen"], each["tax_yen"], each["total_yen"]) for each in found}


def lines(client: httpx2.Client, member: str) -> tuple[str, list[dict[str, Any]]]:
    found = client.get("/statements", params={"month": MONTH}).json()
    [identifier] = [each["id"] for each in found if each["member_id"] == member]
    return identifier, client.get(f"/statements/{identifier}").json()["lines"]


def amounts(client: httpx2.Client, member: str) -> list[int]:
    return [line["amount_yen"] for line in lines(client, member)[1]]


def explains_down_to_the_readings(sato: httpx2.Client) -> None:
    """m01's fee: its usage, the state behind it, and the ninety readings of 500 W behind that."""
    statement_id, of_m01 = lines(sato, "m01")
    assert [line["amount_yen"] for line in of_m01] == [4_500, 3_214]
    explained = sato.get(f"/statements/{statement_id}/lines/1/explain").json()
    assert explained["frozen"] is True
    [used] = explained["usages"]
    [state] = used["states"]
    assert (state["state"], datetime.fromisoformat(state["start"])) == ("running", at(5, "09:00"))
    assert [(datetime.fromisoformat(each["at"]), each["value"]) for each in used["readings"]] == [
        (at(5, "09:00") + timedelta(minutes=number), 500.0) for number in range(90)
    ]
    assert [share["id"] for share in sato.get(f"/statements/{statement_id}/lines/2/explain").json()["usages"]] == [
        used["id"]
    ]
