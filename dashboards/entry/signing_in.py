"""Signing in and out on pages, who one is, and the language of this browser."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from coop import register
from coop.accounts.api import let_in, let_out
from coop.accounts.passwords import SignInRefused
from coop.accounts.throttle import SignInThrottled
from coop.door import Entrance, OtherOrigin
from coop.messages import translate
from coop.problems import STATUS, locale_of
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

A_YEAR_SECONDS = 365 * 24 * 3600


def within(address: str) -> str:
    """`address` when it is a place on this site, else the first page: a link may not send a reader elsewhere."""
    parts = urlsplit(address)
    inside = address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return address if inside and "\\" not in address else "/"


@router.get("/sign-in")
def sign_in_page(door: Entrance, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """The form to sign in; who is signed in already goes on."""
    if door.viewer.person_id is not None:
        return RedirectResponse(within(next), status_code=303)
    return _form(door, within(next))


@router.post("/sign-in")
def sign_in(
    door: Entrance,
    email: Annotated[str, Form(max_length=254)],
    password: Annotated[str, Form(max_length=1024)],
    next: Annotated[str, Form()] = "/",  # noqa: A002 - the name in the form
) -> Response:
    """Sign in and go on; a refusal keeps the address that was typed."""
    if door.request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise OtherOrigin()
    answer = RedirectResponse(within(next), status_code=303)
    try:
        let_in(door, email, password, answer)
    except (SignInRefused, SignInThrottled) as refused:
        words = translate(refused.code, locale_of(door.request), **refused.params)
        return _form(door, within(next), email=email, refused=words, status=STATUS[refused.kind].value)
    return answer


@router.post("/sign-out")
def sign_out(door: Entrance) -> Response:
    """Sign out this browser."""
    answer = RedirectResponse("/sign-in", status_code=303)
    let_out(door, answer)
    return answer


@router.get("/language/{locale}", name="switch_language")
def switch_language(locale: Literal["ja", "en"], next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """Show pages in `locale` in this browser."""
    answer = RedirectResponse(within(next), status_code=303)
    answer.set_cookie("lang", locale, max_age=A_YEAR_SECONDS, samesite="lax", httponly=True)
    return answer


def _form(door: Entrance, onward: str, *, email: str = "", refused: str = "", status: int = 200) -> Response:
    cooperative = door.run(register.cooperative)
    return page(
        door,
        "entry/sign_in.html",
        zone=cooperative.time_zone,
        status=status,
        cooperative=cooperative.name,
        next=onward,
        email=email,
        refused=refused,
    )
