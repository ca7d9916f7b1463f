"""Save what a person confirmed: from now on the machine's state is read by these thresholds; what was before stays."""

from dataclasses import replace
from datetime import datetime

from coop import machines
from coop.database import Connection
from coop.errors import Invalid
from coop.identity import Viewer
from telemetry.states.model import StateRule
from telemetry.states.rules import set_rule
from telemetry.thresholds.look import rule_now

USUAL = StateRule("power", on_seconds=10, off_seconds=30, gap_seconds=300)
"""What a machine without a power rule begins with."""


class ThresholdsCrossed(Invalid):
    """It is idle below and measures above: the one for idle is the smaller, and the one for off smaller still."""

    code = "telemetry.thresholds_crossed"


def save(
    conn: Connection,
    viewer: Viewer,
    machine_id: str,
    now: datetime,
    *,
    channel: str,
    on_watts: float,
    off_watts: float,
    standby_watts: float | None = None,
) -> StateRule:
    """Read the machine's state by these thresholds from now on; durations are those of its last power rule.

    Raises `ThresholdsCrossed`, `MachineUnknown`, `RuleOverlaps`.
    """
    if not (standby_watts or 0) < off_watts < on_watts or (standby_watts is not None and standby_watts < 0):
        raise ThresholdsCrossed()
    machines.machine(conn, machine_id)
    held = rule_now(conn, machine_id, now)
    rule = replace(
        held if held is not None and held.kind == "power" else USUAL,
        channel=channel,
        on_watts=on_watts,
        off_watts=off_watts,
        standby_watts=standby_watts,
    )
    set_rule(conn, viewer, machine_id, rule, now, now)
    return rule
