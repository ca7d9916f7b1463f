"""Coming in on pages: every step in both languages, and passkeys in a real browser."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pyotp
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, expect

from coop.accounts import invitations, links, sessions
from coop.accounts.cookies import SESSION_COOKIE
from coop.accounts.sessions import OpenedBy
from coop.database import transaction
from coop.identity import Role
from coop.settings import Settings
from moyai.application import create_app
from tests.callers import callers
from tests.dashboards.conftest import PASSWORD, House, Reader, furnish
from tests.parts.databases import Database, Template
from tests.servers import serving

KEY = "k" * 32


@pytest.fixture(scope="module")
def own(timescale_template: Template) -> Iterator[Database]:
    with timescale_template.clone() as database:
        yield database


@pytest.fixture(scope="module")
def house(own: Database) -> Iterator[House]:
    with callers(own.app_url) as api:
        yield furnish(api)


def invited(house: House, role: Role = Role.ENGINEER) -> str:
    """The path of a new person's invitation."""
    person = house.api.person(role, "m01" if role is Role.ENGINEER else None)
    with transaction(house.api.pool) as conn:
        made = invitations.invite_again(conn, house.office.caller.viewer, KEY, datetime.now(UTC), person.person_id)
    return f"/invitations/{links.secret_of(made.id, KEY)}"


def test_the_office_invites_and_prints_the_sheet(house: House) -> None:
    form = {"name": "新人 花子", "member_id": "m01", "role": "engineer", "sign_in_name": "hanako"}
    refused = house.office.post("/invitations", **form | {"sign_in_name": "日本語", "name": "<b>花子"})
    assert refused.status_code == 422
    assert 'value="&lt;b&gt;花子"' in refused.text
    made = house.office.post("/invitations", **form)
    sheet = house.office.get(made.headers["location"]).text
    assert "新人 花子 様" in sheet
    assert "data:image/svg+xml" in sheet
    assert 'href="sms:?&amp;body=' in sheet
    link = re.search(r"<code>(http[^<]+)</code>", sheet)
    assert link is not None
    path = urlsplit(link[1]).path
    opened = house.nobody.get(path)
    assert 'value="hanako"' in opened.text
    accepted = house.nobody.post(path, password="a fine horse")
    assert (accepted.status_code, accepted.headers["location"]) == (303, "/")
    assert SESSION_COOKIE in accepted.headers["set-cookie"]
    gone = house.nobody.get(path)
    assert gone.status_code == 404
    assert "事務局に新しいリンク" in gone.text
    assert "使用済み" in house.office.get("/invitations").text
    assert house.theirs.get(made.headers["location"]).status_code == 403


def test_a_password_that_is_refused_keeps_the_link(house: House) -> None:
    path = invited(house)
    refused = house.nobody.post(path, password="password123")
    assert refused.status_code == 422
    assert "推測されやすい" in refused.text
    assert house.nobody.post(path, password="a fine horse").status_code == 303


def test_who_forgot_their_password_is_told_the_same_as_anybody(house: House) -> None:
    for email in ("p1@m01.example", "nobody@m01.example"):
        answer = house.nobody.post("/reset", email=email)
        assert answer.headers["location"] == "/reset?sent=true"
    assert "登録されたアドレスなら" in house.nobody.get("/reset?sent=true").text


def test_the_security_page_shows_this_browser_and_ends_the_others(house: House) -> None:
    person = house.api.person(Role.ENGINEER, "m01", password=PASSWORD)
    now = datetime.now(UTC)
    with transaction(house.api.pool) as conn:
        here, there = (
            sessions.open_session(conn, person.person_id, OpenedBy.PASSWORD, now, device=device)
            for device in ("Chrome · Windows", "Safari · iPhone")
        )
    mine, other = Reader(person, here), Reader(person, there)
    page = mine.get("/me/security").text
    assert page.index("Safari · iPhone") > 0
    assert page.count("この端末</span>") == 1
    assert mine.post("/me/security/sessions/end").headers["location"] == "/me/security?done=sessions"
    assert other.get("/me/security").headers["location"].startswith("/sign-in")
    wrong = mine.post("/me/security/password", present="no", wanted="a fine horse")
    assert (wrong.status_code, "いまのパスワードが違います" in wrong.text) == (422, True)
    assert mine.post("/me/security/password", present=PASSWORD, wanted="a fine horse").status_code == 303
    shown = mine.post("/me/security/tokens", name="表計算", scope="read").text
    token = re.search(r'<code class="secret">(moyai_[^<]+)</code>', shown)
    assert token is not None
    headers = {"authorization": f"Bearer {token[1]}"}
    assert house.api.client.get("/api/v1/me", headers=headers).status_code == 200
    assert house.api.client.post("/api/v1/feeds", json={"of": "person"}, headers=headers).status_code == 403


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_each_page_of_the_way_in_obeys_its_policy_in_both_languages(house: House, lang: str) -> None:
    office = house.office
    sheet = office.post("/invitations", name="x", member_id="m01", role="engineer", sign_in_name=f"sheet-{lang}")
    pages = [
        (house.nobody, "/sign-in"),
        (house.nobody, "/reset"),
        (house.nobody, "/reset?sent=true"),
        (house.nobody, invited(house)),
        (house.ours, "/me/security"),
        (house.ours, "/sign-in/second-factor?next=/me/security"),
        (office, "/invitations"),
        (office, sheet.headers["location"]),
    ]
    for reader, path in pages:
        answer = reader.get(path, lang=lang)
        assert answer.status_code == 200, path
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=", answer.text), path
        visible = re.sub(r"<[^>]+>", " ", answer.text)
        assert not re.search(r"\b(security|sheet|invitations|choose|second|code|passkey|reset)\.[a-z_]+\b", visible), (
            path
        )
        if lang == "en":
            assert not re.search(r"[\u3040-\u30ff]", visible.replace("日本語", "")), path


