"""200 requests of 16 people on 4 server processes, one of which is killed in the middle: 100 rounds of seven races.

A round is right when as many win as there is room for, everybody else is refused with a reason, what was cut off has
its one outcome when it is sent again with its key, and no reservation is partial, overlaps another or exceeds a quota.
"""

import http.client
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg
from _crowd import Caller, all_at_once
from _outcome import QUICK, outcome
from _parts import database
from _races import PEOPLE, RACES, Asked, Crowd, Race

from coop.database import Connection
from tests.servers import Served, server, wait_until_ready

PROCESSES, REQUESTS = 4, 40 if QUICK else 200
ROUNDS = len(RACES) if QUICK else 100
PATIENCE_SECONDS = 30
BROKEN = (0, b"")

UNSOUND = {
    "claims of a resource overlap": """
        SELECT count(*) FROM booking.claim a JOIN booking.claim b
        ON b.resource_id = a.resource_id AND b.id > a.id AND b.blocked && a.blocked
        WHERE a.released_at IS NULL AND b.released_at IS NULL""",
    "a reservation without all it claims, or with more": """
        SELECT count(*) FROM booking.reservation r
        WHERE (r.status IN ('held', 'pending', 'confirmed', 'in_use')) <>
              ((SELECT array_agg((c.resource_id, c.blocked)) FROM booking.claim c
                WHERE c.reservation_id = r.id AND c.released_at IS NULL)
               IS NOT DISTINCT FROM ARRAY[(r.machine_id, tstzrange(r.starts_at, r.ends_at))])""",
    "a reservation that nobody was told of": """
        SELECT count(*) FROM booking.reservation r
        WHERE NOT EXISTS (SELECT FROM coop.audit a WHERE a.subject = 'reservation:' || r.id)""",
    "a series without all of its reservations": """
        SELECT count(*) FROM booking.series s
        WHERE 3 <> (SELECT count(*) FROM booking.occurrence o WHERE o.series_id = s.id)""",
}
HELD = """
    SELECT r.member_id, count(*) FROM booking.reservation r
    WHERE r.machine_id = ANY (%s) AND r.status IN ('held', 'pending', 'confirmed', 'in_use') GROUP BY r.member_id
"""


class Servers:
    """Server processes of which one may be killed; another that is ready by then takes its place."""

    def __init__(self, app_url: str, stack: ExitStack) -> None:
        self.app_url, self.stack = app_url, stack
        self.running = [self._start() for _ in range(PROCESSES)]
        self.spare = self._start()
        for each in self.running:
            wait_until_ready(each.url)

    def kill(self, number: int) -> None:
        """As a power cut would."""
        self.running[number].process.send_signal(signal.SIGKILL)

    def replace(self, number: int) -> None:
        """Return when four are running again."""
        self.running[number].process.wait(10)
        wait_until_ready(self.spare.url)
        self.running[number], self.spare = self.spare, self._start()

    def _start(self) -> Served:
        return self.stack.enter_context(server(self.app_url, pool_size=4))


@dataclass(slots=True)
class PowerCut:
    """Kills a server when so many requests were answered."""

    servers: Servers
    victim: int
    after: int
    answered: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self) -> None:
        with self.lock:
            self.answered += 1
            if self.answered == self.after:
                self.servers.kill(self.victim)


def sent(caller: Caller, asked: Asked) -> tuple[int, bytes]:
    """The answer, `BROKEN` where none came."""
    headers = {"Idempotency-Key": asked.key} | ({"If-Match": asked.if_match} if asked.if_match else {})
    try:
        return caller.call(asked.method, asked.path, asked.body, headers)
    except (OSError, http.client.HTTPException):
        return BROKEN


