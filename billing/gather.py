"""What a settlement is computed from, read from the other rooms; and the readings behind it, to be frozen."""

from collections.abc import Iterator

from billing.evidence import READINGS, Part, read_inputs
from billing.model import Inputs
from billing.store import SQL, first_day
from coop.database import Connection
from coop.interval import Interval, month, parse_month
from coop.register import cooperative


def gather(conn: Connection, month_name: str) -> Inputs:
    """The inputs of a month, all of one moment."""
    zone = cooperative(conn).time_zone
    within = month(*parse_month(month_name), zone)
    row = conn.execute(
        SQL["month_inputs"],
        {
            "month_name": month_name,
            "month": first_day(month_name),
            "time_zone": zone.key,
            "start": within.start,
            "end": within.end,
        },
    ).fetchone()
    assert row is not None
    return read_inputs(row[0])


def readings(conn: Connection, within: Interval) -> Iterator[Part]:
    """The readings of a time as evidence parts, one machine after the other."""
    times = {"start": within.start, "end": within.end}
    for (machine_id,) in conn.execute(SQL["machines_with_devices"], times).fetchall():
        yield Part(READINGS + machine_id, readings_of(conn, machine_id, within))


def readings_of(conn: Connection, machine_id: str, within: Interval) -> bytes:
    """JSON of the readings of one machine: for each device channel, columns of times, clock offsets and values."""
    values = {"machine_id": machine_id, "start": within.start, "end": within.end}
    row = conn.execute(SQL["readings_of_machine"], values).fetchone()
    assert row is not None
    content: str = row[0]
    return content.encode()
