"""What a second person is asked about and why they did not agree, over HTTP."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from billing import store
from billing.api import Month
from billing.periods import refuse
from billing.periods.api import SecretWanted
from billing.periods.refuse import Offer, Refusal
from billing.views import PeriodView, period_view
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.paging import Paged

router = APIRouter(tags=["billing"])


class Words(Wanted):
    words: str = Field(min_length=1, max_length=2000, examples=["CMM-1の10月3日分を確かめてください。"])


class RefusalWanted(SecretWanted, Words):
    """The secret of a link, and why its holder does not agree."""


class OfferView(BaseModel):
    month: str
    person_id: UUID = Field(description="In whose name the link decides")
    expires_at: datetime
    statements: int
    total_yen: int = Field(description="Of all statements, tax included")


class RefusalView(BaseModel):
    id: UUID
    refused_at: datetime
    refused_by: UUID
    how: Literal["person", "link"]
    words: str
    standing: bool = Field(description="The draft is still the one that was refused")


@router.post("/approvals/offer")
def see_offer(body: SecretWanted, door: Entrance) -> OfferView:
    """What the link of a secret is about. Looking uses nothing up."""

    def seen(conn: Connection) -> OfferView:
        found: Offer = refuse.offer(conn, body.secret, door.now)
        statements = store.statements(conn, found.director, month=found.period.month)
        return OfferView(
            month=found.period.month,
            person_id=found.person_id,
            expires_at=found.expires_at,
            statements=len(statements),
            total_yen=sum(each.statement.total_yen for each in statements),
        )

    return door.run(seen)


@router.post("/approvals/refusal", status_code=204)
def refuse_by_link(body: RefusalWanted, door: Entrance) -> None:
    """Do not agree, by the secret of a link; it is used up. The office reads why."""
    door.run(lambda conn: refuse.refuse_by_link(conn, body.secret, body.words, door.now))


@router.post("/periods/{month}/refusals", response_model=PeriodView)
def refuse_period(month: Month, body: Words, door: Entrance) -> Response:
    """Do not agree to a draft that somebody else made. The office reads why."""

    def refused(conn: Connection) -> PeriodView:
        found = refuse.refuse(conn, door.viewer, month, body.words, door.now)
        return period_view(found, store.pool_results(conn, month), door.viewer.locale)

    return door.once(refused, asked=body)


@router.get("/periods/{month}/refusals")
def list_refusals(month: Month, door: Entrance, paging: Paged) -> list[RefusalView]:
    """Why a month was not agreed to, newest first."""
    part = paging.slice(datetime, UUID)
    found = door.run(lambda conn: refuse.refusals(conn, door.viewer, month, part))
    page = paging.page(found, lambda last: (last.refused_at, last.id))
    return [RefusalView(**{name: getattr(each, name) for name in Refusal.__slots__}) for each in page]
