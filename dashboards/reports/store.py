"""What the utilisation report counts; it names nobody."""

from collections import defaultdict

import booking
from coop import machines
from coop.database import Connection
from coop.interval import Interval
from coop.queries import load
from dashboards.reports.utilisation import Evidence
from dashboards.store import states_within

SQL = load("dashboards.reports")


def evidence(conn: Connection, month: Interval) -> dict[str, Evidence]:
    """What is known of every machine in `month`; names nobody."""
    opening = booking.calendars(conn)
    booked, occupied = _intervals(conn, "booked", month), _intervals(conn, "occupied", month)
    states = states_within(conn, month)
    return {
        each.id: Evidence(
            open=opening[each.id].open_intervals(month),
            booked=booked.get(each.id, []),
            occupied=occupied.get(each.id, []),
            running=[interval for state, interval in states.get(each.id, []) if state == "running"],
            known=[interval for state, interval in states.get(each.id, []) if state != "unknown"],
        )
        for each in machines.machines(conn)
    }


def _intervals(conn: Connection, statement: str, window: Interval) -> dict[str, list[Interval]]:
    found: dict[str, list[Interval]] = defaultdict(list)
    for machine_id, start, end in conn.execute(SQL[statement], {"from": window.start, "until": window.end}):
        found[machine_id].append(Interval(start, end))
    return found
