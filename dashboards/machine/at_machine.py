"""What a machine's QR code opens: the page for one thumb. Take it, begin, stay longer, be late, leave, report."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

import booking
from billing.tariffs.consumables import prices, use_up
from booking import OutageKind
from booking.move import may_change
from booking.presence import store as presence
from booking.presence.check_in import OFFICE, Left, NotAtMachine, check_in, check_out, prove, theirs
from booking.presence.take import take
from coop import machines, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Kind, MoyaiError
from coop.identity import Role
from coop.interval import Interval, local_midnight
from coop.problems import STATUS, locale_of
from dashboards.machine.moment import Mine, at
from dashboards.mine.slots import instead_of, sentence
from dashboards.shell import page
from dashboards.today.page import BOOKS
from dashboards.today.store import cards
from telemetry.problems.report import report

router = APIRouter(include_in_schema=False)

Code = Annotated[str, Form(max_length=64)]
DONE = frozenset({"taken", "begun", "extended", "late", "left", "reported", "stopped"})
MOST_PIECES, MOST_KINDS = 99, 20


@router.get("/m/{machine_id}")
def at_machine(
    machine_id: str,
    door: Entrance,
    code: Annotated[str, Query(max_length=64)] = "",
    done: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """The state of the machine in large, and the one button for now."""
    return _shown(door, machine_id, code, done=done if done in DONE else "")


@router.post("/m/{machine_id}/take")
def take_it(machine_id: str, door: Entrance, code: Code = "") -> Response:
    """Take what is free now; with the code at the machine it is begun."""

    def use_case(conn: Connection) -> object:
        return take(conn, door.viewer, machine_id, door.now, code=code or None, secret_key=_key(door))

    return _do(door, machine_id, code, "taken", use_case)


@router.post("/m/{machine_id}/begin")
def begin(machine_id: str, door: Entrance, code: Code = "") -> Response:
    """Check in."""

    def use_case(conn: Connection) -> object:
        return check_in(conn, door.viewer, machine_id, door.now, code=code or None, secret_key=_key(door))

    return _do(door, machine_id, code, "begun", use_case)


@router.post("/m/{machine_id}/extend")
def extend(
    machine_id: str,
    door: Entrance,
    code: Code = "",
    ends: Annotated[str, Form(max_length=40)] = "",
    minutes: Annotated[int, Form(ge=1, le=240)] = 30,
) -> Response:
    """Stay longer than until `ends`, as the page showed it: a second tap finds another end and changes nothing."""

    def use_case(conn: Connection) -> object:
        mine = _mine(conn, door, machine_id)
        if mine is None or (ends and mine.when.end.isoformat() != ends):
            return None
        return booking.extend(conn, door.viewer, mine.id, timedelta(minutes=minutes), door.now)

    return _do(door, machine_id, code, "extended", use_case)


@router.post("/m/{machine_id}/late")
def late(
    machine_id: str, door: Entrance, code: Code = "", minutes: Annotated[int, Form(ge=1, le=240)] = 10
) -> Response:
    """Say that one comes later; the reservation is kept."""

    def use_case(conn: Connection) -> object:
        mine = _mine(conn, door, machine_id)
        if mine is None:
            return None
        comes = max(mine.when.start, door.now) + timedelta(minutes=minutes)
        return booking.announce_late(conn, door.viewer, mine.id, comes, door.now)

    return _do(door, machine_id, code, "late", use_case)


@router.post("/m/{machine_id}/leave")
def leave(
    machine_id: str,
    door: Entrance,
    code: Code = "",
    consumable: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    pieces: Annotated[list[str], Form()] = [],  # noqa: B006
    data_removed: Annotated[bool, Form()] = False,
    probe_back: Annotated[bool, Form()] = False,
) -> Response:
    """Check out, with what was used up. Who has left already has left: a second tap changes nothing."""
    counted = zip(consumable[:MOST_KINDS], pieces, strict=False)
    used = {each: min(int(count), MOST_PIECES) for each, count in counted if count.isdecimal() and int(count)}

    def use_case(conn: Connection) -> object:
        mine = _mine(conn, door, machine_id)
        if mine is None or not mine.in_use:
            return None
        left = Left(data_removed, probe_back)
        done = check_out(conn, door.viewer, mine.id, door.now, left=left)
        for consumable_id, count in used.items():
            use_up(conn, door.viewer, mine.id, consumable_id, count, door.now)
        return done

    typed = {"used": used, "data_removed": data_removed, "probe_back": probe_back}
    return _do(door, machine_id, code, "left", use_case, typed=typed)


@router.post("/m/{machine_id}/report")
def report_problem(
    machine_id: str,
    door: Entrance,
    code: Code = "",
    text: Annotated[str, Form(max_length=1000)] = "",
    stop: Annotated[bool, Form()] = False,
) -> Response:
    """Say what is wrong; where an operator or the office says so, the machine is out of use for the rest of the day."""
    stops = stop and door.viewer.has(Role.OPERATOR, Role.OFFICE)

    def use_case(conn: Connection) -> object:
        report(conn, door.viewer, machine_id, text, door.now)
        if not stops:
            return None
        zone = register.cooperative(conn).time_zone
        tomorrow = local_midnight(door.now.astimezone(zone).date() + timedelta(days=1), zone)
        today = Interval(door.now, tomorrow)
        return booking.close(conn, door.viewer, machine_id, OutageKind.BREAKDOWN, today, text.strip()[:200], door.now)

    done = "stopped" if stops else "reported"
    return _do(door, machine_id, code, done, use_case, typed={"text": text, "stop": stop})


def _do(
    door: Door,
    machine_id: str,
    code: str,
    done: str,
    use_case: Callable[[Connection], object],
    typed: dict[str, Any] | None = None,
) -> Response:
    """Do it and show the page anew, or show why not, with all that was typed."""
    try:
        door.run(use_case)
    except MoyaiError as refused:
        if refused.kind not in {Kind.INVALID, Kind.CONFLICT} and not isinstance(refused, NotAtMachine):
            raise
        return _shown(door, machine_id, "" if isinstance(refused, NotAtMachine) else code, refused=refused, typed=typed)
    kept = f"&code={quote(code)}" if code else ""
    return RedirectResponse(f"/m/{quote(machine_id)}?done={done}{kept}", 303)


def _mine(conn: Connection, door: Door, machine_id: str) -> Mine | None:
    """What the viewer is at or comes for; the office and operators stand there for whoever is due."""
    due = theirs(presence.due(conn, machine_id, door.now), door.viewer, anybody=door.viewer.has(*OFFICE))
    if due is None:
        return None
    holder = booking.find(conn, door.viewer, due.reservation_id).holder
    if due.in_use and not may_change(door.viewer, holder):
        return None  # a colleague is at it
    could_end = booking.room_until(conn, booking.terms(conn, machine_id), due.when, due.reservation_id)
    return Mine(due.reservation_id, due.when, due.in_use, could_end)


def _proven(conn: Connection, door: Door, machine_id: str, code: str) -> bool:
    if not code:
        return door.viewer.has(*OFFICE)
    try:
        return prove(conn, _key(door), machine_id, code)
    except NotAtMachine:
        return False


def _shown(
    door: Door,
    machine_id: str,
    code: str,
    *,
    done: str = "",
    refused: MoyaiError | None = None,
    typed: dict[str, Any] | None = None,
) -> HTMLResponse:
    locale, viewer = locale_of(door.request), door.viewer

    def ask(conn: Connection) -> dict[str, Any]:
        zone = register.cooperative(conn).time_zone
        machine = machines.machine(conn, machine_id)
        [card] = cards(conn, viewer, [machine], zone, door.now, locale)
        mine = _mine(conn, door, machine_id) if viewer.has(*BOOKS) else None
        proven = _proven(conn, door, machine_id, code)
        takes = viewer.has(*BOOKS) and viewer.member_id is not None
        known = booking.find(conn, viewer, mine.id) if mine else None
        return {
            "zone": zone,
            "machine": machine,
            "card": card,
            "at": at(card, mine, door.now, proven=proven, takes=takes),
            "about": known,
            "own": known is not None and known.holder.person_id == viewer.person_id,
            "consumables": _consumables(conn, door.now.astimezone(zone), locale) if mine and mine.in_use else [],
        }

    values = door.run(ask)
    return page(
        door,
        "machine/at_machine.html",
        status=409 if isinstance(refused, NotAtMachine) else STATUS[refused.kind].value if refused else 200,
        here="today",
        now=door.now,
        code=code,
        done=done,
        refused=sentence(refused, locale) if refused else "",
        instead=instead_of(refused) if refused else [],
        typed={"used": {}, "data_removed": False, "probe_back": False, "text": "", "stop": False} | (typed or {}),
        books=viewer.has(*BOOKS),
        stops=viewer.has(Role.OPERATOR, Role.OFFICE),
        **values,
    )


def _consumables(conn: Connection, today: datetime, locale: str) -> list[tuple[str, str, int]]:
    """What is sold by the piece today: key, name and price."""
    day = today.date()
    return [
        (each.consumable_id, each.name_en if locale == "en" else each.name_ja, each.yen_each)
        for each in prices(conn)
        if each.valid_from <= day and (each.valid_until is None or day < each.valid_until)
    ]


def _key(door: Door) -> str:
    secret_key: str = door.request.app.state.settings.secret_key
    return secret_key
