"""Calendars to subscribe to over HTTP: made and revoked by their person, read by whoever has the address."""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, Field, model_validator

from booking.messages import feeds
from booking.messages.feeds import Feed
from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Door, Entrance
from coop.interval import Interval
from coop.settings import Settings

router = APIRouter(tags=["calendars"])
public = APIRouter(tags=["calendars"])
"""Stands outside `/api/v1`: a calendar program brings no token, the secret in the address is all it has."""

CALENDAR = {"content": {"text/calendar": {}}, "description": "iCalendar (RFC 5545)"}


class FeedWanted(Wanted):
    of: Literal["person", "machine", "member"] = Field(description="My own reservations, a machine's, or a member's")
    id: str | None = Field(
        default=None, pattern="^[a-z0-9][a-z0-9-]{0,30}$", description="Which machine or member.", examples=["cmm-1"]
    )

    @model_validator(mode="after")
    def names_what_it_is_of(self) -> Self:
        """A machine or a member is named, oneself is not."""
        if (self.id is None) != (self.of == "person"):
            raise ValueError("id names the machine or the member; there is none for a person")
        return self


class FeedView(BaseModel):
    id: UUID
    machine_id: str | None
    member_id: str | None
    created_at: datetime


class FeedAddress(FeedView):
    url: str = Field(description="A secret: who has it can read the calendar, without signing in.")


@router.post("/feeds", response_model=FeedView, status_code=201)
def add_feed(body: FeedWanted, door: Entrance) -> Response:
    """Make a calendar to subscribe to; its secret address is told at `Location`."""

    def added(conn: Connection) -> FeedView:
        feed = feeds.add_feed(
            conn,
            door.viewer,
            door.request.app.state.settings.secret_key,
            door.now,
            machine_id=body.id if body.of == "machine" else None,
            member_id=body.id if body.of == "member" else None,
        )
        return FeedView.model_validate(feed, from_attributes=True)

    return door.once(added, asked=body, status=201, headers=lambda feed: {"Location": f"/api/v1/feeds/{feed.id}"})


@router.get("/feeds")
def get_feeds(door: Entrance) -> list[FeedAddress]:
    """My calendars that are not revoked, with their secret addresses."""
    return [_address(door, feed) for feed in door.run(lambda conn: feeds.feeds_of(conn, door.viewer))]


@router.get("/feeds/{feed_id}")
def get_feed(feed_id: UUID, door: Entrance) -> FeedAddress:
    """One of my calendars, with its secret address."""
    return _address(door, door.run(lambda conn: feeds.feed_of(conn, door.viewer, feed_id)))


@router.delete("/feeds/{feed_id}", status_code=204)
def revoke_feed(feed_id: UUID, door: Entrance) -> Response:
    """Revoke a calendar of mine: its address answers no more."""
    door.run(lambda conn: feeds.revoke_feed(conn, door.viewer, feed_id, door.now))
    return Response(status_code=204)


@router.get("/machines/{machine_id}/freebusy.ics", response_class=Response, responses={200: CALENDAR})
def get_busy(
    machine_id: str,
    door: Entrance,
    since: Annotated[Moment | None, Query(alias="from", description="Now, if not given.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Four weeks after `from`, if not given.")] = None,
) -> Response:
    """When a machine cannot be had, set-up and tear-down included, as VFREEBUSY: times and nothing else."""
    start = since or door.now
    window = Interval(start, until or start + timedelta(days=28))
    return _calendar(door.run(lambda conn: feeds.written_busy(conn, machine_id, window, door.now)))


@router.get("/reservations/{reservation_id}/calendar.ics", response_class=Response, responses={200: CALENDAR})
def get_reservation_file(reservation_id: UUID, door: Entrance) -> Response:
    """One reservation of one's own member as a calendar file."""
    base_url = door.request.app.state.settings.base_url
    return _calendar(
        door.run(lambda conn: feeds.written_reservation(conn, door.viewer, reservation_id, base_url, door.now))
    )


@public.get("/feeds/{secret}.ics", response_class=Response, responses={200: CALENDAR, 304: {}, 404: {}})
def read_feed(
    secret: str, door: Entrance, request: Request, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """A calendar. It answers 304 when nothing changed since the `ETag` that the reader has."""
    base_url = request.app.state.settings.base_url
    file = door.run(lambda conn: feeds.written_feed(conn, secret, base_url, door.now))
    answer = _calendar(file)
    answer.headers["ETag"] = f'"{hashlib.sha256(file).hexdigest()[:32]}"'
    known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if answer.headers["ETag"] in known or "*" in known:
        return Response(status_code=304, headers={name: answer.headers[name] for name in ("ETag", "Cache-Control")})
    return answer


def _address(door: Door, feed: Feed) -> FeedAddress:
    settings: Settings = door.request.app.state.settings
    url = f"{settings.base_url}/feeds/{feeds.secret_of(feed.id, settings.secret_key)}.ics"
    return FeedAddress(url=url, **FeedView.model_validate(feed, from_attributes=True).model_dump())


def _calendar(file: bytes) -> Response:
    return Response(
        file, media_type="text/calendar; charset=utf-8", headers={"Cache-Control": "private, max-age=300, no-transform"}
    )
