"""What a viewer may see of devices: for which machine each speaks, whether it still does, how often and how late."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from coop.database import Connection
from coop.paging import WHOLE, Slice
from coop.queries import load
from telemetry.devices.liveness import Heard, Liveness, liveness
from telemetry.devices.register import DeviceUnknown

SQL = load("telemetry.devices")
LATEST_READINGS = 60


AlertKind = Literal["offline", "rejects", "idle_drifted", "never_running"]


@dataclass(frozen=True, slots=True)
class HeardDevice:
    """A device as it is now.

    `per_minute`: readings of its busiest channel. `late_seconds`: by how much its messages come after the time they
    state, the median of the latest ones; None for a device without a clock. `rejected`: messages since yesterday (UTC).
    """

    id: str
    decoder: str
    address: str
    topic: str | None
    expected_seconds: int
    hears_commands: bool
    machine_id: str | None
    last_received_at: datetime | None
    liveness: Liveness
    per_minute: float | None
    late_seconds: float | None
    rejected: int
    username: str | None


@dataclass(frozen=True, slots=True)
class Bound:
    """For which machine a device spoke, and when; `until` is None for the one it speaks for now."""

    machine_id: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody should look at: of a device, or of a machine's signal."""

    id: int
    kind: AlertKind
    device_id: str | None
    machine_id: str | None
    detail: dict[str, Any]
    raised_at: datetime


def heard_devices(conn: Connection, now: datetime, part: Slice = WHOLE) -> list[HeardDevice]:
    """All devices by id, or a part of them."""
    values = {"now": now, "latest": LATEST_READINGS, "id": None} | part.values("after")
    return [_heard(row, now) for row in conn.execute(SQL["heard_devices"], values)]


def heard_device(conn: Connection, device_id: str, now: datetime) -> HeardDevice:
    """One device; raises `DeviceUnknown`."""
    values = {"now": now, "latest": LATEST_READINGS, "id": device_id} | WHOLE.values("after")
    row = conn.execute(SQL["heard_devices"], values).fetchone()
    if row is None:
        raise DeviceUnknown(device=device_id)
    return _heard(row, now)


def bindings(conn: Connection, device_id: str, part: Slice = WHOLE) -> list[Bound]:
    """The machines of a device, by time; raises `DeviceUnknown`."""
    if conn.execute(SQL["device_is_known"], {"id": device_id}).fetchone() is None:
        raise DeviceUnknown(device=device_id)
    values = {"device_id": device_id} | part.values("after")
    return [Bound(*row) for row in conn.execute(SQL["bindings"], values)]


def open_alerts(conn: Connection, part: Slice = WHOLE) -> list[Alert]:
    """What is not over, newest first."""
    return [Alert(*row) for row in conn.execute(SQL["open_alerts"], part.values("before"))]


def _heard(row: tuple[Any, ...], now: datetime) -> HeardDevice:
    entered, (last_at, word, word_at), lately = row[:7], row[7:10], row[10:]
    stands = liveness(Heard(last_at, word, word_at), expected_seconds=entered[4], now=now)
    return HeardDevice(*(*entered, last_at, stands, *lately))
