"""Signing in by a provider's word: out to its page, and back with what it says."""

import hmac
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse

from coop.accounts import cookies, provider, sessions
from coop.accounts.api import came_from
from coop.accounts.provider import Begun, Meant, NobodyMeant, ProviderRefused
from coop.accounts.sessions import OpenedBy
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import NotFound
from coop.settings import Settings
from dashboards.entry.way import within

router = APIRouter(include_in_schema=False)

STATE_COOKIE = "moyai_provider"
PLACE = "/sign-in/provider"


@router.get(PLACE)
def go(door: Entrance, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """To the provider's page."""
    settings = _settings(door)
    endpoint = provider.discover(settings)["authorization_endpoint"]
    address, state = door.run(
        lambda conn: provider.begin(conn, settings, endpoint, _back(door), within(next), door.now)
    )
    answer = RedirectResponse(address, status_code=303)
    answer.set_cookie(
        STATE_COOKIE,
        state,
        max_age=600,
        path=PLACE,
        httponly=True,
        samesite="lax",
        secure=cookies.is_https(door.request),
    )
    return answer


@router.get(PLACE + "/back")
def come_back(
    door: Entrance,
    code: Annotated[str, Query(max_length=2000)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Signed in as whom the provider means, if it is one of ours."""
    settings = _settings(door)
    here = door.request.cookies.get(STATE_COOKIE, "")
    if not code or not hmac.compare_digest(state.encode(), here.encode()):
        return _refused(ProviderRefused.code)
    try:
        begun: Begun = door.run(lambda conn: provider.come_back(conn, state, door.now))
        meant: Meant = provider.redeem(settings, code, _back(door), begun, door.now)
    except ProviderRefused as refused:
        return _refused(refused.code)

    def enter(conn: Connection) -> str | None:
        person_id = provider.person_meant(conn, meant, door.now)
        if person_id is None:
            return None
        device = came_from(door.request).device
        return sessions.open_session(conn, person_id, OpenedBy.PROVIDER, door.now, device=device)

    secret = door.run(enter)
    if secret is None:
        return _refused(NobodyMeant.code)
    answer = RedirectResponse(within(meant.onward), status_code=303)
    cookies.keep_session(answer, door.request, secret)
    answer.delete_cookie(STATE_COOKIE, path=PLACE)
    return answer


def _settings(door: Door) -> Settings:
    settings: Settings = door.request.app.state.settings
    if not settings.oidc_issuer:
        raise NotFound()
    return settings


def _back(door: Door) -> str:
    public: str = door.request.app.state.settings.public_url
    return (public.rstrip("/") or f"{door.request.url.scheme}://{door.request.url.netloc}") + PLACE + "/back"


def _refused(code: str) -> Response:
    return RedirectResponse(f"/sign-in?refused={quote(code)}", status_code=303)
