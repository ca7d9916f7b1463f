"""My page: who is signed in, and the way out."""

from uuid import UUID

from fastapi import APIRouter, Response

from coop import register
from coop.database import Connection
from coop.door import Entrance
from coop.queries import load
from coop.register import Cooperative
from dashboards.shell import page

SQL = load("dashboards.mine")
router = APIRouter(include_in_schema=False)


@router.get("/me")
def me(door: Entrance) -> Response:
    """Who is signed in, and the way out."""

    person_id, member_id = door.viewer.person_id, door.viewer.member_id
    assert person_id is not None

    def ask(conn: Connection) -> tuple[Cooperative, tuple[str, str], str | None]:
        member = register.member(conn, door.viewer, member_id).name if member_id else None
        return register.cooperative(conn), person(conn, person_id), member

    cooperative, (name, email), member = door.run(ask)
    return page(
        door,
        "mine/me.html",
        zone=cooperative.time_zone,
        here="me",
        name=name,
        email=email,
        member=member,
        roles=sorted(role.value for role in door.viewer.roles),
        pays=member_id is not None and door.viewer.sees_money_of(member_id),
    )


def person(conn: Connection, person_id: UUID) -> tuple[str, str]:
    """Name and address of whoever is signed in."""
    row = conn.execute(SQL["person"], {"person_id": person_id}).fetchone()
    assert row is not None, "a session belongs to a person"
    return row[0], row[1]
