"""Grant qualifications, end them, and say when they lapse."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg import errors

from booking.training.qualification import INSTRUCTS_FROM, Qualification
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, Invalid
from coop.identity import Role, Viewer
from coop.paging import WHOLE, Slice
from coop.queries import load

SQL = load("booking.training")
SEES_ALL_QUALIFICATIONS = (Role.OFFICE, Role.OPERATOR, Role.AUDITOR)


class PersonUnknown(Invalid):
    """There is no such person."""

    code = "booking.person_unknown"


class GrantedMeanwhile(Conflict):
    """Somebody granted this person something for this kind of machine meanwhile."""

    code = "booking.granted_meanwhile"


class EndsBeforeItBegins(Invalid):
    """A qualification ends after now."""

    code = "booking.ends_before_it_begins"


@dataclass(frozen=True, slots=True)
class Granted:
    """A level that a person was granted for a kind of machine, by whom, and when it ends by date or by non-use."""

    id: UUID
    person_id: UUID
    person_name: str
    member_id: str | None
    machine_kind: str
    level: int
    valid_from: datetime
    valid_until: datetime | None
    granted_by: UUID | None
    ends_at: datetime | None


def grant(
    conn: Connection,
    viewer: Viewer,
    person_id: UUID,
    machine_kind: str,
    level: int,
    now: datetime,
    *,
    valid_until: datetime | None = None,
) -> None:
    """Grant a person a level from now on; what they had for this kind of machine ends, and level 0 ends it only.

    Raises `PersonUnknown`, `EndsBeforeItBegins` or `GrantedMeanwhile`.
    """
    if valid_until is not None and valid_until <= now:
        raise EndsBeforeItBegins()
    values = {"person_id": person_id, "machine_kind": machine_kind, "level": level, "valid_until": valid_until}
    values |= {"now": now, "id": uuid4(), "granted_by": viewer.person_id}
    conn.execute(SQL["forget_qualification"], values)
    conn.execute(SQL["end_qualification"], values)
    try:
        if level:
            conn.execute(SQL["grant_qualification"], values)
        if level >= INSTRUCTS_FROM:
            conn.execute(SQL["enter_instructor"], values)
    except errors.ForeignKeyViolation:
        raise PersonUnknown() from None
    except errors.ExclusionViolation:
        raise GrantedMeanwhile() from None
    detail: dict[str, object] = {"machine_kind": machine_kind, "level": level}
    detail["valid_until"] = valid_until.isoformat() if valid_until else None
    audit.record(conn, "qualification.granted", viewer=viewer, subject=f"person:{person_id}", now=now, detail=detail)


def qualifications(conn: Connection, viewer: Viewer, now: datetime, part: Slice = WHOLE) -> list[Granted]:
    """One's own qualifications that have not ended by date; for a manager their people's; everybody's for the office,
    operators and auditors."""
    everybody = viewer.has(*SEES_ALL_QUALIFICATIONS)
    manages = viewer.has(Role.MEMBER_MANAGER) and viewer.member_id is not None
    values: dict[str, Any] = {
        "person_id": None if everybody or manages else viewer.person_id,
        "member_id": viewer.member_id if manages and not everybody else None,
        "now": now,
    }
    values |= part.values("after_kind", "after_name", "after_from", "after_id")
    return [_granted(*row) for row in conn.execute(SQL["qualifications"], values)]


def instructors(conn: Connection, machine_kind: str, now: datetime) -> list[tuple[UUID, str]]:
    """Who may instruct on machines of a kind, by name."""
    values = {"machine_kind": machine_kind, "instructs_from": INSTRUCTS_FROM, "now": now}
    return [(person_id, name) for person_id, name in conn.execute(SQL["instructors"], values)]


def set_lapse(conn: Connection, viewer: Viewer, machine_kind: str, days: int | None, now: datetime) -> None:
    """Let qualifications for a kind of machine lapse after `days` without use; None: never."""
    statement = "end_lapse" if days is None else "set_lapse"
    conn.execute(SQL[statement], {"machine_kind": machine_kind, "lapse_after_days": days})
    subject = f"machine_kind:{machine_kind}"
    audit.record(conn, "qualification.lapse", viewer=viewer, subject=subject, now=now, detail={"days": days})


def _granted(
    key: UUID,
    person_id: UUID,
    name: str,
    member_id: str | None,
    kind: str,
    level: int,
    since: datetime,
    until: datetime | None,
    granted_by: UUID | None,
    last_used_at: datetime | None,
    lapse_after_days: int | None,
) -> Granted:
    ends_at = Qualification(level, until, last_used_at, lapse_after_days).ends_at()
    return Granted(key, person_id, name, member_id, kind, level, since, until, granted_by, ends_at)
