"""What pools cost, over HTTP: in a month, every month, by writing an asset down, and as it turned out."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import Field

from billing.costs import entries, listing
from billing.costs.api import Key, Kind, Month, Yen
from billing.costs.model import Asset, Method, Recurring
from billing.model import Cost
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.paging import Paged

router = APIRouter(tags=["billing"])


class CostWanted(Wanted):
    month: str = Field(examples=["2026-10"])
    pool_id: Key
    kind: Kind
    amount_yen: Yen
    note: str = Field(default="", max_length=200)
    machine_id: str | None = Field(default=None, description="Where it is of one machine")
    estimated: bool = False


class CostView(CostWanted):
    id: UUID


class RecurringWanted(Wanted):
    pool_id: Key
    kind: Kind
    yen_per_month: Yen
    month: Month
    note: str = Field(default="", max_length=200)
    machine_id: str | None = None
    estimated: bool = False


class RecurringView(RecurringWanted):
    id: UUID
    until_month: str | None = Field(default=None, description="The first month without it")


class AssetWanted(Wanted):
    pool_id: Key
    name_ja: str = Field(min_length=1, max_length=100)
    name_en: str = Field(min_length=1, max_length=100)
    acquired_on: date = Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))
    cost_yen: int = Field(ge=1, le=10_000_000_000)
    method: Method
    useful_life_years: int = Field(ge=2, le=20)
    month: Month
    subsidy_yen: Yen = Field(default=0, description="Deducted before it is written down (圧縮記帳)")
    fiscal_month: int = Field(default=4, ge=1, le=12, description="The month in which the fiscal year begins")
    machine_id: str | None = None


class AssetView(AssetWanted):
    id: UUID
    until_month: str | None = Field(default=None, description="The first month without it")


class EndWanted(Wanted):
    month: str = Field(description="The first month without it", examples=["2027-04"])


class ActualWanted(Wanted):
    month: str = Field(description="The month of the cost", examples=["2026-10"])
    amount_yen: Yen


class ActualView(ActualWanted):
    id: UUID
    cost_id: UUID
    pool_id: str
    kind: str
    before_yen: int = Field(description="What it was thought to be")
    charged_month: str = Field(description="Its own month while that is open, else the next open one")


@router.get("/costs")
def list_costs(door: Entrance, month: Annotated[str, Query(examples=["2026-10"])]) -> list[CostView]:
    """What pools cost in a month, with what returns every month and what is written down."""
    found = door.run(lambda conn: entries.costs(conn, door.viewer, month))
    return [CostView(month=month, **{name: getattr(each, name) for name in Cost.__slots__}) for each in found]


@router.post("/costs", status_code=201, response_model=CostView)
def add_cost(body: CostWanted, door: Entrance) -> Response:
    """Enter what a pool cost in a month that is not closed."""
    cost = Cost(id=uuid4(), **body.model_dump(exclude={"month"}))

    def enter(conn: Connection) -> CostView:
        entries.add_cost(conn, door.viewer, body.month, cost, door.now)
        return CostView(id=cost.id, **body.model_dump())

    return door.once(enter, asked=body, status=201)


@router.post("/costs/{cost_id}/actual", status_code=201, response_model=ActualView)
def add_actual(cost_id: UUID, body: ActualWanted, door: Entrance) -> Response:
    """Say what a cost turned out to be; of a closed month, the next one charges the difference as it was divided."""

    def enter(conn: Connection) -> ActualView:
        return _actual_view(
            listing.Known(
                *entries.add_actual(conn, door.viewer, body.month, cost_id, body.amount_yen, door.now), door.now
            )
        )

    return door.once(enter, asked=body, status=201)


@router.get("/cost-actuals")
def list_actuals(door: Entrance, paging: Paged) -> list[ActualView]:
    """What costs turned out to be, the latest entry first."""
    part = paging.slice(datetime, UUID)
    found = door.run(lambda conn: listing.actuals(conn, part))
    return [_actual_view(each) for each in paging.page(found, lambda last: (last.entered_at, last.actual.id))]


@router.get("/recurring-costs")
def list_recurring(door: Entrance) -> list[RecurringView]:
    """Costs of every month, the one that began last first."""
    return [RecurringView.model_validate(_since(each, Recurring)) for each in door.run(listing.recurring)]


@router.post("/recurring-costs", status_code=201, response_model=RecurringView)
def add_recurring(body: RecurringWanted, door: Entrance) -> Response:
    """Enter a cost of every month, from one on that is not closed."""
    cost = Recurring(id=uuid4(), **body.model_dump(exclude={"month"}))

    def enter(conn: Connection) -> RecurringView:
        entries.add_recurring(conn, door.viewer, body.month, cost, door.now)
        return RecurringView(id=cost.id, **body.model_dump())

    return door.once(enter, asked=body, status=201)


@router.post("/recurring-costs/{recurring_id}/end", status_code=204)
def end_recurring(recurring_id: UUID, body: EndWanted, door: Entrance) -> Response:
    """Let a cost of every month end with the month before."""

    def ended(conn: Connection) -> None:
        entries.end(conn, door.viewer, "recurring", recurring_id, body.month, door.now)

    return door.once(ended, asked=body, status=204)


@router.get("/assets")
def list_assets(door: Entrance) -> list[AssetView]:
    """What is or was written down, the one acquired last first."""
    return [AssetView.model_validate(_since(each, Asset)) for each in door.run(listing.assets)]


@router.post("/assets", status_code=201, response_model=AssetView)
def add_asset(body: AssetWanted, door: Entrance) -> Response:
    """Enter an asset: each month's depreciation is a cost of its pool, from a month on that is not closed."""
    asset = Asset(id=uuid4(), **body.model_dump(exclude={"month"}))

    def enter(conn: Connection) -> AssetView:
        entries.add_asset(conn, door.viewer, body.month, asset, door.now)
        return AssetView(id=asset.id, **body.model_dump())

    return door.once(enter, asked=body, status=201)


@router.post("/assets/{asset_id}/end", status_code=204)
def end_asset(asset_id: UUID, body: EndWanted, door: Entrance) -> Response:
    """Let an asset that was sold or scrapped be no cost any more."""

    def ended(conn: Connection) -> None:
        entries.end(conn, door.viewer, "asset", asset_id, body.month, door.now)

    return door.once(ended, asked=body, status=204)


def _actual_view(known: listing.Known) -> ActualView:
    said = known.actual
    return ActualView(
        id=said.id,
        cost_id=said.cost_id,
        month=said.of_month,
        pool_id=said.pool_id,
        kind=said.kind,
        before_yen=said.before_yen,
        amount_yen=said.amount_yen,
        charged_month=known.month,
    )


def _since(each: listing.Since, kind: type[Recurring] | type[Asset]) -> dict[str, object]:
    return {name: getattr(each.entry, name) for name in kind.__slots__} | {
        "month": each.month,
        "until_month": each.until_month,
    }
