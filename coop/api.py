"""The ground over HTTP: who am I, tokens, members, machines."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from coop import leaving, machines, people, register
from coop.door import Entrance
from coop.paging import Paged

router = APIRouter(tags=["coop"])


Moment = Annotated[
    AwareDatetime,
    Field(
        description="RFC 3339 with an offset",
        examples=["2026-10-01T09:00:00+09:00"],
        ge=datetime(2000, 1, 1, tzinfo=UTC),
        le=datetime(2199, 12, 31, tzinfo=UTC),
    ),
]


class Wanted(BaseModel):
    """A request body: unknown fields are refused, so that a misspelt one is not silently lost."""

    model_config = ConfigDict(extra="forbid")


class Me(BaseModel):
    person_id: UUID
    member_id: str | None
    roles: list[str]
    locale: str


class TokenWanted(Wanted):
    name: str = Field(min_length=1, max_length=100, examples=["my spreadsheet"])
    scopes: list[str] = Field(default=["read", "write"], min_length=1)
    expires_at: AwareDatetime | None = None


class TokenView(BaseModel):
    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = None
    secret: str | None = Field(default=None, description="Shown once, when the token is made.")


class MemberView(BaseModel):
    id: str
    name: str
    kana: str
    is_member: bool


class MachineView(BaseModel):
    id: str
    kind: str
    name_ja: str
    name_en: str
    model: str
    site: str
    range_x_mm: Decimal | None
    range_y_mm: Decimal | None
    range_z_mm: Decimal | None
    table_load_kg: Decimal | None
    mpe_constant_um: Decimal | None = Field(description="A of E0,MPE = A + L / K (µm, L in mm; ISO 10360-2)")
    mpe_length_divisor: Decimal | None = Field(description="K of E0,MPE = A + L / K")
    resolution_um: Decimal | None
    smallest_hole_mm: Decimal | None
    stylus_reach_mm: Decimal | None
    probe_types: list[str]
    software: str
    program_formats: list[str]
    room_temperature_class: str
    set_up_minutes: int
    tear_down_minutes: int
    in_service: bool


@router.get("/me")
def me(door: Entrance) -> Me:
    """Who is signed in, with what they may do."""
    viewer = door.viewer
    assert viewer.person_id is not None
    return Me(
        person_id=viewer.person_id,
        member_id=viewer.member_id,
        roles=sorted(role.value for role in viewer.roles),
        locale=viewer.locale,
    )


@router.post("/tokens", status_code=201, response_model=TokenView)
def create_token(body: TokenWanted, door: Entrance) -> TokenView:
    """Make an API token for oneself; a token never does more than its person."""
    unknown = set(body.scopes) - {"read", "write"}
    if unknown:
        raise people.ScopeUnknown(scope=", ".join(sorted(unknown)))
    if not set(body.scopes) <= door.viewer.scopes:
        raise people.ScopeUnknown(scope=", ".join(sorted(set(body.scopes) - door.viewer.scopes)))
    token_id, secret = door.run(
        lambda conn: people.add_token(
            conn, door.viewer, name=body.name, scopes=body.scopes, now=door.now, expires_at=body.expires_at
        )
    )
    return TokenView(
        id=token_id,
        name=body.name,
        scopes=sorted(set(body.scopes)),
        created_at=door.now,
        expires_at=body.expires_at,
        secret=secret,
    )


@router.get("/tokens")
def list_tokens(door: Entrance, paging: Paged) -> list[TokenView]:
    """One's own API tokens, newest first, without their secrets."""
    part = paging.slice(datetime, UUID)
    found = door.run(lambda conn: people.tokens_of(conn, door.viewer, part))
    return [
        TokenView(
            id=token.id,
            name=token.name,
            scopes=sorted(token.scopes),
            created_at=token.created_at,
            expires_at=token.expires_at,
            revoked_at=token.revoked_at,
        )
        for token in paging.page(found, lambda last: (last.created_at, last.id))
    ]


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(token_id: UUID, door: Entrance) -> Response:
    """End one's own API token."""
    door.run(lambda conn: people.revoke_token(conn, door.viewer, token_id, door.now))
    return Response(status_code=204)


@router.get("/members")
def list_members(door: Entrance) -> list[MemberView]:
    """The members that the viewer may know: all for the office, one's own for an engineer."""
    return [_member(each) for each in door.run(lambda conn: register.members(conn, door.viewer))]


@router.get("/members/{member_id}")
def get_member(member_id: str, door: Entrance) -> MemberView:
    """One member."""
    return _member(door.run(lambda conn: register.member(conn, door.viewer, member_id)))


@router.put("/people/{person_id}/access", status_code=204)
def access_again(person_id: UUID, door: Entrance) -> Response:
    """Let somebody in again whose access was ended."""
    door.run(lambda conn: leaving.access_again(conn, door.viewer, person_id, door.now))
    return Response(status_code=204)


@router.delete("/people/{person_id}/access", status_code=204)
def end_access(person_id: UUID, door: Entrance) -> Response:
    """Let somebody come in no more: anybody for the office, their own people for a member's manager."""
    door.run(lambda conn: leaving.end_access(conn, door.viewer, person_id, door.now))
    return Response(status_code=204)


@router.get("/machines")
def list_machines(door: Entrance) -> list[MachineView]:
    """All machines with their specification."""
    return [_machine(each) for each in door.run(machines.machines)]


@router.get("/machines/{machine_id}")
def get_machine(machine_id: str, door: Entrance) -> MachineView:
    """One machine with its specification."""
    return _machine(door.run(lambda conn: machines.machine(conn, machine_id)))


def _member(member: register.Member) -> MemberView:
    return MemberView(id=member.id, name=member.name, kana=member.kana, is_member=member.is_member)


def _machine(machine: machines.Machine) -> MachineView:
    values = {name: getattr(machine, name) for name in machines.Machine.__slots__}
    return MachineView(
        **values | {"probe_types": list(machine.probe_types), "program_formats": list(machine.program_formats)}
    )
