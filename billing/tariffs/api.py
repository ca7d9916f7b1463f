"""What machines cost to use, over HTTP: tariffs by version, and the price of a slot."""

from datetime import date, datetime, time
from typing import Annotated, Self
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, model_validator

from billing.model import Basis, PriceWindow, Tariff, Tax
from billing.tariffs import edit, quote
from booking.services.model import ServiceKind
from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.interval import Interval
from coop.paging import Paged

router = APIRouter(tags=["billing"])

YenPerHour = Annotated[int, Field(ge=0, le=10_000_000)]
Percent = Annotated[int, Field(ge=0, le=100)]


class QuoteView(BaseModel):
    """What a slot costs if all of it is used; amounts are null where no tariff is in force for all of it.

    Use before or after the slot, what is used up, and shares of what cost pools divide come on top.
    """

    machine_id: str
    starts_at: datetime
    ends_at: datetime
    fixed: bool | None = Field(description="It costs just this, used or not: the machine is billed as booked.")
    net_yen: int | None
    tax_yen: int | None
    total_yen: int | None
    most_yen: int | None = Field(description="The most it can cost, with tax: more where idle time costs more.")


class WindowForm(Wanted):
    """Hours of the week with a price of their own: peak or off-peak."""

    iso_weekdays: list[Annotated[int, Field(ge=1, le=7)]] = Field(
        min_length=1, max_length=7, examples=[[1, 2, 3, 4, 5]]
    )
    starts: time = Field(examples=["17:00:00"], description="Local time")
    ends: time = Field(examples=["22:00:00"], description="Local time; 23:59:59.999999 stands for midnight.")
    yen_per_hour: YenPerHour = Field(examples=[2000])
    name: str = Field(default="", max_length=50, examples=["夜間"])

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.starts.tzinfo or self.ends.tzinfo or self.ends <= self.starts:
            raise ValueError("local times, ends after starts")
        if len(set(self.iso_weekdays)) < len(self.iso_weekdays):
            raise ValueError("each day once")
        return self


class TariffWanted(Wanted):
    """A version of a usage fee. Only machine, first day, basis and price must be said; null prices do not differ."""

    machine_id: str = Field(max_length=31, examples=["cmm-1"], description="A machine, or a person who advises")
    valid_from: date = Field(description="First local day", examples=["2026-10-01"])
    valid_until: date | None = Field(default=None, description="First local day on which it is no longer valid")
    basis: Basis = Field(examples=["occupied"])
    yen_per_hour: YenPerHour = Field(examples=[3000])
    increment_seconds: int = Field(default=1, ge=1, le=86_400, examples=[900])
    resolution: str = Field(default="", max_length=200, description="The board resolution that set it")
    tax: Tax = Tax.STANDARD
    service: ServiceKind | None = Field(default=None, description="Null: every service without a tariff of its own")
    cap_yen_per_hour: YenPerHour | None = Field(
        default=None, description="What the general assembly allows at most: for use, idle, overrun and every window"
    )
    minimum_seconds: int = Field(default=0, ge=0, le=2_592_000, description="Billed at least, of each use")
    setup_yen: int = Field(default=0, ge=0, le=10_000_000, description="Of each use")
    idle_yen_per_hour: YenPerHour | None = Field(default=None, description="Of time that is occupied and does not run")
    overrun_yen_per_hour: YenPerHour | None = Field(default=None, description="Of use past the end of the reservation")
    nonmember_yen_per_hour: YenPerHour | None = Field(
        default=None, description="What non-members pay instead of the price and of every window"
    )
    operator_yen_per_hour: YenPerHour | None = Field(
        default=None, description="Of the time of who operates or instructs, a line of its own"
    )
    windows: list[WindowForm] = Field(default=[], max_length=50)
    no_show_percent: Percent = Field(default=0, description="Of what the slot would have cost as booked")
    no_show_tax: Tax = Field(default=Tax.OUT_OF_SCOPE, description="A handling fee is taxable, lost profit is not")
    late_cancel_percent: Percent = Field(default=0, description="Of what the slot would have cost as booked")
    late_cancel_tax: Tax = Tax.OUT_OF_SCOPE

    @model_validator(mode="after")
    def _some_day(self) -> Self:
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError("valid_until after valid_from")
        return self

    def tariff(self) -> Tariff:
        """The version that is wanted, as the use case takes it."""
        windows = tuple(
            PriceWindow(tuple(sorted(each.iso_weekdays)), each.starts, each.ends, each.yen_per_hour, each.name)
            for each in self.windows
        )
        said = {name: getattr(self, name) for name in TariffWanted.model_fields if name != "windows"}
        return Tariff(id=uuid4(), windows=windows, **said)


class TariffView(TariffWanted):
    id: UUID


@router.get("/tariffs")
def list_tariffs(door: Entrance, paging: Paged, machine_id: Annotated[str | None, Query()] = None) -> list[TariffView]:
    """All versions of the usage fees, by machine and time."""
    part = paging.slice(str, date, str)
    found = door.run(lambda conn: edit.tariffs(conn, machine_id, part))
    page = paging.page(found, lambda last: (last.machine_id, last.valid_from, last.service or ""))
    return [tariff_view(each) for each in page]


@router.get("/machines/{machine_id}/tariff")
def get_tariff(
    machine_id: str,
    door: Entrance,
    on: Annotated[
        date | None, Query(description="A local day; today when none is named", examples=["2026-10-01"])
    ] = None,
) -> list[TariffView]:
    """What a machine costs on a day: the general tariff, and those of services that have one of their own."""
    found = door.run(lambda conn: edit.in_force(conn, machine_id, on, door.now))
    return [tariff_view(each) for each in found]


@router.get("/machines/{machine_id}/quote")
def get_quote(
    machine_id: str,
    door: Entrance,
    since: Annotated[Moment, Query(alias="from")],
    until: Annotated[Moment, Query(alias="to")],
    service: Annotated[ServiceKind, Query()] = ServiceKind.SELF_USE,
    member: Annotated[bool | None, Query(description="For a member or a non-member; null: for who asks")] = None,
) -> QuoteView:
    """What a slot of a machine costs, whether it is booked or not."""
    when = Interval(since, until)

    def ask(conn: Connection) -> quote.Price | None:
        whose = quote.is_member(conn, door.viewer.member_id) if member is None else member
        return quote.price(conn, machine_id, when, service, is_member=whose)

    price = door.run(ask)
    return QuoteView(
        machine_id=machine_id,
        starts_at=when.start,
        ends_at=when.end,
        fixed=price.fixed if price else None,
        net_yen=price.net_yen if price else None,
        tax_yen=price.tax_yen if price else None,
        total_yen=price.total_yen if price else None,
        most_yen=price.most_yen if price else None,
    )


@router.post("/tariffs", status_code=201, response_model=TariffView)
def add_tariff(body: TariffWanted, door: Entrance) -> Response:
    """Enter a version of a usage fee; the open-ended one before it ends where it begins."""
    tariff = body.tariff()

    def enter(conn: Connection) -> TariffView:
        edit.add_tariff(conn, door.viewer, tariff, door.now)
        return tariff_view(tariff)

    return door.once(enter, asked=body, status=201)


def tariff_view(tariff: Tariff) -> TariffView:
    """A version of a usage fee."""
    fields = {name: getattr(tariff, name) for name in Tariff.__slots__}
    windows = [WindowForm(**{name: getattr(each, name) for name in PriceWindow.__slots__}) for each in tariff.windows]
    return TariffView(**fields | {"windows": windows})
