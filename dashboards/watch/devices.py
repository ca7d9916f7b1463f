"""The page of devices: which machines report, how often and how late, and what somebody should look at."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from coop import register
from coop.database import Connection
from coop.door import Entrance
from coop.machines import machines
from coop.problems import locale_of
from dashboards.shell import page
from telemetry.devices.jobs import sentence
from telemetry.devices.listing import HeardDevice, heard_devices, open_alerts
from telemetry.devices.liveness import Liveness

router = APIRouter(include_in_schema=False)

SILENT = frozenset({Liveness.OFFLINE, Liveness.SAID_GOODBYE})
UNITS = ((86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))


@dataclass(frozen=True, slots=True)
class Row:
    """A device as the page shows it. `ago` is how long ago it was heard: a number and its unit."""

    device: HeardDevice
    machine: str | None
    ago: tuple[int, str] | None

    @property
    def silent(self) -> bool:
        """Whether it should be heard and is not."""
        return self.device.liveness in SILENT


@router.get("/devices")
def devices(door: Entrance) -> HTMLResponse:
    """Every device, the silent ones first."""
    locale = locale_of(door.request)

    def ask(conn: Connection) -> dict[str, Any]:
        zone = register.cooperative(conn).time_zone
        names = {each.id: each.name(locale) for each in machines(conn)}
        rows = [_row(each, names, door.now) for each in heard_devices(conn, door.now)]
        alerts = [(each.raised_at, sentence(each, locale, zone)) for each in open_alerts(conn)]
        heard = sum(row.device.liveness is Liveness.ONLINE for row in rows)
        silent = sum(row.silent for row in rows)
        rows.sort(key=_silent_first)
        return {"zone": zone, "rows": rows, "alerts": alerts, "heard": heard, "silent": silent}

    return page(door, "watch/devices.html", here="devices", now=door.now, **door.run(ask))


def _row(device: HeardDevice, names: dict[str, str], now: datetime) -> Row:
    last = device.last_received_at
    machine = names[device.machine_id] if device.machine_id is not None else None
    return Row(device, machine, None if last is None else ago((now - last).total_seconds()))


def _silent_first(row: Row) -> tuple[bool, bool, str]:
    return (not row.silent, row.device.liveness is not Liveness.NEVER, row.device.id)


def ago(seconds: float) -> tuple[int, str]:
    """So many of the largest unit of which there is a whole one, as `(5, "minutes")`."""
    for length, unit in UNITS:
        if seconds >= length:
            return int(seconds // length), unit
    return 0, "seconds"
