"""Cost pools and the rules that divide them, over HTTP; what members are weighed by; machines that members host."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import Field

from billing.costs import edit, listing
from billing.costs.model import Allocation, Carry, Hosting, LegalForm, Measure, Weight
from billing.model import Pool, PoolKind, Tax
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.paging import Paged

router = APIRouter(tags=["billing"])

Key = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,30}$", examples=["room"])]
Kind = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_]{0,30}$", examples=["maintenance"])]
Month = Annotated[str, Field(description="YYYY-MM; it holds from its first day on", examples=["2026-10"])]
Yen = Annotated[int, Field(ge=0, le=10_000_000_000)]
Resolution = Annotated[str, Field(max_length=200, description="What decided it", examples=["第12期 第3回理事会"])]


class RuleFields(Wanted):
    """By what a pool is divided, and as what members owe it."""

    allocation: Allocation = Field(default=Allocation.BY_USE, description="What fixed costs are divided by")
    alpha: Decimal = Field(default=Decimal(1), ge=0, le=1, decimal_places=3, description="The part divided by it")
    rest_by: Allocation = Field(default=Allocation.BY_USE, description="What the rest of the fixed costs is divided by")
    variable_kinds: list[Kind] = Field(default=[], max_length=20, description="Kinds of cost always divided by use")
    tier_costs_yen: list[Yen] = Field(default=[], max_length=20, examples=[[8_000_000, 11_000_000]])
    carry: Carry = Field(default=Carry.KEPT, description="Whether the balance stays or enters the next division")
    legal_form: LegalForm = LegalForm.USAGE_FEE
    notice_ja: str = Field(default="", max_length=1_000, description="Printed on statements")
    notice_en: str = Field(default="", max_length=1_000)
    resolution: Resolution = ""
    tax: Tax = Tax.STANDARD

    def said(self) -> dict[str, Any]:
        """What a pool takes of it."""
        fields = {name: getattr(self, name) for name in RuleFields.model_fields}
        return fields | {name: tuple(fields[name]) for name in ("variable_kinds", "tier_costs_yen")}


class PoolWanted(RuleFields):
    id: Key
    kind: PoolKind
    name_ja: str = Field(min_length=1, max_length=100)
    name_en: str = Field(min_length=1, max_length=100)
    machine_ids: list[str] = Field(default=[], max_length=200, description="None named: all machines")


class PoolView(PoolWanted):
    balance_yen: int = Field(description="Surplus, or (negative) deficit, of the closed months")


class RuleWanted(RuleFields):
    month: Month


class RuleView(RuleWanted):
    id: UUID


class WeightWanted(Wanted):
    member_id: str
    pool_id: Key | None = Field(default=None, description="None: in every pool where the member has no own value")
    measure: Measure
    value: Decimal = Field(ge=0, le=1_000_000, decimal_places=3, description="0 ends it", examples=["12.5"])
    month: Month
    resolution: Resolution = ""


class WeightView(WeightWanted):
    id: UUID
    entered_at: datetime


class HostingWanted(Wanted):
    machine_id: str
    member_id: str | None = Field(description="None: it is the cooperative's again")
    month: Month
    commission_percent: Decimal = Field(default=Decimal(0), ge=0, le=100, decimal_places=2, examples=["15"])
    tax: Tax = Tax.STANDARD
    resolution: Resolution = ""


@router.get("/cost-pools")
def list_pools(door: Entrance) -> list[PoolView]:
    """All cost pools as ruled by their latest rule, with their balance."""
    return [_pool_view(pool, balance) for pool, balance in door.run(listing.pools)]


@router.post("/cost-pools", status_code=201, response_model=PoolView)
def add_pool(body: PoolWanted, door: Entrance) -> Response:
    """Enter a cost pool with its first rule."""
    machines = tuple(dict.fromkeys(body.machine_ids))
    pool = Pool(body.id, body.kind, body.name_ja, body.name_en, machines, **body.said())

    def enter(conn: Connection) -> PoolView:
        edit.add_pool(conn, door.viewer, pool, door.now)
        return _pool_view(pool, 0)

    return door.once(enter, asked=body, status=201)


@router.get("/cost-pools/{pool_id}/rules")
def list_rules(pool_id: str, door: Entrance) -> list[RuleView]:
    """The rules of a pool, the one that counts last first."""
    return [_rule_view(each) for each in door.run(lambda conn: listing.rules(conn, pool_id))]


@router.post("/cost-pools/{pool_id}/rules", status_code=201, response_model=RuleView)
def add_rule(pool_id: str, body: RuleWanted, door: Entrance) -> Response:
    """Divide a pool by another rule from a month on that is not closed."""
    pool = Pool(pool_id, PoolKind.SHARE, "", "", **body.said())

    def enter(conn: Connection) -> RuleView:
        identifier = edit.add_rule(conn, door.viewer, body.month, pool, door.now)
        return RuleView(id=identifier, **body.model_dump())

    return door.once(enter, asked=body, status=201)


@router.get("/weights")
def list_weights(door: Entrance, paging: Paged, member_id: Annotated[str | None, Query()] = None) -> list[WeightView]:
    """What members are weighed by: commitments, units, tiers needed, taking part; the latest entry first."""
    part = paging.slice(datetime, UUID)
    found = door.run(lambda conn: listing.weights(conn, member_id, part))
    return [
        WeightView(
            id=each.id,
            month=each.month,
            resolution=each.resolution,
            entered_at=each.entered_at,
            **{name: getattr(each.weight, name) for name in Weight.__slots__},
        )
        for each in paging.page(found, lambda last: (last.entered_at, last.id))
    ]


@router.post("/weights", status_code=201, response_model=WeightView)
def add_weight(body: WeightWanted, door: Entrance) -> Response:
    """Weigh a member from a month on that is not closed."""
    weight = Weight(body.member_id, body.measure, body.value, body.pool_id)

    def enter(conn: Connection) -> WeightView:
        identifier = edit.add_weight(conn, door.viewer, body.month, weight, body.resolution, door.now)
        return WeightView(id=identifier, entered_at=door.now, **body.model_dump())

    return door.once(enter, asked=body, status=201)


@router.get("/hostings")
def list_hostings(door: Entrance) -> list[HostingWanted]:
    """Whose machines are from which month on, the latest first."""
    return [
        HostingWanted(
            machine_id=each.machine_id,
            month=each.month,
            member_id=each.hosting.member_id if each.hosting else None,
            commission_percent=each.hosting.commission_percent if each.hosting else Decimal(0),
            tax=Tax(each.hosting.tax) if each.hosting else Tax.STANDARD,
            resolution=each.hosting.resolution if each.hosting else "",
        )
        for each in door.run(listing.hostings)
    ]


@router.post("/hostings", status_code=201, response_model=HostingWanted)
def add_hosting(body: HostingWanted, door: Entrance) -> Response:
    """Let a machine be a member's own from a month on: the member is owed its fees less the commission."""
    hosting = Hosting(
        uuid4(), body.machine_id, body.member_id or "", body.commission_percent, body.tax, body.resolution
    )

    def enter(conn: Connection) -> HostingWanted:
        edit.add_hosting(conn, door.viewer, body.month, hosting, door.now, ends=body.member_id is None)
        return body

    return door.once(enter, asked=body, status=201)


def _fields(pool: Pool) -> dict[str, Any]:
    return {name: getattr(pool, name) for name in RuleFields.model_fields}


def _pool_view(pool: Pool, balance_yen: int) -> PoolView:
    named = {name: getattr(pool, name) for name in ("id", "kind", "name_ja", "name_en", "machine_ids")}
    return PoolView.model_validate(_fields(pool) | named | {"balance_yen": balance_yen}, from_attributes=True)


def _rule_view(ruled: listing.Ruled) -> RuleView:
    return RuleView.model_validate(_fields(ruled.pool) | {"id": ruled.id, "month": ruled.month})
