"""Enter what a machine costs to use, in versions: nothing is edited, a version is ended by the next one."""

from datetime import date, datetime

from psycopg import errors
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from billing import store
from billing.model import Tariff
from billing.periods.evidence import plain
from billing.periods.settle import PeriodClosed
from billing.tariffs.versions import overlapping
from coop import audit, machines, register
from coop.database import Connection
from coop.errors import Conflict, Invalid
from coop.identity import Role, Viewer
from coop.machines import MachineUnknown
from coop.paging import WHOLE, Slice
from coop.queries import load

SQL = load("billing.tariffs")
_TARIFF = TypeAdapter(Tariff)


class TariffOverlaps(Conflict):
    """The machine has another version of its tariff for this service in this time."""

    code = "billing.tariff_overlaps"


class OverTheCap(Invalid):
    """A price is higher than what the general assembly allows."""

    code = "billing.over_the_cap"


class IdleNotMeasured(Invalid):
    """Idle time has a price of its own only where time is measured, occupied or running."""

    code = "billing.idle_not_measured"


class WindowsOverlap(Invalid):
    """Two windows price the same hours, or one ends before it starts."""

    code = "billing.windows_overlap"


def add_tariff(conn: Connection, viewer: Viewer, tariff: Tariff, now: datetime) -> None:
    """Enter a version; the open-ended one before it, of the same machine and service, ends where this one begins.

    Raises `MachineUnknown`, `TariffOverlaps`, `OverTheCap`, `IdleNotMeasured`, `WindowsOverlap`, and `PeriodClosed`
    when it would begin within a closed month.
    """
    viewer.require(Role.OFFICE)
    if overlapping(tariff):
        raise WindowsOverlap()
    conn.execute(store.SQL["lock_chain"])
    closed = store.last_closed(conn)
    if closed is not None and f"{tariff.valid_from:%Y-%m}" <= closed[0]:
        raise PeriodClosed(month=closed[0])
    values = {name: getattr(tariff, name) for name in Tariff.__slots__} | {"windows": Jsonb(plain(tariff.windows))}
    try:
        with conn.transaction():
            conn.execute(SQL["end_tariff"], values)
            conn.execute(SQL["add_tariff"], values)
    except errors.ExclusionViolation:
        raise TariffOverlaps(machine=tariff.machine_id, valid_from=tariff.valid_from) from None
    except errors.ForeignKeyViolation:
        raise MachineUnknown(machine=tariff.machine_id) from None
    except errors.CheckViolation as violation:
        if violation.diag.constraint_name == "tariff_within_cap":
            raise OverTheCap(cap=f"{tariff.cap_yen_per_hour:,}") from None
        if violation.diag.constraint_name == "tariff_idle_is_measured":
            raise IdleNotMeasured() from None
        raise
    audit.record(conn, "tariff.added", viewer=viewer, subject=f"tariff:{tariff.id}", now=now)


def tariffs(
    conn: Connection, machine_id: str | None = None, part: Slice = WHOLE, *, on: date | None = None
) -> list[Tariff]:
    """All versions by machine, time and service, or those in force `on` a local day. Prices are for everybody."""
    values = {"machine_id": machine_id, "on": on} | part.values("after_machine", "after_from", "after_service")
    rows = conn.execute(SQL["tariffs"], values)
    return [_TARIFF.validate_python(dict(zip(Tariff.__slots__, row, strict=True))) for row in rows]


def in_force(conn: Connection, machine_id: str, on: date | None, now: datetime) -> list[Tariff]:
    """What a machine, or a person who advises, costs on a local day or today: by service, the general one first."""
    if on is None:
        on = now.astimezone(register.cooperative(conn).time_zone).date()
    found = tariffs(conn, machine_id, on=on)
    if not found:
        machines.machine(conn, machine_id)
    return sorted(found, key=lambda each: each.service or "")
