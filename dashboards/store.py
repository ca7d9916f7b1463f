"""What several pages read."""

from collections import defaultdict

from coop.database import Connection
from coop.interval import Interval
from coop.queries import load

SQL = load("dashboards")


def states_within(conn: Connection, window: Interval) -> dict[str, list[tuple[str, Interval]]]:
    """What the signal of each machine said within `window`: (state, interval) by machine, in order."""
    states: dict[str, list[tuple[str, Interval]]] = defaultdict(list)
    for machine_id, start, end, state in conn.execute(SQL["states"], {"from": window.start, "until": window.end}):
        states[machine_id].append((state, Interval(start, end)))
    return states
