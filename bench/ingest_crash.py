"""What is lost, and what is stored twice, when everything around an ingester breaks: a ledger against the tables.

In each round machines send readings with and without a time of their own, and garbage, while one fault strikes. The
round is good when what is stored is what was sent: each reading once, each bad payload with its bytes. A machine that
keeps a buffer sends it again after its broker was killed (what the broker had acknowledged may be gone); so in those
rounds readings have times. The reference is the number of rounds.
"""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import psycopg
from _outcome import QUICK, outcome
from _parts import broker, database
from _plant import MACHINES, START, open_plant

from moyai.parts.process import free_port
from tests.parts.mosquitto import Mosquitto
from tests.parts.timescale import TimescaleCluster
from tests.servers import wait_until_ready
from tests.telemetry.plant import Publisher

ROUNDS = 8 if QUICK else 50
MESSAGES = 40 if QUICK else 200
BAD_EACH = 10  # one message in so many is garbage
FAULT_AFTER_SECONDS = 0.3
PATIENCE_SECONDS = 90
STOPPED_SECONDS = 3.0

Ledger = Counter[tuple[str, str]]


class Installation:
    """TimescaleDB, Mosquitto, and the real `moyai ingest`, started again by its supervisor whenever it dies."""

    def __init__(self, cluster: TimescaleCluster, mosquitto: Mosquitto) -> None:
        self.cluster, self.mosquitto = cluster, mosquitto
        self._port = free_port()
        self.ingester = self._start()
        self.await_ready()
        self.sent: Ledger = Counter()

    def _start(self) -> "subprocess.Popen[bytes]":
        own = {"MOYAI_DATABASE_URL": self.cluster.app_url, "MOYAI_MQTT_URL": self.mosquitto.url}
        command = [sys.executable, "-m", "moyai", "ingest", "--health-port", str(self._port)]
        return subprocess.Popen(command, env=os.environ | own, stderr=subprocess.DEVNULL)

    def await_ready(self) -> None:
        """The broker knows the ingester, and keeps messages for it from now on."""
        wait_until_ready(f"http://127.0.0.1:{self._port}")

    def stop(self) -> None:
        """End the ingester in order."""
        self.ingester.terminate()
        self.ingester.wait(60)

    def database_stopped(self) -> None:
        """PostgreSQL goes for three seconds."""
        self.cluster.stop()
        time.sleep(STOPPED_SECONDS)
        self.cluster.start()

    def backends_terminated(self) -> None:
        """Every connection of the application is cut, several times."""
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = user AND pid <> pg_backend_pid()"
        with psycopg.connect(self.cluster.app_url, autocommit=True) as conn:
            for _ in range(5):
                conn.execute(cut)
                time.sleep(0.1)

    def ingester_killed(self) -> None:
        """kill -9, and again while it catches up."""
        for _ in range(2):
            self.ingester.kill()
            self.ingester.wait()
            self.ingester = self._start()
            time.sleep(1.5)

    def broker_killed(self) -> None:
        """kill -9: what came since its last save is gone."""
        self.mosquitto.kill()
        self.mosquitto.start()

    def broker_restarted(self) -> None:
        """In order: it keeps what was queued."""
        self.mosquitto.stop()
        self.mosquitto.start()

    def nothing(self) -> None:
        """Duplicates and garbage are fault enough."""


def payloads(turn: int, *, timed: bool) -> list[tuple[str, bytes]]:
    """What the machines send in a round; every value is its own."""
    sent = []
    for number in range(MESSAGES):
        topic = f"moyai/bench/{MACHINES[number % len(MACHINES)]}/power"
        value = turn * MESSAGES + number
        if number % BAD_EACH == 0:
            sent.append((topic, b'{"broken": %d' % value))
        elif timed or number % 2:
            at = (START + timedelta(seconds=value)).isoformat()
            sent.append((topic, orjson.dumps({"at": at, "value": value, "seq": value})))
        else:
            sent.append((topic, orjson.dumps({"value": value})))
    return sent


