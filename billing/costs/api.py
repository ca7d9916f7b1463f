"""What machines cost, over HTTP."""

from uuid import UUID, uuid4

from fastapi import APIRouter, Response
from pydantic import Field

from billing.costs import edit
from billing.model import Cost
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance

router = APIRouter(tags=["billing"])


class CostWanted(Wanted):
    month: str = Field(examples=["2026-10"])
    pool_id: str
    kind: str = Field(pattern="^[a-z0-9][a-z0-9_]{0,30}$", examples=["maintenance"])
    amount_yen: int = Field(ge=0, le=10_000_000_000)
    note: str = Field(default="", max_length=200)


class CostView(CostWanted):
    id: UUID


@router.post("/costs", status_code=201, response_model=CostView)
def add_cost(body: CostWanted, door: Entrance) -> Response:
    """Enter what a pool cost in a month that is not closed."""
    cost = Cost(id=uuid4(), **body.model_dump(exclude={"month"}))

    def enter(conn: Connection) -> CostView:
        edit.add_cost(conn, door.viewer, body.month, cost, door.now)
        return CostView(id=cost.id, **body.model_dump())

    return door.once(enter, asked=body, status=201)
