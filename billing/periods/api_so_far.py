"""A member's month under way over HTTP."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from billing.explain.wording import render
from billing.periods.so_far import SoFar, so_far
from billing.views import LineView, line_view
from coop.door import Entrance

router = APIRouter(tags=["billing"])


class ExplainedLine(LineView):
    sentences: list[str] = Field(description="How the amount comes about")


class MachineView(BaseModel):
    machine_id: str
    booked_seconds: int = Field(description="In slots that have begun")
    ahead_seconds: int = Field(description="In slots that are still to come this month")
    occupied_seconds: int
    running_seconds: int
    fees_yen: int = Field(description="Without tax")
    lines: list[ExplainedLine]


class SoFarView(BaseModel):
    """The fees of a month as far as it is known. Shares of costs are divided when it is over, and are not in it."""

    month: str
    member_id: str
    until: datetime
    fees_yen: int = Field(description="Without tax")
    machines: list[MachineView]

    @classmethod
    def of(cls, found: SoFar, locale: str) -> Self:
        return cls(
            month=found.rules.month,
            member_id=found.member_id,
            until=found.until,
            fees_yen=found.fees_yen,
            machines=[
                MachineView(
                    machine_id=each.happened.machine_id,
                    booked_seconds=each.booked_seconds,
                    ahead_seconds=each.ahead_seconds,
                    occupied_seconds=each.occupied_seconds,
                    running_seconds=each.running_seconds,
                    fees_yen=each.fees_yen,
                    lines=[
                        ExplainedLine(
                            **line_view(line, found.rules, locale).model_dump(),
                            sentences=render(line, found.rules, each.happened, locale),
                        )
                        for line in each.lines
                    ],
                )
                for each in found.machines
            ],
        )


@router.get("/me/month")
def get_my_month(
    door: Entrance,
    month: Annotated[str | None, Query(description="The month under way, if not given.", examples=["2026-11"])] = None,
) -> SoFarView:
    """What a month has cost one's own member so far: its fees, as a draft would compute them now."""
    return SoFarView.of(door.run(lambda conn: so_far(conn, door.viewer, door.now, month)), door.viewer.locale)
