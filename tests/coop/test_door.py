"""The door: errors as problem documents, requests that count once, transactions that are retried."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier, Event, Thread

import psycopg
import pytest
from fastapi import APIRouter, FastAPI, Response
from fastapi.testclient import TestClient
from psycopg import errors
from pydantic import BaseModel

from coop import database, register
from coop.database import Connection, DatabaseAway, Pool
from coop.door import Entrance
from coop.identity import Role
from coop.register import Member
from coop.rights import SIGNED_IN, mount
from coop.settings import Settings
from moyai.application import create_app
from tests.callers import Callers
from tests.parts.databases import Database


def test_a_stranger_is_asked_to_sign_in_in_their_language(api: Callers) -> None:
    for language, title in (
        ("ja", "サインインが必要です"),
        ("en-GB,en;q=0.8", "Please sign in"),
        ("fr", "サインインが必要です"),
    ):
        answer = api.nobody.get("/api/v1/me", headers={"Accept-Language": language})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json() | {"detail": ""} == {
            "type": "/problem-types/coop.unauthenticated",
            "title": title,
            "status": 401,
            "detail": "",
            "code": "coop.unauthenticated",
            "params": {},
        }


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"name": 1}', b'{"nam": "x"}', b"\xff\xfe"])
def test_a_body_that_cannot_be_read_names_its_field(api: Callers, body: bytes) -> None:
    caller = api.person(Role.ENGINEER)
    answer = caller.post("/api/v1/tokens", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_unknown_path_and_method_are_problems_too(api: Callers) -> None:
    assert api.nobody.get("/api/v1/nothing").json()["code"] == "http.404"
    assert api.nobody.put("/api/v1/me").json()["code"] == "http.405"


def test_a_database_that_is_gone_is_503_and_nothing_else() -> None:
    nowhere = Settings(database_url="postgresql://moyai_app@127.0.0.1:1/moyai?connect_timeout=1", secret_key="k" * 32)
    app = create_app(nowhere)
    with TestClient(app, raise_server_exceptions=False) as client:
        app.state.pool.timeout = 0.2
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "coop.database_away")
        assert answer.headers["retry-after"]
        assert client.get("/healthz").status_code == 200


def test_two_transactions_that_deadlock_both_end_well(pool: Pool) -> None:
    meet = Barrier(2, timeout=10)
    attempts: list[int] = []

    def cross(first: int, second: int) -> None:
        tries = 0

        def use_case(conn: Connection) -> None:
            nonlocal tries
            tries += 1
            conn.execute("SELECT pg_advisory_xact_lock(%s)", [first])
            if tries == 1:
                meet.wait()
            conn.execute("SELECT pg_advisory_xact_lock(%s)", [second])

        database.run(pool, use_case)
        attempts.append(tries)

    threads = [Thread(target=cross, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(attempts) == [1, 2]


def test_a_transaction_that_never_gets_through_gives_up(pool: Pool) -> None:
    tries = 0

    def hopeless(_: Connection) -> None:
        nonlocal tries
        tries += 1
        raise errors.SerializationFailure

    with pytest.raises(DatabaseAway):
        database.run(pool, hopeless)
    assert tries == database.ATTEMPTS


def test_what_fails_in_a_use_case_is_rolled_back(pool: Pool) -> None:
    def half(conn: Connection) -> None:
        conn.execute("INSERT INTO coop.member (id, name, joined_on) VALUES ('m01', 'x', '2020-01-01')")
        raise KeyError

    with pytest.raises(KeyError):
        database.run(pool, half)
    with database.transaction(pool) as conn:
        assert conn.execute("SELECT count(*) FROM coop.member").fetchone() == (0,)


def test_the_application_role_cannot_rewrite_the_audit_trail(pool: Pool) -> None:
    for statement in ("UPDATE coop.audit SET action = 'x'", "DELETE FROM coop.audit", "TRUNCATE coop.audit"):
        with pytest.raises(errors.InsufficientPrivilege), database.transaction(pool) as conn:
            conn.execute(psycopg.sql.SQL(statement))  # type: ignore[arg-type]  # three fixed statements
    with pytest.raises(errors.InsufficientPrivilege), database.transaction(pool) as conn:
        conn.execute("ALTER TABLE coop.audit ADD COLUMN x int")


class Asked(BaseModel):
    amount: int


def counting_app(url: str, started: Event, go_on: Event) -> FastAPI:
    """One route that counts what it did in the database, and waits when it is asked to."""
    router = APIRouter()

    @router.post("/count", response_model=None)
    def count(body: Asked, door: Entrance) -> Response:
        def use_case(conn: Connection) -> Asked:
            row = conn.execute("SELECT count(*) FROM coop.member").fetchone()
            assert row is not None
            register.add_member(conn, Member(f"m{row[0]:02}", "x", joined_on=date(2020, 1, 1)))
            if body.amount < 0:
                started.set()
                assert go_on.wait(10)
            return Asked(amount=row[0])

        return door.once(use_case, asked=body, status=201)

    app = create_app(Settings(database_url=url, secret_key="k" * 32))
    mount(app, router, {("POST", "/count"): SIGNED_IN})
    return app


@pytest.fixture
def counter(database: Database) -> Iterator[tuple[Callers, Event, Event]]:
    started, go_on = Event(), Event()
    with TestClient(counting_app(database.app_url, started, go_on), raise_server_exceptions=False) as client:
        yield Callers(client, client.app.state.pool), started, go_on  # type: ignore[attr-defined]  # a FastAPI app


def test_a_retry_gets_the_first_answer_and_changes_nothing(counter: tuple[Callers, Event, Event]) -> None:
    caller = counter[0].person(Role.OFFICE)
    key = {"headers": {"Idempotency-Key": "k"}, "json": {"amount": 1}}
    first, second = caller.post("/count", **key), caller.post("/count", **key)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert second.headers["idempotent-replayed"] == "true"
    assert caller.post("/count", json={"amount": 1}).json() == {"amount": 1}


def test_a_key_is_for_one_request_of_one_person(counter: tuple[Callers, Event, Event]) -> None:
    api = counter[0]
    one, other = api.person(Role.OFFICE), api.person(Role.OFFICE)
    headers = {"Idempotency-Key": "k"}
    one.post("/count", json={"amount": 1}, headers=headers)
    reused = one.post("/count", json={"amount": 2}, headers=headers)
    assert (reused.status_code, reused.json()["code"]) == (422, "coop.key_reused")
    assert other.post("/count", json={"amount": 2}, headers=headers).json() == {"amount": 1}
    for empty in ("", "x" * 256):
        refused = one.post("/count", json={"amount": 1}, headers={"Idempotency-Key": empty})
        assert refused.json()["code"] == "coop.key_invalid"


def test_a_second_request_while_the_first_is_answered_is_told_so(counter: tuple[Callers, Event, Event]) -> None:
    api, started, go_on = counter
    caller = api.person(Role.OFFICE)
    slow = {"json": {"amount": -1}, "headers": {"Idempotency-Key": "k"}}
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(caller.post, "/count", **slow)
        assert started.wait(10)
        second = caller.post("/count", **slow)
        go_on.set()
        assert first.result(10).status_code == 201
    assert (second.status_code, second.json()["code"]) == (409, "coop.request_in_flight")
