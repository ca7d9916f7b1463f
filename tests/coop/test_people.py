"""Signing in, tokens, and what a refusal gives away."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from coop import people
from coop.accounts import passwords, sessions, throttle
from coop.database import Connection
from coop.identity import ANONYMOUS, Role, Viewer
from tests.callers import Callers
from tests.parts.databases import Database

NOW = datetime(2026, 10, 1, tzinfo=UTC)
RIGHT = "correct horse"


def enter(conn: Connection, email: str = "sato@factory.example") -> Viewer:
    person_id = people.add_person(conn, name="佐藤", email=email, roles=[Role.ENGINEER], password=RIGHT)
    return Viewer(person_id, None, frozenset({Role.ENGINEER}))


def test_a_right_password_in_any_letter_case_of_the_address_opens_a_session(conn: Connection) -> None:
    person = enter(conn)
    secret = passwords.sign_in(conn, " SATO@Factory.example ", RIGHT, NOW)
    assert sessions.viewer_of_session(conn, secret, NOW).person_id == person.person_id


def test_a_session_ends_by_time_and_by_signing_out(conn: Connection) -> None:
    enter(conn)
    first, second = (passwords.sign_in(conn, "sato@factory.example", RIGHT, NOW) for _ in range(2))
    assert sessions.viewer_of_session(conn, first, NOW + sessions.SESSION_LENGTH) == ANONYMOUS
    sessions.sign_out(conn, second, NOW)
    assert sessions.viewer_of_session(conn, second, NOW) == ANONYMOUS
    assert sessions.viewer_of_session(conn, first, NOW) != ANONYMOUS


def test_a_wrong_password_and_an_unknown_address_are_refused_alike(conn: Connection) -> None:
    enter(conn)
    for email in ("sato@factory.example", "nobody@factory.example"):
        with pytest.raises(passwords.SignInRefused):
            passwords.sign_in(conn, email, "wrong horse", NOW)


def test_ten_wrong_passwords_lock_the_address_for_a_quarter_of_an_hour(conn: Connection) -> None:
    enter(conn)
    for _ in range(throttle.ADDRESS.most):
        assert passwords.attempt_sign_in(conn, "sato@factory.example", "wrong horse", NOW) is None
    with pytest.raises(throttle.SignInThrottled):
        passwords.attempt_sign_in(conn, "Sato@factory.example", RIGHT, NOW)
    later = NOW + throttle.ADDRESS.window + timedelta(seconds=1)
    assert passwords.attempt_sign_in(conn, "sato@factory.example", RIGHT, later)


def test_no_secret_is_stored(database: Database, conn: Connection) -> None:
    person = enter(conn)
    session = passwords.sign_in(conn, "sato@factory.example", RIGHT, NOW)
    _, token = people.add_token(conn, person, name="sheet", now=NOW)
    conn.commit()
    with psycopg.connect(database.owner_url) as owner:
        rows = owner.execute(
            "SELECT s::text || t::text || p::text FROM coop.session s, coop.api_token t, coop.person p"
        ).fetchall()
    stored = str(rows)
    assert "argon2id" in stored
    for secret in (session, token, RIGHT):
        assert secret not in stored


def test_an_address_belongs_to_one_person(conn: Connection) -> None:
    enter(conn)
    with pytest.raises(people.EmailTaken):
        enter(conn, "SATO@factory.example")


def test_a_read_token_changes_nothing_and_a_revoked_one_opens_nothing(api: Callers) -> None:
    caller = api.person(Role.OFFICE)
    reading = caller.post("/api/v1/tokens", json={"name": "board", "scopes": ["read"]}).json()
    header = {"headers": {"Authorization": f"Bearer {reading['secret']}"}}
    assert api.nobody.get("/api/v1/me", **header).status_code == 200
    refused = api.nobody.post("/api/v1/tokens", json={"name": "more"}, **header)
    assert (refused.status_code, refused.json()["code"]) == (403, "coop.scope_missing")
    assert caller.delete(f"/api/v1/tokens/{reading['id']}").status_code == 204
    assert api.nobody.get("/api/v1/me", **header).status_code == 401


def test_a_token_of_somebody_else_cannot_be_revoked(api: Callers) -> None:
    mine = api.person(Role.ENGINEER).post("/api/v1/tokens", json={"name": "mine"}).json()
    assert api.person(Role.OFFICE).delete(f"/api/v1/tokens/{mine['id']}").status_code == 404


def test_a_form_of_another_site_cannot_use_the_cookie(api: Callers) -> None:
    with api.pool.connection() as conn:
        enter(conn)
    answer = api.client.post("/api/v1/session", json={"email": "sato@factory.example", "password": RIGHT})
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert "samesite=lax" in answer.headers["set-cookie"].lower()
    for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        refused = api.client.post("/api/v1/tokens", json={"name": "t"}, headers=headers)
        assert refused.json()["code"] == "coop.other_origin"
    own = api.client.post("/api/v1/tokens", json={"name": "t"}, headers={"Origin": "http://testserver"})
    assert own.status_code == 201
