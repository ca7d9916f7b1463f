"""A small cooperative straight in the database, for tests that need no HTTP."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from coop import people, register
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.machines import Machine, OpeningHours, add_machine
from coop.register import Member
from tests.callers import COOPERATIVE


@dataclass(frozen=True, slots=True)
class Place:
    """Machines that are always open, and one engineer for each member."""

    machine_ids: list[str]
    engineers: list[Viewer]


def settle_in(conn: Connection, *, machines: int, members: int, set_up: int = 0, tear_down: int = 0) -> Place:
    """Found the cooperative and commit."""
    register.found(conn, COOPERATIVE, datetime.now(UTC))
    engineers = []
    for number in range(1, members + 1):
        member_id = f"m{number:02}"
        register.add_member(conn, Member(member_id, member_id, joined_on=date(2020, 4, 1)))
        person_id: UUID = people.add_person(
            conn, name=f"P{number}", email=f"p{number}@m.example", roles=[Role.ENGINEER], member_id=member_id
        )
        engineers.append(Viewer(person_id, member_id, frozenset({Role.ENGINEER})))
    machine_ids = [f"cmm-{number}" for number in range(1, machines + 1)]
    for machine_id in machine_ids:
        hours = [OpeningHours(machine_id, day, time(0), time.max) for day in range(1, 8)]
        specification = Machine(machine_id, "cmm", "測定機", "CMM", set_up_minutes=set_up, tear_down_minutes=tear_down)
        add_machine(conn, specification, hours)
    conn.commit()
    return Place(machine_ids, engineers)
