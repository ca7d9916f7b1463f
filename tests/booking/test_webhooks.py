"""Programs that are told: signed, tried again with the same bytes, logged; no name, no purpose; a kill loses none."""

import base64
import hashlib
import hmac
import os
import subprocess
import sys
import time as clock
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
import pytest

from coop import database
from coop.identity import Role
from coop.machines import Machine, OpeningHours, add_machine
from coop.settings import Settings
from tests.booking.posts import Program, program, work
from tests.callers import Caller, Callers, callers
from tests.parts.databases import Database

START = (datetime.now(UTC) + timedelta(days=7)).replace(hour=1, minute=0, second=0, microsecond=0)


class House:
    """A machine, its office and two members; settings under which loopback may be called."""

    def __init__(self, api: Callers, settings: Settings) -> None:
        self.api, self.settings = api, settings
        api.client.app.state.settings = settings  # type: ignore[attr-defined]  # the application behind the client
        api.member("m01", "佐藤精機")
        with database.transaction(api.pool) as conn:
            hours = [OpeningHours("cmm-1", day, datetime.min.time(), datetime.max.time()) for day in range(1, 8)]
            add_machine(conn, Machine("cmm-1", "cmm", "三次元測定機", "CMM"), hours)
        self.sato = api.person(Role.ENGINEER, "m01", name="佐藤")
        self.office = api.person(Role.OFFICE)

    def hook(self, url: str) -> dict[str, Any]:
        made = self.office.post("/api/v1/webhooks", json={"url": url})
        assert made.status_code == 201, made.text
        assert "secret" not in made.json()
        view: dict[str, Any] = self.office.get(made.headers["location"]).json()
        return view

    def book(self, hours_later: int = 0) -> dict[str, Any]:
        start = START + timedelta(hours=hours_later)
        body = {"machine_id": "cmm-1", "starts_at": start.isoformat(), "purpose": "秘密の部品"}
        made = self.sato.post("/api/v1/reservations", json=body | {"ends_at": (start + timedelta(hours=1)).isoformat()})
        assert made.status_code == 201, made.text
        view: dict[str, Any] = made.json()
        return view

    def log(self, hook: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.office.get(f"/api/v1/webhooks/{hook['id']}/deliveries")
        assert answer.status_code == 200
        found: list[dict[str, Any]] = answer.json()
        return found

    def work(self) -> None:
        work(self.settings)

    def later(self) -> None:
        """Make due what waits to be tried again."""
        with database.transaction(self.api.pool) as conn:
            conn.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'")


@pytest.fixture
def house(api: Callers, database: Database) -> House:
    return House(api, Settings(database_url=database.app_url, secret_key="k" * 32, private_targets=True))


@pytest.fixture
def called() -> Iterator[Program]:
    with program() as receiver:
        yield receiver


def genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What a receiver computes, by the text of the Standard Webhooks specification."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in headers["webhook-signature"].split(" ")


def test_a_program_is_told_signed_and_without_names(house: House, called: Program) -> None:
    hook = house.hook(f"{called.url}/moyai")
    view = house.book()
    house.sato.delete(f"/api/v1/reservations/{view['id']}")
    house.work()
    told = []
    for path, headers, body in called.calls:
        assert path == "/moyai"
        assert genuine(hook["secret"], headers, body)
        assert not genuine(hook["secret"], headers, body + b" ")
        assert abs(int(headers["webhook-timestamp"]) - clock.time()) < 60
        event = orjson.loads(body)
        assert event["id"] == headers["webhook-id"]
        assert event["data"]["reservation_id"] == view["id"]
        for secret in ("佐藤", "秘密", "@"):
            assert secret not in body.decode(), secret
        told.append((event["type"], event["data"]["status"], event["data"]["version"]))
    assert sorted(told) == [("reservation.cancelled", "cancelled", 2), ("reservation.created", "confirmed", 1)]


def test_a_refused_event_is_tried_again_with_the_same_bytes_and_logged(house: House, called: Program) -> None:
    called.answers = [500, 302, 200]
    hook = house.hook(called.url)
    house.book()
    house.work()
    (entry,) = house.log(hook)
    assert (entry["attempts"], entry["last_status"], entry["delivered_at"]) == (1, 500, None)
    with database.transaction(house.api.pool) as conn:
        ((wait,),) = conn.execute("SELECT scheduled_at - now() FROM procrastinate_jobs").fetchall()
    assert timedelta(0) < wait < timedelta(seconds=6)
    house.later()
    house.work()
    with database.transaction(house.api.pool) as conn:
        ((longer,),) = conn.execute("SELECT scheduled_at - now() FROM procrastinate_jobs").fetchall()
    assert longer > 2 * wait
    house.later()
    house.work()
    (entry,) = house.log(hook)
    assert (entry["attempts"], entry["last_status"]) == (3, 200)
    assert entry["delivered_at"] is not None
    assert len({(headers["webhook-id"], body) for _, headers, body in called.calls}) == 1
    assert len(called.calls) == 3
    house.work()
    assert len(called.calls) == 3


def test_who_cannot_be_reached_is_in_the_log(house: House) -> None:
    with program() as gone:
        url = gone.url
    hook = house.hook(url)
    house.book()
    house.work()
    (entry,) = house.log(hook)
    assert (entry["attempts"], entry["last_status"], entry["last_error"]) == (1, None, "ConnectError")


def test_the_office_pings_a_program_and_sends_an_event_again(house: House, called: Program) -> None:
    hook = house.hook(called.url)
    path = f"/api/v1/webhooks/{hook['id']}"
    pinged = house.office.post(f"{path}/ping", headers={"Idempotency-Key": "ping-1"})
    assert (pinged.status_code, pinged.json()["type"]) == (201, "ping")
    assert house.office.post(f"{path}/ping", headers={"Idempotency-Key": "ping-1"}).json() == pinged.json()
    house.book()
    house.work()
    assert [orjson.loads(body)["type"] for _, _, body in called.calls] == ["ping", "reservation.created"]
    assert all(genuine(hook["secret"], headers, body) for _, headers, body in called.calls)
    entry = house.log(hook)[0]
    again = house.office.post(f"{path}/deliveries/{entry['id']}/resend")
    assert (again.status_code, again.json()["delivered_at"]) == (200, None)
    house.work()
    assert len(called.calls) == 3
    assert called.calls[2][2] == called.calls[1][2]
    assert called.calls[2][1]["webhook-id"] == called.calls[1][1]["webhook-id"]
    assert house.log(hook)[0]["attempts"] == 2
    other = house.hook(called.url)
    for asked in (f"/api/v1/webhooks/{other['id']}/deliveries/{entry['id']}/resend", f"{path[:-12]}000000000000/ping"):
        assert house.office.post(asked).status_code == 404
        assert house.sato.post(asked).status_code == 403
    house.office.delete(path)
    for asked in (f"{path}/ping", f"{path}/deliveries/{entry['id']}/resend"):
        assert house.office.post(asked).status_code == 404, "it is told no more"


def test_a_stopped_program_hears_nothing_more(house: House, called: Program) -> None:
    hook = house.hook(called.url)
    house.book()
    assert house.office.delete(f"/api/v1/webhooks/{hook['id']}").status_code == 204
    assert house.office.delete(f"/api/v1/webhooks/{hook['id']}").status_code == 404
    house.book(2)
    house.work()
    assert called.calls == []
    assert house.office.get("/api/v1/webhooks").json() == []


def test_our_own_network_is_not_called(house: House, called: Program) -> None:
    hook = house.hook(called.url)
    house.book()
    work(Settings(database_url=house.settings.database_url, secret_key="k" * 32))
    assert called.calls == []
    (entry,) = house.log(hook)
    assert (entry["last_error"], entry["delivered_at"]) == ("coop.target_refused", None)
    with database.transaction(house.api.pool) as conn:
        assert conn.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (0,)


def test_only_the_office_has_programs_told(house: House) -> None:
    for role in (Role.ENGINEER, Role.MEMBER_MANAGER, Role.OPERATOR, Role.DIRECTOR):
        who: Caller = house.api.person(role, "m01")
        assert who.post("/api/v1/webhooks", json={"url": "https://factory.example"}).status_code == 403


@pytest.mark.kills
def test_a_worker_killed_while_it_tells_is_followed_by_one_that_tells(database: Database) -> None:
    """A real `moyai work` dies by SIGKILL with its request open; the next one finds the job stalled and sends again."""
    settings = Settings(database_url=database.app_url, secret_key="k" * 32, private_targets=True)
    with callers(database.app_url) as api, program() as called:
        house = House(api, settings)
        called.free.clear()
        house.hook(called.url)
        house.book()
        environment = os.environ | {
            "MOYAI_DATABASE_URL": database.app_url,
            "MOYAI_SECRET_KEY": "k" * 32,
            "MOYAI_PRIVATE_TARGETS": "true",
        }
        killed = subprocess.Popen([sys.executable, "-m", "moyai", "work"], env=environment)
        try:
            until(lambda: len(called.calls) == 1)
        finally:
            killed.kill()
            killed.wait()
        called.free.set()
        with psycopg.connect(database.app_url, autocommit=True) as conn:
            assert conn.execute(
                "SELECT status FROM procrastinate_jobs WHERE task_name LIKE 'booking.%'"
            ).fetchone() == ("doing",)
            conn.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
        work(settings)
        with psycopg.connect(database.app_url, autocommit=True) as conn:
            conn.execute(
                "INSERT INTO procrastinate_jobs (task_name, args, queue_name) "
                "VALUES ('coop.retry_stalled', '{\"timestamp\": 0}', 'default')"
            )
        work(settings)
        first, second = called.calls
        assert (first[1]["webhook-id"], first[2]) == (second[1]["webhook-id"], second[2])
        with psycopg.connect(database.app_url) as conn:
            assert conn.execute("SELECT delivered_at IS NOT NULL FROM booking.webhook_delivery").fetchall() == [(True,)]


def until(happened: Any, seconds: float = 60.0) -> None:
    end = clock.monotonic() + seconds
    while not happened():
        assert clock.monotonic() < end, "it did not happen"
        clock.sleep(0.05)
