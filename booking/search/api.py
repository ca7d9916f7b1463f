"""What is free across all machines, what takes them, and what was looked for in vain, over HTTP."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from booking import projection
from booking.api import FreeView, Reason, Slug
from booking.model import Status
from booking.search import find as search
from booking.search import store as store_search
from booking.search import timeline
from booking.search.find import Found, Search
from booking.search.ranking import Answer, Order, PartNeeds, mpe_um
from booking.services.model import ServiceKind
from coop.api import Moment
from coop.door import Door, Entrance
from coop.interval import Interval
from coop.paging import Paged

router = APIRouter(tags=["search"])

SCREENING = """E0,MPE against the tolerance is screening of machines: it is not the uncertainty of your feature."""
LONGEST = timedelta(days=92)
WEEK = timedelta(days=7)

From = Annotated[Moment | None, Query(alias="from", description="Now, if not given.")]
To = Annotated[Moment | None, Query(alias="to", description="At most 92 days after `from`; a week, if not given.")]
Length = Annotated[Decimal | None, Query(gt=0, lt=1_000_000, max_digits=12, decimal_places=6)]
Word = Annotated[str | None, Query(min_length=1, max_length=100)]


class FoundView(BaseModel):
    """A machine: whether it could (`answer`, `reasons`), why one may not book it (`denials`), when it is free."""

    machine_id: str
    kind: str
    name_ja: str
    name_en: str
    site: str
    answer: Answer = Field(description="candidate; ask: the operator knows; no")
    mpe_um: Decimal | None = Field(description=f"E0,MPE at the length asked about, µm. {SCREENING}")
    reasons: list[Reason] = Field(description="Why not, or what to ask the operator.")
    denials: list[Reason] = Field(description="Why the viewer cannot book it in this time.")
    slots: list[FreeView] = Field(description="The first slots that the viewer may book.")


class SearchView(BaseModel):
    note: str = SCREENING
    machines: list[FoundView]


class DemandView(BaseModel):
    """Searches of one sort that found nothing. Who searched is not kept."""

    machine_kind: str | None
    site: str | None
    service: ServiceKind
    by_member: bool
    searches: int
    minutes: int = Field(description="What they looked for, added up.")
    without_machine: int = Field(description="How often no machine could have done it, free or not.")
    last_at: datetime


class TakenView(BaseModel):
    """A reservation or an outage. Of another member's reservation only the times are given."""

    starts_at: datetime
    ends_at: datetime
    id: str | None = Field(default=None, description="Of all machines at once only where it is one's own.")
    status: Status | None = None
    member_name: str | None = None
    person_name: str | None = None
    mine: bool = False
    outage: str | None = Field(default=None, description="Its kind, where it is no reservation.")
    version: int | None = Field(default=None, description="Where the id is given: what a change sends as `If-Match`.")


class LineView(BaseModel):
    machine_id: str
    open: list[FreeView]
    taken: list[TakenView]


class TimelineView(BaseModel):
    """Members without a value are left out."""

    machines: list[LineView]


@router.get("/search", response_model=SearchView)
def search_machines(
    door: Entrance,
    minutes: Annotated[int, Query(ge=1, le=44_640, description="How long it takes.")],
    since: From = None,
    until: To = None,
    service: ServiceKind = ServiceKind.SELF_USE,
    kind: Annotated[Slug | None, Query(description="Of which kind the machine is.")] = None,
    site: Word = None,
    x_mm: Length = None,
    y_mm: Length = None,
    z_mm: Length = None,
    mass_kg: Length = None,
    tolerance_um: Length = None,
    length_mm: Annotated[
        Length, Query(description="Over which the tolerance is; the longest size, if not given.")
    ] = None,
    ratio: Annotated[
        Decimal, Query(ge=1, le=100, max_digits=5, description="E0,MPE is at most the tolerance divided by this.")
    ] = Decimal(5),
    hole_mm: Annotated[Length, Query(description="The diameter of the smallest hole.")] = None,
    probe_type: Word = None,
    material: Annotated[Word, Query(description="Through which X-rays would have to come.")] = None,
    order: Annotated[
        Order, Query(description="earliest: who is free first; fit: who can just do it.")
    ] = Order.EARLIEST,
) -> Response:
    """What is free for these needs, across all machines, each with its reasons.

    What could be booked comes first, then what to ask the operator about, then what cannot. A search that finds nothing
    is counted, without who it was.
    """
    needs = PartNeeds(
        kind, site, x_mm, y_mm, z_mm, mass_kg, tolerance_um, length_mm, ratio, probe_type, hole_mm, material
    )
    wanted = Search(needs, _window(door, since, until), timedelta(minutes=minutes), service)
    found = door.run(lambda conn: search.search(conn, door.viewer, wanted, order, door.now))
    said = {"note": SCREENING, "machines": [_found(door, each, needs) for each in found]}
    return Response(orjson.dumps(said), media_type="application/json")


@router.get("/timeline", response_model=TimelineView)
def get_timeline(
    door: Entrance,
    since: From = None,
    until: To = None,
    machine: Annotated[list[Slug] | None, Query(max_length=500, description="All, if none is named.")] = None,
) -> Response:
    """What takes each machine and when it is open, in one answer for all machines: a week of 300 fits a phone."""
    window = _window(door, since, until)
    lines = door.run(lambda conn: timeline.timeline(conn, door.viewer, machine, window))
    said = [
        {
            "machine_id": each.machine_id,
            "open": [projection.span(hours) for hours in each.opened],
            "taken": [_taken(taken) for taken in each.taken],
        }
        for each in lines
    ]
    return Response(orjson.dumps({"machines": said}), media_type="application/json")


@router.get("/unmet-demand")
def list_unmet_demand(door: Entrance, paging: Paged, since: From = None, until: To = None) -> list[DemandView]:
    """What was searched in `[from, to)` and not found, the most frequent first; of the last 92 days, if not said."""
    start = since or door.now - LONGEST
    window = Interval(start, until or max(door.now, start) + timedelta(seconds=1))
    part = paging.slice(int, str, str, str, str)
    found = door.run(lambda conn: store_search.unmet_demand(conn, window, part))
    fixed = {"from": window.start.isoformat(), "to": window.end.isoformat()}
    page = paging.page(found, lambda last: last.place, **fixed)
    return [DemandView.model_validate(each, from_attributes=True) for each in page]


def _window(door: Door, since: datetime | None, until: datetime | None) -> Interval:
    start = since or door.now
    window = Interval(start, until or start + WEEK)
    if window.end - window.start > LONGEST:
        raise timeline.WindowTooLong(days=LONGEST.days)
    return window


def _found(door: Door, found: Found, needs: PartNeeds) -> dict[str, Any]:
    machine = found.machine
    error = mpe_um(machine, needs)
    return {
        "machine_id": machine.id,
        "kind": machine.kind,
        "name_ja": machine.name_ja,
        "name_en": machine.name_en,
        "site": machine.site,
        "answer": found.answer,
        "mpe_um": None if error is None else str(error),
        "reasons": [projection.reason(each, door.viewer) for each in found.reasons],
        "denials": [projection.reason(each, door.viewer) for each in found.denials],
        "slots": [projection.span(each) for each in found.slots],
    }


def _taken(taken: timeline.Taken) -> dict[str, Any]:
    told = {name: getattr(taken, name) for name in timeline.Taken.__slots__ if name != "when"}
    return projection.span(taken.when) | {name: value for name, value in told.items() if value}
