"""Machines: what they can measure and when they are open."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from psycopg import errors

from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.interval import Interval, local_midnight, merge
from coop.queries import load

SQL = load("coop")


class MachineExists(Conflict):
    """A machine with this key exists already."""

    code = "coop.machine_exists"


class MachineUnknown(NotFound):
    """There is no such machine."""

    code = "coop.machine_unknown"


@dataclass(frozen=True, slots=True)
class Machine:
    """A shared machine and its specification, as printed on its certificate.

    E0,MPE = `mpe_constant_um` + L / `mpe_length_divisor` (µm, L in mm; ISO 10360-2). Set-up and tear-down are blocked
    before and after each reservation. None means: not specified for this kind of machine.
    """

    id: str
    kind: str
    name_ja: str
    name_en: str
    model: str = ""
    site: str = ""
    range_x_mm: Decimal | None = None
    range_y_mm: Decimal | None = None
    range_z_mm: Decimal | None = None
    table_load_kg: Decimal | None = None
    mpe_constant_um: Decimal | None = None
    mpe_length_divisor: Decimal | None = None
    resolution_um: Decimal | None = None
    smallest_hole_mm: Decimal | None = None
    stylus_reach_mm: Decimal | None = None
    probe_types: Sequence[str] = ()
    software: str = ""
    program_formats: Sequence[str] = ()
    room_temperature_class: str = ""
    set_up_minutes: int = 0
    tear_down_minutes: int = 0
    in_service: bool = True

    def name(self, locale: str) -> str:
        """The machine's name for a reader of `locale`."""
        return self.name_en if locale == "en" else self.name_ja


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Open on ISO weekday 1-7 from `opens` to `closes` local time, on dates in `[valid_from, valid_until)`.

    `closes` of 23:59:59.999999 (`time.max`) stands for midnight.
    """

    machine_id: str
    iso_weekday: int
    opens: time
    closes: time
    valid_from: date = date(2000, 1, 1)
    valid_until: date | None = None


def add_machine(conn: Connection, machine: Machine, hours: Iterable[OpeningHours] = ()) -> None:
    """Enter a machine with its opening hours; raises `MachineExists`."""
    try:
        with conn.transaction():
            conn.execute(SQL["add_machine"], _values(machine))
    except errors.UniqueViolation:
        raise MachineExists(machine=machine.id) from None
    _open(conn, hours)


def change_opening_hours(conn: Connection, machine_id: str, hours: Iterable[OpeningHours], since: date) -> None:
    """Let a machine keep `hours` from the day `since` on; what was open before stays known."""
    conn.execute(SQL["end_opening_hours"], {"machine_id": machine_id, "day": since})
    _open(conn, hours)


def change_machine(conn: Connection, machine: Machine) -> None:
    """Let a machine's specification say this from now on; reservations keep the set-up and tear-down they have."""
    conn.execute(SQL["change_machine"], _values(machine))


def machines(conn: Connection) -> list[Machine]:
    """All machines by id. A machine's specification is for everybody signed in."""
    return [Machine(*row) for row in conn.execute(SQL["machines"], {"id": None})]


def machine(conn: Connection, machine_id: str) -> Machine:
    """One machine; raises `MachineUnknown`."""
    row = conn.execute(SQL["machines"], {"id": machine_id}).fetchone()
    if row is None:
        raise MachineUnknown(machine=machine_id)
    return Machine(*row)


def opening_hours(conn: Connection, machine_ids: Sequence[str] | None = None) -> dict[str, list[OpeningHours]]:
    """Weekly opening hours by machine, of all machines when none is named."""
    rows = conn.execute(SQL["opening_hours"], {"machine_ids": None if machine_ids is None else list(machine_ids)})
    by_machine: dict[str, list[OpeningHours]] = defaultdict(list)
    for row in rows:
        by_machine[row[0]].append(OpeningHours(*row))
    return by_machine


def open_intervals(hours: Iterable[OpeningHours], window: Interval, zone: ZoneInfo) -> list[Interval]:
    """When a machine is open within `window`: its weekly hours in local time of `zone`, merged and sorted.

    An hour that a clock change skips is not open; one that it repeats is open both times.
    """
    first = window.start.astimezone(zone).date() - timedelta(days=1)
    last = window.end.astimezone(zone).date()
    weekly = list(hours)
    found: list[Interval] = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for each in weekly:
            if each.iso_weekday != day.isoweekday() or day < each.valid_from:
                continue
            if each.valid_until is not None and day >= each.valid_until:
                continue
            start, end = _local(day, each.opens, zone), _local(day, each.closes, zone)
            within = Interval(start, end).intersect(window) if start < end else None
            if within:
                found.append(within)
    return merge(found)


def _local(day: date, clock: time, zone: ZoneInfo) -> datetime:
    if clock == time.max:
        return local_midnight(day + timedelta(days=1), zone)
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def _open(conn: Connection, hours: Iterable[OpeningHours]) -> None:
    for each in hours:
        conn.execute(SQL["add_opening_hours"], {name: getattr(each, name) for name in OpeningHours.__slots__})


def _values(machine: Machine) -> dict[str, object]:
    values = {name: getattr(machine, name) for name in Machine.__slots__}
    return values | {"probe_types": list(machine.probe_types), "program_formats": list(machine.program_formats)}
