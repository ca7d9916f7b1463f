"""States, usage and devices over HTTP."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from coop import machines
from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.interval import Interval
from coop.paging import Paged
from telemetry import decisions
from telemetry.states import live
from telemetry.states.model import State
from telemetry.usage import listing as usages
from telemetry.usage.model import Resolution, Usage, UsageKind

router = APIRouter(tags=["telemetry"])

From = Annotated[Moment, Query(alias="from", description="RFC 3339 with an offset; included")]
To = Annotated[Moment, Query(description="RFC 3339 with an offset; not included")]


class StateView(BaseModel):
    started_at: datetime
    ended_at: datetime
    state: State
    native: str | None = Field(description="The machine's own word for it")


class UsageView(BaseModel):
    id: UUID
    machine_id: str
    started_at: datetime
    ended_at: datetime
    running_seconds: int
    kind: UsageKind
    reservation_id: UUID | None
    member_id: str | None
    person_id: UUID | None
    energy_kwh: float | None = Field(description="What the machine took meanwhile; null when nothing measured it")
    parts: int | None = Field(description="What it made meanwhile; null when nothing counted")


class DecisionWanted(Wanted):
    resolution: Resolution
    member_id: str | None = Field(default=None, max_length=31, description="To whom it is assigned")
    reservation_id: UUID | None = Field(default=None, description="Or to which reservation of the machine")
    reason: str = Field(default="", max_length=500)


class FindingView(BaseModel):
    id: int
    machine_id: str
    kind: Literal["decision_outdated"]
    decision_id: int
    started_at: datetime
    ended_at: datetime
    opened_at: datetime


@router.get("/machines/{machine_id}/states")
def list_states(machine_id: str, door: Entrance, start: From, to: To) -> list[StateView]:
    """What a machine did, in order and clipped to the asked time, up to now."""
    window = Interval(start, to)
    door.run(lambda conn: machines.machine(conn, machine_id))
    found = door.run(lambda conn: live.states(conn, machine_id, window, door.now))
    return [
        StateView(started_at=each.started_at, ended_at=each.ended_at, state=each.state, native=each.native)
        for each in found
    ]


@router.get("/usage")
def list_usage(
    door: Entrance, paging: Paged, start: From, to: To, machine: str | None = None, kind: UsageKind | None = None
) -> list[UsageView]:
    """The usages that begin in the asked time and that the viewer may know of: of everybody for the office, operators,
    directors and auditors, of one's own member for the others."""
    window = Interval(start, to)
    part = paging.slice(datetime, UUID)
    found = door.run(lambda conn: usages.usages(conn, door.viewer, window, machine_id=machine, kind=kind, part=part))
    return [_view(each) for each in paging.page(found, lambda last: (last.started_at, last.id))]


@router.post("/usage/{usage_id}/decision", response_model=UsageView)
def decide(usage_id: UUID, body: DecisionWanted, door: Entrance) -> Response:
    """Assign a usage to a member or a reservation, or waive it; the decision survives derivation while its evidence
    stays the same."""

    def decided(conn: Connection) -> UsageView:
        viewer, now, reason = door.viewer, door.now, body.reason
        if body.resolution is Resolution.WAIVE:
            return _view(decisions.waive(conn, viewer, usage_id, now, reason=reason))
        member_id, reservation_id = body.member_id, body.reservation_id
        return _view(
            decisions.assign(
                conn, viewer, usage_id, now, member_id=member_id, reservation_id=reservation_id, reason=reason
            )
        )

    return door.once(decided, asked=body)


@router.get("/findings")
def list_findings(door: Entrance) -> list[FindingView]:
    """Decisions whose evidence changed since: somebody decides again."""
    return [
        FindingView(
            id=each.id,
            machine_id=each.machine_id,
            kind="decision_outdated",
            decision_id=each.decision_id,
            started_at=each.started_at,
            ended_at=each.ended_at,
            opened_at=each.opened_at,
        )
        for each in door.run(lambda conn: decisions.findings(conn, door.viewer))
    ]


def _view(usage: Usage) -> UsageView:
    return UsageView(
        id=usage.id,
        machine_id=usage.machine_id,
        started_at=usage.started_at,
        ended_at=usage.ended_at,
        running_seconds=usage.running_seconds,
        kind=usage.kind,
        reservation_id=usage.reservation_id,
        member_id=usage.member_id,
        person_id=usage.person_id,
        energy_kwh=None if usage.energy_kwh is None else float(usage.energy_kwh),
        parts=usage.parts,
    )
