"""Two real machine days whose durations were published: the same from words, and from a contact with a last will."""

import random
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from coop.database import Connection
from moyai.replay import parse_shdr
from telemetry.states.model import StateRule
from tests.telemetry.signals import EXECUTION, MACHINE, Signal, channel, signal

DAYS = Path(__file__).parents[3] / "shared/data/nist-sms"

# Milliseconds running, idle and unknown: the published durations of ACTIVE, of all between, and of UNAVAILABLE.
TRUTH = {
    "Mazak01-20161101-20161102": (2_355_622, 4_207 + 52_576 + 3_227_404 + 2_666_233, 79_249_804),
    "Mazak03-20161101-20161102": (13_138_188, 111_105 + 4_778_218 + 15_893_042 + 2_384_678, 48_093_432),
}

Said = tuple[str, datetime, float | str, int]


def words(day: list[tuple[datetime, str]]) -> list[Said]:
    return [("execution", at, word, tie) for tie, (at, word) in enumerate(day)]


def contact(day: list[tuple[datetime, str]]) -> list[Said]:
    """What a contact would have said, and the will of its device where the machine was UNAVAILABLE."""
    return [
        ("availability", at, "offline", tie) if word == "UNAVAILABLE" else ("contact", at, float(word == "ACTIVE"), tie)
        for tie, (at, word) in enumerate(day)
    ]


@pytest.mark.parametrize(("rule", "say"), [(EXECUTION, words), (StateRule("contact", "contact"), contact)])
@pytest.mark.parametrize("name", [name for name in TRUTH if (DAYS / f"{name}.txt").exists()])
def test_durations_are_the_published_in_any_order_of_arrival(conn: Connection, name: str, rule: StateRule, say) -> None:  # type: ignore[no-untyped-def]  # one of the two above
    with (DAYS / f"{name}.txt").open(encoding="utf-8") as lines:
        said: list[Said] = say([(event.at, event.value) for event in parse_shdr(lines)])
    tool = signal(conn, rule)
    channels = {each: Signal(conn, channel(conn, f"{MACHINE}-plug", each)) for each in {one[0] for one in said}}
    random.Random(20161101).shuffle(said)
    for part in range(4):
        for each, there in channels.items():
            there.send([(at, value, tie) for on, at, value, tie in said[part::4] if on == each])
        tool.derive()
    spent: Counter[str] = Counter()
    for start, end, state, _ in tool.states():
        spent[state] += (end - start) // timedelta(microseconds=1)
    found = [spent[state] / 1000 for state in ("running", "idle", "unknown")]
    assert found == pytest.approx(TRUTH[name], abs=2, rel=0), "idle is a sum of four figures rounded to a millisecond"
