"""The demo as a new user runs it: to the end, with totals of zero and a statement that adds up by hand."""

import os
import re
import subprocess
import sys

import pytest


def yen(text: str) -> int:
    return int(text.replace(",", ""))


@pytest.mark.kills
def test_the_demo_settles_a_month_that_adds_up() -> None:
    environment = os.environ | {"LANG": "en_US.UTF-8", "COLUMNS": "160"}
    environment.pop("LC_ALL", None)
    done = subprocess.run(
        [sys.executable, "-m", "moyai", "demo", "--exit", "--month", "2026-10"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    statement, _, control = said.partition("Control totals 2026-10")
    lines = [yen(amount) for amount in re.findall(r"^ +\d+  .* ¥([\d,]+)$", statement, re.MULTILINE)]
    net, tax, total = (yen(each) for each in re.findall(r"net ¥([\d,]+), tax ¥([\d,]+)\nTotal ¥([\d,]+)", statement)[0])
    assert len(lines) > 2
    assert sum(lines) == net
    assert tax == net * 10 // 100
    assert total == net + tax
    assert re.findall(r"│ +(-?[\d,]+) │", control) == ["0", "0", "0", "0"]
    for machine in ("cmm-1", "ct-1", "mc-1"):
        assert re.search(rf"{machine} .*÷", said)
    assert "Walk-up use assigned" in said
