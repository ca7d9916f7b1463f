"""What could not be taken, over HTTP: to look at, and to replay after a fix."""

from datetime import date, datetime, timedelta

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from coop.database import Connection
from coop.door import Entrance
from coop.paging import Paged
from telemetry.ingest import rejects
from telemetry.ingest.replay import replay
from telemetry.model import Reason

router = APIRouter(tags=["telemetry"])

TEXT_CHARACTERS = 2_000
COUNTED_DAYS = 30


class RejectView(BaseModel):
    id: int
    device_id: str | None = Field(description="Under whose topic it came; null: nobody's that is known")
    received_at: datetime
    topic: str
    reason: Reason
    detail: str
    text: str = Field(description=f"The beginning of the message, {TEXT_CHARACTERS:,} characters at most")
    payload_bytes: int


class RejectedDayView(BaseModel):
    device_id: str | None
    day: date = Field(description="Of UTC")
    rejected: int
    kept: int = Field(description="How many of them were kept with their bytes")
    last_at: datetime


class ReplayedView(BaseModel):
    messages: int = Field(description="Understood now, and kept no longer")
    readings: int = Field(description="Entered by that")
    left: int = Field(description="Still not understood")


@router.get("/rejects")
def list_rejects(door: Entrance, paging: Paged, device: str | None = None) -> list[RejectView]:
    """The messages that could not be taken, newest first, as far as they are kept: of each device a thousand a day, for
    90 days."""
    part = paging.slice(int)
    found = door.run(lambda conn: rejects.rejects(conn, door.viewer, device, part))
    return [
        RejectView(
            id=each.id,
            device_id=each.device_id,
            received_at=each.received_at,
            topic=each.topic,
            reason=each.reason,
            detail=each.detail,
            text=each.payload.decode("utf-8", "replace")[:TEXT_CHARACTERS],
            payload_bytes=each.payload_bytes,
        )
        for each in paging.page(found, lambda last: (last.id,))
    ]


@router.get("/rejects/counts")
def count_rejects(door: Entrance) -> list[RejectedDayView]:
    """How many messages were rejected in the last 30 days, by device and day; those that are not kept count too."""
    since = (door.now - timedelta(days=COUNTED_DAYS)).date()
    return [
        RejectedDayView(
            device_id=each.device_id, day=each.day, rejected=each.rejected, kept=each.kept, last_at=each.last_at
        )
        for each in door.run(lambda conn: rejects.rejected_days(conn, door.viewer, since))
    ]


@router.post("/rejects/replay", response_model=ReplayedView)
def replay_rejects(door: Entrance) -> Response:
    """After a fix: decode all that is kept again. What is understood becomes readings at the time it was received then,
    and leaves the list; twice is harmless."""

    def replayed(conn: Connection) -> ReplayedView:
        done = replay(conn, door.viewer, door.now)
        return ReplayedView(messages=done.messages, readings=done.readings, left=done.left)

    return door.once(replayed)
