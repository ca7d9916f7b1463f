"""When people may come, when who does not come is asked, and when their time is given back: said by the office."""

from datetime import datetime

from booking.presence import store
from booking.presence.rules import PresenceRule
from coop import audit
from coop.database import Connection
from coop.identity import Role, Viewer


def change_rule(conn: Connection, viewer: Viewer, machine_id: str, rule: PresenceRule, now: datetime) -> None:
    """Let a machine's presence rule be this from now on; raises `MachineUnknown`."""
    viewer.require(Role.OFFICE, Role.OPERATOR)
    store.set_rule(conn, machine_id, rule)
    detail: dict[str, object] = {
        "early_minutes": int(rule.early.total_seconds() // 60),
        "asks_after_minutes": int(rule.asks_after.total_seconds() // 60),
        "releases_after_minutes": int(rule.releases_after.total_seconds() // 60),
        "releases": rule.releases,
    }
    audit.record(conn, "machine.presence_set", viewer=viewer, subject=f"machine:{machine_id}", now=now, detail=detail)
