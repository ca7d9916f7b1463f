"""The documents of a closed month of 500 members: numbered, printed with their usage appendix and pictures, kept.

The reference is the bound, two minutes.
"""

import time
from datetime import UTC, date, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import psycopg
from _outcome import QUICK, outcome
from _parts import database, settle_tables

from billing.costs.edit import add_pool
from billing.documents import store
from billing.documents.frozen import FrozenMonth
from billing.documents.issue import issue, issue_some
from billing.documents.model import Issuer
from billing.model import Basis, Pool, PoolKind, Tariff
from billing.periods import settle
from billing.periods.finish import rule_finding
from billing.tariffs.edit import add_tariff
from coop import machines, register
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.machines import Machine
from coop.register import Cooperative, Member

MEMBERS, MACHINES, USES_EACH = (5, 2, 4) if QUICK else (500, 100, 20)
BOUND_SECONDS = 120.0
OFFICE = Viewer(None, None, frozenset({Role.OFFICE}))
NOW = datetime(2026, 11, 2, tzinfo=UTC)
START = datetime(2026, 9, 30, 15, tzinfo=UTC)  # October in Tokyo

# Each machine's month in equal steps: a use takes two thirds of its own, and each is of the next member.
FILL = """
WITH usage AS (
    SELECT 'cmm-' || (1 + number %% %(machines)s) AS machine_id,
           'm' || (1 + (number * 7919) %% %(members)s) AS member_id,
           %(start)s::timestamptz + (number / %(machines)s) * make_interval(secs => %(step)s) AS started_at
    FROM generate_series(0, %(members)s * %(uses_each)s - 1) AS number
), seen AS (
    INSERT INTO telemetry.state_interval (machine_id, started_at, ended_at, state)
    SELECT machine_id, started_at, started_at + make_interval(secs => %(step)s / 3), 'running' FROM usage
)
INSERT INTO telemetry.usage (id, machine_id, started_at, ended_at, running_seconds, kind, member_id, evidence_hash)
SELECT gen_random_uuid(), machine_id, started_at, started_at + make_interval(secs => %(step)s * 2 / 3), %(step)s / 3,
       'overrun', member_id, sha256((machine_id || started_at)::bytea)
FROM usage
"""

# A plug on each machine that reports its power every minute.
READINGS = """
WITH device AS (
    INSERT INTO telemetry.device (id, address, added_at)
    SELECT 'plug-' || number, 'plug-' || number, %(start)s FROM generate_series(1, %(machines)s) AS number RETURNING id
), bound AS (
    INSERT INTO telemetry.binding (device_id, machine_id, bound)
    SELECT id, replace(id, 'plug', 'cmm'), '[2026-01-01 00:00Z,)' FROM device
), channel AS (
    INSERT INTO telemetry.channel (device_id, name) SELECT id, 'power' FROM device RETURNING id
)
INSERT INTO telemetry.reading (channel_id, at, tie, value, received_at)
SELECT c.id, m.at, 0, 200 + 150 * sin(extract(epoch FROM m.at)::bigint / 600), m.at
FROM channel c CROSS JOIN generate_series(%(start)s, %(start)s + interval '30 days', interval '1 minute') AS m (at)
"""


def found(conn: Connection) -> None:
    """Members, machines with a tariff and a plug each, and their use."""
    register.found(conn, Cooperative("bench", "bench", ZoneInfo("Asia/Tokyo"), None, ""), NOW)
    store.add_issuer(
        conn, Issuer("墨田機械工業協同組合", "東京都墨田区", invoice_number="T7123456789012", pay_to="銀行"), NOW
    )
    for number in range(1, MEMBERS + 1):
        register.add_member(conn, Member(f"m{number}", f"㈱髙﨑濵第{number}製作所", joined_on=date(2020, 4, 1)))
    for number in range(1, MACHINES + 1):
        name = f"cmm-{number}"
        machines.add_machine(conn, Machine(name, "cmm", f"三次元測定機 {number}", name))
        add_tariff(conn, OFFICE, Tariff(uuid4(), name, date(2026, 1, 1), Basis.OCCUPIED, 3_000, 900), NOW)
        add_pool(conn, OFFICE, Pool(f"of-{name}", PoolKind.FEE, name, name, (name,)), NOW)
    step = 30 * 86_400 // -(-MEMBERS * USES_EACH // MACHINES)
    values = {"machines": MACHINES, "members": MEMBERS, "uses_each": USES_EACH, "start": START, "step": step // 3 * 3}
    conn.execute(FILL, values)
    conn.execute(READINGS, values)
    conn.execute("DELETE FROM telemetry.dirty")


def main() -> None:
    with database() as cluster:
        with psycopg.connect(cluster.app_url, options="-c TimeZone=UTC") as conn:
            found(conn)
        settle_tables(cluster.owner_url)
        with psycopg.connect(cluster.app_url, options="-c TimeZone=UTC") as conn:
            rule_finding(conn, OFFICE, settle.UNAPPROVED, False, NOW)
            settle.close(conn, OFFICE, "2026-10", NOW)
        begun = time.perf_counter()
        frozen, more = FrozenMonth("2026-10"), True
        with psycopg.connect(cluster.app_url, options="-c TimeZone=UTC") as conn:
            issue(conn, OFFICE, "2026-10", NOW)
            while more:
                more = issue_some(conn, frozen, NOW)
                conn.commit()
            took = time.perf_counter() - begun
            row = conn.execute("SELECT count(*), avg(length(pdf))::int FROM billing.document_print").fetchone()
    assert row is not None
    assert row[0] == MEMBERS
    outcome(
        "statement_pdfs",
        ours=took,
        reference=BOUND_SECONDS,
        unit="s",
        lower_is_better=True,
        detail=f"{row[0]} statements, each with {USES_EACH} uses and their pictures out of a minute's readings of "
        f"{MACHINES} machines; {row[1] // 1000} kB each; reference: the bound, {BOUND_SECONDS:.0f} s",
    )


if __name__ == "__main__":
    main()
