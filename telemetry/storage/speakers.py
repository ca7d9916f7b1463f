"""Which channels' readings speak for a machine within a stretch, and where in their devices' time they lie."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from coop.database import Connection
from coop.interval import Interval
from coop.queries import load

SQL = load("telemetry.storage")


@dataclass(frozen=True, slots=True)
class Speaker:
    """A channel of a device that spoke for a machine at some time of `window` (true time).

    `slack` is by how much the device's clock was ever wrong: readings of `window` are stamped within that much of it.
    """

    machine_id: str
    channel_id: int
    channel: str
    device_id: str
    window: Interval
    slack: timedelta

    @property
    def values(self) -> dict[str, Any]:
        """What the statements ask for: first to last of the device's time, since to until of true time."""
        return {
            "machine_id": self.machine_id,
            "channel_id": self.channel_id,
            "device_id": self.device_id,
            "since": self.window.start,
            "until": self.window.end,
            "first": self.window.start - self.slack,
            "last": self.window.end + self.slack,
        }

    def extent(self, conn: Connection) -> tuple[datetime, datetime] | None:
        """The first and the last time of its readings there, by its device's clock; None: there are none."""
        values = {"channel_id": self.channel_id, "since": self.values["first"], "until": self.values["last"]}
        row = conn.execute(SQL["extent"], values).fetchone()
        return None if row is None or row[0] is None else (row[0], row[1])


def speakers(conn: Connection, machine_id: str, window: Interval) -> list[Speaker]:
    """Who spoke for the machine within `window`, by device and channel."""
    values = {"machine_id": machine_id, "since": window.start, "until": window.end}
    return [
        Speaker(machine_id, channel_id, channel, device_id, window, timedelta(seconds=slack))
        for channel_id, channel, device_id, slack in conn.execute(SQL["speakers"], values)
    ]
