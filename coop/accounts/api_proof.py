"""One's own ways in over HTTP: password, second factor, passkeys, and the browsers that are signed in."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from coop import register
from coop.accounts import cookies, links, passkeys, passwords, second_factor, sessions
from coop.accounts.api import came_from
from coop.accounts.links import Kind
from coop.accounts.passkeys import Passkey, Site
from coop.accounts.proof import Lacking
from coop.accounts.second_factor import CodeWrong
from coop.accounts.sessions import OpenedBy, Session, Signed
from coop.api import Wanted
from coop.database import Connection
from coop.door import Door, Entrance, signed_of
from coop.errors import Conflict

router = APIRouter(tags=["accounts"])


class SessionNeeded(Conflict):
    """Ways in are changed in a signed-in browser; a program's token, or nobody, changes none."""

    code = "coop.session_needed"


class SessionView(BaseModel):
    id: UUID
    device: str = Field(description="What the browser said of itself.", examples=["Chrome · Windows"])
    opened_by: OpenedBy
    opened_at: datetime
    seen_at: datetime = Field(description="When it was last seen, to five minutes.")
    here: bool = Field(description="Whether it is the one that asks.")


class PasswordChange(Wanted):
    present: str = Field(default="", max_length=1024, description="Empty for who has none yet.")
    wanted: str = Field(max_length=1024)


class ResetWanted(Wanted):
    email: str = Field(max_length=254, examples=["sato@factory.example"])


class Acceptance(Wanted):
    secret: str = Field(max_length=100, description="The last part of the link.")
    password: str = Field(max_length=1024)


class Code(Wanted):
    code: str = Field(max_length=100, description="Of the app, or a recovery code.", examples=["123456"])


class EnrolmentView(BaseModel):
    secret: str
    uri: str = Field(description="What the QR code for the app holds.")


class RecoveryCodes(BaseModel):
    codes: list[str] = Field(description="Each works once; they are not shown again.")


class PasskeyOptions(Wanted):
    invitation: str | None = Field(default=None, max_length=100, description="The last part of an invitation's link.")


class PasskeyMade(PasskeyOptions):
    credential: dict[str, Any] = Field(description="PublicKeyCredential as JSON (WebAuthn 3).", examples=[{"id": "…"}])
    name: str = Field(default="", max_length=100, examples=["会社の電話"])


class PasskeyUsed(Wanted):
    credential: dict[str, Any] = Field(description="PublicKeyCredential as JSON (WebAuthn 3).", examples=[{"id": "…"}])


class PasskeyView(BaseModel):
    id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None


def own_session(door: Door, *, half: bool = False) -> Signed:
    """The browser's session; with `half` also one that still lacks its second factor. Raises `SessionNeeded`."""
    signed = signed_of(door.request)
    if signed is None or (signed.lacking is not None and not half):
        raise SessionNeeded()
    return signed


def enrolling(door: Door) -> Signed:
    """Who may set up a way in: signed in wholly, or with no second factor to give yet."""
    signed = own_session(door, half=True)
    if signed.lacking is Lacking.PROOF:
        raise SessionNeeded()
    return signed


def give_code(door: Door, code: str) -> None:
    """The code that this session lacks; raises `CodeWrong`, which is counted."""
    signed, key = own_session(door, half=True), door.request.app.state.settings.secret_key
    person_id = signed.viewer.person_id
    assert person_id is not None

    def check(conn: Connection) -> bool:
        right = second_factor.attempt(conn, person_id, code, key, door.now)
        if right:
            sessions.prove(conn, signed.session_id, door.now)
        return right

    if not door.run(check):
        raise CodeWrong()


def confirm_codes(door: Door, code: str) -> list[str]:
    """The first code of a new app: its recovery codes; raises `CodeWrong`, which is counted."""
    signed, key = enrolling(door), door.request.app.state.settings.secret_key

    def confirm(conn: Connection) -> list[str] | None:
        codes = second_factor.confirm(conn, signed.viewer, code, key, door.now)
        if codes is not None:
            sessions.prove(conn, signed.session_id, door.now)
        return codes

    codes = door.run(confirm)
    if codes is None:
        raise CodeWrong()
    return codes


