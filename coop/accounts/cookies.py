"""The cookie of a signed-in browser: for this host alone, and over HTTPS only where pages are served so."""

from fastapi import Request, Response

from coop.accounts.sessions import SESSION_LENGTH

SESSION_COOKIE = "moyai_session"
OVER_HTTPS = "__Host-"
"""A browser takes a cookie of such a name only over HTTPS, from this very host, for all of its paths."""


def session_in(request: Request) -> str | None:
    """The secret of the session that this browser has."""
    return request.cookies.get(name_for(request))


def keep_session(response: Response, request: Request, secret: str) -> None:
    """Let the browser keep the secret of its session."""
    secure = is_https(request)
    response.set_cookie(
        name_for(request),
        secret,
        max_age=int(SESSION_LENGTH.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
    )


def drop_session(response: Response, request: Request) -> None:
    """Let the browser forget its session."""
    response.delete_cookie(name_for(request), secure=is_https(request), httponly=True, samesite="lax")


def is_https(request: Request) -> bool:
    """Whether the browser speaks HTTPS: by the setting, or as the request came."""
    return bool(request.app.state.settings.https) or request.url.scheme == "https"


def name_for(request: Request) -> str:
    """The cookie's name: one that only HTTPS can set, where there is HTTPS."""
    return OVER_HTTPS + SESSION_COOKIE if is_https(request) else SESSION_COOKIE
