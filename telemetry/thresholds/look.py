"""A machine's power as a person looks at it: now, over a recorded day, and around the moments they pressed a button."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np

from coop import machines, register
from coop.database import Connection
from coop.errors import Conflict
from coop.interval import Interval, local_midnight
from coop.queries import load
from telemetry.states import store as store_states
from telemetry.states.model import StateRule
from telemetry.storage.speakers import speakers
from telemetry.thresholds.proposal import Proposal, between, propose

SQL = load("telemetry.thresholds")

BEFORE, AFTER = timedelta(seconds=5), timedelta(seconds=15)
"""What a person says holds this long before and after they press the button."""

HOLDS_AT_MOST = timedelta(minutes=15)
TRACE_POINTS = 480
BINS = 48


class NoPower(Conflict):
    """Nothing tells this machine's power now: bind a plug to it first."""

    code = "telemetry.no_power"


@dataclass(frozen=True, slots=True)
class Live:
    """The channel that tells a machine's power, its newest reading of the last minutes, and the rule that holds."""

    channel: str
    at: datetime | None
    watts: float | None
    rule: StateRule | None


@dataclass(frozen=True, slots=True)
class Bin:
    """The share of the time at `from_watts` or more and less than `to_watts`."""

    from_watts: float
    to_watts: float
    share: float


@dataclass(frozen=True, slots=True)
class Point:
    """The lowest and highest power in a stretch of a trace that begins at `at`."""

    at: datetime
    low_watts: float
    high_watts: float


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """A local day of a machine's power."""

    channel: str
    window: Interval
    readings: int
    histogram: Sequence[Bin]
    trace: Sequence[Point]
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Shown:
    """What was seen around the moments at which a person said: idle, and measuring."""

    idle: Sequence[float]
    measuring: Sequence[float]
    complete: bool
    proposal: Proposal


def live(conn: Connection, machine_id: str, now: datetime, channel: str | None = None) -> Live:
    """What the machine draws now; raises `MachineUnknown`, `NoPower`."""
    machines.machine(conn, machine_id)
    rule = rule_now(conn, machine_id, now)
    name = _channel(conn, machine_id, now, rule, channel)
    values = {"machine_id": machine_id, "channel": name, "since": now - HOLDS_AT_MOST, "now": now}
    row = conn.execute(SQL["latest"], values).fetchone()
    at, watts = row or (None, None)
    return Live(name, at, watts, rule)


def recorded_day(
    conn: Connection, machine_id: str, day: date, now: datetime, channel: str | None = None
) -> RecordedDay:
    """A local day's power and what it proposes; raises `MachineUnknown`, `NoPower`."""
    name = live(conn, machine_id, now, channel).channel
    zone = register.cooperative(conn).time_zone
    window = Interval(local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone))
    readings = _readings(conn, machine_id, name, window)
    held = _held(readings, window.end)
    watts = [value for _, value in readings]
    return RecordedDay(
        name, window, len(readings), histogram(watts, held), trace(readings, window), propose(watts, held)
    )


def trace_of(conn: Connection, machine_id: str, window: Interval, at: datetime) -> list[Point]:
    """What the machine drew in `window`; nothing where no device told its power at that time."""
    try:
        name = _channel(conn, machine_id, at, rule_now(conn, machine_id, at), None)
    except NoPower:
        return []
    return trace(_readings(conn, machine_id, name, window), window)


def shown(
    conn: Connection,
    machine_id: str,
    idle_at: datetime,
    measuring_at: datetime,
    now: datetime,
    channel: str | None = None,
) -> Shown:
    """What was seen when a person said so; `complete` once the time after the last press is over."""
    name = live(conn, machine_id, now, channel).channel
    seen = [_around(conn, machine_id, name, moment) for moment in (idle_at, measuring_at)]
    return Shown(seen[0], seen[1], now >= measuring_at + AFTER, between(*seen))


def histogram(watts: Sequence[float], held: Sequence[float]) -> list[Bin]:
    """Shares of the time by power, in bins that widen with the power."""
    if not watts or max(watts) <= 0:
        return []
    top = max(watts) * 1.0001
    edges = np.geomspace(top / 1000, top, BINS + 1)
    shares, _ = np.histogram(np.clip(watts, edges[0], None), edges, weights=held)
    whole = shares.sum() or 1.0
    return [
        Bin(float(a), float(b), float(share / whole)) for (a, b), share in zip(pairwise(edges), shares, strict=True)
    ]


def trace(readings: Sequence[tuple[datetime, float]], window: Interval) -> list[Point]:
    """At most `TRACE_POINTS` stretches of equal length, those without a reading left out: no peak is lost."""
    step = (window.end - window.start) / TRACE_POINTS
    points: dict[int, Point] = {}
    for at, watts in readings:
        number = (at - window.start) // step
        known = points.get(number)
        low, high = (min(known.low_watts, watts), max(known.high_watts, watts)) if known else (watts, watts)
        points[number] = Point(window.start + number * step, low, high)
    return list(points.values())


def rule_now(conn: Connection, machine_id: str, now: datetime) -> StateRule | None:
    """The rule by which a machine's state is read now."""
    for since, until, rule in store_states.rules(conn, machine_id):
        if (since is None or since <= now) and (until is None or now < until):
            return rule
    return None


def _channel(conn: Connection, machine_id: str, now: datetime, rule: StateRule | None, wanted: str | None) -> str:
    values = {"machine_id": machine_id, "now": now}
    names = [name for (name,) in conn.execute(SQL["power_channels"], values)]
    if wanted is None and rule is not None and rule.kind == "power" and rule.channel in names:
        return rule.channel
    if not names or (wanted is not None and wanted not in names):
        raise NoPower(machine=machine_id)
    return wanted or names[0]


def _readings(conn: Connection, machine_id: str, channel: str, window: Interval) -> list[tuple[datetime, float]]:
    found = [
        (at, value)
        for speaker in speakers(conn, machine_id, window)
        if speaker.channel == channel
        for at, value in conn.execute(SQL["readings"], speaker.values)
    ]
    return sorted(found)


def _around(conn: Connection, machine_id: str, channel: str, moment: datetime) -> list[float]:
    """The readings near a moment; of a plug that reports seldom, the last before it."""
    near = _readings(conn, machine_id, channel, Interval(moment - BEFORE, moment + AFTER))
    if not near:
        near = _readings(conn, machine_id, channel, Interval(moment - HOLDS_AT_MOST, moment))[-1:]
    return [watts for _, watts in near]


def _held(readings: Sequence[tuple[datetime, float]], end: datetime) -> list[float]:
    times = [*(at for at, _ in readings), end]
    return [min(after - before, HOLDS_AT_MOST).total_seconds() for before, after in pairwise(times)]