def site_of(door: Door, name: str) -> Site:
    """For whom this installation's passkeys are: the public address, or the one that was asked."""
    public = urlsplit(door.request.app.state.settings.public_url)
    here = door.request.url if not public.hostname else public
    return Site(here.hostname or "localhost", f"{here.scheme}://{here.netloc}", name)


@router.post("/session/code", status_code=204)
def send_code(body: Code, door: Entrance) -> Response:
    """The second step of signing in with a password: a code of the app, or a recovery code."""
    give_code(door, body.code)
    return Response(status_code=204)


@router.post("/session/passkey/options")
def ask_to_use_passkey(door: Entrance) -> dict[str, Any]:
    """What a browser needs to sign in with a passkey, without a name (PublicKeyCredentialRequestOptionsJSON)."""

    def ask(conn: Connection) -> dict[str, Any]:
        return passkeys.ask_use(conn, site_of(door, register.cooperative(conn).name), door.now)

    return door.run(ask)


@router.post("/session/passkey", status_code=204)
def use_passkey(body: PasskeyUsed, door: Entrance) -> Response:
    """Sign in with a passkey: password and second factor in one. The answer sets the session cookie."""

    def use(conn: Connection) -> str:
        person_id = passkeys.use(conn, body.credential, site_of(door, ""), door.now)
        device = came_from(door.request).device
        return sessions.open_session(conn, person_id, OpenedBy.PASSKEY, door.now, device=device, proved=True)

    response = Response(status_code=204)
    cookies.keep_session(response, door.request, door.run(use))
    return response


@router.get("/passkeys")
def list_passkeys(door: Entrance) -> list[PasskeyView]:
    """One's own passkeys."""
    return [_passkey(each) for each in door.run(lambda conn: passkeys.passkeys_of(conn, door.viewer))]


@router.post("/passkeys/options")
def ask_for_passkey(body: PasskeyOptions, door: Entrance) -> dict[str, Any]:
    """What a browser needs to make a passkey (PublicKeyCredentialCreationOptionsJSON): signed in, or invited."""

    def ask(conn: Connection) -> dict[str, Any]:
        person_id = _registrant(conn, door, body.invitation)
        return passkeys.ask_new(conn, person_id, site_of(door, register.cooperative(conn).name), door.now)

    return door.run(ask)


@router.post("/passkeys", status_code=201)
def add_passkey(body: PasskeyMade, door: Entrance, response: Response) -> PasskeyView:
    """Keep the passkey that the browser made. Who was invited is signed in with it."""
    device = came_from(door.request).device

    def add(conn: Connection) -> tuple[Passkey, str | None]:
        name, site = body.name or device, site_of(door, "")
        if body.invitation is not None:
            return passkeys.accept(conn, body.invitation, body.credential, name, site, door.now, device)
        made = passkeys.add(conn, _registrant(conn, door, None), body.credential, name, site, door.now)
        sessions.prove(conn, enrolling(door).session_id, door.now)
        return made, None

    made, secret = door.run(add)
    if secret is not None:
        cookies.keep_session(response, door.request, secret)
    return _passkey(made)


@router.delete("/passkeys/{passkey_id}", status_code=204)
def remove_passkey(passkey_id: UUID, door: Entrance) -> Response:
    """Forget one of one's own passkeys."""
    door.run(lambda conn: passkeys.remove(conn, door.viewer, passkey_id, door.now))
    return Response(status_code=204)


@router.post("/second-factor", status_code=201)
def begin_codes(door: Entrance) -> EnrolmentView:
    """A new secret for an authenticator app; it counts once a code of it is confirmed."""
    signed, key = enrolling(door), door.request.app.state.settings.secret_key
    made = door.run(
        lambda conn: second_factor.begin(conn, signed.viewer, register.cooperative(conn).name, key, door.now)
    )
    return EnrolmentView(secret=made.secret, uri=made.uri)


@router.post("/second-factor/confirmation")
def confirm_app(body: Code, door: Entrance) -> RecoveryCodes:
    """The app shows this code: from now on it is asked for. The answer has ten recovery codes."""
    return RecoveryCodes(codes=confirm_codes(door, body.code))


