"""One's own ways in: password, passkeys, codes, signed-in browsers, and the tokens of programs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from coop import password_hash, people, register
from coop.accounts import passkeys, passwords, second_factor, sessions
from coop.accounts.api_proof import own_session
from coop.accounts.passwords import PasswordWrong
from coop.accounts.throttle import SignInThrottled
from coop.database import Connection
from coop.door import Door, Entrance, signed_of
from coop.errors import MoyaiError
from coop.problems import STATUS
from dashboards.entry.way import refusal
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

DONE = frozenset({"password", "passkey", "codes", "session", "sessions", "token"})
TOKEN = frozenset({"read", "write"})


@router.get("/me/security")
def security(door: Entrance, done: str = "") -> Response:
    """How one signs in, and where one is signed in."""
    return _page(door, done=done if done in DONE else "")


@router.post("/me/security/password")
def change_password(
    door: Entrance,
    present: Annotated[str, Form(max_length=1024)] = "",
    wanted: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """A new password; all other browsers are signed out."""
    signed = own_session(door)
    try:
        door.run(lambda conn: passwords.change(conn, signed.viewer, signed.session_id, present, wanted, door.now))
    except (
        PasswordWrong,
        SignInThrottled,
        password_hash.PasswordTooShort,
        password_hash.PasswordTooCommon,
    ) as refused:
        return _page(door, refused=refused)
    return _done("password")


@router.post("/me/security/passkeys/{passkey_id}/remove")
def remove_passkey(passkey_id: UUID, door: Entrance) -> Response:
    """Forget a passkey."""
    door.run(lambda conn: passkeys.remove(conn, door.viewer, passkey_id, door.now))
    return _done("passkey")


@router.post("/me/security/codes/remove")
def remove_codes(door: Entrance) -> Response:
    """Ask for codes no more."""
    viewer = own_session(door).viewer
    person_id = viewer.person_id
    assert person_id is not None
    door.run(lambda conn: second_factor.remove(conn, viewer, person_id, door.now))
    return _done("codes")


@router.post("/me/security/sessions/{session_id}/end")
def end_session(session_id: UUID, door: Entrance) -> Response:
    """Sign out one browser."""
    person_id = door.viewer.person_id
    assert person_id is not None
    door.run(lambda conn: sessions.end_session(conn, door.viewer, person_id, session_id, door.now))
    return _done("session")


@router.post("/me/security/sessions/end")
def end_other_sessions(door: Entrance) -> Response:
    """Sign out all browsers but this one."""
    signed, person_id = own_session(door), door.viewer.person_id
    assert person_id is not None
    door.run(lambda conn: sessions.end_sessions(conn, door.viewer, person_id, door.now, but=signed.session_id))
    return _done("sessions")


@router.post("/me/security/tokens")
def make_token(
    door: Entrance,
    name: Annotated[str, Form(max_length=100)] = "",
    scope: Annotated[str, Form(max_length=10)] = "read",
) -> Response:
    """A token for a program; its secret is shown once."""
    own_session(door)
    scopes = TOKEN if scope == "write" else TOKEN - {"write"}
    _, secret = door.run(
        lambda conn: people.add_token(conn, door.viewer, name=name.strip() or "API", scopes=scopes, now=door.now)
    )
    return _page(door, token=secret)


@router.post("/me/security/tokens/{token_id}/revoke")
def revoke_token(token_id: UUID, door: Entrance) -> Response:
    """End a token."""
    door.run(lambda conn: people.revoke_token(conn, door.viewer, token_id, door.now))
    return _done("token")


def _done(what: str) -> Response:
    return RedirectResponse(f"/me/security?done={what}", status_code=303)


def _page(door: Door, *, done: str = "", refused: MoyaiError | None = None, token: str = "") -> Response:
    viewer, signed = door.viewer, signed_of(door.request)
    person_id = viewer.person_id
    assert person_id is not None

    def look(conn: Connection) -> Response:
        return page(
            door,
            "entry/security.html",
            zone=register.cooperative(conn).time_zone,
            status=STATUS[refused.kind].value if refused else 200,
            here="me",
            now=door.now,
            in_browser=signed is not None,
            session_id=signed.session_id if signed else None,
            has_password=passwords.has_password(conn, person_id),
            passkeys=passkeys.passkeys_of(conn, viewer),
            standing=second_factor.standing(conn, person_id),
            sessions=sessions.sessions_of(conn, viewer, person_id, door.now),
            tokens=[
                each
                for each in people.tokens_of(conn, viewer)
                if each.revoked_at is None and (each.expires_at is None or each.expires_at > door.now)
            ],
            token=token,
            done=done,
            shortest=password_hash.MIN_LENGTH,
            refused=refusal(door, refused),
        )

    return door.run(look)
