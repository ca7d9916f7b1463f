"""My calendars: an address to subscribe to, as text and as a QR code for the phone, and the way to end it."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import segno
from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from booking.messages import feeds
from booking.messages.feeds import Feed
from coop import machines, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.identity import SEES_NAMES
from coop.problems import locale_of
from coop.settings import Settings
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar with its secret address; `webcal` opens it in the phone's own calendar."""

    feed: Feed
    of: str
    url: str
    webcal: str
    code: Markup


@router.get("/me/calendars")
def calendars(door: Entrance, made: str = "", ended: str = "") -> Response:
    """My calendars; the address of one is a secret, and is shown when it is opened."""
    locale = locale_of(door.request)

    def ask(conn: Connection) -> dict[str, Any]:
        names = {each.id: each.name(locale) for each in machines.machines(conn)}
        members = {each.id: each.name for each in register.members(conn, door.viewer)}
        return {
            "zone": register.cooperative(conn).time_zone,
            "calendars": [_calendar(door, each, names, members) for each in feeds.feeds_of(conn, door.viewer)],
            "machines": sorted(names.items()),
            "members": sorted(members.items()) if door.viewer.has(*SEES_NAMES) else [],
            "own": members.get(door.viewer.member_id or ""),
            "own_id": door.viewer.member_id,
        }

    return page(door, "mine/calendars.html", here="me", made=made, ended=bool(ended), **door.run(ask))


@router.post("/me/calendars")
def add_calendar(door: Entrance, of: Annotated[str, Form(max_length=40)] = "person") -> Response:
    """Make one: of myself, `machine/ID` or `member/ID`."""
    kind, _, identifier = of.partition("/")

    def use_case(conn: Connection) -> Feed:
        return feeds.add_feed(
            conn,
            door.viewer,
            _settings(door).secret_key,
            door.now,
            machine_id=identifier if kind == "machine" else None,
            member_id=identifier if kind == "member" else None,
        )

    return RedirectResponse(f"/me/calendars?made={door.run(use_case).id}", status_code=303)


@router.post("/me/calendars/{feed_id}/end")
def end_calendar(feed_id: UUID, door: Entrance) -> Response:
    """Its address answers no more."""
    door.run(lambda conn: feeds.revoke_feed(conn, door.viewer, feed_id, door.now))
    return RedirectResponse("/me/calendars?ended=true", status_code=303)


def _calendar(door: Door, feed: Feed, names: dict[str, str], members: dict[str, str]) -> Calendar:
    settings = _settings(door)
    url = f"{settings.base_url}/feeds/{feeds.secret_of(feed.id, settings.secret_key)}.ics"
    webcal = "webcal:" + url.partition(":")[2]
    code = segno.make_qr(webcal, error="m").svg_inline(
        scale=4, border=2, svgclass="qr", lineclass="qr-dark", omitsize=True
    )
    of = names.get(feed.machine_id or "") or members.get(feed.member_id or "") or ""
    return Calendar(feed, of, url, webcal, Markup(code))  # noqa: S704 - our own SVG


def _settings(door: Door) -> Settings:
    settings: Settings = door.request.app.state.settings
    return settings
