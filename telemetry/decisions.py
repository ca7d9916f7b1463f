"""What a person decides about a usage: an input to derivation, with its evidence, never an edit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import errors

from coop import audit
from coop.database import Connection
from coop.errors import Invalid, NotFound
from coop.identity import Role, Viewer
from coop.queries import load
from telemetry.derive import derive
from telemetry.usage import store as store_usage
from telemetry.usage.model import Resolution, Usage

SQL = load("telemetry")


class UsageUnknown(NotFound):
    """There is no such usage; it may have been derived anew."""

    code = "telemetry.usage_unknown"


class AssignmentIncomplete(Invalid):
    """A usage is assigned either to a member or to a reservation."""

    code = "telemetry.assignment_incomplete"


class ReasonMissing(Invalid):
    """Who waives a usage says why."""

    code = "telemetry.reason_missing"


class MemberUnknown(Invalid):
    """A usage can only be assigned to somebody in the register."""

    code = "telemetry.member_unknown"


class ReservationUnknown(Invalid):
    """The reservation is not one of this machine."""

    code = "telemetry.reservation_unknown"


@dataclass(frozen=True, slots=True)
class OutdatedDecision:
    """An open finding: what was decided about this stretch rests on evidence that changed since."""

    id: int
    machine_id: str
    kind: str
    decision_id: int
    started_at: datetime
    ended_at: datetime
    opened_at: datetime


def assign(
    conn: Connection,
    viewer: Viewer,
    usage_id: UUID,
    now: datetime,
    *,
    member_id: str | None = None,
    reservation_id: UUID | None = None,
    reason: str = "",
) -> Usage:
    """Assign a usage to a member, or to a reservation of its machine and so to whose that is; return it as it is now.

    Raises `UsageUnknown`, `AssignmentIncomplete`, `MemberUnknown` or `ReservationUnknown`.
    """
    if (member_id is None) == (reservation_id is None):
        raise AssignmentIncomplete()
    usage = _usage(conn, viewer, usage_id)
    person_id = None
    if reservation_id is not None:
        values = {"id": reservation_id, "machine_id": usage.machine_id}
        row = conn.execute(SQL["reservation_of_machine"], values).fetchone()
        if row is None:
            raise ReservationUnknown()
        member_id, person_id = row
    whose = {"member_id": member_id, "reservation_id": reservation_id, "person_id": person_id}
    return _decide(conn, viewer, usage, now, Resolution.ASSIGN, whose, reason)


def waive(conn: Connection, viewer: Viewer, usage_id: UUID, now: datetime, *, reason: str) -> Usage:
    """Decide that nobody is charged for a usage; return it as it is now. Raises `UsageUnknown` or `ReasonMissing`."""
    if not reason.strip():
        raise ReasonMissing()
    whose = {"member_id": None, "reservation_id": None, "person_id": None}
    return _decide(conn, viewer, _usage(conn, viewer, usage_id), now, Resolution.WAIVE, whose, reason)


def findings(conn: Connection, viewer: Viewer) -> list[OutdatedDecision]:
    """What the office and operators must look at."""
    viewer.require(Role.OFFICE, Role.OPERATOR)
    return [OutdatedDecision(*row) for row in conn.execute(SQL["findings"])]


def _usage(conn: Connection, viewer: Viewer, usage_id: UUID) -> Usage:
    viewer.require(Role.OFFICE, Role.OPERATOR)
    usage = store_usage.usage(conn, usage_id)
    if usage is None:
        raise UsageUnknown()
    return usage


def _decide(
    conn: Connection,
    viewer: Viewer,
    usage: Usage,
    now: datetime,
    resolution: Resolution,
    whose: Mapping[str, str | UUID | None],
    reason: str,
) -> Usage:
    values = {
        "machine_id": usage.machine_id,
        "started_at": usage.started_at,
        "ended_at": usage.ended_at,
        "evidence_hash": usage.evidence_hash,
        "resolution": resolution.value,
        "reason": reason.strip(),
        "decided_by": viewer.person_id,
        "now": now,
    }
    try:
        with conn.transaction():
            row = conn.execute(SQL["add_decision"], {**values, **whose}).fetchone()
    except errors.ForeignKeyViolation:
        raise MemberUnknown(member=whose["member_id"]) from None
    assert row is not None
    detail = {"decision": row[0], "resolution": resolution.value, "machine": usage.machine_id}
    detail |= {name: str(value) for name, value in whose.items() if value is not None}
    audit.record(conn, "usage.decided", viewer=viewer, subject=f"usage:{usage.id}", now=now, detail=detail)
    derive(conn, usage.machine_id)
    decided = store_usage.usage(conn, usage.id)
    if decided is None:  # readings that arrived meanwhile moved its start
        raise UsageUnknown()
    return decided
