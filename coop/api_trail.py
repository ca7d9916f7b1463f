"""The audit trail over HTTP."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from coop.api import Moment
from coop.door import Entrance
from coop.paging import Paged
from coop.trail import Deed, Search, trail

router = APIRouter(tags=["coop"])

Word = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


class DeedView(BaseModel):
    id: int
    at: datetime
    actor_id: UUID | None = Field(description="None: the cooperative's own jobs, or the holder of a link")
    actor: str | None
    on_behalf_of: UUID | None = Field(description="Whom the actor acted for, on the telephone for instance")
    on_behalf_of_name: str | None
    action: str = Field(examples=["period.closed"])
    subject: str = Field(examples=["period:2026-10"])
    detail: dict[str, Any] = Field(description="Ids, codes and numbers")


@router.get("/audit")
def list_deeds(
    door: Entrance,
    paging: Paged,
    subject: Annotated[Word, Query(description="One (`period:2026-10`) or all of a kind (`period`)")] = None,
    action: Annotated[Word, Query(description="One (`period.closed`) or all of a kind (`period`)")] = None,
    person_id: Annotated[UUID | None, Query(description="Who acted, or was acted for")] = None,
    since: Annotated[Moment | None, Query(description="At this moment or later")] = None,
    until: Annotated[Moment | None, Query(description="Before this moment")] = None,
) -> list[DeedView]:
    """Who did what to what, last first. All that is given must hold. Nothing of it is ever changed or deleted."""
    part = paging.slice(int)
    search = Search(subject or None, action or None, person_id, since, until)
    found = door.run(lambda conn: trail(conn, door.viewer, search, part))
    page = paging.page(found, lambda last: (last.id,))
    return [DeedView(**{name: getattr(each, name) for name in Deed.__slots__}) for each in page]
