"""Find: a form whose answers are in its address, so that it can be sent to a colleague; and the waitlist."""

from dataclasses import fields, replace
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import RedirectResponse

from booking.model import Denial
from booking.search.find import Search
from booking.search.find import search as search_machines
from booking.search.ranking import Answer, Order
from booking.waitlist import ask as waitlist
from booking.waitlist.waiting import Needs
from coop import machines, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Kind, MoyaiError
from coop.identity import Role
from coop.machines import Machine
from coop.messages import translate
from coop.problems import STATUS, locale_of
from dashboards.find.answers import Answers, answers
from dashboards.find.typed import LENGTHS_MINUTES, NotAMeasure, Typed
from dashboards.mine.slots import sentence
from dashboards.shell import page
from dashboards.today.page import BOOKS

router = APIRouter(include_in_schema=False)

Number = Annotated[str, Query(max_length=20)]
Word = Annotated[str, Query(max_length=100)]
ASKED = tuple(each.name for each in fields(Typed) if each.name != "wrong")


@router.get("/find")
def find_page(
    door: Entrance,
    x: Number = "",
    y: Number = "",
    z: Number = "",
    tolerance: Number = "",
    hole: Number = "",
    mass: Number = "",
    material: Word = "",
    count: Number = "",
    minutes: Number = "",
    by: Number = "",
    kind: Word = "",
    site: Word = "",
    probe: Word = "",
    waiting: UUID | None = None,
) -> Response:
    """The form, and what there is for it once it was sent."""
    form = Typed(x, y, z, tolerance, hole, mass, material, count, minutes, by, kind, site, probe)
    return _page(door, form, waiting=waiting)


@router.post("/find/wait")
def wait(
    door: Entrance,
    address: Annotated[str, Form(max_length=1000)] = "",
    machine_id: Annotated[str, Form(max_length=31)] = "",
    minutes: Annotated[str, Form(max_length=20)] = "",
    count: Annotated[str, Form(max_length=20)] = "",
    by: Annotated[str, Form(max_length=20)] = "",
    purpose: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Wait for time on one machine; what becomes free is offered."""
    form = Typed(minutes=minutes, count=count, by=by)

    def use_case(conn: Connection) -> UUID:
        zone = register.cooperative(conn).time_zone
        wanted = form.filled(door.now, zone).search(door.now, zone)
        needs, whom = Needs(machine_id=machine_id), door.viewer
        return waitlist.ask(conn, whom, needs, wanted.length, wanted.window, door.now, purpose=purpose).id

    try:
        made = door.run(use_case)
    except MoyaiError as refused:
        if refused.kind not in {Kind.INVALID, Kind.CONFLICT, Kind.NOT_FOUND}:
            raise
        return _page(door, _again(address, form), refused=refused)
    return RedirectResponse(f"/find?{_address(_again(address, form))}&waiting={made}", status_code=303)


@router.post("/find/wait/{request_id}/withdraw")
def withdraw(request_id: UUID, door: Entrance) -> Response:
    """Wait no longer."""
    door.run(lambda conn: waitlist.withdraw(conn, door.viewer, request_id, door.now))
    return RedirectResponse("/find", status_code=303)


def _page(door: Door, form: Typed, *, waiting: UUID | None = None, refused: MoyaiError | None = None) -> Response:
    locale = locale_of(door.request)

    def ask(conn: Connection) -> tuple[ZoneInfo, list[Machine], Typed, Search | None, Answers | None]:
        zone = register.cooperative(conn).time_zone
        every = [each for each in machines.machines(conn) if each.in_service]
        full = form.filled(door.now, zone)
        if not form.asked:
            return zone, every, full, None, None
        try:
            wanted = full.search(door.now, zone)
        except NotAMeasure as wrong:
            names = tuple(str(wrong.params["fields"]).split(","))
            return zone, every, replace(full, wrong=names), None, None
        found = search_machines(conn, door.viewer, wanted, Order.EARLIEST, door.now)
        return zone, every, full, wanted, answers(conn, door.viewer, found, wanted.needs)

    zone, every, full, wanted, told = door.run(ask)
    status = STATUS[refused.kind].value if refused else 422 if full.wrong else 200
    values: dict[str, Any] = {
        "form": full,
        "wanted": wanted,
        "told": told,
        "now": door.now,
        "kinds": sorted({each.kind for each in every}),
        "sites": sorted({each.site for each in every if each.site}),
        "probes": sorted({probe for each in every for probe in each.probe_types}),
        "lengths": sorted({*LENGTHS_MINUTES, *_typed_length(full)}),
        "candidate": Answer.CANDIDATE,
        "one_minute": timedelta(minutes=1),
        "books": door.viewer.has(*BOOKS),
        "for_others": door.viewer.has(Role.OFFICE, Role.OPERATOR),
        "purpose": full.purpose(translate("find.pieces", locale, count=full.count)),
        "address": _address(full),
        "later": _address(replace(full, by=f"{(wanted.window.end + timedelta(days=13)).astimezone(zone):%Y-%m-%d}"))
        if wanted
        else "",
        "why": lambda denials: [_said(each, locale) for each in denials],
        "waiting": waiting,
        "refused": sentence(refused, locale) if refused else "",
    }
    return page(door, "find/find.html", zone=zone, here="find", status=status, **values)


def _said(denial: Denial, locale: str) -> str:
    return translate(denial.code, locale, **denial.params)


def _typed_length(form: Typed) -> tuple[int, ...]:
    return (int(form.minutes),) if "minutes" not in form.wrong and form.minutes.isdecimal() else ()


def _address(form: Typed) -> str:
    return urlencode({name: value for name in ASKED if (value := getattr(form, name))})


def _again(address: str, form: Typed) -> Typed:
    """The form that `address` describes."""
    typed: dict[str, Any] = {name: value[-1][:100] for name, value in parse_qs(address).items() if name in ASKED}
    return Typed(**typed) if typed else form
