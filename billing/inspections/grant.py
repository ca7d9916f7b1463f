"""Let somebody of the ward look into an asset's uses for a time: the office proposes, a director approves."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from psycopg import errors

from billing.inspections.model import Inspection, Standing
from billing.subsidies.edit import subsidised
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, Invalid, NotFound
from coop.identity import Role, Viewer
from coop.queries import load

SQL = load("billing.inspections")


class NotOfTheWard(Invalid):
    """Only somebody of the ward is let in."""

    code = "billing.not_of_the_ward"


class ProposedByOneself(Conflict):
    """Who proposed an inspection does not approve it."""

    code = "billing.inspection_proposed_by_oneself"


class InspectionRevoked(Conflict):
    """What was revoked is not approved any more; propose it anew."""

    code = "billing.inspection_revoked"


@dataclass(frozen=True, slots=True)
class Wish:
    """Who is to look into what, why, and for how many days."""

    asset_id: UUID
    fiscal_year: int
    person_id: UUID
    reason: str
    days: int


def propose(conn: Connection, viewer: Viewer, wish: Wish, now: datetime) -> Inspection:
    """Write down who is to look into what; nobody may yet. Raises `NotFound`, `NotOfTheWard`."""
    viewer.require(Role.OFFICE)
    if not subsidised(conn, viewer, wish.asset_id):
        raise NotFound()
    if wish.person_id not in dict(inspectors(conn, viewer)):
        raise NotOfTheWard()
    values = {name: getattr(wish, name) for name in Wish.__slots__}
    identifier = uuid4()
    conn.execute(SQL["propose"], values | {"id": identifier, "by": viewer.person_id, "now": now})
    return _record(conn, viewer, "inspection.proposed", identifier, now)


def approve(conn: Connection, viewer: Viewer, inspection_id: UUID, now: datetime) -> Inspection:
    """Let it begin now; again changes nothing. Raises `NotFound`, `ProposedByOneself`, `InspectionRevoked`."""
    viewer.require(Role.DIRECTOR)
    found = inspection(conn, viewer, inspection_id)
    if found.standing is Standing.REVOKED:
        raise InspectionRevoked()
    try:
        with conn.transaction():
            approved = conn.execute(SQL["approve"], {"id": inspection_id, "by": viewer.person_id}).rowcount
    except errors.CheckViolation:
        raise ProposedByOneself() from None
    if not approved:
        return inspection(conn, viewer, inspection_id)
    return _record(conn, viewer, "inspection.approved", inspection_id, now)


def revoke(conn: Connection, viewer: Viewer, inspection_id: UUID, now: datetime) -> Inspection:
    """Let it end now; again changes nothing. Raises `NotFound`."""
    viewer.require(Role.OFFICE, Role.DIRECTOR)
    inspection(conn, viewer, inspection_id)
    if not conn.execute(SQL["revoke"], {"id": inspection_id, "by": viewer.person_id}).rowcount:
        return inspection(conn, viewer, inspection_id)
    return _record(conn, viewer, "inspection.revoked", inspection_id, now)


def inspections(conn: Connection, viewer: Viewer, asset_id: UUID | None = None) -> list[Inspection]:
    """Inspections of all assets, or of one: all for the house, one's own for the ward."""
    return _inspections(conn, viewer, asset_id=asset_id)


def inspection(conn: Connection, viewer: Viewer, inspection_id: UUID) -> Inspection:
    """One inspection; raises `NotFound` for one that is not there or not the viewer's."""
    found = _inspections(conn, viewer, inspection_id=inspection_id)
    if not found:
        raise NotFound()
    return found[0]


def inspectors(conn: Connection, viewer: Viewer) -> list[tuple[UUID, str]]:
    """Who of the ward can be let in, with their names."""
    viewer.require(Role.OFFICE)
    return conn.execute(SQL["inspectors"]).fetchall()


def _inspections(
    conn: Connection, viewer: Viewer, *, asset_id: UUID | None = None, inspection_id: UUID | None = None
) -> list[Inspection]:
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR, Role.WARD)
    own = None if viewer.has(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR) else viewer.person_id
    rows = conn.execute(SQL["inspections"], {"id": inspection_id, "asset_id": asset_id, "person_id": own})
    return [
        Inspection(identifier, asset, year, person_id, name, reason, days, Standing(standing), *steps)
        for identifier, asset, year, person_id, name, reason, days, standing, *steps in rows
    ]


def _record(conn: Connection, viewer: Viewer, action: str, identifier: UUID, now: datetime) -> Inspection:
    found = inspection(conn, viewer, identifier)
    detail: dict[str, object] = {
        "asset_id": str(found.asset_id), "fiscal_year": found.fiscal_year, "person_id": str(found.person_id),
        "days": found.days,
    }  # fmt: skip
    audit.record(conn, action, viewer=viewer, subject=f"inspection:{identifier}", now=now, detail=detail)
    return found
