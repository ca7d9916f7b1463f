"""A month by other rules, over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from billing.costs.api import Resolution, RuleFields, Yen
from billing.costs.compare import Comparison, OtherRules, compare
from billing.model import PoolKind
from billing.views import PoolView
from coop.api import Wanted
from coop.door import Entrance

router = APIRouter(tags=["billing"])


class OtherRule(RuleFields):
    """Another rule for a pool; what is left out stays as it is."""

    kind: PoolKind | None = None
    serial_degree: int = Field(default=1, ge=0, le=3, description="Of serial cost sharing: the cost grows as Q to this")

    def stated(self) -> dict[str, Any]:
        """The fields that were given."""
        said = self.said() | {"kind": self.kind, "serial_degree": self.serial_degree}
        return {name: value for name, value in said.items() if name in self.model_fields_set and value is not None}


class WhatIf(Wanted):
    """Another set of rules for a month."""

    name: Resolution = ""
    pools: dict[str, OtherRule] = Field(
        default={}, max_length=100, examples=[{"room": {"allocation": "equal", "alpha": "0.4", "rest_by": "by_use"}}]
    )
    yen_per_hour: dict[str, Yen] = Field(default={}, max_length=500, examples=[{"cmm-1": 3_200}])

    def rules(self) -> OtherRules:
        """As the comparison takes them."""
        return OtherRules({key: each.stated() for key, each in self.pools.items()}, self.yen_per_hour)


class MemberCompared(BaseModel):
    member_id: str
    as_is_yen: int = Field(description="The statement by the rules as they are, tax included")
    what_if_yen: int
    difference_yen: int
    fees_yen: tuple[int, int] = Field(description="As they are and by the other rules, without tax")
    shares_yen: tuple[int, int]


class ComparisonView(BaseModel):
    month: str
    name: str
    members: list[MemberCompared]
    as_is: list[PoolView] = Field(description="How the pools come out by the rules as they are")
    what_if: list[PoolView]


@router.post("/periods/{month}/what-if")
def what_if(
    month: Annotated[str, Path(description="A calendar month, YYYY-MM", examples=["2026-10"])],
    body: WhatIf,
    door: Entrance,
) -> ComparisonView:
    """What each member would pay for a month by other rules. Nothing is written."""
    return comparison_view(month, body.name, door.run(lambda conn: compare(conn, door.viewer, month, body.rules())))


def comparison_view(month: str, name: str, found: Comparison) -> ComparisonView:
    """A comparison as it is answered."""
    fields = ("member_id", "as_is_yen", "what_if_yen", "difference_yen", "fees_yen", "shares_yen")
    return ComparisonView(
        month=month,
        name=name,
        members=[MemberCompared(**{field: getattr(each, field) for field in fields}) for each in found.members],
        as_is=[PoolView(**{field: getattr(each, field) for field in PoolView.model_fields}) for each in found.as_is],
        what_if=[
            PoolView(**{field: getattr(each, field) for field in PoolView.model_fields}) for each in found.what_if
        ],
    )
