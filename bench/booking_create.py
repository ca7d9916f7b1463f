"""Reservations a second over HTTP: a `moyai serve` for each processor, 16 connections; against pgbench with the very
same statements.

The statements are not written down here: one booking of each person is recorded from the server's own log, and pgbench
repeats it, prepared, with other times. So it is the ceiling of whatever the code sends today.
"""

import os
import re
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import psycopg
from _crowd import Caller, all_at_once, book_directly, people_at, quantile_ms
from _outcome import QUICK, middle, outcome
from _parts import database, settle_tables

from booking import Wish
from coop.interval import Interval
from tests.booking.places import Place
from tests.parts import debian
from tests.parts.timescale import TimescaleCluster
from tests.servers import serving

PEOPLE = 16
SERVERS = os.cpu_count() or 1
SECONDS = 1 if QUICK else 6
ROUNDS = 1 if QUICK else 3
HOURS_OF_A_ROUND = 24 * 365  # the horizon is no matter of the database
HOUR = timedelta(hours=1)


def tomorrow() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def over_http(
    urls: list[str], tokens: list[str], machine_ids: list[str], taken: list[int]
) -> tuple[float, list[float]]:
    """Bookings a second and the length of each call; everybody books hour after hour on a machine of their own."""
    callers = [Caller(url, token) for url, token in zip(cycle(urls), tokens, strict=False)]
    stop_at = time.perf_counter() + SECONDS

    def work(number: int, caller: Caller) -> None:
        while time.perf_counter() < stop_at:
            start = tomorrow() + taken[number] * HOUR
            wanted = {
                "machine_id": machine_ids[number],
                "starts_at": start.isoformat(),
                "ends_at": (start + HOUR).isoformat(),
            }
            status, answer = caller.call("POST", "/reservations", wanted)
            assert status == 201, answer
            taken[number] += 1

    took = all_at_once(callers, work)
    lengths = [each for caller in callers for each in caller.seconds]
    for caller in callers:
        caller.close()
    return len(lengths) / took, lengths


def recorded(cluster: TimescaleCluster, place: Place, tokens: list[str], machine_ids: list[str]) -> str:
    """A pgbench script: for each client the booking of one person, on the first day; its hour counts up."""
    start = tomorrow()
    lines = ["\\set n :n + 1", f"\\set begins {int(start.timestamp())} + :n * 3600", "\\set ends :begins + 3600"]
    superuser = cluster.owner_url.replace("moyai_owner", "postgres")
    for number, (viewer, token, machine_id) in enumerate(zip(place.engineers, tokens, machine_ids, strict=True)):
        before = cluster.log.stat().st_size
        with psycopg.connect(
            superuser, autocommit=True, options="-c log_statement=all", cursor_factory=psycopg.ClientCursor
        ) as conn:
            book_directly(conn, token, viewer, Wish(machine_id, Interval(start, start + HOUR)))
        logged = cluster.log.read_bytes()[before:].decode()
        statements = re.findall(r"LOG:  (?:statement|execute [^:]*): (.*?)(?=\n\d{4}-\d\d-\d\d |\Z)", logged, re.DOTALL)
        assert any("INSERT INTO booking.claim" in each for each in statements), logged
        lines.append(f"\\{'if' if number == 0 else 'elif'} :client_id = {number}")
        lines += [f"{_with_variables(each, start).strip().rstrip(';')};" for each in statements]
    return "\n".join([*lines, "\\endif", ""])


def _with_variables(statement: str, start: datetime) -> str:
    """The recorded statement with new ids and pgbench's times in the place of its own."""
    statement = re.sub(
        r"VALUES \('[0-9a-f]{32}'::uuid, '[0-9a-f-]{36}'",
        "VALUES (gen_random_uuid(), gen_random_uuid()::text",
        statement,
    )
    statement = re.sub(r"'reservation:[0-9a-f-]{36}'", "'reservation:0'", statement)  # `:e5…` would be a variable
    for moment, variable in ((start, ":begins"), (start + HOUR, ":ends")):
        text = re.escape(f"{moment:%Y-%m-%d %H:%M:%S}+00") + "(?::00)?"
        statement = re.sub(
            rf"'\{{\"?{text}\"?\}}'(?:::timestamptz\[\])*", f"ARRAY[to_timestamp({variable})]", statement
        )
        statement = re.sub(rf"'{text}'(?:::timestamptz)*", f"to_timestamp({variable})", statement)
    return statement


def by_pgbench(cluster: TimescaleCluster, script: Path, begun: int) -> float:
    """Transactions a second; `begun` hours are taken already."""
    connection = ["-h", "127.0.0.1", "-p", str(cluster.port), "-U", "moyai_app", "moyai"]
    load = [
        "-n",
        "-M",
        "prepared",
        "-c",
        str(PEOPLE),
        "-j",
        "2",
        "-T",
        str(SECONDS),
        "-D",
        f"n={begun}",
        "-f",
        str(script),
    ]
    told = subprocess.run(
        [debian.POSTGRES_BIN / "pgbench", *load, *connection], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "number of failed transactions: 0" in told.stdout, told.stderr
    return float(re.search(r"tps = ([\d.]+)", told.stdout)[1])  # type: ignore[index]  # pgbench always says it


def main() -> None:
    with database() as cluster, tempfile.TemporaryDirectory(prefix="moyai-bench-") as folder:
        place, tokens = people_at(cluster.app_url, machines=2 * PEOPLE, members=PEOPLE)
        settle_tables(cluster.owner_url)
        for_us, for_pgbench = place.machine_ids[:PEOPLE], place.machine_ids[PEOPLE:]
        script = Path(folder) / "booking.pgbench"
        script.write_text(recorded(cluster, place, tokens, for_pgbench))
        ours, ceiling, lengths, taken, begun = [], [], [], [0] * PEOPLE, 0
        with serving(cluster.app_url, SERVERS, pool_size=PEOPLE // SERVERS) as urls:
            for _ in range(ROUNDS):
                rate, seconds = over_http(urls, tokens, for_us, taken)
                ours.append(rate)
                lengths += seconds
                ceiling.append(by_pgbench(cluster, script, begun))
                begun += HOURS_OF_A_ROUND
    outcome(
        "booking_create",
        ours=middle(ours),
        reference=middle(ceiling),
        unit="reservations/s",
        detail=f"{SERVERS} server processes, {PEOPLE} connections, p50 {quantile_ms(lengths, 0.5):.1f} ms, "
        f"p99 {quantile_ms(lengths, 0.99):.1f} ms; pgbench: the same statements, prepared, {PEOPLE} clients",
    )


if __name__ == "__main__":
    main()
