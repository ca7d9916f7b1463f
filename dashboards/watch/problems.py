"""The problem queue: each with its picture, what could be done as buttons, and whom to ask."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from coop import machines, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Kind, MoyaiError
from coop.messages import translate
from coop.paging import Slice, cursor_of, key_in
from coop.problems import STATUS, locale_of
from dashboards.shell import page
from telemetry import decisions
from telemetry.decisions import AssignmentIncomplete
from telemetry.problems.picture import picture
from telemetry.problems.queue import entry, queue, settle

router = APIRouter(include_in_schema=False)

LISTED = 20


@router.get("/problems")
def list_problems(
    door: Entrance, cursor: Annotated[str, Query(max_length=1000)] = "", done: bool = False
) -> HTMLResponse:
    """What a person must look at, the oldest first."""
    return _list(door, cursor, done=done)


@router.post("/problems/{problem_id}")
def resolve(
    problem_id: int,
    door: Entrance,
    does: Annotated[str, Form(max_length=80)] = "",
    member_id: Annotated[str, Form(max_length=31)] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Do what was chosen: `assign/RESERVATION`, `member`, `waive/BECAUSE`, or `settle` with a reason."""
    verb, _, what = does.partition("/")
    said = translate(f"problems.reason.{what}", locale_of(door.request)) if what in _REASONS else reason

    def use_case(conn: Connection) -> None:
        if verb == "settle":
            settle(conn, door.viewer, problem_id, door.now, reason=said)
            return
        usage_id = entry(conn, door.viewer, problem_id).problem.usage_id
        if usage_id is None:
            raise AssignmentIncomplete()
        _decide(verb, what, member_id, said)(conn, door, usage_id)

    try:
        door.run(use_case)
    except MoyaiError as refused:
        if refused.kind not in {Kind.INVALID, Kind.CONFLICT, Kind.NOT_FOUND}:
            raise
        return _list(door, "", refused=refused)
    return RedirectResponse("/problems?done=true", 303)


_REASONS = frozenset({"maintenance", "test"})

_Decide = Callable[[Connection, Door, UUID], object]


def _decide(verb: str, what: str, member_id: str, reason: str) -> _Decide:
    """The decision about a usage that a button says."""
    if verb == "waive":
        return lambda conn, door, usage_id: decisions.waive(conn, door.viewer, usage_id, door.now, reason=reason)
    if verb == "member":
        return lambda conn, door, usage_id: decisions.assign(
            conn, door.viewer, usage_id, door.now, member_id=member_id or None
        )
    try:
        reservation_id = UUID(what)
    except ValueError:
        raise AssignmentIncomplete() from None
    return lambda conn, door, usage_id: decisions.assign(
        conn, door.viewer, usage_id, door.now, reservation_id=reservation_id
    )


def _list(door: Door, cursor: str, *, done: bool = False, refused: MoyaiError | None = None) -> HTMLResponse:
    locale = locale_of(door.request)
    part = Slice(key_in(cursor, datetime, int) if cursor else None, LISTED + 1)

    def ask(conn: Connection) -> dict[str, Any]:
        found = queue(conn, door.viewer, part=part)
        shown = found[:LISTED]
        last = shown[-1].problem if len(found) > LISTED else None
        return {
            "zone": register.cooperative(conn).time_zone,
            "entries": [(each, Markup(picture(conn, each.problem, door.now))) for each in shown],  # noqa: S704 - our own SVG
            "more": cursor_of(last.when.start, last.id) if last else None,
            "names": {each.id: each.name(locale) for each in machines.machines(conn)},
            "members": register.members(conn, door.viewer),
        }

    told = translate(refused.code, locale, **refused.params) if refused else None
    status = STATUS[refused.kind] if refused else 200
    return page(door, "watch/problems.html", here="problems", status=status, done=done, refused=told, **door.run(ask))
