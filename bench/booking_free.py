"""The free slots of a machine for a week, over HTTP, among 300 machines × 28 days and 100,000 reservations.

The reference is the one statement that finds what is taken, with the same times, on a connection of its own.
"""

import json
import random
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import psycopg
from _crowd import Caller, people_at, quantile_ms
from _outcome import QUICK, outcome
from _parts import database, settle_tables

from booking.store import SQL
from tests.servers import serving

MACHINES = 20 if QUICK else 300
DAYS, A_DAY = 28, 12
CALLS = 50 if QUICK else 1_000
WARM_UP = 20

FILL = """
WITH slot AS (
    SELECT gen_random_uuid() AS id, m.id AS machine_id, p.member_id, p.id AS person_id,
           %(start)s::timestamptz + number * interval '2 hours' AS starts_at
    FROM coop.machine m CROSS JOIN generate_series(0, %(days)s * %(a_day)s - 1) AS number
    CROSS JOIN (SELECT id, member_id FROM coop.person LIMIT 1) p
), reserved AS (
    INSERT INTO booking.reservation (id, uid, machine_id, member_id, person_id, starts_at, ends_at, status,
                                     created_at, changed_at)
    SELECT id, id::text, machine_id, member_id, person_id, starts_at, starts_at + interval '1 hour', 'confirmed',
           now(), now()
    FROM slot
)
INSERT INTO booking.claim (reservation_id, resource_id, blocked)
SELECT id, machine_id, tstzrange(starts_at, starts_at + interval '1 hour') FROM slot
"""


def main() -> None:
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    dice = random.Random(28)
    with database() as cluster:
        place, [token, *_] = people_at(cluster.app_url, machines=MACHINES, members=16)
        with psycopg.connect(cluster.app_url) as conn:
            stored = conn.execute(FILL, {"start": start, "days": DAYS, "a_day": A_DAY}).rowcount
        settle_tables(cluster.owner_url)
        wanted = []
        for _ in range(CALLS):
            since = start + timedelta(days=dice.randrange(DAYS - 7))
            wanted.append((dice.choice(place.machine_ids), since, since + timedelta(days=7)))
        with serving(cluster.app_url, 1) as [url], psycopg.connect(cluster.app_url) as conn:
            caller, bare = Caller(url, token), []
            for machine_id, since, until in [*wanted[:WARM_UP], *wanted]:
                window = urlencode({"from": since.isoformat(), "to": until.isoformat()})
                status, body = caller.call("GET", f"/machines/{machine_id}/free?{window}")
                assert status == 200, body
                assert len(json.loads(body)) == 7 * A_DAY
                begun = time.perf_counter()
                values = {"resource_id": machine_id, "from": since, "until": until, "but_for": None}
                taken = conn.execute(SQL["blocked"], values).fetchall()
                bare.append(time.perf_counter() - begun)
                assert len(taken) == 7 * A_DAY
            caller.close()
    ours = caller.seconds[WARM_UP:]
    outcome(
        "booking_free",
        ours=quantile_ms(ours, 0.95),
        reference=quantile_ms(bare[WARM_UP:], 0.95),
        unit="ms, p95",
        lower_is_better=True,
        detail=f"a week of one machine among {MACHINES} with {stored:,} claims; over HTTP, p50 "
        f"{quantile_ms(ours, 0.5):.1f} ms, {CALLS} calls one after the other; reference: the statement that finds "
        "what is taken. There is no timeline of all machines yet, so its size is not measured",
    )


if __name__ == "__main__":
    main()
