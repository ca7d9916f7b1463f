"""A month's draft with the explanation of every line, written to the database.

The reference loads the same usages from the database and groups them once with pandas: the least that anybody does.
"""

import resource
import time
from datetime import UTC, date, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pandas as pd
import psycopg
from _outcome import QUICK, middle, outcome
from _parts import database, settle_tables

from billing.costs.edit import add_pool
from billing.costs.entries import add_cost
from billing.model import Basis, Cost, Pool, PoolKind, Tariff
from billing.periods import settle
from billing.tariffs.edit import add_tariff
from coop import machines, register
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.machines import Machine
from coop.register import Cooperative, Member

MEMBERS, MACHINES, USAGES = (10, 4, 400) if QUICK else (500, 100, 200_000)
ROUNDS = 1 if QUICK else 3
OFFICE = Viewer(None, None, frozenset({Role.OFFICE}))
NOW = datetime(2026, 11, 2, tzinfo=UTC)
START = datetime(2026, 9, 30, 15, tzinfo=UTC)  # October in Tokyo

# The month of a machine in equal steps: each usage takes two thirds of its own.
FILL = """
WITH usage AS (
    SELECT 'cmm-' || (1 + number %% %(machines)s) AS machine_id,
           'm' || (1 + (number * 7919) %% %(members)s) AS member_id,
           %(start)s::timestamptz + (number / %(machines)s) * make_interval(secs => %(step)s) AS started_at
    FROM generate_series(0, %(usages)s - 1) AS number
), seen AS (
    INSERT INTO telemetry.state_interval (machine_id, started_at, ended_at, state)
    SELECT machine_id, started_at, started_at + make_interval(secs => %(step)s * 2 / 3), 'running' FROM usage
)
INSERT INTO telemetry.usage (id, machine_id, started_at, ended_at, running_seconds, kind, member_id, evidence_hash)
SELECT gen_random_uuid(), machine_id, started_at, started_at + make_interval(secs => %(step)s * 2 / 3),
       %(step)s * 2 / 3, 'overrun', member_id, sha256((machine_id || started_at)::bytea)
FROM usage
"""


# What a settlement needs to know of each usage: its time and kind, whose it is, and what it is proved by.
ROWS = """
SELECT id, machine_id, started_at, ended_at, running_seconds, kind, member_id, reservation_id, evidence_hash
FROM telemetry.usage ORDER BY machine_id, started_at
"""


def found(conn: Connection) -> None:
    """Members, machines with a tariff each, and a rent to share."""
    register.found(conn, Cooperative("bench", "bench", ZoneInfo("Asia/Tokyo"), None, ""), NOW)
    for number in range(1, MEMBERS + 1):
        register.add_member(conn, Member(f"m{number}", f"m{number}", joined_on=date(2020, 4, 1)))
    add_pool(conn, OFFICE, Pool("rent", PoolKind.SHARE, "家賃", "Rent"), NOW)
    add_cost(conn, OFFICE, "2026-10", Cost(uuid4(), "rent", "room", 1_000_003), NOW)
    for number in range(1, MACHINES + 1):
        name = f"cmm-{number}"
        machines.add_machine(conn, Machine(name, "cmm", name, name))
        tariff = Tariff(uuid4(), name, date(2026, 1, 1), Basis.OCCUPIED, 3_000, 900)
        add_tariff(conn, OFFICE, tariff, NOW)
        add_pool(conn, OFFICE, Pool(f"of-{name}", PoolKind.FEE, name, name, (name,)), NOW)
    step = 30 * 86_400 // -(-USAGES // MACHINES)
    conn.execute(
        FILL, {"machines": MACHINES, "members": MEMBERS, "usages": USAGES, "start": START, "step": step // 3 * 3}
    )
    conn.execute("DELETE FROM telemetry.dirty")


def seconds_to_draft(url: str) -> float:
    begun = time.perf_counter()
    with psycopg.connect(url, options="-c TimeZone=UTC") as conn:
        drafted = settle.draft(conn, OFFICE, "2026-10", NOW)
    took = time.perf_counter() - begun
    assert not drafted.findings, drafted.findings[:3]
    return took


def seconds_to_group(url: str) -> float:
    begun = time.perf_counter()
    with psycopg.connect(url, options="-c TimeZone=UTC") as conn, conn.cursor() as cursor:
        cursor.execute(ROWS)
        assert cursor.description is not None
        frame = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])
    seconds = (frame["ended_at"] - frame["started_at"]).dt.total_seconds()
    assert len(seconds.groupby([frame["member_id"], frame["machine_id"]]).sum())
    return time.perf_counter() - begun


def main() -> None:
    with database() as cluster:
        with psycopg.connect(cluster.app_url) as conn:
            found(conn)
        settle_tables(cluster.owner_url)
        drafted = [seconds_to_draft(cluster.app_url) for _ in range(ROUNDS)]
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        grouped = [seconds_to_group(cluster.app_url) for _ in range(ROUNDS)]
    outcome(
        "settle_draft",
        ours=middle(drafted),
        reference=middle(grouped),
        unit="s",
        lower_is_better=True,
        detail=f"{MEMBERS} members, {MACHINES} machines, {USAGES:,} usages, each a line with its explanation; "
        f"{memory_mb:.0f} MB at most; reference: the usages loaded and grouped once by pandas; median of {ROUNDS}",
    )


if __name__ == "__main__":
    main()
