"""The audit trail as a page: who did what, when, and for whom."""

import re
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from coop import people, register
from coop.database import Connection
from coop.door import Entrance
from coop.interval import YEARS, local_midnight
from coop.messages import catalogue
from coop.paging import Slice, cursor_of, key_in
from coop.problems import locale_of
from coop.trail import Deed, Search, actions, trail
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

LISTED = 50
PLACES = {
    "period": "/closing/{}",
    "dispute": "/disputes/{}",
    "document": "/documents/{}",
    "bank_file": "/bank/files/{}",
    "machine": "/machines/{}",
}
"""Where a subject has a page."""
UUIDS = re.compile(r"\b([0-9a-f]{8})(?:(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{56})\b")
"""Long keys and hashes, of which a page shows the first eight characters."""
Text = Annotated[str, Query(max_length=200)]


@router.get("/audit")
def audit(
    door: Entrance,
    subject: Text = "",
    action: Text = "",
    person: Text = "",
    from_date: Text = "",
    until_date: Text = "",
    cursor: Annotated[str, Query(max_length=1000)] = "",
) -> HTMLResponse:
    """The trail, last first, by whatever of it is asked for; dates are local and both count."""
    locale = locale_of(door.request)
    typed = {"subject": subject, "action": action, "person": person, "from_date": from_date, "until_date": until_date}
    part = Slice(key_in(cursor, int) if cursor else None, LISTED + 1)

    def ask(conn: Connection) -> dict[str, Any]:
        zone = register.cooperative(conn).time_zone
        since, until = _day(from_date), _day(until_date)
        search = Search(
            subject.strip() or None,
            action or None,
            _key(person),
            local_midnight(since, zone) if since else None,
            local_midnight(until + timedelta(days=1), zone) if until else None,
        )
        found = trail(conn, door.viewer, search, part)
        known = actions(conn, door.viewer)
        return {
            "zone": zone,
            "deeds": found[:LISTED],
            "more": cursor_of(found[LISTED - 1].id) if len(found) > LISTED else None,
            "actions": sorted(known, key=lambda each: _called(each, locale)),
            "people": people.people_of(conn, door.viewer),
        }

    return page(
        door,
        "audit/trail.html",
        here="audit",
        typed=typed,
        searched=any(typed.values()),
        called=lambda key: _called(key, locale),
        place=_place,
        short=lambda text: UUIDS.sub(r"\1…", str(text)),
        **door.run(ask),
    )


def _called(action: str, locale: str) -> str:
    """What an action is called; one without a name of its own by the words of its key."""
    return catalogue(locale).get(f"deed.{action}") or action.replace(".", " ").replace("_", " ")


def _place(deed: Deed) -> str | None:
    kind, _, key = deed.subject.partition(":")
    return PLACES[kind].format(key) if kind in PLACES and key else None


def _day(text: str) -> date | None:
    """The day, if it is one of the years that have a trail; a form's own calendar gives no others."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in YEARS else None


def _key(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
