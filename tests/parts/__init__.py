"""The real parts that tests and benchmarks run on: TimescaleDB, Mosquitto, Chromium, a community-licence
TimescaleDB, LibreOffice Calc.

`python -m tests.parts` brings them into a folder of their own, without root and without touching the system;
`missing()` says what could not be had, and so which suites stay out.
"""

from tests.parts import community, debian, office


def missing() -> dict[str, str]:
    """pytest marker → why its suite has to stay out; empty when every part is there."""
    reasons: dict[str, str] = {}
    if not debian.ready():
        reasons |= dict.fromkeys(("timescale", "mosquitto", "browser"), debian.HOW_TO_GET)
    if not community.ready():
        reasons["community"] = community.HOW_TO_GET
    if not office.ready():
        reasons["office"] = debian.HOW_TO_GET
    return reasons
