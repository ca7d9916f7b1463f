"""A cooperative of any size with months of use, for the benchmarks of billing."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from billing.costs.edit import add_pool
from billing.costs.entries import add_cost
from billing.model import Basis, Cost, Pool, PoolKind, Tariff
from billing.periods.finish import rule_finding
from billing.periods.settle import UNAPPROVED
from billing.tariffs.edit import add_tariff
from coop import machines, register
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.interval import Interval, month, parse_month
from coop.machines import Machine
from coop.register import Cooperative, Member

TOKYO = ZoneInfo("Asia/Tokyo")
OFFICE = Viewer(None, None, frozenset({Role.OFFICE}))

# The time of a machine in equal steps: each usage takes two thirds of its own, and each is of the next member.
FILL = """
WITH usage AS (
    SELECT 'cmm-' || (1 + number %% %(machines)s) AS machine_id,
           'm' || (1 + (number * 7919) %% %(members)s) AS member_id,
           %(start)s::timestamptz + (number / %(machines)s) * make_interval(secs => %(step)s) AS started_at
    FROM generate_series(0, %(usages)s - 1) AS number
), seen AS (
    INSERT INTO telemetry.state_interval (machine_id, started_at, ended_at, state)
    SELECT machine_id, started_at, started_at + make_interval(secs => %(step)s / 3), 'running' FROM usage
)
INSERT INTO telemetry.usage (id, machine_id, started_at, ended_at, running_seconds, kind, member_id, evidence_hash)
SELECT gen_random_uuid(), machine_id, started_at, started_at + make_interval(secs => %(step)s * 2 / 3), %(step)s / 3,
       'overrun', member_id, sha256((machine_id || started_at)::bytea)
FROM usage
"""

PLUGS = """
WITH device AS (
    INSERT INTO telemetry.device (id, address, added_at)
    SELECT 'plug-' || number, 'plug-' || number, '2026-01-01Z' FROM generate_series(1, %(plugs)s) AS number
    RETURNING id
), bound AS (
    INSERT INTO telemetry.binding (device_id, machine_id, bound)
    SELECT id, replace(id, 'plug', 'cmm'), '[2020-01-01 00:00Z,)' FROM device
)
INSERT INTO telemetry.channel (device_id, name) SELECT id, 'power' FROM device
"""

READINGS = """
INSERT INTO telemetry.reading (channel_id, at, tie, value, received_at)
SELECT c.id, m.at, 0, 200 + 150 * sin(extract(epoch FROM m.at)::bigint / 600), m.at
FROM telemetry.channel c
CROSS JOIN generate_series(%(start)s, %(end)s - interval '1 second', make_interval(secs => %(every)s)) AS m (at)
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How many there are of each; `usages` in a month."""

    members: int
    machines: int
    usages: int


def found(conn: Connection, size: Size, now: datetime, *, plugs: int = 0) -> None:
    """Members, machines with a tariff each, the first `plugs` of them with a plug, a rent to share; no approvals."""
    register.found(conn, Cooperative("bench", "bench", TOKYO, "T7123456789012", ""), now)
    rule_finding(conn, OFFICE, UNAPPROVED, False, now)
    for number in range(1, size.members + 1):
        register.add_member(conn, Member(f"m{number}", f"㈱髙﨑濵第{number}製作所", joined_on=date(2020, 4, 1)))
    add_pool(conn, OFFICE, Pool("rent", PoolKind.SHARE, "家賃", "Rent"), now)
    for number in range(1, size.machines + 1):
        name = f"cmm-{number}"
        machines.add_machine(conn, Machine(name, "cmm", f"三次元測定機 {number}", name))
        add_tariff(conn, OFFICE, Tariff(uuid4(), name, date(2020, 1, 1), Basis.OCCUPIED, 3_000, 900), now)
        add_pool(conn, OFFICE, Pool(f"of-{name}", PoolKind.FEE, name, name, (name,)), now)
    conn.execute(PLUGS, {"plugs": plugs})


def use(conn: Connection, size: Size, label: str, now: datetime, *, readings_every: timedelta | None = None) -> None:
    """A month of use with its cost to share, and of readings of each plug where they are asked for."""
    within = whole(label)
    add_cost(conn, OFFICE, label, Cost(uuid4(), "rent", "room", 1_000_003), now)
    step = 27 * 86_400 // -(-size.usages // size.machines)
    values = {"machines": size.machines, "members": size.members, "usages": size.usages, "start": within.start}
    conn.execute(FILL, values | {"step": step // 3 * 3})
    if readings_every:
        every = readings_every.total_seconds()
        conn.execute(READINGS, {"start": within.start, "end": within.end, "every": every})
    conn.execute("DELETE FROM telemetry.dirty")


def whole(label: str) -> Interval:
    """The month `YYYY-MM` in Tokyo."""
    return month(*parse_month(label), TOKYO)


def after(label: str) -> datetime:
    """A day into the month after."""
    return whole(label).end.astimezone(UTC) + timedelta(days=1)
