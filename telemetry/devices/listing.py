"""What a viewer may see of devices."""

from dataclasses import dataclass
from datetime import datetime

from coop.database import Connection
from coop.queries import load

SQL = load("telemetry.devices")


@dataclass(frozen=True, slots=True)
class HeardDevice:
    """A device, the machine it speaks for now, and when its newest reading was received."""

    id: str
    decoder: str
    address: str
    machine_id: str | None
    last_received_at: datetime | None


def heard_devices(conn: Connection, now: datetime) -> list[HeardDevice]:
    """All devices by id."""
    return [HeardDevice(*row) for row in conn.execute(SQL["device_list"], {"now": now})]
