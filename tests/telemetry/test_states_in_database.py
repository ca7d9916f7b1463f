"""States through the database: the published truth of two real machines."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from coop.database import Connection
from tests.parts.databases import Database
from tests.telemetry.signals import EXECUTION, Sent, signal

RECORDINGS = Path(__file__).parent / "recordings"

# Published with the recordings by NIST's Smart Manufacturing Systems Test Bed: seconds per native state.
TRUTH = {
    "Mazak01": {"ACTIVE": "2355.622", "FEED_HOLD": "4.207", "INTERRUPTED": "52.576", "READY": "3227.404",
                "STOPPED": "2666.233", "UNAVAILABLE": "79249.804"},
    "Mazak03": {"ACTIVE": "13138.188", "FEED_HOLD": "111.105", "INTERRUPTED": "4778.218", "READY": "15893.042",
                "STOPPED": "2384.678", "UNAVAILABLE": "48093.432"},
}  # fmt: skip


def executions(machine: str) -> list[Sent]:
    """The execution events of a recording; lines of one time keep their order."""
    lines = (RECORDINGS / f"nist-sms-{machine}-execution.txt").read_text().splitlines()
    split = [line.split("|") for line in lines]
    return [(datetime.fromisoformat(stamp).astimezone(UTC), value, tie) for tie, (stamp, _, value) in enumerate(split)]


@pytest.mark.parametrize("machine", TRUTH)
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_durations_equal_the_published_truth_in_any_order_of_arrival(
    conn: Connection, machine: str, seed: int | None
) -> None:
    assert_truth(conn, machine, seed)


def test_so_they_do_on_the_embedded_database(embedded_database: Database) -> None:
    with psycopg.connect(embedded_database.app_url, options="-c TimeZone=UTC") as conn:
        assert_truth(conn, "Mazak03", 3)


def assert_truth(conn: Connection, machine: str, seed: int | None) -> None:
    events = executions(machine)
    if seed is not None:
        random.Random(seed).shuffle(events)
    tool = signal(conn, EXECUTION)
    for begin in range(0, len(events), 25):
        tool.send(events[begin : begin + 25])
        tool.derive()
    total: dict[str | None, timedelta] = defaultdict(timedelta)
    for started, ended, _, native in tool.states():
        total[native] += ended - started
    rounded = {native: Decimal(round(each / timedelta(milliseconds=1))) / 1000 for native, each in total.items()}
    assert rounded == {native: Decimal(seconds) for native, seconds in TRUTH[machine].items()}
