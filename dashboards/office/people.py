"""A person's page for the office: who they are, what they may do, and what was changed."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from coop import people, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import MoyaiError, NotFound
from coop.people import Person
from coop.problems import STATUS, locale_of
from dashboards.office import entries
from dashboards.office.history import history
from dashboards.office.registers import Register
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


@router.get("/office/people/{person_id}")
def show_person(person_id: UUID, door: Entrance, *, done: bool = False) -> Response:
    """A person, as a form, with the history beside it."""
    return _page(door, person_id, done=done)


@router.post("/office/people/{person_id}")
def change_person(person_id: UUID, door: Entrance, typed: entries.Form) -> Response:
    """Change a person's entry and roles; who is no longer active cannot sign in. A refusal keeps what was typed."""

    def use_case(conn: Connection) -> None:
        entries.save(conn, door, Register.PEOPLE, _person(conn, door, person_id).email, typed)

    try:
        door.run(use_case)
    except MoyaiError as refused:
        return _page(door, person_id, typed=typed, refused=refused)
    return RedirectResponse(f"/office/people/{person_id}?done=true", 303)


def _page(
    door: Door,
    person_id: UUID,
    *,
    typed: entries.Typed | None = None,
    refused: MoyaiError | None = None,
    done: bool = False,
) -> Response:
    locale = locale_of(door.request)
    told, wrong = entries.refusal(refused, locale) if refused else ("", {})

    def ask(conn: Connection) -> dict[str, Any]:
        person = _person(conn, door, person_id)
        there = entries.values(conn, door, Register.PEOPLE, person.email)
        first, folded = entries.fields(
            conn, door, Register.PEOPLE, there | (typed.cells if typed else {}), wrong, new=False
        )
        member = register.member(conn, door.viewer, person.member_id) if person.member_id else None
        return {
            "zone": register.cooperative(conn).time_zone,
            "person": person,
            "member": member,
            "first": first,
            "folded": folded,
            "seen": typed.seen if typed else entries.version(conn, door, Register.PEOPLE, person.email),
            "history": history(conn, door.viewer, f"person:{person_id}", locale),
        }

    status = STATUS[refused.kind].value if refused else 200
    return page(door, "office/person.html", here="people", status=status, refused=told, done=done, **door.run(ask))


def _person(conn: Connection, door: Door, person_id: UUID) -> Person:
    for person in people.people_of(conn, door.viewer):
        if person.id == person_id:
            return person
    raise NotFound()
