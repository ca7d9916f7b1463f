"""Enter what a machine costs to use, in versions: nothing is edited, a version is ended by the next one."""

from datetime import datetime

from psycopg import errors

from billing import store
from billing.model import Basis, Tariff, Tax
from billing.periods.settle import PeriodClosed
from coop import audit
from coop.database import Connection
from coop.errors import Conflict
from coop.identity import Role, Viewer
from coop.machines import MachineUnknown
from coop.paging import WHOLE, Slice
from coop.queries import load

SQL = load("billing.tariffs")


class TariffOverlaps(Conflict):
    """The machine has another version of its tariff in this time."""

    code = "billing.tariff_overlaps"


def add_tariff(conn: Connection, viewer: Viewer, tariff: Tariff, now: datetime) -> None:
    """Enter a version; the machine's open-ended version before it ends where this one begins.

    Raises `MachineUnknown`, `TariffOverlaps`, and `PeriodClosed` when it would begin within a closed month.
    """
    viewer.require(Role.OFFICE)
    conn.execute(store.SQL["lock_chain"])
    closed = store.last_closed(conn)
    if closed is not None and f"{tariff.valid_from:%Y-%m}" <= closed[0]:
        raise PeriodClosed(month=closed[0])
    values = {name: getattr(tariff, name) for name in Tariff.__slots__}
    try:
        with conn.transaction():
            conn.execute(SQL["end_tariff"], values)
            conn.execute(SQL["add_tariff"], values)
    except errors.ExclusionViolation:
        raise TariffOverlaps(machine=tariff.machine_id, valid_from=tariff.valid_from) from None
    except errors.ForeignKeyViolation:
        raise MachineUnknown(machine=tariff.machine_id) from None
    audit.record(conn, "tariff.added", viewer=viewer, subject=f"tariff:{tariff.id}", now=now)


def tariffs(conn: Connection, machine_id: str | None = None, part: Slice = WHOLE) -> list[Tariff]:
    """All versions by machine and time. Prices are for everybody signed in."""
    values = {"machine_id": machine_id} | part.values("after_machine", "after_from")
    rows = conn.execute(SQL["tariffs"], values)
    return [
        Tariff(identifier, machine, begins, Basis(basis), yen, increment, ends, resolution, Tax(tax))
        for identifier, machine, begins, basis, yen, increment, ends, resolution, tax in rows
    ]