def test_the_office_sets_up_its_second_factor_on_the_way_in(house: House) -> None:
    settings: Settings = house.api.client.app.state.settings  # type: ignore[attr-defined]  # FastAPI's own
    person = house.api.person(Role.OFFICE, password=PASSWORD)
    with transaction(house.api.pool) as conn:
        row = conn.execute("SELECT email FROM coop.person WHERE id = %s", [person.person_id]).fetchone()
        assert row is not None
    form = {"email": row[0], "password": PASSWORD, "next": "/invitations"}
    same = {"headers": {"sec-fetch-site": "same-origin", "accept": "text/html"}}
    with TestClient(create_app(replace(settings, second_factor_for_office=True))) as client:
        page = client.post("/sign-in", data=form, **same)  # type: ignore[arg-type]  # headers only
        assert page.url.path == "/sign-in/second-factor"
        assert "もう一つの確認が必要です" in page.text
        secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)
        assert secret is not None
        app = pyotp.TOTP(secret[1].replace(" ", ""))
        wrong = client.post("/sign-in/second-factor", data={"code": "000000", "next": "/invitations"}, **same)  # type: ignore[arg-type]  # headers only
        assert wrong.status_code == 422
        assert secret[1] in wrong.text  # the app that was scanned stays good
        kept = client.post("/sign-in/second-factor", data={"code": app.now(), "next": "/invitations"}, **same)  # type: ignore[arg-type]  # headers only
        assert kept.text.count("<li><code>") == 10
        assert client.get("/invitations", **same).status_code == 200  # type: ignore[arg-type]  # headers only
        client.cookies.clear()
        asked = client.post("/sign-in", data=form, **same)  # type: ignore[arg-type]  # headers only
        assert asked.url.path == "/sign-in/code"
        code = re.findall(r"<li><code>([a-z2-7-]+)</code>", kept.text)[0]
        done = client.post("/sign-in/code", data={"code": code, "next": "/invitations"}, **same)  # type: ignore[arg-type]  # headers only
        assert done.url.path == "/invitations"


def test_a_passkey_is_made_from_an_invitation_and_opens_without_a_name(
    browser: Browser, house: House, own: Database
) -> None:
    """Chromium with a virtual authenticator: register, sign out, sign in, list, remove, and it opens nothing more."""
    with serving(own.app_url, 1) as (url,):
        context = browser.new_context(
            base_url=url.replace("127.0.0.1", "localhost"), viewport={"width": 390, "height": 844}
        )
        page = context.new_page()
        tools = context.new_cdp_session(page)
        tools.send("WebAuthn.enable")
        authenticator = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        tools.send("WebAuthn.addVirtualAuthenticator", {"options": authenticator})
        page.goto(invited(house))
        page.get_by_role("button", name="パスキーを作って始める").click()
        page.wait_for_url("**/")
        page.goto("/me/security")
        expect(page.locator("section[aria-labelledby=passkeys] .rows li")).to_have_count(1)
        page.goto("/me")
        page.locator("form[action='/sign-out'] button").click()
        page.wait_for_url("**/sign-in")
        page.get_by_role("button", name="パスキーでサインイン").click()
        page.wait_for_url("**/")
        page.goto("/me/security")
        page.locator("section[aria-labelledby=passkeys] form button").click()
        expect(page.get_by_role("status")).to_contain_text("パスキーを削除しました")
        page.goto("/me")
        page.locator("form[action='/sign-out'] button").click()
        page.get_by_role("button", name="パスキーでサインイン").click()
        expect(page.get_by_role("alert")).to_contain_text("このパスキーでは入れませんでした")
        context.close()
