"""The timeline: who has which machine when, for hands that drag and as a list for who would rather read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from billing.tariffs import quote
from coop import machines, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.interval import Interval, subtract
from coop.machines import Machine
from coop.messages import translate
from coop.problems import locale_of
from dashboards.mine.slots import NotATime, Typed
from dashboards.say import Say
from dashboards.shell import HEADERS, page
from dashboards.timeline.axis import Scale, ShownDay, Span, beside, shown_days, span
from dashboards.timeline.model import GRAIN, Bar, Line, Wanted
from dashboards.timeline.store import lines
from dashboards.today.model import usual
from dashboards.today.page import BOOKS

router = APIRouter(include_in_schema=False)

SAID = ("moved", "undo", "undone", "kept", "offline", "close")
"""What the script says of itself; every refusal is the server's own sentence."""

Word = Annotated[str, Query(max_length=100)]
Day = Annotated[str, Query(max_length=10, description="A local day; today, if it cannot be read.")]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the address asks for, in the cooperative's own days."""

    zone: ZoneInfo
    today: date
    span: Span
    every: Sequence[Machine]
    wanted: Wanted

    @property
    def machines(self) -> list[Machine]:
        """The machines shown."""
        return [each for each in self.every if self.wanted.fits(each)]


@router.get("/timeline")
def timeline(
    door: Entrance,
    scale: Scale = Scale.DAY,
    day: Day = "",
    kind: Word = "",
    site: Word = "",
    can: Word = "",
    show: Word = "chart",
) -> HTMLResponse:
    """The machines of the filter, with the chart that a script fills, or the day as a list."""
    as_list = show == "list"

    def ask(conn: Connection) -> tuple[Shown, list[Line]]:
        shown = _shown(conn, door, Scale.DAY if as_list else scale, day, Wanted(kind, site, can))
        return shown, _lines(conn, door, shown, shown.machines) if as_list else []

    shown, listed = door.run(ask)
    before, after = beside(shown.span)
    return page(
        door,
        "timeline/list.html" if as_list else "timeline/chart.html",
        zone=shown.zone,
        here="timeline",
        shown=shown,
        midday=shown.span.window(shown.zone).start + timedelta(hours=12),
        lines=[(each, _free(each, shown.span.window(shown.zone), door.now)) for each in listed],
        now=door.now,
        before=before,
        after=after,
        scales=list(Scale),
        choices=_choices(shown.every),
        books=door.viewer.has(*BOOKS),
        query={
            "scale": scale.value,
            "day": shown.span.first.isoformat(),
            "kind": kind,
            "site": site,
            "can": can,
            "show": "list" if as_list else "",
        },
        words={key: translate(f"timeline.said.{key}", locale_of(door.request)) for key in SAID},
        bar_label=bar_label,
        usual=usual,
    )


@router.get("/timeline/lines")
def drawn_lines(
    door: Entrance,
    scale: Scale = Scale.DAY,
    day: Day = "",
    kind: Word = "",
    site: Word = "",
    can: Word = "",
    machine: Annotated[str, Query(max_length=31)] = "",
) -> Response:
    """What the chart draws, in minutes since 1970: all machines of the filter, or one of them that changed."""

    def ask(conn: Connection) -> tuple[Shown, list[Line]]:
        shown = _shown(conn, door, scale, day, Wanted(kind, site, can))
        return shown, _lines(conn, door, shown, [each for each in shown.machines if machine in {"", each.id}])

    shown, found = door.run(ask)
    say = Say(locale_of(door.request), shown.zone)
    said = {
        "now": _minute(door.now),
        "days": [_day(each, shown, say) for each in _axis(shown, found)],
        "lines": [_line(each, say) for each in found],
    }
    return Response(orjson.dumps(said), media_type="application/json", headers=HEADERS)


