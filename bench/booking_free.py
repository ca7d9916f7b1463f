"""What is free within 28 days across 300 machines with 100,000 reservations: the search, in process and over HTTP.

The reference is the least that anybody must ask the database: the first three gaps of each machine that are long
enough, in one statement, all rows fetched. The search answers for one viewer: calendars, rules and services beside it.
"""

import gzip
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlencode

import orjson
import psycopg
from _crowd import Caller, people_at, quantile_ms
from _outcome import QUICK, middle, outcome
from _parts import database, settle_tables

from booking.search.find import Search, search
from booking.search.ranking import Order, PartNeeds
from coop import people
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.interval import Interval
from tests.servers import serving

MACHINES = 20 if QUICK else 300
WINDOW, WEEK = timedelta(days=28), timedelta(days=7)
LENGTHS = [timedelta(minutes=minutes) for minutes in (30, 60, 120, 240)]
"""The longer, the rarer: for half an hour there is room everywhere, for four hours nowhere."""

MEMBERS = 100
CALLS = 3 if QUICK else 25
WARM_UP = 6
MOST_BYTES = 300_000

FILL = """
WITH next AS (
    SELECT m.id AS machine_id, number, (1 + floor(random() * 4)) * interval '30 minutes' AS lasts,
           floor(random() * random() * 14) * interval '15 minutes' AS pause
    FROM coop.machine m CROSS JOIN generate_series(1, 400) AS number
), following AS (
    SELECT machine_id, lasts, %(start)s::timestamptz + sum(lasts + pause) OVER (PARTITION BY machine_id ORDER BY number)
           AS ends_at, floor(random() * (SELECT count(*) FROM coop.person WHERE member_id IS NOT NULL)) AS whose
    FROM next
), engineer AS (
    SELECT id AS person_id, member_id, row_number() OVER (ORDER BY email) - 1 AS whose
    FROM coop.person WHERE member_id IS NOT NULL
), slot AS (
    SELECT gen_random_uuid() AS id, machine_id, member_id, person_id, ends_at - lasts AS starts_at, ends_at
    FROM following JOIN engineer USING (whose)
    WHERE ends_at <= %(until)s
), reserved AS (
    INSERT INTO booking.reservation (id, uid, machine_id, member_id, person_id, starts_at, ends_at, status,
                                     created_at, changed_at)
    SELECT id, id::text, machine_id, member_id, person_id, starts_at, ends_at, 'confirmed', now(), now() FROM slot
)
INSERT INTO booking.claim (reservation_id, resource_id, blocked)
SELECT id, machine_id, tstzrange(starts_at, ends_at) FROM slot
"""

BARE = """
SELECT taken.resource_id, gap.since, gap.until
FROM (SELECT c.resource_id, range_agg(c.blocked) AS blocked
      FROM booking.claim c
      WHERE c.resource_id = ANY (%(machine_ids)s) AND c.released_at IS NULL
        AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
        AND c.blocked && tstzrange(%(from)s, %(until)s)
      GROUP BY c.resource_id) taken
CROSS JOIN LATERAL (
    SELECT lower(room) AS since, upper(room) AS until
    FROM unnest(tstzmultirange(tstzrange(%(from)s, %(until)s)) - taken.blocked) AS room
    WHERE upper(room) - lower(room) >= %(length)s LIMIT 3) gap
"""


@dataclass(slots=True)
class Asked:
    """Somebody's questions to the full calendar, and to the bare database beside it."""

    conn: Connection
    viewer: Viewer
    caller: Caller
    machine_ids: list[str]
    window: Interval

    def bare(self, length: timedelta) -> None:
        values = {"machine_ids": self.machine_ids, "from": self.window.start, "until": self.window.end}
        self.conn.execute(BARE, values | {"length": length}).fetchall()

    def in_process(self, length: timedelta) -> None:
        wanted = Search(PartNeeds("cmm"), self.window, length)
        with self.conn.transaction():
            found = search(self.conn, self.viewer, wanted, Order.EARLIEST, datetime.now(UTC))
        assert len(found) == MACHINES

    def over_http(self, length: timedelta) -> None:
        minutes = int(length.total_seconds()) // 60
        self.get("/search", self.window, minutes=minutes, kind="cmm")

    def one_machine(self, week: int) -> None:
        self.get(f"/machines/{self.machine_ids[week * 7]}/free", Interval.of(self.window.start + week * WEEK, WEEK))

    def get(self, path: str, window: Interval, **more: object) -> bytes:
        asked = {"from": window.start.isoformat(), "to": window.end.isoformat(), **more}
        status, body = self.caller.call("GET", f"{path}?{urlencode(asked)}", headers={"Accept-Encoding": "gzip"})
        assert status == 200, body
        return body


