"""The list of reservations: mine, my member's, or everybody's for those who may know them."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response

import booking
from coop import machines, register
from coop.database import Connection
from coop.door import Entrance
from coop.errors import NotFound
from coop.identity import SEES_NAMES, Role, Viewer
from coop.interval import month, month_of, parse_month
from coop.problems import locale_of
from dashboards.mine.rows import Row, names, row, rows
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

LISTED = 100
WHOLE_MONTH = 2_000
"""More than are booked in a month: a past month stands on one page."""

Key = Annotated[str, Query(max_length=31)]


@router.get("/reservations")
def reservations_page(
    door: Entrance,
    show: Literal["upcoming", "past"] = "upcoming",
    whose: Literal["mine", "ours"] = "mine",
    machine: Key = "",
    member: Key = "",
    of_month: Annotated[str, Query(alias="month")] = "",
    made: UUID | None = None,
    cancelled: UUID | None = None,
    together: int = 1,
    cursor: str | None = None,
) -> Response:
    """Coming reservations by start, or those of a past month; a series is one entry."""
    viewer, locale, now = door.viewer, locale_of(door.request), door.now
    everybody = viewer.has(*SEES_NAMES)
    manages = viewer.has(Role.MEMBER_MANAGER) and viewer.member_id is not None and not everybody
    ours = manages and whose == "ours"
    member_id = (member if everybody else viewer.member_id if ours else None) or None

    def look(conn: Connection, since: datetime, until: datetime | None, limit: int) -> booking.Page:
        return booking.reservations_of(
            conn,
            viewer,
            since=since,
            until=until,
            machine_id=machine or None,
            member_id=member_id,
            mine=not everybody and not ours,
            cursor=cursor,
            limit=limit,
        )

    def ask(conn: Connection) -> dict[str, Any]:
        zone = register.cooperative(conn).time_zone
        shown = month(*parse_month(of_month), zone) if of_month else month_of(now, zone)
        more = None
        if show == "past":
            of = names(conn, locale)
            seen = look(conn, shown.start, shown.end, WHOLE_MONTH).reservations
            over = [each for each in reversed(seen) if each.when.end <= now and each.id is not None]
            listed = [row(each, of, viewer, now) for each in over]
        else:
            found = look(conn, now, None, LISTED)
            listed, more = rows(conn, found.reservations, viewer, now, locale), found.next_cursor
        return {
            "zone": zone,
            "listed": listed,
            "more": more,
            "month": shown,
            "before": _name(shown.start - timedelta(days=1), zone),
            "after": _name(shown.end, zone) if shown.end <= now else "",
            "made": _about(conn, viewer, made, now, locale),
            "cancelled": _about(conn, viewer, cancelled, now, locale),
            "machines": [(each.id, each.name(locale)) for each in machines.machines(conn)] if everybody else [],
            "members": register.members(conn, viewer) if everybody else [],
        }

    return page(
        door,
        "mine/reservations.html",
        here="reservations",
        now=now,
        show=show,
        scope="all" if everybody else "ours" if ours else "mine",
        manages=manages,
        chosen={"machine": machine, "member": member},
        together=together,
        books_for_others=viewer.has(Role.OFFICE, Role.OPERATOR),
        **door.run(ask),
    )


def _about(conn: Connection, viewer: Viewer, identifier: UUID | None, now: datetime, locale: str) -> Row | None:
    """The reservation that was just made or cancelled; nothing about one that the viewer may not know."""
    if identifier is None:
        return None
    try:
        found = booking.find(conn, viewer, identifier)
    except NotFound:
        return None
    return row(booking.seen(found, viewer), names(conn, locale), viewer, now)


def _name(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m}"
