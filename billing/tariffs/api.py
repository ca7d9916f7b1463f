"""What machines cost to use, over HTTP: tariffs by version, and the price of a slot."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from billing.model import Basis, Tariff, Tax
from billing.tariffs import edit, quote
from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.interval import Interval
from coop.paging import Paged

router = APIRouter(tags=["billing"])


class QuoteView(BaseModel):
    """The most that a slot can cost; amounts are null where no tariff is in force for all of it.

    Use before or after the slot and shares of what cost pools divide come on top.
    """

    machine_id: str
    starts_at: datetime
    ends_at: datetime
    fixed: bool | None = Field(description="It costs just this, used or not: the machine is billed as booked.")
    net_yen: int | None
    tax_yen: int | None
    total_yen: int | None


class TariffWanted(Wanted):
    machine_id: str
    valid_from: date = Field(description="First local day")
    valid_until: date | None = Field(default=None, description="First local day on which it is no longer valid")
    basis: Basis
    yen_per_hour: int = Field(ge=0, le=10_000_000)
    increment_seconds: int = Field(default=1, ge=1, le=86_400)
    resolution: str = Field(default="", max_length=200, description="The board resolution that set it")
    tax: Tax = Tax.STANDARD


class TariffView(TariffWanted):
    id: UUID


@router.get("/tariffs")
def list_tariffs(door: Entrance, paging: Paged, machine_id: Annotated[str | None, Query()] = None) -> list[TariffView]:
    """All versions of the usage fees, by machine and time."""
    part = paging.slice(str, date)
    found = door.run(lambda conn: edit.tariffs(conn, machine_id, part))
    return [tariff_view(each) for each in paging.page(found, lambda last: (last.machine_id, last.valid_from))]


@router.get("/machines/{machine_id}/quote")
def get_quote(
    machine_id: str,
    door: Entrance,
    since: Annotated[Moment, Query(alias="from")],
    until: Annotated[Moment, Query(alias="to")],
) -> QuoteView:
    """The most that a slot of a machine can cost, whether it is booked or not."""
    when = Interval(since, until)
    price = door.run(lambda conn: quote.price(conn, machine_id, when))
    return QuoteView(
        machine_id=machine_id,
        starts_at=when.start,
        ends_at=when.end,
        fixed=price.fixed if price else None,
        net_yen=price.net_yen if price else None,
        tax_yen=price.tax_yen if price else None,
        total_yen=price.total_yen if price else None,
    )


@router.post("/tariffs", status_code=201, response_model=TariffView)
def add_tariff(body: TariffWanted, door: Entrance) -> Response:
    """Enter a version of a usage fee; the open-ended one before it ends where it begins."""
    tariff = Tariff(id=uuid4(), **body.model_dump())

    def enter(conn: Connection) -> TariffView:
        edit.add_tariff(conn, door.viewer, tariff, door.now)
        return tariff_view(tariff)

    return door.once(enter, asked=body, status=201)


def tariff_view(tariff: Tariff) -> TariffView:
    """A version of a usage fee."""
    return TariffView(**{name: getattr(tariff, name) for name in Tariff.__slots__})
