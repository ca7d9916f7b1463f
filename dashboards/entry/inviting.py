"""Who is invited: the list, a new one, and the sheet for who has no mail."""

from typing import Annotated, Any
from uuid import UUID

import segno
from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import RedirectResponse

from coop import register
from coop.accounts import invitations, second_factor, sessions
from coop.accounts.api import link_of
from coop.accounts.invitations import OF_A_MEMBER, Invitation
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Kind, MoyaiError, NotFound
from coop.identity import Role
from coop.paging import Slice
from coop.problems import STATUS
from coop.register import Cooperative, Member
from dashboards.entry.way import refusal
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

LISTED = 100
ROLES = (
    Role.ENGINEER,
    Role.MEMBER_MANAGER,
    Role.OPERATOR,
    Role.OFFICE,
    Role.DIRECTOR,
    Role.AUDITOR,
    Role.WARD,
)


@router.get("/invitations")
def list_invitations(door: Entrance, email: Annotated[str, Query(max_length=254)] = "") -> Response:
    """Who is invited, and the form to invite somebody, perhaps with this address."""
    return _list(door, {"email": email})


@router.post("/invitations")
def invite(
    door: Entrance,
    name: Annotated[str, Form(max_length=100)] = "",
    member_id: Annotated[str, Form(max_length=31)] = "",
    role: Annotated[str, Form(max_length=20)] = "",
    email: Annotated[str, Form(max_length=254)] = "",
    sign_in_name: Annotated[str, Form(max_length=31)] = "",
    locale: Annotated[str, Form(pattern="^(ja|en)$")] = "ja",
) -> Response:
    """Enter and invite somebody; on to the sheet with their link."""
    typed = {"name": name, "member_id": member_id, "role": role, "email": email, "sign_in_name": sign_in_name}
    typed["locale"] = locale

    def use_case(conn: Connection) -> Invitation:
        return invitations.invite(
            conn,
            door.viewer,
            door.request.app.state.settings.secret_key,
            door.now,
            name=name.strip() or email,
            roles=[each for each in ROLES if each.value == role],
            member_id=_member_of(door, member_id),
            email=email,
            sign_in_name=sign_in_name or None,
            locale=locale,
        )

    try:
        made = door.run(use_case)
    except MoyaiError as refused:
        if refused.kind not in {Kind.INVALID, Kind.CONFLICT}:
            raise
        return _list(door, typed, refused)
    return RedirectResponse(f"/invitations/{made.id}/sheet", status_code=303)


@router.post("/people/{person_id}/invite")
def invite_again(person_id: UUID, door: Entrance) -> Response:
    """A new link for somebody who is entered already; on to its sheet."""
    key = door.request.app.state.settings.secret_key
    made = door.run(lambda conn: invitations.invite_again(conn, door.viewer, key, door.now, person_id))
    return RedirectResponse(f"/invitations/{made.id}/sheet", status_code=303)


@router.post("/people/{person_id}/sign-out")
def sign_out_everywhere(person_id: UUID, door: Entrance) -> Response:
    """Sign a person out of all their browsers, as the office does when a telephone was lost."""
    door.run(lambda conn: sessions.end_sessions(conn, door.viewer, person_id, door.now))
    return RedirectResponse(f"/office/people/{person_id}?done=true", status_code=303)


@router.post("/people/{person_id}/second-factor/remove")
def remove_codes(person_id: UUID, door: Entrance) -> Response:
    """Ask a person for codes no more who lost their telephone."""
    door.run(lambda conn: second_factor.remove(conn, door.viewer, person_id, door.now))
    return RedirectResponse(f"/office/people/{person_id}?done=true", status_code=303)


@router.post("/invitations/{invitation_id}/revoke")
def revoke(invitation_id: UUID, door: Entrance) -> Response:
    """Take an invitation back."""
    door.run(lambda conn: invitations.revoke(conn, door.viewer, invitation_id, door.now))
    return RedirectResponse("/invitations", status_code=303)


@router.get("/invitations/{invitation_id}/sheet")
def sheet(invitation_id: UUID, door: Entrance) -> Response:
    """A page to print, to show on a telephone or to send as a short message: the link as a QR code."""

    def look(conn: Connection) -> tuple[Cooperative, Invitation]:
        return register.cooperative(conn), invitations.invitation(conn, door.viewer, invitation_id)

    cooperative, invitation = door.run(look)
    link = link_of(door, invitation)
    if link is None:
        raise NotFound()
    return page(
        door,
        "entry/sheet.html",
        zone=cooperative.time_zone,
        here="people",
        cooperative=cooperative.name,
        invitation=invitation,
        link=link,
        qr=segno.make(link, error="m").svg_data_uri(scale=6, border=2),
        mailed=bool(invitation.email and door.request.app.state.settings.smtp_url),
    )


def _list(door: Door, typed: dict[str, str] | None = None, refused: MoyaiError | None = None) -> Response:
    def look(conn: Connection) -> tuple[Cooperative, list[Invitation], list[Member]]:
        found = invitations.invitations(conn, door.viewer, Slice(limit=LISTED))
        return register.cooperative(conn), found, register.members(conn, door.viewer)

    cooperative, found, members = door.run(look)
    office = door.viewer.has(Role.OFFICE)
    shown: dict[str, Any] = {"name": "", "member_id": "", "role": "engineer", "email": "", "sign_in_name": ""}
    return page(
        door,
        "entry/invitations.html",
        zone=cooperative.time_zone,
        status=STATUS[refused.kind].value if refused else 200,
        here="people" if office else "member",
        now=door.now,
        found=found,
        members=members,
        names={each.id: each.name for each in members},
        office=office,
        roles=[each.value for each in ROLES if office or each in OF_A_MEMBER],
        typed=shown | {"locale": "ja"} | (typed or {}),
        refused=refusal(door, refused),
    )


def _member_of(door: Door, member_id: str) -> str | None:
    """A manager's people are always of their own member."""
    return member_id or None if door.viewer.has(Role.OFFICE) else door.viewer.member_id
