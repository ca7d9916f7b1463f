"""Signing in and out on pages: password, then whatever the session still lacks; and the language of this browser."""

from typing import Annotated, Literal
from urllib.parse import quote

import segno
from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from coop import register
from coop.accounts import provider, second_factor
from coop.accounts.api import let_in, let_out
from coop.accounts.api_proof import confirm_codes, enrolling, give_code
from coop.accounts.passwords import SignInRefused
from coop.accounts.proof import Lacking
from coop.accounts.second_factor import CodeWrong, Enrolment
from coop.accounts.throttle import SignInThrottled
from coop.database import Connection
from coop.door import Door, Entrance, signed_of
from coop.errors import MoyaiError
from coop.problems import STATUS
from coop.register import Cooperative
from dashboards.entry.way import refusal, within
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

A_YEAR_SECONDS = 365 * 24 * 3600


@router.get("/sign-in")
def sign_in_page(
    door: Entrance,
    next: str = "/",  # noqa: A002 - the name in the address
    refused: Literal["coop.provider_refused", "coop.nobody_meant", ""] = "",
) -> Response:
    """The form to sign in; who is signed in already goes on."""
    if door.viewer.person_id is not None or signed_of(door.request) is not None:
        return RedirectResponse(within(next), status_code=303)
    by_provider = {each.code: each() for each in (provider.ProviderRefused, provider.NobodyMeant)}
    return _form(door, within(next), refused=by_provider.get(refused))


@router.post("/sign-in")
def sign_in(
    door: Entrance,
    email: Annotated[str, Form(max_length=254)],
    password: Annotated[str, Form(max_length=1024)],
    next: Annotated[str, Form()] = "/",  # noqa: A002 - the name in the form
) -> Response:
    """Sign in and go on; a refusal keeps the name that was typed."""
    answer = RedirectResponse(within(next), status_code=303)
    try:
        let_in(door, email, password, answer)
    except (SignInRefused, SignInThrottled) as refused:
        return _form(door, within(next), email=email, refused=refused)
    return answer


@router.post("/sign-out")
def sign_out(door: Entrance) -> Response:
    """Sign out this browser."""
    answer = RedirectResponse("/sign-in", status_code=303)
    let_out(door, answer)
    return answer


@router.get("/sign-in/code")
def code_page(door: Entrance, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """The second step: a code of the app, a recovery code, or a passkey."""
    return _code(door, within(next))


@router.post("/sign-in/code")
def send_code(
    door: Entrance,
    code: Annotated[str, Form(max_length=100)] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 - the name in the form
) -> Response:
    """Give the code and go on."""
    signed = signed_of(door.request)
    if signed is None or signed.lacking is None:
        return RedirectResponse(within(next), status_code=303)
    try:
        give_code(door, code)
    except (CodeWrong, SignInThrottled) as refused:
        return _code(door, within(next), refused)
    return RedirectResponse(within(next), status_code=303)


@router.get("/sign-in/second-factor")
def second_factor_page(door: Entrance, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """Set up codes, or a passkey: who must have two factors comes here after the password, others from their page."""
    signed = signed_of(door.request)
    if signed is None or signed.lacking is Lacking.PROOF:
        return RedirectResponse(f"/sign-in?next={quote(within(next))}", status_code=303)
    return _set_up(door, within(next))


@router.post("/sign-in/second-factor")
def confirm_second_factor(
    door: Entrance,
    code: Annotated[str, Form(max_length=100)] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 - the name in the form
) -> Response:
    """The app shows this code: the recovery codes are shown, once."""
    try:
        codes = confirm_codes(door, code)
    except (CodeWrong, SignInThrottled) as refused:
        return _set_up(door, within(next), refused)
    zone = door.run(register.cooperative).time_zone
    return page(door, "entry/recovery_codes.html", zone=zone, codes=codes, next=within(next))


@router.get("/language/{locale}", name="switch_language")
def switch_language(locale: Literal["ja", "en"], next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """Show pages in `locale` in this browser."""
    answer = RedirectResponse(within(next), status_code=303)
    answer.set_cookie("lang", locale, max_age=A_YEAR_SECONDS, samesite="lax", httponly=True)
    return answer


def _form(door: Door, onward: str, *, email: str = "", refused: MoyaiError | None = None) -> Response:
    cooperative = door.run(register.cooperative)
    return page(
        door,
        "entry/sign_in.html",
        zone=cooperative.time_zone,
        status=STATUS[refused.kind].value if refused else 200,
        cooperative=cooperative.name,
        next=onward,
        email=email,
        refused=refusal(door, refused),
        provider=provider.name_of(door.request.app.state.settings),
    )


def _code(door: Door, onward: str, refused: MoyaiError | None = None) -> Response:
    signed = signed_of(door.request)
    if signed is None or signed.lacking is None:
        return RedirectResponse(f"/sign-in?next={quote(onward)}", status_code=303)
    person_id = signed.viewer.person_id
    assert person_id is not None

    def ask(conn: Connection) -> tuple[Cooperative, bool]:
        return register.cooperative(conn), second_factor.standing(conn, person_id).set_up_at is not None

    cooperative, has_code = door.run(ask)
    return page(
        door,
        "entry/code.html",
        zone=cooperative.time_zone,
        status=STATUS[refused.kind].value if refused else 200,
        next=onward,
        has_code=has_code,
        refused=refusal(door, refused),
    )


def _set_up(door: Door, onward: str, refused: MoyaiError | None = None) -> Response:
    signed, key = enrolling(door), door.request.app.state.settings.secret_key

    def begin(conn: Connection) -> tuple[Cooperative, Enrolment]:
        cooperative = register.cooperative(conn)
        begun = second_factor.begun(conn, signed.viewer, cooperative.name, key)
        return cooperative, begun or second_factor.begin(conn, signed.viewer, cooperative.name, key, door.now)

    cooperative, enrolment = door.run(begin)
    return page(
        door,
        "entry/second_factor.html",
        zone=cooperative.time_zone,
        status=STATUS[refused.kind].value if refused else 200,
        next=onward,
        must=signed.lacking is not None,
        qr=segno.make(enrolment.uri, error="m").svg_data_uri(scale=5, border=2),
        secret=" ".join(enrolment.secret[at : at + 4] for at in range(0, len(enrolment.secret), 4)),
        refused=refusal(door, refused),
    )
