"""Thresholds over HTTP: the power now, what a recorded day proposes, and saving what a person confirmed."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Entrance
from telemetry.states.model import StateRule
from telemetry.thresholds import look
from telemetry.thresholds.proposal import Doubt, Proposal
from telemetry.thresholds.save import save

router = APIRouter(tags=["telemetry"])

Channel = Annotated[str | None, Query(max_length=63, description="Which channel tells the power, if there are several")]
Watts = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False, examples=[180])]


class ThresholdView(BaseModel):
    """By which power a machine's state is read."""

    channel: str
    on_watts: float | None = Field(description="Measuring at or above; null where no power rule holds")
    off_watts: float | None = Field(description="Idle at or below")
    standby_watts: float | None = Field(description="Off at or below")
    on_seconds: int
    off_seconds: int


class PowerView(ThresholdView):
    at: datetime | None = Field(description="When the newest reading of the last 15 minutes was")
    watts: float | None


class LevelView(BaseModel):
    """A power at which the machine spends time; nine tenths of that time from low to high."""

    watts: float
    low_watts: float
    high_watts: float
    share: float = Field(description="Of the time, 0 to 1")


class ProposalView(BaseModel):
    levels: list[LevelView]
    on_watts: float | None = Field(description="Null: idle and measuring cannot be told apart; `doubt` says why")
    off_watts: float | None
    standby_watts: float | None
    depth: float = Field(description="How deep the valley between them is: 1 is empty, 0 is no valley")
    clear: bool = Field(description="The valley is deep and wide, and there is no doubt")
    doubt: Doubt | None


class BinView(BaseModel):
    from_watts: float
    to_watts: float
    share: float


class PointView(BaseModel):
    at: datetime
    low_watts: float
    high_watts: float


class DayView(BaseModel):
    channel: str
    starts_at: datetime
    ends_at: datetime
    readings: int
    histogram: list[BinView]
    trace: list[PointView] = Field(description="480 stretches at most, each with its lowest and highest power")
    proposal: ProposalView


class ShownView(BaseModel):
    idle: list[float] = Field(description="The readings around the moment at which a person said that it was idle")
    measuring: list[float]
    complete: bool = Field(description="False while readings around the last moment may still come")
    proposal: ProposalView


class ThresholdWanted(Wanted):
    channel: str = Field(max_length=63, examples=["power"])
    on_watts: Watts
    off_watts: Watts
    standby_watts: Watts | None = None


@router.get("/machines/{machine_id}/threshold")
def get_threshold(machine_id: str, door: Entrance, channel: Channel = None) -> PowerView:
    """The machine's power now, and the thresholds by which it is read."""
    seen = door.run(lambda conn: look.live(conn, machine_id, door.now, channel))
    return PowerView(**_of_rule(seen.channel, seen.rule), at=seen.at, watts=seen.watts)


@router.get("/machines/{machine_id}/threshold/proposal")
def propose_from_a_day(
    machine_id: str,
    door: Entrance,
    day: Annotated[date, Query(ge=date(2000, 1, 1), le=date(2199, 12, 31), description="A local day")],
    channel: Channel = None,
) -> DayView:
    """What a recorded day's power proposes, with its histogram and trace."""
    seen = door.run(lambda conn: look.recorded_day(conn, machine_id, day, door.now, channel))
    return DayView(
        channel=seen.channel,
        starts_at=seen.window.start,
        ends_at=seen.window.end,
        readings=seen.readings,
        histogram=[BinView(**asdict(each)) for each in seen.histogram],
        trace=[PointView(**asdict(each)) for each in seen.trace],
        proposal=_proposal(seen.proposal),
    )


@router.get("/machines/{machine_id}/threshold/shown")
def propose_from_what_was_shown(
    machine_id: str,
    door: Entrance,
    idle_at: Annotated[Moment, Query(description="When a person said that it was idle")],
    measuring_at: Annotated[Moment, Query(description="When a person said that it measured")],
    channel: Channel = None,
) -> ShownView:
    """What was seen when a person said "now it is idle" and "now it measures", and what follows from it."""
    seen = door.run(lambda conn: look.shown(conn, machine_id, idle_at, measuring_at, door.now, channel))
    return ShownView(
        idle=list(seen.idle),
        measuring=list(seen.measuring),
        complete=seen.complete,
        proposal=_proposal(seen.proposal),
    )


@router.put("/machines/{machine_id}/threshold", response_model=ThresholdView)
def set_threshold(machine_id: str, body: ThresholdWanted, door: Entrance) -> Response:
    """Read the machine's state by these thresholds from now on; what was read before stays."""

    def saved(conn: Connection) -> ThresholdView:
        rule = save(conn, door.viewer, machine_id, door.now, **body.model_dump())
        return ThresholdView(**_of_rule(rule.channel, rule))

    return door.once(saved, asked=body)


def _of_rule(channel: str, rule: StateRule | None) -> dict[str, Any]:
    known = rule if rule is not None and rule.kind == "power" else StateRule("power")
    names = ("on_watts", "off_watts", "standby_watts", "on_seconds", "off_seconds")
    return {"channel": channel, **{name: getattr(known, name) for name in names}}


def _proposal(proposal: Proposal) -> ProposalView:
    return ProposalView(**asdict(proposal))
