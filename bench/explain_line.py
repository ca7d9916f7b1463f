"""One line of a closed month down to its readings, as the page and `GET …/explain` have it.

500 members, 100 machines, 200,000 uses in the month; one machine's plug reported every ten seconds. The reference is
the bound, 50 ms, for each line; the figure is the median over lines of use of that machine.
"""

import time
from datetime import timedelta
from random import Random

import psycopg
from _months import OFFICE, Size, after, found, use
from _outcome import QUICK, middle, outcome
from _parts import database, settle_tables

from billing.explain.line import explain
from billing.periods import settle
from billing.views import explanation_view
from coop.database import Connection

SIZE = Size(5, 2, 40) if QUICK else Size(500, 100, 200_000)
LINES = 5 if QUICK else 40
BOUND_SECONDS = 0.050
MONTH = "2026-10"
CHOSEN = """
SELECT s.id, l.n FROM billing.line l JOIN billing.statement s ON s.id = l.statement_id
WHERE s.month = '2026-10-01' AND l.kind = %(kind)s AND (%(machine)s::text IS NULL OR l.machine_id = %(machine)s)
ORDER BY s.member_id, l.n
"""


def seconds(conn: Connection, kind: str, machine: str | None) -> list[float]:
    """How long it takes to explain some of the lines of a kind."""
    lines = conn.execute(CHOSEN, {"kind": kind, "machine": machine}).fetchall()
    took = []
    for statement_id, n in Random(1).sample(lines, min(LINES, len(lines))):  # which lines is no secret
        begun = time.perf_counter()
        found = explain(conn, OFFICE, statement_id, n)
        explanation_view(found, "ja").model_dump_json()
        took.append(time.perf_counter() - begun)
        conn.commit()
        if kind == "fee":
            assert found.frozen
            assert found.usages[0].readings
    return took


def main() -> None:
    now = after(MONTH)
    with database() as cluster:
        with psycopg.connect(cluster.app_url, options="-c TimeZone=UTC") as conn:
            found(conn, SIZE, now, plugs=1)
            use(conn, SIZE, MONTH, now, readings_every=timedelta(seconds=10))
        settle_tables(cluster.owner_url)
        with psycopg.connect(cluster.app_url, options="-c TimeZone=UTC") as conn:
            settle.close(conn, OFFICE, MONTH, now)
        settle_tables(cluster.owner_url)
        with psycopg.connect(cluster.app_url, options="-c TimeZone=UTC") as conn:
            uses, shares = seconds(conn, "fee", "cmm-1"), seconds(conn, "share", None)
    outcome(
        "explain_line",
        ours=middle(uses) * 1000,
        reference=BOUND_SECONDS * 1000,
        unit="ms",
        lower_is_better=True,
        detail=f"median of {len(uses)} lines of use with readings every 10 s (slowest {max(uses) * 1000:.0f} ms); "
        f"lines of a share with all of the member's uses: {middle(shares) * 1000:.0f} ms; "
        f"{SIZE.usages:,} uses a month; reference: the bound",
    )


if __name__ == "__main__":
    main()