def fill(conn: Connection, window: Interval) -> int:
    """Reservations of half an hour to two hours, one after the other with pauses; how many."""
    conn.execute("SELECT setseed(0.28)")
    return conn.execute(FILL, {"start": window.start, "until": window.end}).rowcount


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def searches(asked: Asked) -> dict[str, list[float]]:
    """The lengths of the bare statement and the two searches: each question to all three, one after the other."""
    found: dict[str, list[float]] = {"bare": [], "in process": [], "HTTP": []}
    for number in range(-WARM_UP, CALLS * len(LENGTHS)):
        length = LENGTHS[number % len(LENGTHS)]
        for name, ask in zip(found, (asked.bare, asked.in_process, asked.over_http), strict=True):
            took = seconds(partial(ask, length))
            if number >= 0:
                found[name].append(took)
    return found


def timeline(callers: list[Asked]) -> tuple[int, float]:
    """The bytes and the seconds of the longest answer that anybody gets for a week of all machines."""
    answers = []
    for asked in callers:
        for week in range(1 if QUICK else 4):
            begun = time.perf_counter()
            body = asked.get("/timeline", Interval.of(asked.window.start + week * WEEK, WEEK))
            answers.append((len(body), time.perf_counter() - begun))
            assert len(orjson.loads(gzip.decompress(body))["machines"]) == MACHINES
    return max(bytes_ for bytes_, _ in answers), middle([took for _, took in answers])


def main() -> None:
    tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    window = Interval.of(tomorrow, WINDOW)
    with database() as cluster:
        place, [token, *_] = people_at(cluster.app_url, machines=MACHINES, members=MEMBERS)
        with psycopg.connect(cluster.app_url) as conn:
            stored = fill(conn, window)
            office = people.add_person(conn, name="O", email="office@bench.example", roles=[Role.OFFICE])
            sees_all = Viewer(office, None, frozenset({Role.OFFICE}))
            office_token = people.add_token(conn, sees_all, name="bench", now=tomorrow)[1]
        settle_tables(cluster.owner_url)
        with (
            serving(cluster.app_url, 1) as [url],
            psycopg.connect(cluster.app_url, options="-c TimeZone=UTC", autocommit=True) as conn,
        ):
            asked = Asked(conn, place.engineers[0], Caller(url, token), place.machine_ids, window)
            by_office = Asked(conn, sees_all, Caller(url, office_token), place.machine_ids, window)
            took = searches(asked)
            one = [seconds(partial(asked.one_machine, number % 3)) for number in range(WARM_UP + CALLS)][WARM_UP:]
            length, drawn = timeline([asked, by_office])
            asked.caller.close()
            by_office.caller.close()
    told = "; ".join(
        f"{name} p50 {quantile_ms(each, 0.5):.0f}, p95 {quantile_ms(each, 0.95):.0f} ms" for name, each in took.items()
    )
    alone = quantile_ms(took["bare"], 0.95) / quantile_ms(took["in process"], 0.95)
    outcome(
        "booking_timeline",
        ours=length / 1000,
        reference=MOST_BYTES / 1000,
        unit="kB",
        lower_is_better=True,
        detail=f"{MACHINES} machines × 1 week in one answer, gzip as sent, the longest for engineer and office; "
        f"{drawn * 1000:.0f} ms",
    )
    outcome(
        "booking_free",
        ours=quantile_ms(took["HTTP"], 0.95),
        reference=quantile_ms(took["bare"], 0.95),
        unit="ms, p95",
        lower_is_better=True,
        detail=f"{MACHINES} machines × {WINDOW.days} days with {stored:,} reservations, {len(LENGTHS)} lengths × "
        f"{CALLS}: {told}; in process alone the ratio is {alone:.2f}; a week of one machine over HTTP p95 "
        f"{quantile_ms(one, 0.95):.0f} ms",
    )


if __name__ == "__main__":
    main()
