"""What the timeline draws, for one viewer."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from booking.search.timeline import timeline
from coop.database import Connection
from coop.identity import Viewer
from coop.interval import Interval
from coop.machines import Machine
from coop.queries import load
from dashboards.timeline.model import Did, Line, bar, did
from telemetry.states.live import current_states

SQL = load("dashboards.timeline")


def lines(
    conn: Connection, viewer: Viewer, machines: Sequence[Machine], window: Interval, now: datetime, grain: timedelta
) -> list[Line]:
    """A line for each of `machines`, in their order."""
    wanted = [each.id for each in machines]
    known = {each.machine_id: each for each in timeline(conn, viewer, wanted, window)}
    seen = _did(conn, wanted, window, now, grain)
    return [
        Line(
            each,
            known[each.id].grid_minutes,
            known[each.id].opened,
            seen[each.id],
            [bar(viewer, taken, now) for taken in known[each.id].taken],
        )
        for each in machines
    ]


def _did(
    conn: Connection, machine_ids: Sequence[str], window: Interval, now: datetime, grain: timedelta
) -> dict[str, Did]:
    if now <= window.start:
        return dict.fromkeys(machine_ids, Did())
    running: dict[str, list[Interval]] = defaultdict(list)
    heard: dict[str, list[Interval]] = defaultdict(list)
    values = {"machine_ids": list(machine_ids), "from": window.start, "until": window.end}
    for machine_id, ran, said in conn.execute(SQL["did"], values):
        running[machine_id] += [Interval(each.lower, each.upper) for each in ran or ()]
        heard[machine_id] += [Interval(each.lower, each.upper) for each in said or ()]
    for each in current_states(conn, now):
        if each.since is None or each.since >= now or each.state == "unknown":
            continue
        heard[each.machine_id].append(Interval(each.since, now))
        if each.state == "running":
            running[each.machine_id].append(Interval(each.since, now))
    return {each: did(running[each], heard[each], window, now, grain) for each in machine_ids}
