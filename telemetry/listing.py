"""What a viewer may see of usage and devices."""

from dataclasses import dataclass
from datetime import datetime

from coop.database import Connection
from coop.identity import SEES_NAMES, Viewer
from coop.interval import Interval
from coop.queries import load
from telemetry import store_usage
from telemetry.model import Usage, UsageKind

SQL = load("telemetry")


@dataclass(frozen=True, slots=True)
class HeardDevice:
    """A device, the machine it speaks for now, and when its newest reading was received."""

    id: str
    decoder: str
    address: str
    machine_id: str | None
    last_received_at: datetime | None


def usages(
    conn: Connection,
    viewer: Viewer,
    window: Interval,
    *,
    machine_id: str | None = None,
    kind: UsageKind | None = None,
) -> list[Usage]:
    """The usages that begin in `window`, by time: everybody's for those who may know them, else one's own member's."""
    values = {
        "since": window.start,
        "until": window.end,
        "machine_id": machine_id,
        "kind": kind,
        "everybody": viewer.has(*SEES_NAMES),
        "member_id": viewer.member_id,
    }
    return [store_usage.usage_of(row) for row in conn.execute(SQL["usages"], values)]


def heard_devices(conn: Connection, now: datetime) -> list[HeardDevice]:
    """All devices by id."""
    return [HeardDevice(*row) for row in conn.execute(SQL["device_list"], {"now": now})]
