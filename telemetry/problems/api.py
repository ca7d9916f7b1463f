"""The problem queue over HTTP. A usage is decided about at `/usage/{usage_id}/decision`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.paging import Paged
from telemetry.problems import queue
from telemetry.problems.model import Because, Does, Neighbour, ProblemKind
from telemetry.problems.picture import picture
from telemetry.problems.queue import Entry
from telemetry.problems.report import MOST_CHARACTERS, report

router = APIRouter(tags=["telemetry"])


class NeighbourView(BaseModel):
    """A reservation near the problem."""

    reservation_id: UUID
    starts_at: datetime
    ends_at: datetime
    member_id: str
    member_name: str
    person_id: UUID | None
    person_name: str | None


class SuggestionView(BaseModel):
    does: Does = Field(description="assign, waive: decide about the usage so; settle: say that it is well as it is")
    because: Because
    reservation: NeighbourView | None = Field(description="To whose reservation, where it assigns")


class ProblemView(BaseModel):
    id: int
    kind: ProblemKind
    machine_id: str
    started_at: datetime
    ended_at: datetime
    opened_at: datetime
    usage_id: UUID | None = Field(description="The usage that can be decided about")
    reservation_id: UUID | None
    decision_id: int | None = Field(description="The decision whose evidence changed")
    detail: dict[str, Any]
    reporter_name: str | None = Field(description="Who reported it, if somebody did; what they said is `detail.text`")
    reporter_member_name: str | None
    suggestions: list[SuggestionView] = Field(description="The likeliest first")
    may_know: list[NeighbourView] = Field(description="Whom to ask, the likeliest first")


class ReportWanted(Wanted):
    text: str = Field(max_length=MOST_CHARACTERS, examples=["プローブの先が曲がっています"])


class SettleWanted(Wanted):
    reason: str = Field(max_length=500, examples=["電源工事のため"])


@router.get("/problems")
def list_problems(
    door: Entrance, paging: Paged, machine: str | None = None, kind: ProblemKind | None = None
) -> list[ProblemView]:
    """What a person must look at, by time."""
    part = paging.slice(datetime, int)
    found = door.run(lambda conn: queue.queue(conn, door.viewer, machine_id=machine, kind=kind, part=part))
    return [_view(each) for each in paging.page(found, lambda each: (each.problem.when.start, each.problem.id))]


@router.post("/machines/{machine_id}/problems", status_code=204, response_class=Response)
def report_problem(machine_id: str, body: ReportWanted, door: Entrance) -> Response:
    """Say what is wrong with a machine; the office and the operators read it among the problems."""

    def said(conn: Connection) -> None:
        report(conn, door.viewer, machine_id, body.text, door.now)

    return door.once(said, asked=body, status=204)


@router.get("/problems/{problem_id}")
def get_problem(problem_id: int, door: Entrance) -> ProblemView:
    """One problem, while it is open."""
    return _view(door.run(lambda conn: queue.entry(conn, door.viewer, problem_id)))


@router.get("/problems/{problem_id}/picture.svg", response_class=Response)
def draw_problem(problem_id: int, door: Entrance) -> Response:
    """What the machine did around it: power as a line, states behind, the problem outlined."""

    def drawn(conn: Connection) -> str:
        return picture(conn, queue.entry(conn, door.viewer, problem_id).problem, door.now)

    return Response(door.run(drawn), media_type="image/svg+xml")


@router.post("/problems/{problem_id}/settle", status_code=204, response_class=Response)
def settle_problem(problem_id: int, body: SettleWanted, door: Entrance) -> Response:
    """Say that it is well as it is, and why; it is not raised again while nothing changes."""

    def settled(conn: Connection) -> None:
        queue.settle(conn, door.viewer, problem_id, door.now, reason=body.reason)

    return door.once(settled, asked=body, status=204)


def _view(entry: Entry) -> ProblemView:
    problem = entry.problem
    return ProblemView(
        id=problem.id,
        kind=problem.kind,
        machine_id=problem.machine_id,
        started_at=problem.when.start,
        ended_at=problem.when.end,
        opened_at=problem.opened_at,
        usage_id=problem.usage_id,
        reservation_id=problem.reservation_id,
        decision_id=problem.decision_id,
        detail=dict(problem.detail),
        reporter_name=problem.reporter_name,
        reporter_member_name=problem.reporter_member_name,
        suggestions=[
            SuggestionView(
                does=each.does, because=each.because, reservation=_near(each.neighbour) if each.neighbour else None
            )
            for each in entry.suggestions
        ],
        may_know=[_near(each) for each in entry.may_know],
    )


def _near(near: Neighbour) -> NeighbourView:
    return NeighbourView(
        reservation_id=near.reservation_id,
        starts_at=near.when.start,
        ends_at=near.when.end,
        member_id=near.member_id,
        member_name=near.member_name,
        person_id=near.person_id,
        person_name=near.person_name,
    )
