"""The months, and the page of one: what is still wrong, what is next, and the numbers that must agree."""

from collections import defaultdict
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from billing.model import Finding, Rules
from billing.periods.verify import verify
from billing.store import first_day
from coop import register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.identity import Role
from coop.problems import locale_of
from dashboards.closing.checklist import ELSEWHERE, PLACES, following
from dashboards.closing.store import Closing, begun, closing, months, progress, sums
from dashboards.forms import Refusal
from dashboards.say import Say
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


class Done(StrEnum):
    """What was just done, for the page that says so."""

    DRAFTED = "drafted"
    APPROVED = "approved"
    REFUSED = "refused"
    ASKED = "asked"
    CLOSED = "closed"
    ISSUING = "issuing"
    SETTLED = "settled"


@router.get("/closing")
def list_months(door: Entrance) -> HTMLResponse:
    """The months with how far each is and what it comes to."""

    def ask(conn: Connection) -> dict[str, Any]:
        return {"zone": register.cooperative(conn).time_zone, "months": months(conn, door.now)}

    return page(door, "closing/months.html", here="closing", first_day=first_day, **door.run(ask))


@router.get("/closing/{month}")
def show_month(month: str, door: Entrance, done: Done | None = None, verified: bool = False) -> Response:
    """The checklist of a month."""
    return checklist_page(door, month, done=done, verified=verified)


@router.get("/closing/{month}/issue")
def show_progress(month: str, door: Entrance) -> HTMLResponse:
    """How far the documents of a month are, as a fragment that asks again until they are there."""

    def ask(conn: Connection) -> dict[str, Any]:
        return {"zone": register.cooperative(conn).time_zone, "issue": progress(conn, month)}

    found = door.run(ask)
    answer = page(door, "closing/progress.html", month=month, **found)
    if found["issue"] is None or found["issue"].finished:
        answer.headers["HX-Refresh"] = "true"
    return answer


def checklist_page(
    door: Door,
    month: str,
    *,
    done: Done | None = None,
    verified: bool = False,
    refused: Refusal | None = None,
    typed: dict[str, str] | None = None,
) -> HTMLResponse:
    """The checklist, with what was just done or why it was refused, and all that was typed."""
    viewer, locale = door.viewer, locale_of(door.request)
    may = {"office": viewer.has(Role.OFFICE), "director": viewer.has(Role.DIRECTOR)}
    about = {
        "month": month,
        "first": first_day(month),
        "may": may,
        "refused": refused.sentence if refused else None,
        "typed": defaultdict(str, typed or {}),
        "now": door.now,
    }
    status = refused.status if refused else 200

    def ask(conn: Connection) -> Closing | None:
        return closing(conn, viewer, month, door.now) if begun(conn, month) else None

    found = door.run(ask)
    if found is None:
        zone = door.run(register.cooperative).time_zone
        return page(door, "closing/empty.html", zone=zone, here="closing", status=status, **about)
    say = Say(locale, found.rules.zone)
    may["director"] = may["director"] and viewer.person_id != found.period.drafted_by
    return page(
        door,
        "closing/month.html",
        zone=say.zone,
        here="closing",
        status=status,
        done=done,
        closing=found,
        next=following(found.steps),
        running=door.now < found.rules.interval.end,
        verified=door.run(lambda conn: verify(conn, viewer, month)) if verified else None,
        spoken=lambda finding: spoken(finding, found.rules, say),
        place=lambda finding: PLACES.get(finding.code, ELSEWHERE)[1],
        before=first_day(found.compared[0]),
        totals=sums(found.compared[1]),
        changes={each.member_id: each for each in found.compared[1]},
        person=lambda key: _person(key, found, say),
        machine=lambda key: found.rules.machine_name(key, locale),
        pool_name={each.id: each.name_ja if locale == "ja" else each.name_en for each in found.rules.pools},
        **about,
    )


def spoken(finding: Finding, rules: Rules, say: Say) -> str:
    """A finding as a sentence in which machines and pools have their names and moments are local."""
    params: dict[str, object] = dict(finding.params)
    for name, value in finding.params.items():
        match name:
            case "machine":
                params[name] = rules.machine_name(str(value), say.locale)
            case "pool":
                named = {each.id: each.name_ja if say.locale == "ja" else each.name_en for each in rules.pools}
                params[name] = named.get(str(value), value)
            case "yen":
                params[name] = f"{value:,}"
            case "start":
                start = datetime.fromisoformat(str(value))
                params[name] = f"{say.day(start)} {say.clock(start)}"
            case "end":
                params[name] = say.closing(datetime.fromisoformat(str(value)))
    return say(finding.code, **params)


def _person(key: UUID | None, found: Closing, say: Say) -> str:
    return found.names.get(key, "") if key else say("closing.command_line")
