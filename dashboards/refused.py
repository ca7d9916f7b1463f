"""Errors as pages: the same words as the API's problem document, for somebody who reads them in a browser."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from coop.accounts.proof import Lacking
from coop.door import signed_of
from coop.identity import ANONYMOUS
from coop.problems import locale_of
from dashboards.nav import groups_of
from dashboards.shell import HEADERS, render

Handler = Callable[[Request, Any], Response]


def install(app: FastAPI) -> None:
    """Let every error that `app` answers as a problem document be a page for a browser. Call after the rooms' own."""
    for cause, handler in list(app.exception_handlers.items()):
        app.exception_handlers[cause] = _as_page(handler)


def reads_pages(request: Request) -> bool:
    """Whether the request comes from a page: a browser outside the API that wants HTML."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _as_page(handler: Any) -> Handler:
    def answered(request: Request, error: Exception) -> Response:
        response: Response = handler(request, error)
        if not reads_pages(request):
            return response
        if response.status_code == 401:
            return _to_sign_in(request)
        problem = json.loads(bytes(response.body))
        body = render(
            "error.html",
            locale_of(request),
            ZoneInfo("UTC"),  # an error page says no time
            groups_of(getattr(request.state, "viewer", ANONYMOUS)),
            "",
            request,
            title=problem["title"],
            detail=problem["detail"],
            code=problem["code"],
            retry=request.url.path if request.method == "GET" and response.status_code >= 500 else None,
        )
        return HTMLResponse(body, status_code=response.status_code, headers=HEADERS)

    return answered


def _to_sign_in(request: Request) -> Response:
    place = "/sign-in"
    if "hx-request" in request.headers:  # a fragment: the page itself goes to sign in
        return Response(status_code=401, headers={"HX-Redirect": place})
    signed = signed_of(request)
    if signed is not None and signed.lacking is not None:
        place = "/sign-in/code" if signed.lacking is Lacking.PROOF else "/sign-in/second-factor"
    asked = f"?{request.url.query}" if request.url.query else ""
    back = quote(f"{request.url.path}{asked}", safe="/") if request.method == "GET" else "/"
    return RedirectResponse(f"{place}?next={back}", status_code=303)
