"""State rules by version: how a machine's state is read from a moment on; what was read before stays so."""

from datetime import datetime

from psycopg import errors

from coop import audit
from coop.database import Connection
from coop.errors import Conflict, Invalid
from coop.identity import Role, Viewer
from coop.machines import MachineUnknown
from coop.queries import load
from telemetry.states.model import State, StateRule
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
    if not all(_sound(each) for each in rule.conditions or (rule,)):
        raise RuleInvalid()
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


def _sound(rule: StateRule) -> bool:
    """Whether a rule of one signal can be read: the database looks into no condition."""
    if (
        rule.kind == "first"
        or not rule.channel
        or min(rule.on_seconds, rule.off_seconds, (rule.gap_seconds or 1) - 1) < 0
    ):
        return False
    if rule.kind in {"power", "contact"} and rule.otherwise in {State.RUNNING, State.UNKNOWN}:
        return False
    if rule.kind != "power":
        return rule.kind in {"contact", "execution", "words"}
    if rule.on_watts is None or rule.off_watts is None or rule.gap_seconds is None or rule.off_watts >= rule.on_watts:
        return False
    return rule.standby_watts is None or (rule.standby_watts < rule.off_watts and rule.otherwise is not State.OFF)
