"""Coming in over HTTP: sessions, invitations, passwords."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from coop.accounts import cookies, invitations, links, passwords, sessions
from coop.accounts.invitations import Invitation
from coop.accounts.links import Kind
from coop.accounts.passwords import From
from coop.accounts.throttle import source_of
from coop.api import Wanted
from coop.door import Door, Entrance
from coop.identity import Role
from coop.paging import Paged

router = APIRouter(tags=["accounts"])


class SignIn(Wanted):
    email: str = Field(
        max_length=254, description="The e-mail address, or the sign-in name.", examples=["sato@factory.example"]
    )
    password: str = Field(max_length=1024)


class InvitationWanted(Wanted):
    name: str = Field(min_length=1, max_length=100, examples=["佐藤 一郎"])
    roles: list[Role] = Field(min_length=1, examples=[["engineer"]])
    member_id: str | None = Field(default=None, description="Whose person it is; none: the office's.")
    email: str = Field(default="", max_length=254, pattern=r"^$|^[^@\s]+@[^@\s]+$", examples=["sato@factory.example"])
    sign_in_name: str | None = Field(default=None, max_length=31, description="For who has no e-mail address.")
    locale: str = Field(default="ja", pattern="^(ja|en)$")


class InvitationView(BaseModel):
    id: UUID
    person_id: UUID
    name: str
    email: str
    sign_in_name: str | None
    member_id: str | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None
    url: str | None = Field(description="The link, while it works: whoever has it comes in as this person.")


def came_from(request: Request) -> From:
    """Where a request comes from, as sessions and throttles know it."""
    host = request.client.host if request.client else None
    return From(source_of(host), sessions.device_of(request.headers.get("user-agent", "")))


def let_in(door: Door, called: str, password: str, response: Response) -> None:
    """Sign in and set the session cookie on `response`; a refusal is counted even though it raises `SignInRefused`."""
    at = came_from(door.request)
    secret = door.run(lambda conn: passwords.attempt_sign_in(conn, called, password, door.now, at))
    if secret is None:
        raise passwords.SignInRefused()
    cookies.keep_session(response, door.request, secret)


@router.post("/session", status_code=204)
def sign_in(body: SignIn, door: Entrance) -> Response:
    """Sign in with e-mail address or sign-in name, and password; the answer sets the session cookie."""
    response = Response(status_code=204)
    let_in(door, body.email, body.password, response)
    return response


@router.delete("/session", status_code=204)
def sign_out(door: Entrance) -> Response:
    """Sign out this browser."""
    response = Response(status_code=204)
    let_out(door, response)
    return response


def let_out(door: Door, response: Response) -> None:
    """Close this browser's session and take its cookie back."""
    secret = cookies.session_in(door.request)
    if secret:
        door.run(lambda conn: sessions.sign_out(conn, secret, door.now))
    cookies.drop_session(response, door.request)


@router.get("/invitations")
def list_invitations(door: Entrance, paging: Paged) -> list[InvitationView]:
    """Invitations, newest first: all for the office, one's own member's for its manager."""
    part = paging.slice(datetime, UUID)
    found = door.run(lambda conn: invitations.invitations(conn, door.viewer, part))
    return [_view(door, each) for each in paging.page(found, lambda last: (last.created_at, last.id))]


@router.post("/invitations", status_code=201, response_model=InvitationView)
def invite(body: InvitationWanted, door: Entrance) -> Response:
    """Enter a person and invite them: who has an e-mail address gets a letter, who has none the link on paper."""
    key = door.request.app.state.settings.secret_key
    return door.once(
        lambda conn: _view(
            door,
            invitations.invite(
                conn,
                door.viewer,
                key,
                door.now,
                name=body.name,
                roles=body.roles,
                member_id=body.member_id,
                email=body.email,
                sign_in_name=body.sign_in_name,
                locale=body.locale,
            ),
        ),
        asked=body,
        status=201,
    )


@router.post("/people/{person_id}/invitations", status_code=201, response_model=InvitationView)
def invite_again(person_id: UUID, door: Entrance) -> Response:
    """A new link for somebody who is entered already; earlier ones end."""
    key = door.request.app.state.settings.secret_key
    return door.once(
        lambda conn: _view(door, invitations.invite_again(conn, door.viewer, key, door.now, person_id)), status=201
    )


@router.delete("/invitations/{invitation_id}", status_code=204)
def revoke_invitation(invitation_id: UUID, door: Entrance) -> Response:
    """Take an invitation back."""
    door.run(lambda conn: invitations.revoke(conn, door.viewer, invitation_id, door.now))
    return Response(status_code=204)


def _view(door: Door, invitation: Invitation) -> InvitationView:
    values = {name: getattr(invitation, name) for name in InvitationView.model_fields if name != "url"}
    return InvitationView(**values, url=link_of(door, invitation))


def link_of(door: Door, invitation: Invitation) -> str | None:
    """The link of an invitation while it works."""
    settings = door.request.app.state.settings
    if not invitation.open(door.now):
        return None
    return links.address_of(Kind.INVITATION, invitation.id, settings.secret_key, settings.base_url)
