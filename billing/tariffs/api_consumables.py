"""What is used up and counted, over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from billing.model import ConsumablePrice, Consumption, Tax
from billing.tariffs import consumables
from booking.api import Slug
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.paging import Paged

router = APIRouter(tags=["billing"])


class ConsumableWanted(Wanted):
    id: Slug = Field(examples=["stylus-m2"])
    name_ja: str = Field(min_length=1, max_length=100, examples=["M2スタイラス"])
    name_en: str = Field(min_length=1, max_length=100, examples=["M2 stylus"])


class ConsumableView(BaseModel):
    id: str
    name_ja: str
    name_en: str


class PriceWanted(Wanted):
    valid_from: date = Field(description="First local day", examples=["2026-10-01"])
    yen_each: int = Field(ge=0, le=10_000_000, examples=[1200])
    resolution: str = Field(default="", max_length=200)
    tax: Tax = Tax.STANDARD


class PriceView(PriceWanted):
    id: UUID
    consumable_id: str
    name_ja: str
    name_en: str
    valid_until: date | None = Field(description="First local day on which it is no longer valid")


class ConsumptionWanted(Wanted):
    consumable_id: Slug = Field(examples=["stylus-m2"])
    machine_id: Slug = Field(examples=["cmm-1"])
    member_id: Slug = Field(examples=["m01"])
    used_on: date = Field(ge=date(2000, 1, 1), le=date(2199, 12, 31), examples=["2026-10-03"], description="Local day")
    count: int = Field(ge=1, le=100_000, examples=[2])
    reservation_id: UUID | None = Field(default=None, description="The reservation in which it was used, if any")


class UsedUpWanted(Wanted):
    consumable_id: Slug = Field(examples=["stylus-m2"])
    count: int = Field(ge=1, le=1000, examples=[2])


class ConsumptionView(BaseModel):
    id: UUID
    consumable_id: str
    machine_id: str
    member_id: str
    used_on: date
    count: int
    reservation_id: UUID | None


@router.post("/consumables", status_code=201, response_model=ConsumableView)
def add_consumable(body: ConsumableWanted, door: Entrance) -> Response:
    """Enter something that is used up and counted. Its price comes next."""

    def enter(conn: Connection) -> ConsumableView:
        consumables.add_consumable(conn, door.viewer, body.id, body.name_ja, body.name_en, door.now)
        return ConsumableView(**body.model_dump())

    return door.once(enter, asked=body, status=201)


@router.get("/consumables/prices")
def list_prices(door: Entrance, paging: Paged) -> list[PriceView]:
    """All versions of what pieces cost, by consumable and time."""
    part = paging.slice(str, date)
    found = door.run(lambda conn: consumables.prices(conn, part))
    return [_price(each) for each in paging.page(found, lambda last: (last.consumable_id, last.valid_from))]


@router.post("/consumables/{consumable_id}/prices", status_code=201, response_model=PriceView)
def add_price(consumable_id: str, body: PriceWanted, door: Entrance) -> Response:
    """Enter a version of a price; the open-ended one before it ends where it begins."""
    price = price_of(consumable_id, body)

    def enter(conn: Connection) -> PriceView:
        consumables.add_price(conn, door.viewer, price, door.now)
        return _price(next(each for each in consumables.prices(conn) if each.id == price.id))

    return door.once(enter, asked=body, status=201)


@router.get("/consumptions")
def list_consumptions(
    door: Entrance,
    paging: Paged,
    month: Annotated[str | None, Query(description="YYYY-MM; null: all", examples=["2026-10"])] = None,
) -> list[ConsumptionView]:
    """What members used up, by day."""
    part = paging.slice(date, UUID)
    found = door.run(lambda conn: consumables.consumptions(conn, door.viewer, month, part))
    return [_consumption(each) for each in paging.page(found, lambda last: (last.used_on, last.id))]


@router.post("/consumptions", status_code=201, response_model=ConsumptionView)
def add_consumption(body: ConsumptionWanted, door: Entrance) -> Response:
    """Enter how many pieces a member used up on a machine on a day whose month is not closed."""
    held = None if body.reservation_id is None else str(body.reservation_id)
    used = Consumption(
        str(uuid4()), body.consumable_id, body.machine_id, body.member_id, body.used_on, body.count, held
    )

    def enter(conn: Connection) -> ConsumptionView:
        consumables.enter(conn, door.viewer, used, door.now)
        return _consumption(used)

    return door.once(enter, asked=body, status=201)


@router.post("/reservations/{reservation_id}/consumptions", status_code=201, response_model=ConsumptionView)
def use_up(reservation_id: UUID, body: UsedUpWanted, door: Entrance) -> Response:
    """Enter what one used up today in a reservation, while using the machine or after."""

    def enter(conn: Connection) -> ConsumptionView:
        return _consumption(
            consumables.use_up(conn, door.viewer, reservation_id, body.consumable_id, body.count, door.now)
        )

    return door.once(enter, asked=body, status=201)


@router.delete("/consumptions/{consumption_id}", status_code=204, response_class=Response)
def remove_consumption(consumption_id: UUID, door: Entrance) -> None:
    """Take back what was entered by mistake, as long as its month is not closed."""
    door.run(lambda conn: consumables.remove(conn, door.viewer, consumption_id, door.now))


def price_of(consumable_id: str, body: PriceWanted) -> ConsumablePrice:
    """The version that is wanted, as the use case takes it."""
    return ConsumablePrice(
        uuid4(), consumable_id, "", "", body.valid_from, body.yen_each, resolution=body.resolution, tax=body.tax
    )


def _price(price: ConsumablePrice) -> PriceView:
    return PriceView(**{name: getattr(price, name) for name in ConsumablePrice.__slots__})


def _consumption(used: Consumption) -> ConsumptionView:
    return ConsumptionView.model_validate(used, from_attributes=True)