@router.delete("/second-factor", status_code=204)
def remove_codes(door: Entrance) -> Response:
    """Ask for codes no more."""
    viewer = own_session(door).viewer
    assert viewer.person_id is not None
    person_id = viewer.person_id
    door.run(lambda conn: second_factor.remove(conn, viewer, person_id, door.now))
    return Response(status_code=204)


@router.delete("/people/{person_id}/second-factor", status_code=204)
def remove_codes_of(person_id: UUID, door: Entrance) -> Response:
    """Ask a person for codes no more who lost their telephone."""
    door.run(lambda conn: second_factor.remove(conn, door.viewer, person_id, door.now))
    return Response(status_code=204)


@router.put("/me/password", status_code=204)
def change_password(body: PasswordChange, door: Entrance) -> Response:
    """A new password; all other browsers are signed out."""
    signed = own_session(door)
    door.run(lambda conn: passwords.change(conn, signed.viewer, signed.session_id, body.present, body.wanted, door.now))
    return Response(status_code=204)


@router.post("/password-resets", status_code=204)
def ask_reset(body: ResetWanted, door: Entrance) -> Response:
    """Have a link to a new password mailed; the answer is the same whether or not somebody has this address."""
    door.run(lambda conn: passwords.ask_reset(conn, body.email, door.now))
    return Response(status_code=204)


@router.post("/password-resets/acceptance", status_code=204)
def reset_password(body: Acceptance, door: Entrance) -> Response:
    """A new password for who holds the link; the answer sets the session cookie, and all other browsers are out."""
    return _accept(door, Kind.RESET, body)


@router.post("/invitations/acceptance", status_code=204)
def accept_invitation(body: Acceptance, door: Entrance) -> Response:
    """The first password of who was invited; the answer sets the session cookie."""
    return _accept(door, Kind.INVITATION, body)


@router.get("/sessions")
def list_sessions(door: Entrance) -> list[SessionView]:
    """The browsers in which one is signed in, the last seen first."""
    assert door.viewer.person_id is not None
    return _sessions(door, door.viewer.person_id)


@router.delete("/sessions/{session_id}", status_code=204)
def end_own_session(session_id: UUID, door: Entrance) -> Response:
    """Sign out one of one's own browsers."""
    person_id = door.viewer.person_id
    assert person_id is not None
    door.run(lambda conn: sessions.end_session(conn, door.viewer, person_id, session_id, door.now))
    return Response(status_code=204)


@router.get("/people/{person_id}/sessions")
def list_sessions_of(person_id: UUID, door: Entrance) -> list[SessionView]:
    """The browsers in which a person is signed in, for the office."""
    return _sessions(door, person_id)


@router.delete("/people/{person_id}/sessions", status_code=204)
def end_sessions_of(person_id: UUID, door: Entrance) -> Response:
    """Sign a person out everywhere."""
    door.run(lambda conn: sessions.end_sessions(conn, door.viewer, person_id, door.now))
    return Response(status_code=204)


def _registrant(conn: Connection, door: Door, invitation: str | None) -> UUID:
    """Who makes a passkey."""
    if invitation is not None:
        return links.holder(conn, Kind.INVITATION, invitation, door.now).person_id
    person_id = enrolling(door).viewer.person_id
    assert person_id is not None
    return person_id


def _accept(door: Door, kind: Kind, body: Acceptance) -> Response:
    response = Response(status_code=204)
    at = came_from(door.request)
    _, secret = door.run(lambda conn: passwords.accept(conn, kind, body.secret, body.password, door.now, at))
    cookies.keep_session(response, door.request, secret)
    return response


def _sessions(door: Door, person_id: UUID) -> list[SessionView]:
    signed = signed_of(door.request)
    found = door.run(lambda conn: sessions.sessions_of(conn, door.viewer, person_id, door.now))
    return [_session(each, signed.session_id if signed else None) for each in found]


def _session(session: Session, here: UUID | None) -> SessionView:
    return SessionView(
        id=session.id,
        device=session.device,
        opened_by=session.opened_by,
        opened_at=session.opened_at,
        seen_at=session.seen_at,
        here=session.id == here,
    )


def _passkey(passkey: Passkey) -> PasskeyView:
    return PasskeyView(
        id=passkey.id, name=passkey.name, created_at=passkey.created_at, last_used_at=passkey.last_used_at
    )
