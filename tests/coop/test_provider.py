"""Signing in by a provider's word, against a provider that is a process of its own."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient

from coop.accounts import provider
from coop.accounts.cookies import SESSION_COOKIE
from coop.database import transaction
from coop.identity import Role
from coop.settings import Settings
from moyai.application import create_app
from moyai.parts.process import free_port
from tests.callers import Callers, callers
from tests.parts.databases import Template
from tests.servers import PATIENCE_SECONDS

PEOPLE = [
    {"sub": "s-1", "email": "p1@m01.example", "email_verified": True},
    {"sub": "s-2", "email": "p1@m01.example", "email_verified": False},
    {"sub": "s-3", "email": "stranger@elsewhere.example", "email_verified": True},
]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    port = free_port()
    known = [word for each in PEOPLE for word in ("--user-claims", json.dumps(each))]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *known]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url, give_up = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE_SECONDS
    try:
        while not _answers(url):
            assert time.monotonic() < give_up
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/.well-known/openid-configuration", trust_env=False).is_success
    except httpx2.HTTPError:
        return False


@pytest.fixture(scope="module")
def api(timescale_template: Template) -> Iterator[Callers]:
    with timescale_template.clone() as database, callers(database.app_url) as everybody:
        everybody.member("m01")
        everybody.person(Role.ENGINEER, "m01")  # p1@m01.example
        yield everybody


@pytest.fixture
def pages(api: Callers, issuer: str) -> Iterator[TestClient]:
    settings: Settings = api.client.app.state.settings  # type: ignore[attr-defined]  # FastAPI's own
    own = replace(settings, oidc_issuer=issuer, oidc_client_id="moyai", oidc_client_secret="secret of moyai")
    with TestClient(create_app(own), raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def there(pages: TestClient, subject: str) -> str:
    """To the provider and through its page as `subject`: the address with which it sends the browser back."""
    gone = pages.get("/sign-in/provider?next=/reservations")
    asked = parse_qs(urlsplit(gone.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert {"nonce", "state", "code_challenge"} <= asked.keys()
    answer = httpx2.post(gone.headers["location"], data={"sub": subject}, trust_env=False, follow_redirects=False)
    return str(answer.headers["location"])


def test_a_verified_address_opens_the_account_that_has_it(pages: TestClient, api: Callers) -> None:
    assert "127.0.0.1 でサインイン" in pages.get("/sign-in").text
    back = there(pages, "s-1")
    opened = pages.get(back)
    assert (opened.status_code, opened.headers["location"]) == (303, "/reservations")
    assert opened.cookies[SESSION_COOKIE]
    assert pages.get("/api/v1/me").json()["member_id"] == "m01"
    again = pages.get(back)  # the same answer of the provider opens nothing twice
    assert again.headers["location"] == "/sign-in?refused=coop.provider_refused"
    with transaction(api.pool) as conn:
        conn.execute("UPDATE coop.person SET email = 'renamed@m01.example' WHERE email = 'p1@m01.example'")
    try:
        assert pages.get(there(pages, "s-1")).headers["location"] == "/reservations"  # known by its subject from now on
    finally:
        with transaction(api.pool) as conn:
            conn.execute("UPDATE coop.person SET email = 'p1@m01.example' WHERE email = 'renamed@m01.example'")


@pytest.mark.parametrize("subject", ["s-2", "s-3"])
def test_an_unverified_or_unknown_address_opens_and_makes_nothing(
    pages: TestClient, api: Callers, subject: str
) -> None:
    def people() -> object:
        with transaction(api.pool) as conn:
            return conn.execute("SELECT count(*) FROM coop.person").fetchone()

    before = people()
    answer = pages.get(there(pages, subject))
    assert answer.headers["location"] == "/sign-in?refused=coop.nobody_meant"
    assert SESSION_COOKIE not in answer.cookies
    assert "登録されていません" in pages.get(answer.headers["location"]).text
    assert people() == before


def test_an_answer_for_another_browser_opens_nothing(pages: TestClient) -> None:
    back = there(pages, "s-1")
    pages.cookies.clear()
    assert pages.get(back).headers["location"] == "/sign-in?refused=coop.provider_refused"
    there(pages, "s-1")
    other = re.sub(r"state=[^&]+", "state=AAAA", back)
    assert pages.get(other).headers["location"] == "/sign-in?refused=coop.provider_refused"


def test_a_token_for_another_request_is_refused(pages: TestClient) -> None:
    """The provider's answer stands for one request: another nonce is somebody else's."""
    settings: Settings = pages.app.state.settings  # type: ignore[attr-defined]  # FastAPI's own
    now, back = datetime.now(UTC), there(pages, "s-1")
    asked = parse_qs(urlsplit(back).query)
    with transaction(pages.app.state.pool) as conn:  # type: ignore[attr-defined]  # FastAPI's own
        begun = provider.come_back(conn, asked["state"][0], now)
    with pytest.raises(provider.ProviderRefused):
        provider.redeem(settings, asked["code"][0], back.partition("?")[0], replace(begun, nonce="x" * 32), now)


def test_where_no_provider_is_set_there_is_none(api: Callers) -> None:
    assert api.nobody.get("/sign-in/provider").status_code == 404
    assert "/sign-in/provider" not in api.nobody.get("/sign-in").text
