"""The rules over HTTP: what a machine asks, when it is closed, who may book how much. The office edits them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, RootModel

from booking.model import Conditions
from booking.rules import allowance, closures
from booking.rules import edit as rules
from booking.rules.closures import Special
from booking.rules.edit import Limit, LimitWanted, NonmemberUse, Policy, Priority
from booking.rules.quota import Counted, Span
from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.interval import Interval
from coop.paging import Paged

router = APIRouter(tags=["booking rules"])

Minutes = Annotated[int, Field(ge=0, le=527_040)]
Days = Annotated[int, Field(ge=1, le=3_660)]
Level = Annotated[int, Field(ge=0, le=9)]
Celsius = Annotated[Decimal, Field(ge=-50, le=100, max_digits=5, decimal_places=2)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31), examples=["2026-04-01"])]
Percent = Annotated[Decimal, Field(ge=0, le=10_000, max_digits=8, decimal_places=3)]


class PolicyWanted(Wanted):
    """A new version from a local day on. What is not named stays as it was; null takes a limit away."""

    valid_from: Day
    granularity_minutes: Annotated[int, Field(ge=1, le=60)] = 15
    shortest_minutes: Annotated[int, Field(ge=1, le=527_040)] = 15
    longest_minutes: Annotated[int, Field(ge=1, le=527_040)] = 1440
    horizon_days: Days = 90
    notice_minutes: Minutes = 0
    cancel_minutes: Minutes = 0
    priority_horizon_days: Days | None = None
    nonmembers_allowed: bool = True
    nonmember_horizon_days: Days | None = None
    required_level: Level = 0
    supervised_level: Level | None = None
    calibration_required: bool = False
    daily_check_required: bool = False
    coldest_celsius: Celsius | None = None
    warmest_celsius: Celsius | None = None
    temperature_denies: bool = False
    soak_minutes: Minutes = 0
    soak_denies: bool = False


class PolicyView(BaseModel):
    """One version of what a machine asks, on local days in `[valid_from, valid_until)`."""

    valid_from: date
    valid_until: date | None
    granularity_minutes: int
    shortest_minutes: int
    longest_minutes: int
    horizon_days: int
    notice_minutes: int = Field(description="How long before its start a slot must be booked.")
    cancel_minutes: int = Field(description="Until how long before its start a slot may be given back.")
    priority_horizon_days: int | None = Field(description="The horizon of owners and committed members.")
    nonmembers_allowed: bool
    nonmember_horizon_days: int | None
    required_level: int = Field(description="Of the qualification for this kind of machine; 0: none is asked.")
    supervised_level: int | None = Field(description="From this level on one may book with an instructor.")
    calibration_required: bool = Field(description="A certificate must be valid at the end of the slot.")
    daily_check_required: bool
    coldest_celsius: Decimal | None
    warmest_celsius: Decimal | None
    temperature_denies: bool = Field(description="A room outside its limits denies a slot; else it warns.")
    soak_minutes: int
    soak_denies: bool

    @classmethod
    def of(cls, policy: Policy) -> Self:
        values = {name: getattr(policy, name) for name in Policy.__slots__ if name != "conditions"}
        return cls(**values, **{name: getattr(policy.conditions, name) for name in Conditions.__slots__})


class Period(BaseModel):
    starts_at: datetime
    ends_at: datetime


class HolidaysWanted(Wanted):
    valid_from: Day
    country: str | None = Field(
        pattern="^[A-Z]{2}$", examples=["JP"], description="Closed on its public holidays; null: open as on other days."
    )


class SpecialWanted(Wanted):
    """Of `machine_id` and `site` at most one; neither means the whole cooperative."""

    starts_at: Moment
    ends_at: Moment
    opens: bool = Field(default=False, description="Open beyond the usual hours, instead of closed.")
    machine_id: str | None = Field(default=None, max_length=31)
    site: str | None = Field(default=None, max_length=100)
    reason: str = Field(default="", max_length=200)


class SpecialView(BaseModel):
    id: UUID
    machine_id: str | None
    site: str | None
    starts_at: datetime
    ends_at: datetime
    opens: bool
    reason: str

    @classmethod
    def of(cls, special: Special) -> Self:
        values = {name: getattr(special, name) for name in Special.__slots__ if name != "during"}
        return cls(starts_at=special.during.start, ends_at=special.during.end, **values)


class QuotaWanted(Wanted):
    machine_id: str | None = Field(default=None, max_length=31, description="null: all machines together.")
    counted: Counted
    span: Span
    most: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        description="at_once: reservations that are not over; week and month: minutes. null ends the limit."
    )
    valid_from: Day


class QuotaView(BaseModel):
    machine_id: str | None
    counted: Counted
    span: Span
    most: int
    valid_from: date
    valid_until: date | None


class AllowanceView(BaseModel):
    machine_id: str | None = Field(description="null: on all machines together")
    counted: Counted
    span: Span
    most: int = Field(description="Reservations at once, else minutes in a week or month")
    used: int
    left: int


class PriorityWanted(Wanted):
    member_id: str = Field(max_length=31)
    reason: Literal["owner", "committed"] | None = Field(description="null ends it.")
    valid_from: Day


class PriorityView(BaseModel):
    member_id: str
    reason: str
    valid_from: date
    valid_until: date | None


class NonmemberUseWanted(Wanted):
    percent: Percent = Field(description="Non-members' use in percent of members' use, this fiscal year.")
    warn_percent: Percent = Decimal(16)
    deny_percent: Percent = Decimal(20)


class NonmemberUseView(BaseModel):
    percent: Decimal
    warn_percent: Decimal
    deny_percent: Decimal
    told_at: datetime


class Quotas(RootModel[list[QuotaView]]):
    """All quotas."""


class Priorities(RootModel[list[PriorityView]]):
    """Who comes first on a machine."""


@router.get("/machines/{machine_id}/policies")
def list_policies(machine_id: str, door: Entrance) -> list[PolicyView]:
    """What a machine asks of reservations: every version, by its first day."""
    return [PolicyView.of(each) for each in door.run(lambda conn: rules.policies(conn, machine_id))]


@router.post("/machines/{machine_id}/policies", status_code=201, response_model=PolicyView)
def create_policy(machine_id: str, body: PolicyWanted, door: Entrance) -> Response:
    """Let a machine ask for something else from a local day on. What was booked before stays."""
    changes = body.model_dump(include=body.model_fields_set - {"valid_from"})
    return door.once(
        lambda conn: PolicyView.of(
            rules.change_policy(conn, door.viewer, machine_id, body.valid_from, changes, door.now)
        ),
        asked=body,
        status=201,
    )


@router.get("/machines/{machine_id}/open")
def list_open(
    machine_id: str,
    door: Entrance,
    since: Annotated[Moment, Query(alias="from")],
    until: Annotated[Moment, Query(alias="to")],
) -> list[Period]:
    """When a machine is open: weekly hours without holidays and closures, and openings beyond them."""
    opened = door.run(lambda conn: closures.open_intervals(conn, machine_id, Interval(since, until)))
    return [Period(starts_at=each.start, ends_at=each.end) for each in opened]


@router.post("/machines/{machine_id}/holidays", status_code=204)
def set_holidays(machine_id: str, body: HolidaysWanted, door: Entrance) -> Response:
    """Close a machine on the public holidays of a country from a local day on."""
    return door.once(
        lambda conn: closures.close_on_holidays(conn, door.viewer, machine_id, body.country, body.valid_from, door.now),
        asked=body,
        status=204,
    )


@router.get("/closures")
def list_closures(
    door: Entrance,
    paging: Paged,
    since: Annotated[Moment, Query(alias="from")],
    until: Annotated[Moment, Query(alias="to")],
) -> list[SpecialView]:
    """Closed days and extra openings that touch `[from, to)`."""
    window = Interval(since, until)
    part = paging.slice(datetime, UUID)
    found = door.run(lambda conn: closures.specials(conn, window, part))
    return [SpecialView.of(each) for each in paging.page(found, lambda last: (last.during.start, last.id))]


@router.post("/closures", status_code=201, response_model=SpecialView)
def create_closure(body: SpecialWanted, door: Entrance) -> Response:
    """Close a machine, a site or everything for a time, or open it beyond the usual hours."""
    return door.once(
        lambda conn: SpecialView.of(
            closures.close_or_open(
                conn,
                door.viewer,
                Interval(body.starts_at, body.ends_at),
                door.now,
                opens=body.opens,
                machine_id=body.machine_id,
                site=body.site,
                reason=body.reason,
            )
        ),
        asked=body,
        status=201,
    )


@router.delete("/closures/{closure_id}", status_code=204)
def delete_closure(closure_id: UUID, door: Entrance) -> Response:
    """Take a closure or an extra opening back."""
    door.run(lambda conn: closures.take_back(conn, door.viewer, closure_id, door.now))
    return Response(status_code=204)


@router.get("/quotas")
def list_quotas(door: Entrance) -> list[QuotaView]:
    """How much a member and a person may have at once, and book in a week and a month."""
    return [_quota(each) for each in door.run(rules.quotas)]


@router.get("/me/quotas")
def list_allowances(door: Entrance) -> list[AllowanceView]:
    """What one's member and oneself may still book, this week and this month."""
    return [
        AllowanceView(
            machine_id=each.machine_id,
            counted=each.quota.counted,
            span=each.quota.span,
            most=each.quota.most,
            used=each.quota.used,
            left=each.left,
        )
        for each in door.run(lambda conn: allowance.allowances(conn, door.viewer, door.now))
    ]


