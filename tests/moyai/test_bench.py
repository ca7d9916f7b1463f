"""The benchmarks run, and say what they measured in the one line that others read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
PROGRAMS = sorted(file.stem for file in BENCH.glob("[a-z]*.py"))
COVERED_ELSEWHERE = {"booking_race"}  # tests/journeys/test_race.py runs the same race


def test_each_promise_has_its_program() -> None:
    promised = {"booking_create", "booking_free", "booking_race", "ingest_small", "ingest_batched"}
    assert promised | {"derive_month", "live_lag", "settle_draft"} <= set(PROGRAMS)


@pytest.mark.timescale
@pytest.mark.mosquitto
@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - COVERED_ELSEWHERE))
def test_a_program_ends_with_its_outcome(name: str) -> None:
    done = subprocess.run(
        [sys.executable, BENCH / f"{name}.py", "--quick"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert set(told) == {"name", "ours", "reference", "ratio", "unit", "detail"}
    assert told["name"] == name
    assert min(told["ours"], told["reference"], told["ratio"]) > 0
