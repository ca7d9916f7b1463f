"""Where the key is and how to get in, as the office words it for each machine."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import errors

from coop import audit, machines
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.machines import MachineUnknown
from coop.queries import load

SQL = load("booking.presence")
KNOWS = (Role.OFFICE, Role.OPERATOR)


@dataclass(frozen=True, slots=True)
class Access:
    """How to get in, in both languages; both are empty where nothing is said."""

    note_ja: str = ""
    note_en: str = ""

    def note(self, locale: str) -> str:
        """The note for a reader of `locale`."""
        return self.note_en if locale == "en" else self.note_ja


def access(conn: Connection, viewer: Viewer, machine_id: str) -> Access:
    """What is said of a machine. Raises `Forbidden` or `MachineUnknown`."""
    viewer.require(*KNOWS)
    machines.machine(conn, machine_id)
    row = conn.execute(SQL["access"], {"machine_id": machine_id}).fetchone()
    return Access(*row) if row else Access()


def set_access(conn: Connection, viewer: Viewer, machine_id: str, said: Access, now: datetime) -> None:
    """Say how to get in; an empty note in one language is that of the other, two say nothing any more.

    Raises `Forbidden` or `MachineUnknown`. The audit says that it changed, and not where the key is.
    """
    viewer.require(*KNOWS)
    values = {
        "machine_id": machine_id,
        "note_ja": said.note_ja or said.note_en,
        "note_en": said.note_en or said.note_ja,
    }
    try:
        with conn.transaction():
            conn.execute(SQL["set_access" if values["note_ja"] else "drop_access"], values)
    except errors.ForeignKeyViolation:
        raise MachineUnknown(machine=machine_id) from None
    audit.record(conn, "machine.access_set", viewer=viewer, subject=f"machine:{machine_id}", now=now)
