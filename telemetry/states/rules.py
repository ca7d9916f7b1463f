"""State rules by version: how a machine's state is read from a moment on; what was read before stays so."""

from datetime import datetime

from psycopg import errors

from coop import audit
from coop.database import Connection
from coop.errors import Conflict, Invalid
from coop.identity import Role, Viewer
from coop.machines import MachineUnknown
from coop.queries import load
from telemetry.states.model import StateRule
from telemetry.states.rule_row import values_of

SQL = load("telemetry.states")


class RuleInvalid(Invalid):
    """A power rule needs two thresholds, the lower one for idle, and a gap; no number is negative."""

    code = "telemetry.rule_invalid"


class RuleOverlaps(Conflict):
    """A later version of the machine's rule exists already."""

    code = "telemetry.rule_overlaps"


def set_rule(
    conn: Connection, viewer: Viewer, machine_id: str, rule: StateRule, since: datetime, now: datetime
) -> None:
    """Read a machine's state by `rule` from `since` on; what lies after it is derived anew.

    Raises `RuleInvalid`, `RuleOverlaps` or `MachineUnknown`.
    """
    viewer.require(Role.OPERATOR, Role.OFFICE)
    values = values_of(rule) | {"machine_id": machine_id, "since": since}
    try:
        with conn.transaction():
            conn.execute(SQL["end_state_rule"], values)
            conn.execute(SQL["add_state_rule"], values)
    except errors.CheckViolation:
        raise RuleInvalid() from None
    except errors.ExclusionViolation:
        raise RuleOverlaps(machine=machine_id) from None
    except errors.ForeignKeyViolation:
        raise MachineUnknown(machine=machine_id) from None
    detail: dict[str, object] = {"kind": rule.kind, "channel": rule.channel, "since": since.isoformat()}
    audit.record(conn, "machine.rule_set", viewer=viewer, subject=f"machine:{machine_id}", now=now, detail=detail)
