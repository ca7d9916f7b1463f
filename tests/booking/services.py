"""What a small measuring room offers, entered as the office would."""

from datetime import UTC, date, datetime, time

from booking.services.define import NeedRow, Offered, Pool, Resource, add_resource, put_pool, put_service
from booking.services.model import Edge, Mark, ServiceKind
from coop import people
from coop.database import Connection
from coop.identity import SYSTEM, Role, Viewer
from coop.machines import OpeningHours

START, END = Mark(Edge.START), Mark(Edge.END)
EVENING_BEFORE = Mark(Edge.DAY, -7 * 60)
NOW = datetime(2026, 10, 1, tzinfo=UTC)


def unit(name: str, unit_id: str, starts: Mark = START, ends: Mark = END, *, optional: bool = False) -> NeedRow:
    return NeedRow(name, unit_id, None, starts, ends, optional)


def any_of(name: str, pool_id: str, starts: Mark = START, ends: Mark = END, *, optional: bool = False) -> NeedRow:
    return NeedRow(name, None, pool_id, starts, ends, optional)


def offer(
    conn: Connection,
    machine_id: str,
    kind: ServiceKind,
    *needs: NeedRow,
    approval_minutes: int | None = None,
) -> None:
    put_service(conn, SYSTEM, machine_id, Offered(kind, approval_minutes, needs), NOW)


def things(conn: Connection, *ids: str, kind: str = "accessory") -> None:
    for each in ids:
        add_resource(conn, SYSTEM, Resource(each, kind, each, each), [], NOW)


def pool(conn: Connection, pool_id: str, *unit_ids: str) -> None:
    put_pool(conn, SYSTEM, Pool(pool_id, pool_id, pool_id, unit_ids), NOW)


def operator(conn: Connection, resource_id: str, opens: time | None = None, closes: time | None = None) -> Viewer:
    """A technical master: a person of the office who is a resource, there on weekdays if hours are given."""
    person_id = people.add_person(
        conn, name=resource_id, email=f"{resource_id}@kumiai.example", roles=[Role.OPERATOR], member_id=None
    )
    hours = [OpeningHours(resource_id, day, opens, closes, date(2000, 1, 1)) for day in range(1, 6) if opens and closes]
    add_resource(conn, SYSTEM, Resource(resource_id, "person", resource_id, resource_id, person_id), hours, NOW)
    return Viewer(person_id, None, frozenset({Role.OPERATOR}))