@router.post("/quotas", response_model=Quotas)
def set_quota(body: QuotaWanted, door: Entrance) -> Response:
    """Limit members or persons from a local day on; answers with all quotas."""
    wanted = LimitWanted(body.machine_id, body.counted, body.span, body.most, body.valid_from)
    return door.once(
        lambda conn: Quotas([_quota(each) for each in rules.set_quota(conn, door.viewer, wanted, door.now)]),
        asked=body,
    )


@router.get("/machines/{machine_id}/priorities")
def list_priorities(machine_id: str, door: Entrance) -> list[PriorityView]:
    """Who comes first on a machine: its owner, and members who committed themselves to use it."""
    return [_priority(each) for each in door.run(lambda conn: rules.priorities(conn, machine_id))]


@router.post("/machines/{machine_id}/priorities", response_model=Priorities)
def set_priority(machine_id: str, body: PriorityWanted, door: Entrance) -> Response:
    """Let a member come first on a machine from a local day on; answers with all who do."""

    def use_case(conn: Connection) -> Priorities:
        first = rules.set_priority(
            conn, door.viewer, machine_id, body.member_id, body.reason, body.valid_from, door.now
        )
        return Priorities([_priority(each) for each in first])

    return door.once(use_case, asked=body)


@router.get("/nonmember-use")
def get_nonmember_use(door: Entrance) -> NonmemberUseView | None:
    """The gauge of use by non-members (員外利用), as it was last told; null: never."""
    told = door.run(rules.nonmember_use)
    return None if told is None else _gauge(told)


@router.put("/nonmember-use", response_model=NonmemberUseView)
def tell_nonmember_use(body: NonmemberUseWanted, door: Entrance) -> Response:
    """Set the gauge of use by non-members; requests of non-members obey it from now on."""
    told = NonmemberUse(body.percent, body.warn_percent, body.deny_percent, door.now)
    return door.once(
        lambda conn: _gauge(rules.tell_nonmember_use(conn, door.viewer, told)),
        asked=body,
    )


def _quota(limit: Limit) -> QuotaView:
    return QuotaView(**{name: getattr(limit, name) for name in Limit.__slots__})


def _priority(priority: Priority) -> PriorityView:
    return PriorityView(**{name: getattr(priority, name) for name in PriorityView.model_fields})


def _gauge(told: NonmemberUse) -> NonmemberUseView:
    return NonmemberUseView(**{name: getattr(told, name) for name in NonmemberUse.__slots__})
