"""What a settlement is computed from, read from the other rooms; and the readings behind it, to be frozen."""

from collections.abc import Iterator
from datetime import date
from uuid import uuid4

from billing.periods.evidence import MACHINE, RULES, Part, readings_part
from billing.store import first_day
from coop.database import Connection
from coop.interval import Interval, month, parse_month
from coop.queries import load
from coop.register import cooperative

SQL = load("billing.periods")


def gather(conn: Connection, month_name: str, member_id: str | None = None) -> Iterator[Part]:
    """The inputs of a month as evidence parts: its rules, then one machine after the other.

    With `member_id`, of the machines only what concerns that member. All of one moment, because one statement reads
    them; of its rows only one is in memory at a time.
    """
    zone = cooperative(conn).time_zone
    within = month(*parse_month(month_name), zone)
    values = {
        "month_name": month_name,
        "month": first_day(month_name),
        "time_zone": zone.key,
        "start": within.start,
        "end": within.end,
        "member_id": member_id,
    }
    with conn.cursor(name=f"gather_{uuid4().hex}") as cursor:
        cursor.itersize = 1
        cursor.execute(SQL["month_inputs"], values)
        for machine_id, content in cursor:
            yield Part(RULES if machine_id is None else MACHINE + machine_id, content.encode())


def readings(conn: Connection, within: Interval) -> Iterator[Part]:
    """The readings of a time as evidence parts, one machine after the other, a part for each day."""
    times = {"start": within.start, "end": within.end}
    for (machine_id,) in conn.execute(SQL["machines_with_devices"], times).fetchall():
        for day, content in readings_of(conn, machine_id, within):
            yield Part(readings_part(machine_id, day), content)


def readings_of(conn: Connection, machine_id: str, within: Interval) -> list[tuple[date, bytes]]:
    """The readings of one machine by UTC day: for each device channel, columns of times, clock offsets and values."""
    values = {"machine_id": machine_id, "start": within.start, "end": within.end}
    rows = conn.execute(SQL["readings_of_machine"], values).fetchall()
    return [(day, content.encode()) for day, content in rows]