def run(race: Race, servers: Servers, tokens: list[str], cut: PowerCut) -> tuple[list[tuple[int, bytes]], int, bool]:
    """The answer to each request, how many were cut off at first, and whether what was granted is granted once."""
    answers = [BROKEN] * len(race.asked)
    people = sorted({each.person for each in race.asked})

    def everybody(number: int, first: Caller) -> None:
        callers = [Caller(each.url, first.token) for each in servers.running]
        for place, asked in enumerate(race.asked):
            if asked.person == people[number]:
                answers[place] = sent(callers[(number + place // PEOPLE) % PROCESSES], asked)
                cut.count()
        for each in callers:
            each.close()

    all_at_once([Caller(servers.running[0].url, tokens[person]) for person in people], everybody)
    broken = answers.count(BROKEN)
    servers.replace(cut.victim)
    once = True
    for place, asked in enumerate(race.asked):
        caller = Caller(servers.running[place % PROCESSES].url, tokens[asked.person])
        if answers[place] == BROKEN:
            answers[place] = settled(caller, asked)
        elif answers[place][0] < 300:
            once &= settled(caller, asked) == answers[place]
        caller.close()
    return answers, broken, once


def settled(caller: Caller, asked: Asked) -> tuple[int, bytes]:
    """The answer to a request that is sent again, once nothing of the first time is under way."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = sent(caller, asked)
        in_flight = answer == BROKEN or (answer[0] == 409 and json.loads(answer[1])["code"] == "coop.request_in_flight")
        if not in_flight or time.monotonic() > give_up:
            return answer
        time.sleep(0.05)


def wrong(conn: Connection, race: Race, answers: list[tuple[int, bytes]], *, once: bool) -> list[str]:
    """What should not be so after a race."""
    statuses = Counter(status for status, _ in answers)
    granted = [asked.path for asked, (status, _) in zip(race.asked, answers, strict=True) if 200 <= status < 300]
    held: dict[str, int] = dict(conn.execute(HELD, [race.machine_ids]).fetchall())
    found = [] if once else ["a request that was sent again got another answer"]
    if len(granted) != race.winners:
        found.append(f"{len(granted)} winners for {race.winners}")
    if any(not 200 <= status < 300 and status not in race.refusals for status in statuses):
        found.append(f"answers {dict(statuses)}")
    if sum(held.values()) != race.held(granted) or race.per_member not in {None, max(held.values(), default=0)}:
        found.append(f"held {held}")
    for what, statement in UNSOUND.items():
        row = conn.execute(statement).fetchone()
        if row != (0,):
            found.append(f"{what}: {row}")
    return found


def main() -> None:
    dice = random.Random(16)
    begun, right, broken, seconds = time.perf_counter(), 0, 0, []
    with database() as cluster, ExitStack() as stack:
        conn = stack.enter_context(psycopg.connect(cluster.app_url, autocommit=True, options="-c TimeZone=UTC"))
        crowd = Crowd.gather(conn, datetime.now(UTC))
        tokens = [crowd.tokens[each.person_id] for each in [*crowd.engineers, *crowd.staff]]
        servers = Servers(cluster.app_url, stack)
        for number in range(ROUNDS):
            started = time.perf_counter()
            prepare = RACES[number % len(RACES)]
            with conn.transaction():
                race = prepare(conn, crowd, REQUESTS)
            cut = PowerCut(servers, dice.randrange(PROCESSES), dice.randrange(1, REQUESTS * 3 // 4))
            answers, cut_off, once = run(race, servers, tokens, cut)
            violations = wrong(conn, race, answers, once=once)
            right += not violations
            broken += cut_off
            seconds.append(time.perf_counter() - started)
            said = "; ".join(violations) or "right"
            print(
                f"{number + 1}/{ROUNDS} {prepare.__name__}: {said}, {seconds[-1]:.1f} s",
                file=sys.stderr,
                flush=True,
            )
    outcome(
        "booking_race",
        ours=right,
        reference=ROUNDS,
        unit="rounds",
        detail=f"{ROUNDS} rounds of {REQUESTS} requests from {PEOPLE} people on {PROCESSES} processes, one killed in "
        f"each: {', '.join(each.__name__ for each in RACES)} in turn; {broken} requests were cut off and sent again "
        f"with their key; {time.perf_counter() - begun:.0f} s",
    )


if __name__ == "__main__":
    main()