def play(installation: Installation, turn: int, fault: Callable[[], None], *, again: bool) -> bool:
    """One round; whether the ledgers are equal at its end. `again`: the machines send all of it a second time."""
    wanted = payloads(turn, timed=again)
    if again:
        wanted = [each for each in wanted if b"broken" not in each[1]]
    installation.sent += Counter((topic, said.decode()) for topic, said in wanted)
    striking = threading.Timer(FAULT_AFTER_SECONDS, fault)
    striking.start()
    for attempt in range(2 if again else 1):
        machine = Publisher(installation.mosquitto.url, f"machine-{turn}-{attempt}")
        for topic, said in wanted:
            machine.client.publish(topic, said, qos=1)
            time.sleep(0.002)
        striking.join()
        give_up = time.monotonic() + PATIENCE_SECONDS
        while machine.client.want_write() or len(machine.acknowledged) < len(wanted):
            assert time.monotonic() < give_up, "the broker did not come back"
            time.sleep(0.05)
        machine.close()
    give_up = time.monotonic() + PATIENCE_SECONDS
    while (stored := ledger(installation)) != installation.sent and time.monotonic() < give_up:
        time.sleep(0.2)
    time.sleep(0.3)
    stored = ledger(installation)
    if stored != installation.sent:
        lost, twice = installation.sent - stored, stored - installation.sent
        print(f"round {turn} {fault.__name__}: lost {lost.total()}, too many {twice.total()}", file=sys.stderr)
        installation.sent = stored  # the next round is judged by itself
        return False
    return True


def ledger(installation: Installation) -> Ledger:
    """What is stored, as it was sent."""
    stored: Ledger = Counter()
    with psycopg.connect(installation.cluster.owner_url, options="-c TimeZone=UTC") as conn:
        for address, at, value, received_at in conn.execute(
            "SELECT d.address, r.at, r.value, r.received_at FROM telemetry.reading r "
            "JOIN telemetry.channel c ON c.id = r.channel_id JOIN telemetry.device d ON d.id = c.device_id"
        ):
            said: dict[str, object] = {"value": int(value)}
            if at != received_at:
                said = {"at": at.isoformat(), "value": int(value), "seq": int(value)}
            stored[f"moyai/bench/{address}/power", orjson.dumps(said).decode()] += 1
        for topic, payload in conn.execute("SELECT topic, payload FROM telemetry.reject"):
            stored[topic, payload.decode()] += 1
    return stored


def main() -> None:
    started = time.perf_counter()
    good: Counter[str] = Counter()
    with ExitStack() as stack:
        cluster, usual = stack.enter_context(database()), stack.enter_context(broker())
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="moyai-bench-")))
        narrow = Mosquitto(folder, window=20)
        narrow.start()
        stack.callback(narrow.stop)
        open_plant(cluster)
        installation = Installation(cluster, usual)
        stack.callback(lambda: installation.stop())
        for turn in range(ROUNDS):
            faults = [
                installation.database_stopped,
                installation.backends_terminated,
                installation.ingester_killed,
                installation.broker_killed,
                installation.broker_restarted,
                installation.nothing,
            ]
            kind = turn % (len(faults) + 1)
            if kind == len(faults):  # the broker's default window of 20
                sent = installation.sent
                installation.stop()
                installation = Installation(cluster, narrow)
                installation.sent = sent
                good["narrow_window"] += play(installation, turn, installation.nothing, again=False)
                sent = installation.sent
                installation.stop()
                installation = Installation(cluster, usual)
                installation.sent = sent
                continue
            fault = faults[kind]
            again = fault in (installation.broker_killed, installation.nothing)
            good[fault.__name__] += play(installation, turn, fault, again=again)
    outcome(
        "ingest_crash",
        ours=good.total(),
        reference=ROUNDS,
        unit="rounds",
        detail=f"rounds after which what is stored is what was sent, each reading once and each bad payload with its "
        f"bytes: {', '.join(f'{name} {count}' for name, count in sorted(good.items()))}; {MESSAGES} messages a round; "
        f"{time.perf_counter() - started:.0f} s; reference: all rounds",
    )


if __name__ == "__main__":
    main()
