"""Approving a month, what moved since the month before, and what a close waits for, over HTTP."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response, UploadFile
from pydantic import BaseModel, Field

from billing import store
from billing.model import Period
from billing.periods import approve, asking, comparison, finish
from billing.views import PeriodView, period_view
from coop.api import Wanted
from coop.database import Connection
from coop.door import Door, Entrance

router = APIRouter(tags=["billing"])

Month = Annotated[str, Path(description="A calendar month, YYYY-MM", examples=["2026-10"])]


class LinkWanted(Wanted):
    person_id: UUID = Field(description="The director in whose name the link approves")
    days: int = Field(default=7, ge=1, le=60, description="How long it works")


class LinkView(BaseModel):
    secret: str = Field(description="Shown once. Whoever sends it to `POST /approvals` approves.")
    expires_at: datetime


class SecretWanted(Wanted):
    secret: str = Field(min_length=1, max_length=100, examples=["pPz0…"])


class RuleWanted(Wanted):
    code: str = Field(max_length=60, pattern=r"^billing\.finding\.[a-z_]+$", examples=["billing.finding.unapproved"])
    blocks: bool = Field(description="Whether such a finding blocks a close, or only warns")


class RuleView(BaseModel):
    code: str
    blocks: bool


class ChangeView(BaseModel):
    member_id: str | None = Field(description="None: all together")
    before_yen: int
    now_yen: int
    hours_yen: int = Field(description="More or fewer hours, at the earlier rate")
    rate_yen: int = Field(description="The same hours at another rate")
    fixed_yen: int = Field(description="Shares of costs")
    adjustment_yen: int = Field(description="Adjustments of earlier months")


class ComparisonView(BaseModel):
    month: str
    before: str
    total: ChangeView
    members: list[ChangeView]


@router.get("/periods/{month}/comparison")
def compare_period(month: Month, door: Entrance) -> ComparisonView:
    """What each member's month differs by from the month before, tax-exclusive: hours, rate, fixed, adjustments."""
    before, changes = door.run(lambda conn: comparison.comparison(conn, door.viewer, month))
    members = [ChangeView(**{name: getattr(each, name) for name in comparison.Change.__slots__}) for each in changes]
    sums = {
        name: sum(getattr(each, name) for each in changes) for name in ChangeView.model_fields if name != "member_id"
    }
    return ComparisonView(month=month, before=before, total=ChangeView(member_id=None, **sums), members=members)


@router.post("/periods/{month}/approve", response_model=PeriodView)
def approve_period(month: Month, door: Entrance) -> Response:
    """Agree to a draft that somebody else made. When the draft changes afterwards, it has no approval any more."""
    return _moved(door, lambda conn: approve.approve(conn, door.viewer, month, door.now))


@router.post("/periods/{month}/approval-links", status_code=201)
def create_approval_link(month: Month, body: LinkWanted, door: Entrance) -> LinkView:
    """A secret to print or send, by which a director approves this draft once without signing in."""

    def made(conn: Connection) -> LinkView:
        lasts = timedelta(days=body.days)
        secret, expires_at = approve.make_link(conn, door.viewer, month, body.person_id, door.now, lasts)
        return LinkView(secret=secret, expires_at=expires_at)

    return door.run(made)  # never remembered: the secret is told once


@router.post("/periods/{month}/approval-letters", status_code=204)
def ask_for_approval(month: Month, body: LinkWanted, door: Entrance) -> Response:
    """Send a director a letter with such a link; nobody else sees it."""

    def asked(conn: Connection) -> None:
        asking.ask(conn, door.viewer, month, body.person_id, door.now, timedelta(days=body.days))

    return door.once(asked, asked=body, status=204)


@router.post("/approvals", response_model=PeriodView)
def use_approval_link(body: SecretWanted, door: Entrance) -> PeriodView:
    """Approve by the secret of a link: once, before it expires, and only the draft that it was made for."""
    return door.run(lambda conn: _view(conn, approve.use_link(conn, body.secret, door.now), door))


@router.post("/periods/{month}/approval-papers", response_model=PeriodView)
def file_approval_paper(
    month: Month,
    file: UploadFile,
    door: Entrance,
    person_id: Annotated[UUID, Query(description="The director who signed it")],
) -> PeriodView:
    """Keep the signed paper of an approval (PDF, PNG or JPEG) with its hash."""
    paper = file.file.read(approve.MOST_PAPER_BYTES + 1)
    return door.run(
        lambda conn: _view(conn, approve.file_paper(conn, door.viewer, month, person_id, paper, door.now), door)
    )


@router.get(
    "/periods/{month}/approval-paper",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The paper"}},
)
def get_approval_paper(month: Month, door: Entrance) -> Response:
    """The signed paper of the approval that stands, as it was uploaded."""
    paper = door.run(lambda conn: approve.paper_of(conn, door.viewer, month))
    return Response(paper, media_type="application/octet-stream")


@router.post("/periods/{month}/settled", response_model=PeriodView)
def mark_period_settled(month: Month, door: Entrance) -> Response:
    """Everything of a closed month is paid."""
    return _moved(door, lambda conn: finish.settled(conn, door.viewer, month, door.now))


@router.get("/closing-rules")
def list_closing_rules(door: Entrance) -> list[RuleView]:
    """Which findings block a close or only warn, where the cooperative decided otherwise than the program."""
    return [RuleView(code=code, blocks=blocks) for code, blocks in door.run(finish.ruled).items()]


@router.post("/closing-rules", response_model=RuleView)
def rule_finding(body: RuleWanted, door: Entrance) -> Response:
    """Say whether a kind of finding blocks a close or only warns, from the next draft on."""

    def ruled(conn: Connection) -> RuleView:
        finish.rule_finding(conn, door.viewer, body.code, body.blocks, door.now)
        return RuleView(code=body.code, blocks=body.blocks)

    return door.once(ruled, asked=body)


def _moved(door: Door, move: Callable[[Connection], Period]) -> Response:
    return door.once(lambda conn: _view(conn, move(conn), door))


def _view(conn: Connection, found: Period, door: Door) -> PeriodView:
    return period_view(found, store.pool_results(conn, found.month), door.viewer.locale)
