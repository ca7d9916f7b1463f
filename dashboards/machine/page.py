"""The pages of the machines: all of them, and one with all that is to be known before reserving it."""

from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from booking.training import sessions
from coop import machines, pictures, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Kind, MoyaiError
from coop.identity import Role
from coop.pictures import MOST_BYTES
from coop.problems import STATUS, locale_of
from dashboards.machine import spoken
from dashboards.machine.store import About, about
from dashboards.mine.slots import sentence
from dashboards.shell import page
from dashboards.today.page import BOOKS
from dashboards.today.store import cards

router = APIRouter(include_in_schema=False)


@router.get("/machines")
def all_machines(door: Entrance) -> HTMLResponse:
    """Every machine with its picture and whether it is free."""
    locale = locale_of(door.request)

    def ask(conn: Connection) -> dict[str, Any]:
        zone = register.cooperative(conn).time_zone
        known = sorted(machines.machines(conn), key=lambda each: (not each.in_service, each.kind, each.id))
        in_service = [each for each in known if each.in_service]
        return {
            "zone": zone,
            "machines": known,
            "cards": {each.machine_id: each for each in cards(conn, door.viewer, in_service, zone, door.now, locale)},
            "digests": pictures.pictured(conn),
        }

    return page(door, "machine/machines.html", here="machines", now=door.now, **door.run(ask))


@router.get("/machines/{machine_id}")
def one_machine(machine_id: str, door: Entrance, done: str = "") -> HTMLResponse:
    """When it can be had, and then all the rest."""
    return _shown(door, machine_id, done=done)


@router.post("/machines/{machine_id}/trainings/{training_id}")
def sign_up(machine_id: str, training_id: UUID, door: Entrance) -> Response:
    """Take a seat in a training for machines of this kind."""
    try:
        door.run(lambda conn: sessions.sign_up(conn, door.viewer, training_id, door.now))
    except MoyaiError as refused:
        if refused.kind is not Kind.CONFLICT:
            raise
        return _shown(door, machine_id, refused=refused)
    return RedirectResponse(f"/machines/{machine_id}?done=seated#trainings", 303)


@router.post("/machines/{machine_id}/picture")
def set_picture(
    machine_id: str, door: Entrance, file: UploadFile | None = None, drop: Annotated[bool, Form()] = False
) -> Response:
    """Show what the machine looks like, or no picture any more."""
    content = file.file.read(MOST_BYTES + 1) if file else b""

    def change(conn: Connection) -> None:
        if drop:
            pictures.drop_picture(conn, door.viewer, machine_id, door.now)
        else:
            pictures.set_picture(conn, door.viewer, machine_id, content, door.now)

    try:
        door.run(change)
    except MoyaiError as refused:
        if refused.kind is not Kind.INVALID:
            raise
        return _shown(door, machine_id, refused=refused)
    return RedirectResponse(f"/machines/{machine_id}?done=pictured", 303)


def _shown(door: Door, machine_id: str, *, done: str = "", refused: MoyaiError | None = None) -> HTMLResponse:
    locale = locale_of(door.request)

    def ask(conn: Connection) -> tuple[ZoneInfo, About]:
        zone = register.cooperative(conn).time_zone
        return zone, about(conn, door.viewer, machine_id, zone, door.now, locale)

    zone, known = door.run(ask)
    return page(
        door,
        "machine/machine.html",
        zone=zone,
        here="machines",
        status=STATUS[refused.kind].value if refused else 200,
        now=door.now,
        about=known,
        spoken=spoken,
        done=done if done in {"seated", "pictured"} else "",
        refused=sentence(refused, locale) if refused else "",
        books=door.viewer.has(*BOOKS),
        office=door.viewer.has(Role.OFFICE),
        prints=door.viewer.has(Role.OFFICE, Role.OPERATOR),
    )
