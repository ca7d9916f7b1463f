"""The append-only trail of what people did, in the transaction that did it."""

from datetime import datetime

from psycopg.types.json import Jsonb

from coop.database import Connection
from coop.identity import Viewer
from coop.queries import load

SQL = load("coop")


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
