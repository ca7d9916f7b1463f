"""The append-only trail of what people did, in the transaction that did it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from coop.database import Connection
from coop.identity import Role, Viewer
from coop.queries import load

SQL = load("coop")
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Trace:
    """One line of the trail, with the names of who did it and for whom; None: Moyai itself, or for nobody else."""

    at: datetime
    actor: str | None
    on_behalf_of: str | None
    action: str
    detail: Mapping[str, Any]


def record(
    conn: Connection,
    action: str,
    *,
    viewer: Viewer,
    subject: str,
    now: datetime,
    detail: dict[str, object] | None = None,
) -> None:
    """Write that `viewer` did `action` (`reservation.created`) to `subject` (`reservation:<id>`).

    `detail` holds ids, codes and numbers, never names, addresses or purposes.
    """
    conn.execute(
        SQL["record_audit"],
        {
            "at": now,
            "actor_id": viewer.person_id,
            "on_behalf_of": viewer.on_behalf_of,
            "action": action,
            "subject": subject,
            "detail": Jsonb(detail or {}),
        },
    )


def about(conn: Connection, viewer: Viewer, subject: str) -> list[Trace]:
    """The last lines about `subject` (`member:m01`), the newest first; for the office and who reviews it."""
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    return [Trace(*row) for row in conn.execute(SQL["audit_about"], {"subject": subject, "limit": SHOWN})]
