"""A fiscal year over HTTP: use by non-members against members', and the refund in proportion to use."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from billing.year import refunds
from billing.year.gauge import gauge, rule, set_rule
from billing.year.model import Gauge, Measure, NonmemberRule, Refund, RefundShare, Standing, fiscal_year
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.register import cooperative

router = APIRouter(tags=["billing"])

Year = Annotated[
    int, Path(ge=2000, le=2999, description="A fiscal year, by the calendar year it begins in", examples=[2026])
]
Percent = Annotated[Decimal, Field(ge=0, le=1000, max_digits=6, decimal_places=2, examples=["20"])]
AmountYen = Annotated[int, Field(ge=1, le=10_000_000_000, description="With the tax that is in it", examples=[300_000])]


class NonmemberRuleBody(Wanted):
    measure: Measure = Field(default=Measure.HOURS, description="Occupied hours, or what was charged for use")
    fiscal_first_month: int = Field(default=4, ge=1, le=12, description="The month in which the fiscal year begins")
    warn_percent: Percent = Field(default=Decimal(16))
    limit_percent: Percent = Field(default=Decimal(20), description="Past it non-members cannot book")


class GaugeView(BaseModel):
    fiscal_year: int
    starts_at: datetime
    ends_at: datetime
    measure: Measure
    unit: Literal["seconds", "yen"]
    members: int = Field(description="Use by members, in `unit`")
    nonmembers: int = Field(description="Use by non-members, in `unit`")
    percent: Decimal | None = Field(description="Non-members' ÷ members'; none while no member used anything")
    warn_percent: Decimal
    limit_percent: Decimal
    left: int = Field(description="How much more non-members may use at this use of members; negative: past the limit")
    standing: Standing


class ShareView(BaseModel):
    member_id: str
    tax_rate: Decimal | None
    used_yen: int = Field(description="What the member paid for use in the year at this rate, tax-exclusive")
    amount_yen: int = Field(description="Its part, with tax")
    tax_yen: int = Field(description="The tax inside its part")


class ProposalView(BaseModel):
    fiscal_year: int
    amount_yen: int
    shares: list[ShareView]


class RefundWanted(Wanted):
    amount_yen: AmountYen
    resolution: str = Field(min_length=1, max_length=200, examples=["第12回通常総会 第3号議案"])


class RefundView(ProposalView):
    resolution: str
    booked_on: date | None = Field(description="None: resolved, and not in the ledger yet")


class BookingWanted(Wanted):
    on_day: date = Field(ge=date(2000, 1, 1), le=date(2199, 12, 31), examples=["2027-05-28"])


@router.get("/nonmember-rule")
def get_rule(door: Entrance) -> NonmemberRuleBody:
    """How use by non-members (員外利用) is measured."""
    return _rule(door.run(rule))


@router.put("/nonmember-rule", response_model=GaugeView)
def put_rule(body: NonmemberRuleBody, door: Entrance) -> Response:
    """Measure it so from now on; booking goes by it at once."""

    def said(conn: Connection) -> GaugeView:
        return _gauge(conn, set_rule(conn, door.viewer, NonmemberRule(**body.model_dump()), door.now))

    return door.once(said, asked=body)


@router.get("/nonmember-gauge")
def get_gauge(
    door: Entrance, year: Annotated[int | None, Query(ge=2000, le=2999, description="The one under way if none")] = None
) -> GaugeView:
    """Use by non-members against members' in a fiscal year, and how near the limit is."""
    return door.run(lambda conn: _gauge(conn, gauge(conn, door.now, year)))


@router.get("/years/{year}/refund/proposal")
def propose_refund(year: Year, door: Entrance, amount_yen: Annotated[int, Query(ge=1, le=10**10)]) -> ProposalView:
    """What each member would get of an amount, in proportion to what it paid for use. Nothing is written."""
    shares = door.run(lambda conn: refunds.propose(conn, door.viewer, year, amount_yen))
    return ProposalView(fiscal_year=year, amount_yen=amount_yen, shares=[_share(each) for each in shares])


@router.get("/years/{year}/refund")
def get_refund(year: Year, door: Entrance) -> RefundView:
    """What the general meeting resolved for a year, and each member's part."""
    return refund_view(door.run(lambda conn: refunds.resolved_refund(conn, door.viewer, year)))


@router.post("/years/{year}/refund", status_code=201, response_model=RefundView)
def resolve_refund(year: Year, body: RefundWanted, door: Entrance) -> Response:
    """Keep what the general meeting resolved, for good. The same again changes nothing."""

    def resolved(conn: Connection) -> RefundView:
        return refund_view(refunds.resolve(conn, door.viewer, year, body.amount_yen, body.resolution, door.now))

    return door.once(resolved, asked=body, status=201)


@router.post("/years/{year}/refund/booking", response_model=RefundView)
def book_refund(year: Year, body: BookingWanted, door: Entrance) -> Response:
    """Owe each member its part, and have the return invoices issued. Again changes nothing."""

    def booked(conn: Connection) -> RefundView:
        return refund_view(refunds.book(conn, door.viewer, year, body.on_day, door.now))

    return door.once(booked, asked=body)


def refund_view(found: Refund) -> RefundView:
    """A resolved refund."""
    return RefundView(
        fiscal_year=found.fiscal_year,
        amount_yen=found.amount_yen,
        resolution=found.resolution,
        booked_on=found.booked_on,
        shares=[_share(each) for each in found.shares],
    )


def _share(of: RefundShare) -> ShareView:
    return ShareView(**{name: getattr(of, name) for name in RefundShare.__slots__}, tax_yen=of.tax_yen)


def _rule(of: NonmemberRule) -> NonmemberRuleBody:
    return NonmemberRuleBody(**{name: getattr(of, name) for name in NonmemberRule.__slots__})


def _gauge(conn: Connection, of: Gauge) -> GaugeView:
    within = fiscal_year(of.fiscal_year, of.rule.fiscal_first_month, cooperative(conn).time_zone)
    return GaugeView(
        fiscal_year=of.fiscal_year,
        starts_at=within.start,
        ends_at=within.end,
        measure=of.rule.measure,
        unit="seconds" if of.rule.measure is Measure.HOURS else "yen",
        members=of.members,
        nonmembers=of.nonmembers,
        percent=of.percent,
        warn_percent=of.rule.warn_percent,
        limit_percent=of.rule.limit_percent,
        left=of.left,
        standing=of.standing,
    )
