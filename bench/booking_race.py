"""Rounds of 200 identical reservations by 16 people on 4 server processes, of which one is killed somewhere in between.

A round is right when the slot is held once, nobody else was told that they have it, and every other answer is a plain
refusal or a connection that broke.
"""

import http.client
import random
import signal
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
from _crowd import Caller, all_at_once, people_at
from _outcome import QUICK, outcome
from _parts import database

from tests.servers import Served, server, wait_until_ready

REQUESTS, PEOPLE, PROCESSES = 200, 16, 4
ROUNDS = 1 if QUICK else 10
BROKEN = 0


class Servers:
    """Server processes of which one may be killed and is started again on its port."""

    def __init__(self, app_url: str, stack: ExitStack) -> None:
        self.app_url, self.stack = app_url, stack
        self.running = [self._start(None) for _ in range(PROCESSES)]
        for each in self.running:
            wait_until_ready(each.url)

    def kill(self, number: int) -> None:
        """As a power cut would."""
        self.running[number].process.send_signal(signal.SIGKILL)

    def start_again(self, number: int) -> None:
        """Return when it answers."""
        self.running[number].process.wait(10)
        self.running[number] = self._start(urlsplit(self.running[number].url).port)
        wait_until_ready(self.running[number].url)

    def _start(self, port: int | None) -> Served:
        return self.stack.enter_context(server(self.app_url, port=port))


def one_round(
    servers: Servers, tokens: list[str], machine_id: str, start: datetime, kill: tuple[int, float]
) -> list[int]:
    """Everybody asks for the same hour; the statuses, `BROKEN` where no answer came."""
    wanted = {
        "machine_id": machine_id,
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=1)).isoformat(),
    }
    answers: list[int] = []

    def work(number: int, caller: Caller) -> None:
        for _ in range(REQUESTS // PEOPLE + (number < REQUESTS % PEOPLE)):
            try:
                answers.append(caller.call("POST", "/reservations", wanted)[0])
            except (OSError, http.client.HTTPException):
                answers.append(BROKEN)
        caller.close()

    callers = [Caller(servers.running[number % PROCESSES].url, token) for number, token in enumerate(tokens)]
    victim, after_seconds = kill
    power_cut = threading.Timer(after_seconds, servers.kill, [victim])
    power_cut.start()
    all_at_once(callers, work)
    power_cut.join()
    servers.start_again(victim)
    return answers


def main() -> None:
    dice = random.Random(16)
    begun, right, broken = time.perf_counter(), 0, 0
    with database() as cluster, ExitStack() as stack:
        place, tokens = people_at(cluster.app_url, machines=1, members=PEOPLE)
        servers = Servers(cluster.app_url, stack)
        tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        for number in range(ROUNDS):
            start = tomorrow + timedelta(hours=number)
            kill = (dice.randrange(PROCESSES), dice.uniform(0.0, 1.0))
            answers = one_round(servers, tokens, place.machine_ids[0], start, kill)
            with psycopg.connect(cluster.app_url) as conn:
                held = conn.execute(
                    "SELECT count(*) FROM booking.claim JOIN booking.reservation r ON r.id = reservation_id"
                    " WHERE r.starts_at = %s AND released_at IS NULL",
                    [start],
                ).fetchone()
            assert held is not None
            # The winner's answer may have been lost with its server.
            told = answers.count(201)
            lost = answers.count(BROKEN)
            right += held[0] == 1 and (told == 1 or (told == 0 and lost > 0)) and set(answers) <= {201, 409, BROKEN}
            broken += lost
    outcome(
        "booking_race",
        ours=right,
        reference=ROUNDS,
        unit="rounds",
        detail=f"{ROUNDS} rounds of {REQUESTS} requests from {PEOPLE} people on {PROCESSES} processes, one killed in "
        f"each, {broken} answers lost with them; {time.perf_counter() - begun:.0f} s",
    )


if __name__ == "__main__":
    main()
