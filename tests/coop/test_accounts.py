"""Coming in: invited, by password and second factor, and out again; what is refused, and what is written down of it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pyotp
import pytest
from fastapi.testclient import TestClient

from coop import audit, database
from coop.accounts import invitations, links, passwords, second_factor, sessions, throttle
from coop.accounts.cookies import SESSION_COOKIE
from coop.accounts.links import Kind
from coop.accounts.proof import Lacking, lacking
from coop.identity import ANONYMOUS, Role
from coop.settings import Settings
from moyai.application import create_app
from tests.callers import Caller, Callers, callers
from tests.parts.databases import Template

KEY = "k" * 32  # of the application that the callers call
RIGHT = "correct horse"
FORM = {"sec-fetch-site": "same-origin"}


@pytest.fixture(scope="module")
def api(timescale_template: Template) -> Iterator[Callers]:
    """One for all tests of this module: each has people of its own."""
    with timescale_template.clone() as database, callers(database.app_url) as everybody:
        everybody.member("m01")
        everybody.member("m02")
        yield everybody


@pytest.fixture
def strict(api: Callers) -> Iterator[TestClient]:
    """The same cooperative, as it is served by default: two factors for the office."""
    settings: Settings = api.client.app.state.settings  # type: ignore[attr-defined]  # FastAPI's own
    app = create_app(replace(settings, second_factor_for_office=True))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def email_of(api: Callers, caller: Caller) -> str:
    with api.pool.connection() as conn:
        row = conn.execute("SELECT email FROM coop.person WHERE id = %s", [caller.person_id]).fetchone()
        assert row is not None
        return str(row[0])


def done(api: Callers, person_id: UUID) -> list[str]:
    """What the audit says happened to a person."""
    with api.pool.connection() as conn:
        rows = conn.execute("SELECT action FROM coop.audit WHERE subject = %s ORDER BY id", [f"person:{person_id}"])
        return [row[0] for row in rows]


@pytest.fixture(autouse=True)
def no_cookies(api: Callers) -> None:
    api.client.cookies.clear()


def browser(client: TestClient, secret: str, method: str, path: str, **more: Any) -> httpx2.Response:
    """What a browser with this session asks."""
    client.cookies.clear()
    headers = FORM | {"cookie": f"{SESSION_COOKIE}={secret}"} | more.pop("headers", {})
    return client.request(method, path, headers=headers, follow_redirects=False, **more)


def session(api: Callers, caller: Caller, password: str = RIGHT) -> str:
    with database.transaction(api.pool) as conn:
        return passwords.sign_in(conn, email_of(api, caller), password, datetime.now(UTC))


def secret_in(answer: httpx2.Response) -> str:
    return str(answer.json()["url"]).rpartition("/")[2]


def test_an_invitation_lets_one_person_in_once(api: Callers) -> None:
    office = api.person(Role.OFFICE)
    asked = {"name": "新人", "roles": ["engineer"], "member_id": "m01", "email": "new@m01.example"}
    made = office.post("/api/v1/invitations", json=asked)
    assert made.status_code == 201, made.text
    secret = secret_in(made)
    short = api.client.post("/api/v1/invitations/acceptance", json={"secret": secret, "password": "short"})
    assert short.json()["code"] == "coop.password_too_short"
    own = api.client.post("/api/v1/invitations/acceptance", json={"secret": secret, "password": "new@m01.example"})
    assert own.json()["code"] == "coop.password_too_common"
    accepted = api.client.post("/api/v1/invitations/acceptance", json={"secret": secret, "password": RIGHT})
    assert accepted.status_code == 204
    opened = accepted.cookies[SESSION_COOKIE]
    assert browser(api.client, opened, "GET", "/api/v1/me").json()["member_id"] == "m01"
    again = api.client.post("/api/v1/invitations/acceptance", json={"secret": secret, "password": "another horse"})
    assert (again.status_code, again.json()["code"]) == (404, "coop.link_invalid")
    assert {"person.invited", "invitation.accepted", "session.opened"} <= set(done(api, UUID(made.json()["person_id"])))
    listed = office.get("/api/v1/invitations").json()
    assert [each["url"] for each in listed if each["id"] == made.json()["id"]] == [None]


def test_who_has_no_mail_comes_in_by_a_name(api: Callers) -> None:
    office = api.person(Role.OFFICE)
    asked = {"name": "無線", "roles": ["engineer"], "member_id": "m01"}
    assert office.post("/api/v1/invitations", json=asked).json()["code"] == "coop.sign_in_name_invalid"
    made = office.post("/api/v1/invitations", json=asked | {"sign_in_name": "Musen-1"})
    body = {"secret": secret_in(made), "password": RIGHT}
    assert api.client.post("/api/v1/invitations/acceptance", json=body).status_code == 204
    api.client.cookies.clear()
    entered = api.client.post("/api/v1/session", json={"email": "musen-1", "password": RIGHT})
    assert entered.status_code == 204
    taken = office.post("/api/v1/invitations", json=asked | {"sign_in_name": "musen-1"})
    assert taken.json()["code"] == "coop.sign_in_name_taken"


def test_a_manager_invites_their_own_members_people_and_no_more(api: Callers) -> None:
    manager, stranger = api.person(Role.MEMBER_MANAGER, "m01"), api.person(Role.ENGINEER, "m02")
    asked = {"name": "同僚", "roles": ["engineer"], "member_id": "m01", "email": "colleague@m01.example"}
    made = manager.post("/api/v1/invitations", json=asked)
    assert made.status_code == 201
    assert manager.post("/api/v1/invitations", json=asked | {"member_id": "m02"}).status_code == 404
    assert manager.post("/api/v1/invitations", json=asked | {"roles": ["director"]}).status_code == 403
    assert manager.post("/api/v1/invitations", json=asked | {"member_id": None}).status_code == 404
    assert manager.post(f"/api/v1/people/{stranger.person_id}/invitations").status_code == 404
    others = api.person(Role.MEMBER_MANAGER, "m02")
    assert others.delete(f"/api/v1/invitations/{made.json()['id']}").status_code == 404
    assert made.json()["id"] not in others.get("/api/v1/invitations").text
    colleague = api.person(Role.ENGINEER, "m01", password=RIGHT)
    refused = manager.post(f"/api/v1/people/{colleague.person_id}/invitations")
    assert refused.json()["code"] == "coop.has_access"  # a manager does not take a colleague's account over


def test_a_link_ends_by_time_by_a_newer_one_and_by_being_taken_back(api: Callers) -> None:
    office, invited = api.person(Role.OFFICE), api.person(Role.ENGINEER, "m01")
    now = datetime.now(UTC)
    with database.transaction(api.pool) as conn:
        first, second = (invitations.invite_again(conn, office.viewer, KEY, now, invited.person_id) for _ in range(2))
        secret = links.secret_of(second.id, KEY)
        with pytest.raises(links.LinkInvalid):
            links.holder(conn, Kind.INVITATION, links.secret_of(first.id, KEY), now)
        with pytest.raises(links.LinkInvalid):
            links.holder(conn, Kind.INVITATION, secret, second.expires_at)
        with pytest.raises(links.LinkInvalid):
            links.holder(conn, Kind.RESET, secret, now)
        assert links.holder(conn, Kind.INVITATION, secret, now).person_id == invited.person_id
        invitations.revoke(conn, office.viewer, second.id, now)
        with pytest.raises(links.LinkInvalid):
            links.holder(conn, Kind.INVITATION, secret, now)


def test_a_reset_says_the_same_of_everybody_and_ends_all_other_sessions(api: Callers) -> None:
    person = api.person(Role.ENGINEER, "m01", password=RIGHT)
    before = session(api, person)
    email = email_of(api, person)
    for asked in (email.upper(), "nobody@nowhere.example"):
        answer = api.client.post("/api/v1/password-resets", json={"email": asked})
        assert (answer.status_code, answer.text) == (204, "")
    now = datetime.now(UTC)
    with database.transaction(api.pool) as conn:
        jobs = conn.execute(
            "SELECT args ->> 'email' FROM procrastinate_jobs WHERE task_name = %s ORDER BY id", [links.RESET_TASK]
        ).fetchall()
        assert jobs == [(email,), ("nobody@nowhere.example",)]  # the same work for both, whoever they are
        passwords.begin_reset(conn, "nobody@nowhere.example", KEY, now)
        passwords.begin_reset(conn, email, KEY, now)
        row = conn.execute("SELECT id FROM coop.entry_link WHERE person_id = %s", [person.person_id]).fetchone()
        assert row is not None
    body = {"secret": links.secret_of(row[0], KEY), "password": "another horse"}
    answer = api.client.post("/api/v1/password-resets/acceptance", json=body)
    assert answer.status_code == 204
    assert browser(api.client, before, "GET", "/api/v1/me").status_code == 401
    assert browser(api.client, answer.cookies[SESSION_COOKIE], "GET", "/api/v1/me").status_code == 200


def test_letters_that_ask_for_a_password_are_few(api: Callers) -> None:
    for _ in range(throttle.RESET.most + 2):
        assert api.client.post("/api/v1/password-resets", json={"email": "often@m01.example"}).status_code == 204
    with api.pool.connection() as conn:
        jobs = conn.execute("SELECT count(*) FROM procrastinate_jobs WHERE args ->> 'email' = 'often@m01.example'")
        assert jobs.fetchone() == (throttle.RESET.most,)


def test_one_place_that_guesses_many_names_is_stopped(api: Callers) -> None:
    now = datetime.now(UTC)
    with api.pool.connection() as conn:
        at = passwords.From("192.0.2.7")
        for number in range(throttle.SOURCE.most):
            throttle.SOURCE.failed(conn, at.source, now)
            del number
        with pytest.raises(throttle.SignInThrottled):
            passwords.attempt_sign_in(conn, "anybody@m01.example", RIGHT, now, at)
        conn.rollback()
    assert throttle.source_of("2001:db8:1:2:3::4") == throttle.source_of("2001:db8:1:2:ffff::1")


def test_a_changed_password_leaves_only_this_browser(api: Callers) -> None:
    person = api.person(Role.ENGINEER, "m01", password=RIGHT)
    here, there = session(api, person), session(api, person)
    change = {"present": "wrong horse", "wanted": "another horse"}
    assert browser(api.client, here, "PUT", "/api/v1/me/password", json=change).json()["code"] == "coop.password_wrong"
    change["present"] = RIGHT
    assert browser(api.client, here, "PUT", "/api/v1/me/password", json=change).status_code == 204
    assert browser(api.client, here, "GET", "/api/v1/me").status_code == 200
    assert browser(api.client, there, "GET", "/api/v1/me").status_code == 401
    assert person.put("/api/v1/me/password", json=change).json()["code"] == "coop.session_needed"  # with a token


def test_sessions_are_listed_and_ended_by_oneself_and_by_the_office(api: Callers) -> None:
    person, other, office = api.person(Role.ENGINEER, "m01", password=RIGHT), api.person(Role.ENGINEER, "m01"), None
    office = api.person(Role.OFFICE)
    here, there, third = (session(api, person) for _ in range(3))
    listed = browser(api.client, here, "GET", "/api/v1/sessions").json()
    assert [each["here"] for each in listed].count(True) == 1
    theirs = next(each["id"] for each in listed if not each["here"])
    assert other.delete(f"/api/v1/sessions/{theirs}").status_code == 404
    assert browser(api.client, here, "DELETE", f"/api/v1/sessions/{theirs}").status_code == 204
    assert len(office.get(f"/api/v1/people/{person.person_id}/sessions").json()) == 2
    assert office.delete(f"/api/v1/people/{person.person_id}/sessions").status_code == 204
    for secret in (here, there, third):
        assert browser(api.client, secret, "GET", "/api/v1/me").status_code == 401
    assert "sessions.ended" in done(api, person.person_id)


@pytest.mark.parametrize("how", ["UPDATE coop.person SET active = false WHERE id = %s", None])
def test_who_left_is_nobody_at_once(api: Callers, how: str | None) -> None:
    """By session, token and calendar alike: inactive, or of a member that has left."""
    member = api.member("left-1" if how else "left-2")
    person = api.person(Role.ENGINEER, member, password=RIGHT)
    secret = session(api, person)
    feed_id = person.post("/api/v1/feeds", json={"of": "person"}).json()["id"]
    feed = person.get(f"/api/v1/feeds/{feed_id}").json()["url"]
    path = "/" + feed.split("/", 3)[3]
    assert browser(api.client, secret, "GET", "/api/v1/me").status_code == 200
    assert api.nobody.get(path).status_code == 200
    with database.transaction(api.pool) as conn:
        if how:
            conn.execute(how, [person.person_id])
        else:
            conn.execute("UPDATE coop.member SET left_on = current_date - 1 WHERE id = %s", [member])
    assert browser(api.client, secret, "GET", "/api/v1/me").status_code == 401
    assert person.get("/api/v1/me").status_code == 401
    assert api.nobody.get(path).status_code == 404
    with database.transaction(api.pool) as conn:
        assert sessions.viewer_of_session(conn, secret, datetime.now(UTC)) == ANONYMOUS
        assert passwords.attempt_sign_in(conn, email_of(api, person), RIGHT, datetime.now(UTC)) is None


def test_a_member_leaves_at_midnight_of_its_own_zone(api: Callers) -> None:
    member = api.member("leaver")
    person = api.person(Role.ENGINEER, member)
    with database.transaction(api.pool) as conn:
        conn.execute("UPDATE coop.member SET left_on = '2026-10-01' WHERE id = %s", [member])
        for at, comes in (("2026-09-30 14:59:59+00", True), ("2026-09-30 15:00+00", False)):
            assert conn.execute("SELECT coop.comes_in(%s, %s)", [person.person_id, at]).fetchone() == (comes,)


def test_the_office_gives_two_factors_before_anything_opens(api: Callers, strict: TestClient) -> None:
    person = api.person(Role.OFFICE, password=RIGHT)
    entered = strict.post("/api/v1/session", json={"email": email_of(api, person), "password": RIGHT})
    secret = entered.cookies[SESSION_COOKIE]
    assert browser(strict, secret, "GET", "/api/v1/members").json()["code"] == "coop.second_factor_wanted"
    led = browser(strict, secret, "GET", "/office/members", headers={"accept": "text/html"})
    assert led.headers["location"].startswith("/sign-in/second-factor?next=/office/members")
    app = pyotp.TOTP(browser(strict, secret, "POST", "/api/v1/second-factor").json()["secret"])
    wrong = browser(strict, secret, "POST", "/api/v1/second-factor/confirmation", json={"code": "000000"})
    assert wrong.json()["code"] == "coop.code_wrong"
    code = app.now()
    codes = browser(strict, secret, "POST", "/api/v1/second-factor/confirmation", json={"code": code}).json()["codes"]
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    assert browser(strict, secret, "GET", "/api/v1/members").status_code == 200

    strict.cookies.clear()
    entered = strict.post("/api/v1/session", json={"email": email_of(api, person), "password": RIGHT})
    second = entered.cookies[SESSION_COOKIE]
    assert browser(strict, second, "GET", "/api/v1/me").status_code == 401
    assert browser(strict, second, "POST", "/api/v1/second-factor").json()["code"] == "coop.session_needed"
    replayed = browser(strict, second, "POST", "/api/v1/session/code", json={"code": code})
    assert replayed.json()["code"] == "coop.code_wrong"
    recovered = browser(strict, second, "POST", "/api/v1/session/code", json={"code": codes[0].upper()})
    assert recovered.status_code == 204
    assert browser(strict, second, "GET", "/api/v1/me").status_code == 200
    with database.transaction(api.pool) as conn:
        assert not second_factor.attempt(conn, person.person_id, codes[0], KEY, datetime.now(UTC))
    assert person.get("/api/v1/me").status_code == 200  # a program's token is not asked
    stored = str(api.pool)
    with api.pool.connection() as conn:
        stored = str(
            conn.execute("SELECT f::text || r::text FROM coop.second_factor f, coop.recovery_code r").fetchall()
        )
    assert app.secret not in stored
    assert codes[1] not in stored


def test_a_code_works_once_and_guessing_is_stopped(api: Callers) -> None:
    person, now = api.person(Role.ENGINEER, "m01"), datetime.now(UTC)
    with api.pool.connection() as conn:
        made = second_factor.begin(conn, person.viewer, "試験協同組合", KEY, now)
        assert made.uri.startswith("otpauth://totp/")
        app = pyotp.TOTP(made.secret)
        assert second_factor.confirm(conn, person.viewer, app.at(now), KEY, now)
        later = now + timedelta(seconds=60)
        assert second_factor.attempt(conn, person.person_id, app.at(later), KEY, later)
        assert not second_factor.attempt(conn, person.person_id, app.at(later), KEY, later)
        assert not second_factor.attempt(conn, person.person_id, app.at(now), KEY, later)  # nor an earlier one
        for _ in range(throttle.CODE.most - 2):
            assert not second_factor.attempt(conn, person.person_id, "000000", KEY, later)
        with pytest.raises(throttle.SignInThrottled):
            second_factor.attempt(conn, person.person_id, app.at(later + timedelta(seconds=60)), KEY, later)
        conn.rollback()


@pytest.mark.parametrize(
    ("role", "has_code", "has_passkey", "for_office", "left"),
    [
        (Role.ENGINEER, False, True, True, None),
        (Role.ENGINEER, True, False, False, Lacking.PROOF),
        (Role.OFFICE, False, False, True, Lacking.ENROLMENT),
        (Role.DIRECTOR, False, True, True, Lacking.PROOF),
        (Role.AUDITOR, False, False, False, None),
        (Role.OPERATOR, False, False, True, None),
    ],
)
def test_what_a_session_lacks(
    role: Role, has_code: bool, has_passkey: bool, for_office: bool, left: Lacking | None
) -> None:
    asked = {"has_code": has_code, "has_passkey": has_passkey, "for_office": for_office}
    assert lacking(frozenset({role}), proved=False, **asked) is left
    assert lacking(frozenset({role}), proved=True, **asked) is None


def test_every_change_by_cookie_comes_from_our_own_pages(api: Callers) -> None:
    """Each route that changes something, of pages and API, refuses a cookie that another site makes a browser send."""
    from moyai.rights import RIGHTS

    person = api.person(Role.OFFICE, password=RIGHT)
    secret = session(api, person)
    changing = [key for key in RIGHTS if key[0] != "GET"]
    assert len(changing) > 100
    for method, path in changing:
        there = re.sub(r"\{[a-z_]+\}", "00000000-0000-4000-8000-000000000000", path)
        for sent in (
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"origin": "https://evil.example"},
        ):
            headers = {"cookie": f"{SESSION_COOKIE}={secret}"} | sent
            refused = api.client.request(method, there, headers=headers, follow_redirects=False)
            assert (refused.status_code, refused.json()["code"]) == (403, "coop.other_origin"), (method, path, sent)
    posted = api.client.post("/sign-in", headers={"sec-fetch-site": "cross-site"}, data={"email": "x", "password": "y"})
    assert posted.status_code == 403  # nor signs a browser in without one


def test_over_https_the_cookie_is_for_this_host_alone_and_headers_say_so(api: Callers) -> None:
    person = api.person(Role.ENGINEER, "m01", password=RIGHT)
    api.client.cookies.clear()
    body = {"email": email_of(api, person), "password": RIGHT}
    answer = api.client.post("https://testserver/api/v1/session", json=body)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"__Host-{SESSION_COOKIE}=")
    assert {"secure", "httponly", "path=/", "samesite=lax"} <= set(re.split("; ?", cookie.lower()))
    assert "domain" not in cookie.lower()
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    api.client.cookies.clear()
    plain = api.client.post("/api/v1/session", json=body)
    assert plain.headers["set-cookie"].startswith(f"{SESSION_COOKIE}=")
    assert "strict-transport-security" not in plain.headers
    missing = api.client.get("/nothing", headers={"accept": "text/html"})
    assert "script-src 'self'" in missing.headers["content-security-policy"]
    assert api.client.get("/nothing").headers["content-security-policy"].startswith("default-src 'none'")


def test_who_asks_too_often_is_told_when_to_come_back(api: Callers) -> None:
    settings: Settings = api.client.app.state.settings  # type: ignore[attr-defined]  # FastAPI's own
    person, other = api.person(Role.ENGINEER, "m01"), api.person(Role.ENGINEER, "m01")
    app = create_app(replace(settings, requests_per_minute=5, entries_per_minute=2))
    with TestClient(app) as client:
        header = {"authorization": f"Bearer {person.token}"}
        said = [client.get("/api/v1/me", headers=header) for _ in range(6)]
        assert [each.status_code for each in said] == [200] * 5 + [429]
        assert said[5].headers["content-type"] == "application/problem+json"
        assert 1 <= int(said[5].headers["retry-after"]) <= 60
        assert client.get("/api/v1/me", headers={"authorization": f"Bearer {other.token}"}).status_code == 200
        tried = [client.post("/api/v1/password-resets", json={"email": "x@y.example"}) for _ in range(3)]
        assert [each.status_code for each in tried] == [204, 204, 429]


def test_the_audit_names_nobody_by_name_or_address(api: Callers) -> None:
    person = api.person(Role.ENGINEER, "m01", name="監査 太郎", password=RIGHT)
    email = email_of(api, person)
    api.client.cookies.clear()
    api.client.post("/api/v1/session", json={"email": email, "password": "wrong horse"})
    api.client.post("/api/v1/session", json={"email": "nobody@m01.example", "password": "wrong horse"})
    assert "sign_in.refused" in done(api, person.person_id)
    with api.pool.connection() as conn:
        written = str(conn.execute("SELECT subject, detail::text FROM coop.audit").fetchall())
    assert "@" not in written
    assert "監査" not in written


def test_secrets_may_be_in_files(tmp_path: Any) -> None:
    file = tmp_path / "key"
    file.write_text("from a file\n")
    assert Settings.from_environment({"MOYAI_SECRET_KEY_FILE": str(file)}).secret_key == "from a file"
    assert Settings.from_environment({"MOYAI_MQTT_CA_FILE": str(file)}).mqtt_ca_file == str(file)


def test_who_acts_for_a_caller_is_named_beside_them(api: Callers) -> None:
    caller, person = api.person(Role.OFFICE), api.person(Role.ENGINEER, "m01")
    with database.transaction(api.pool) as conn:
        viewer = caller.viewer.acting_for(person.person_id)
        audit.record(conn, "test.asked", viewer=viewer, subject="test", now=datetime.now(UTC))
        row = conn.execute("SELECT actor_id, on_behalf_of FROM coop.audit WHERE action = 'test.asked'").fetchone()
    assert row == (caller.person_id, person.person_id)
