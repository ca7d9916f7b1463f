"""Questioned lines over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from billing.disputes import settle
from billing.disputes.model import Action, Dispute, Step
from billing.model import AdjustmentReason
from coop.api import Wanted
from coop.door import Entrance
from coop.paging import Paged

router = APIRouter(tags=["billing"])

MOST_YEN = 1_000_000_000


class Words(Wanted):
    words: str = Field(min_length=1, max_length=2000, examples=["10月3日は使っていません。"])


class ProposalWanted(Words):
    waive: bool = Field(default=False, description="Give it back as a kindness; otherwise it was wrong")
    amount_yen: int = Field(
        ge=-MOST_YEN, le=MOST_YEN, description="By how much the line changes, without tax; not 0", examples=[-3_000]
    )


class DecisionWanted(Words):
    agrees: bool


class StepView(BaseModel):
    n: int
    action: Action
    words: str
    taken_at: datetime
    taken_by: UUID | None
    reason: AdjustmentReason | None
    amount_yen: int | None
    adjustment_id: UUID | None


class DisputeView(BaseModel):
    id: UUID
    statement_id: UUID
    n: int = Field(description="The line of the statement")
    month: str
    member_id: str
    opened_at: datetime
    stands: Action = Field(description="The last step")
    steps: list[StepView]


@router.post("/statements/{statement_id}/lines/{n}/disputes", status_code=201, response_model=DisputeView)
def question_line(statement_id: UUID, n: Annotated[int, Path(ge=1, lt=2**31)], body: Words, door: Entrance) -> Response:
    """Question a line of a closed month; about a line questioned before, ask further."""
    return door.once(
        lambda conn: _view(settle.ask(conn, door.viewer, statement_id, n, body.words, door.now)), asked=body, status=201
    )


@router.get("/disputes")
def list_disputes(door: Entrance, paging: Paged) -> list[DisputeView]:
    """Questioned lines, newest first: all for the office, a member's own for its people."""
    part = paging.slice(datetime, UUID)
    found = door.run(lambda conn: settle.disputes(conn, door.viewer, part))
    return [_view(each) for each in paging.page(found, lambda last: (last.opened_at, last.id))]


@router.get("/disputes/{dispute_id}")
def get_dispute(dispute_id: UUID, door: Entrance) -> DisputeView:
    """One questioned line with all that was said and done about it."""
    return _view(door.run(lambda conn: settle.dispute(conn, door.viewer, dispute_id)))


@router.post("/disputes/{dispute_id}/answers", response_model=DisputeView)
def answer_dispute(dispute_id: UUID, body: Words, door: Entrance) -> Response:
    """Answer the member; the charge stays as it is."""
    return door.once(lambda conn: _view(settle.answer(conn, door.viewer, dispute_id, body.words, door.now)), asked=body)


@router.post("/disputes/{dispute_id}/proposals", response_model=DisputeView)
def propose_adjustment(dispute_id: UUID, body: ProposalWanted, door: Entrance) -> Response:
    """Propose to a second person that the next month changes the line."""
    reason = AdjustmentReason.WAIVER if body.waive else AdjustmentReason.CORRECTION
    return door.once(
        lambda conn: _view(
            settle.propose(conn, door.viewer, dispute_id, reason, body.amount_yen, body.words, door.now)
        ),
        asked=body,
    )


@router.post("/disputes/{dispute_id}/decisions", response_model=DisputeView)
def decide_dispute(dispute_id: UUID, body: DecisionWanted, door: Entrance) -> Response:
    """Agree, as another person than who proposed, which writes the adjustment of the next month; or refuse."""
    return door.once(
        lambda conn: _view(settle.decide(conn, door.viewer, dispute_id, body.agrees, body.words, door.now)), asked=body
    )


def _view(found: Dispute) -> DisputeView:
    return DisputeView(
        id=found.id,
        statement_id=found.statement_id,
        n=found.n,
        month=found.month,
        member_id=found.member_id,
        opened_at=found.opened_at,
        stands=found.last.action,
        steps=[StepView(**{name: getattr(each, name) for name in Step.__slots__}) for each in found.steps],
    )
