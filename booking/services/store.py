"""Services, pools and other resources in the database."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from booking.model import Terms
from booking.services.model import Mark, Need, Service, ServiceKind
from coop.database import Connection
from coop.errors import Invalid
from coop.interval import Interval
from coop.machines import OpeningHours
from coop.queries import load

SQL = load("booking.services")
ASKS_FOR_NOTHING = frozenset({ServiceKind.SELF_USE, ServiceKind.ADVICE})
"""What can be booked without being defined first."""


class ServiceUnknown(Invalid):
    """This is not offered here."""

    code = "booking.service_unknown"


class OptionUnknown(Invalid):
    """The service has no such optional need, or none of its needs can be met by such a unit."""

    code = "booking.option_unknown"


def service(
    conn: Connection,
    machine_id: str,
    kind: ServiceKind,
    options: Iterable[str] = (),
    units: Iterable[str] = (),
) -> Service:
    """What is offered on a machine, with the optional needs `options`; a need that could take one of `units` takes it.

    Without a lock. Raises `ServiceUnknown` or `OptionUnknown`.
    """
    rows = conn.execute(SQL["service_of"], {"resource_id": machine_id, "kind": kind.value}).fetchall()
    options, units = frozenset(options), frozenset(units)
    if not rows and kind not in ASKS_FOR_NOTHING:
        raise ServiceUnknown(machine=machine_id)
    needs = tuple(
        Need(name, tuple(set(found) & units or found), *Mark.pair(*marks))
        for _, name, optional, found, *marks in rows
        if name is not None and (not optional or name in options)
    )
    known = {name for _, name, optional, *_ in rows if optional}
    if not options <= known or not units <= {unit for need in needs for unit in need.units}:
        raise OptionUnknown(machine=machine_id)
    unit_ids = [unit for need in needs for unit in need.units]
    approval = rows[0][0] if rows else None
    return Service(kind, needs, approval, hours_of(conn, unit_ids) if unit_ids else {})


def hours_of(conn: Connection, resource_ids: Sequence[str]) -> dict[str, list[OpeningHours]]:
    """When resources are there, by resource; one that is always there is left out."""
    hours: dict[str, list[OpeningHours]] = defaultdict(list)
    for row in conn.execute(SQL["resource_hours"], {"resource_ids": list(resource_ids)}):
        hours[row[0]].append(OpeningHours(*row))
    return dict(hours)


def busy(
    conn: Connection, resource_ids: Iterable[str], window: Interval, *, but_for: UUID | None = None
) -> dict[str, list[Interval]]:
    """When resources are taken within `window`, by resource, not counting the reservation `but_for`."""
    values = {"resource_ids": list(resource_ids), "from": window.start, "until": window.end, "but_for": but_for}
    found: dict[str, list[Interval]] = defaultdict(list)
    for resource_id, start, end in conn.execute(SQL["busy"], values):
        found[resource_id].append(Interval(start, end))
    return found


def units_of(conn: Connection, reservation_id: UUID) -> dict[str, str]:
    """The unit that each need of a reservation has, by need."""
    return dict(conn.execute(SQL["units_of"], {"reservation_id": reservation_id}).fetchall())


def person_terms(conn: Connection, resource_id: str) -> Terms | None:
    """Under which terms a person is booked without a machine; None if there is no such person to book."""
    row = conn.execute(SQL["person_terms"], {"resource_id": resource_id}).fetchone()
    if row is None:
        return None
    always = [OpeningHours(resource_id, day, time(0), time.max) for day in range(1, 8)]
    return Terms(
        machine_id=resource_id,
        in_service=row[0],
        set_up=timedelta(0),
        tear_down=timedelta(0),
        granularity_minutes=15,
        shortest_minutes=15,
        longest_minutes=24 * 60,
        horizon_days=90,
        hours=tuple(hours_of(conn, [resource_id]).get(resource_id, always)),
        zone=ZoneInfo(row[1]),
    )
