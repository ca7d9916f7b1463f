"""What somebody at a machine reports reaches the queue of what a person must look at."""

from datetime import datetime, timedelta

from psycopg import errors
from psycopg.types.json import Jsonb

from coop import audit, events
from coop.database import Connection
from coop.errors import Invalid
from coop.identity import Viewer
from coop.machines import MachineUnknown
from coop.queries import load

SQL = load("telemetry.problems")

MOST_CHARACTERS = 1000
SAID_AGAIN = timedelta(minutes=10)
"""The same words of the same person within this time are one report: a finger taps twice."""

DRAWN = timedelta(minutes=15)
"""What the machine did so long before is in the report's picture."""


class NothingReported(Invalid):
    """A report says in words what is wrong."""

    code = "telemetry.nothing_reported"


def report(conn: Connection, viewer: Viewer, machine_id: str, text: str, now: datetime) -> None:
    """Say what is wrong with a machine, to the office and the operators; saying it twice is one report.

    Raises `NothingReported` or `MachineUnknown`.
    """
    said = text.strip()[:MOST_CHARACTERS]
    if not said:
        raise NothingReported()
    values = {
        "machine_id": machine_id,
        "start": now - DRAWN,
        "now": now,
        "again_since": now - SAID_AGAIN,
        "person_id": viewer.person_id,
        "text": said,
        "detail": Jsonb({"text": said}),
    }
    conn.execute(SQL["one_report_at_a_time"], values)
    try:
        with conn.transaction():
            row = conn.execute(SQL["report"], values).fetchone()
    except errors.ForeignKeyViolation:
        raise MachineUnknown(machine=machine_id) from None
    if row is not None:
        detail: dict[str, object] = {"problem": row[0]}
        audit.record(conn, "problem.reported", viewer=viewer, subject=f"machine:{machine_id}", now=now, detail=detail)
        events.notify(conn, "machine", machine_id)