@router.get("/timeline/price/{machine_id}")
def price(
    machine_id: str,
    door: Entrance,
    day: Annotated[str, Query(max_length=10)] = "",
    start: Annotated[str, Query(max_length=8)] = "",
    end: Annotated[str, Query(max_length=8)] = "",
) -> HTMLResponse:
    """What the slot that is typed into a form would cost; nothing while it is no slot."""

    def ask(conn: Connection) -> tuple[ZoneInfo, quote.Price | None, bool]:
        zone = register.cooperative(conn).time_zone
        machines.machine(conn, machine_id)
        try:
            slot = Typed(day, start, end).slot(zone)
        except NotATime:
            return zone, None, False
        is_member = quote.is_member(conn, door.viewer.member_id)
        return zone, quote.price(conn, machine_id, slot, is_member=is_member), True

    zone, found, is_slot = door.run(ask)
    return page(door, "timeline/price.html", zone=zone, price=found, is_slot=is_slot)


def _shown(conn: Connection, door: Door, scale: Scale, day: str, wanted: Wanted) -> Shown:
    zone = register.cooperative(conn).time_zone
    today = door.now.astimezone(zone).date()
    return Shown(zone, today, span(scale, _day_of(day) or today), machines.machines(conn), wanted)


def _day_of(text: str) -> date | None:
    """The day, if it is one that a calendar shows."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 < day.year < 2199 else None


def _lines(conn: Connection, door: Door, shown: Shown, wanted: Sequence[Machine]) -> list[Line]:
    window = shown.span.window(shown.zone)
    return lines(conn, door.viewer, wanted, window, door.now, GRAIN[shown.span.scale])


def _axis(shown: Shown, found: Sequence[Line]) -> list[ShownDay]:
    drawn = [each for line in found for each in (*line.opened, *line.did.used)]
    drawn += [each.when for line in found for each in line.bars if each.kind != "outage"]
    return shown_days(shown.span, shown.zone, drawn)


def _free(line: Line, window: Interval, now: datetime) -> list[Interval]:
    """Where an open stretch of `window` is not taken from now on, a grid's length at least."""
    ahead = [each for each in line.opened if each.end > now]
    taken = [each.when for each in line.bars]
    free = [rest for each in ahead for rest in subtract(Interval(max(each.start, now), each.end), taken)]
    return [each for each in free if each.overlaps(window) and each.seconds >= line.grid_minutes * 60]


def _choices(every: Sequence[Machine]) -> dict[str, list[str]]:
    in_service = [each for each in every if each.in_service]
    return {
        "kind": sorted({each.kind for each in in_service}),
        "site": sorted({each.site for each in in_service if each.site}),
        "can": sorted({probe for each in in_service for probe in each.probe_types}),
    }


def _minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def _pair(when: Interval) -> list[int]:
    return [_minute(when.start), _minute(when.end)]


def _day(each: ShownDay, shown: Shown, say: Say) -> dict[str, Any]:
    first = say.local(each.hours.start)
    return {
        "day": each.day.isoformat(),
        "label": say.day(each.hours.start),
        "short": str(each.day.day),
        "first": first.hour,
        "today": each.day == shown.today,
        "rest": each.day.isoweekday() > 5,
        "when": _pair(each.hours),
    }


def _line(line: Line, say: Say) -> dict[str, Any]:
    return {
        "id": line.machine.id,
        "grid": line.grid_minutes,
        "open": [_pair(each) for each in line.opened],
        "used": [_pair(each) for each in line.did.used],
        "unknown": [_pair(each) for each in line.did.unknown],
        "bars": [_bar(each, say) for each in line.bars],
    }


def _bar(bar: Bar, say: Say) -> dict[str, Any]:
    said: dict[str, Any] = {"kind": bar.kind, "when": _pair(bar.when), "label": bar_label(bar, say)}
    if bar.version is not None:
        said |= {"id": str(bar.id), "version": bar.version}
    if bar.asked:
        said["asked"] = True
    return said


def bar_label(bar: Bar, say: Say) -> str:
    """What stands in a bar: what it is, or whose."""
    if bar.kind == "outage":
        return say(f"outage.{bar.outage}")
    return say("timeline.mine") if bar.kind == "mine" else bar.holder or say("today.taken")
