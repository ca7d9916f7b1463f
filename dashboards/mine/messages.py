"""How I hear of my reservations, and which browsers may be pushed to."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from booking.messages import channels
from booking.messages.words import Channel
from coop import register
from coop.database import Connection
from coop.door import Entrance
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


@router.get("/me/messages")
def messages(door: Entrance, done: str = "") -> Response:
    """What I chose, and my browsers."""

    def ask(conn: Connection) -> dict[str, Any]:
        return {
            "zone": register.cooperative(conn).time_zone,
            "chosen": channels.channel_of(conn, door.viewer),
            "browsers": channels.browsers_of(conn, door.viewer),
        }

    return page(door, "mine/messages.html", here="me", channels=list(Channel), done=bool(done), **door.run(ask))


@router.post("/me/messages")
def choose(door: Entrance, channel: Annotated[Channel, Form()]) -> Response:
    """Hear of them so from now on."""
    door.run(lambda conn: channels.prefer(conn, door.viewer, channel))
    return RedirectResponse("/me/messages?done=true", status_code=303)


@router.post("/me/browsers/{browser_id}/end")
def end_browser(browser_id: UUID, door: Entrance) -> Response:
    """Push to it no more."""
    door.run(lambda conn: channels.unsubscribe(conn, door.viewer, browser_id, door.now))
    return RedirectResponse("/me/messages?done=true", status_code=303)
