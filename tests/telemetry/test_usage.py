"""Usage and whose it is: small tables that a person can check by hand."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop.interval import Interval
from telemetry.states.model import State, StateInterval
from telemetry.usage.attribution import attribute, decide
from telemetry.usage.model import Booked, Decision, Resolution, Usage
from telemetry.usage.sessions import Session, pieces, sessions

TOKYO = ZoneInfo("Asia/Tokyo")
NEW_YORK = ZoneInfo("America/New_York")
DAY = datetime(2026, 10, 5, tzinfo=UTC)
R1, R2 = UUID(int=1), UUID(int=2)


def clock(text: str) -> datetime:
    """`9:30` of the test's day, in UTC."""
    hours, minutes = text.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes))


def states(text: str) -> list[StateInterval]:
    """`9:00 running 9:30 idle 9:40 running 10:00`: what the machine was seen doing between the times."""
    words = text.split()
    return [
        StateInterval(clock(words[at]), clock(words[at + 2]), State(words[at + 1]))
        for at in range(0, len(words) - 2, 2)
    ]


def shown(usages: list[Usage]) -> list[str]:
    """`9:00-9:30 30 in_reservation m01`: running minutes, kind and member."""
    return [
        f"{each.started_at:%-H:%M}-{each.ended_at:%-H:%M} {each.running_seconds // 60}"
        f" {each.kind} {each.member_id or '-'}"
        for each in usages
    ]


def quarter(_: datetime) -> timedelta:
    return timedelta(minutes=15)


def booked(number: UUID, start: str, end: str, member_id: str) -> Booked:
    return Booked(number, clock(start), clock(end), member_id, None)


def attributed(seen: str, *reservations: Booked) -> list[str]:
    found = sessions(states(seen), quarter)
    return shown([usage for session in found for usage in attribute("cmm-1", session, reservations, TOKYO)])


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("9:00 running 9:30 idle 9:40 running 10:00", ["9:00-10:00 50"]),
        ("9:00 running 9:30 idle 9:45 running 10:00", ["9:00-9:30 30", "9:45-10:00 15"]),
        ("9:00 running 9:30 unknown 9:31 running 10:00", ["9:00-9:30 30", "9:31-10:00 29"]),
        ("9:00 running 9:30 idle 9:33 unknown 9:34 idle 9:40 running 10:00", ["9:00-9:30 30", "9:40-10:00 20"]),
        ("9:00 running 9:30 idle 9:35 idle 9:40 running 10:00", ["9:00-10:00 50"]),
        ("9:00 idle 9:30 unknown 9:40", []),
    ],
    ids=[
        "bridged",
        "15 minutes end it",
        "unknown ends it",
        "idle around unknown too",
        "two kinds of idle",
        "nothing ran",
    ],
)
def test_a_session_is_running_bridged_over_short_idle(seen: str, expected: list[str]) -> None:
    assert [line.rsplit(" ", 2)[0] for line in attributed(seen)] == expected


@pytest.mark.parametrize(
    ("seen", "reservations", "expected"),
    [
        pytest.param(
            "9:05 running 9:55", [booked(R1, "9:00", "10:00", "m01")], ["9:05-9:55 50 in_reservation m01"], id="inside"
        ),
        pytest.param("9:05 running 9:55", [], ["9:05-9:55 50 unassigned -"], id="nobody had it"),
        pytest.param(
            "9:30 running 10:40",
            [booked(R1, "9:00", "10:00", "m01")],
            ["9:30-10:00 30 in_reservation m01", "10:00-10:40 40 overrun m01"],
            id="overrun",
        ),
        pytest.param(
            "9:30 running 10:40",
            [booked(R1, "9:00", "10:00", "m01"), booked(R2, "10:30", "11:00", "m02")],
            ["9:30-10:00 30 in_reservation m01", "10:00-10:30 30 overrun m01", "10:30-10:40 10 in_reservation m02"],
            id="overrun until the next reservation starts",
        ),
        pytest.param(
            "9:30 running 10:40",
            [booked(R1, "9:00", "10:00", "m01"), booked(R2, "10:00", "11:00", "m02")],
            ["9:30-10:00 30 in_reservation m01", "10:00-10:40 40 in_reservation m02"],
            id="who has the next slot has it from its start",
        ),
        pytest.param(
            "8:45 running 9:30",
            [booked(R1, "9:00", "10:00", "m01")],
            ["8:45-9:00 15 early m01", "9:00-9:30 30 in_reservation m01"],
            id="15 minutes early",
        ),
        pytest.param(
            "8:44 running 9:30",
            [booked(R1, "9:00", "10:00", "m01")],
            ["8:44-9:00 16 unassigned -", "9:00-9:30 30 in_reservation m01"],
            id="16 minutes early are not his yet",
        ),
        pytest.param(
            "8:40 running 8:55 idle 9:20 running 9:30",
            [booked(R1, "9:00", "10:00", "m01")],
            ["8:40-8:55 15 unassigned -", "9:20-9:30 10 in_reservation m01"],
            id="not contiguous, not early",
        ),
        pytest.param(
            "9:30 running 9:50 idle 10:04 running 10:10",
            [booked(R1, "9:00", "10:00", "m01")],
            ["9:30-10:00 20 in_reservation m01", "10:00-10:10 6 overrun m01"],
            id="a bridged pause over the end",
        ),
        pytest.param(
            "9:30 running 9:50 idle 10:05 running 10:10",
            [booked(R1, "9:00", "10:00", "m01")],
            ["9:30-9:50 20 in_reservation m01", "10:05-10:10 5 unassigned -"],
            id="who comes after a pause is somebody else",
        ),
        pytest.param(
            "9:50 running 10:00 idle 10:05 running 10:10",
            [booked(R1, "9:00", "10:00", "m01"), booked(R2, "10:05", "11:00", "m02")],
            ["9:50-10:00 10 in_reservation m01", "10:05-10:10 5 in_reservation m02"],
            id="idle between two reservations is nobody's use",
        ),
    ],
)
def test_attribution(seen: str, reservations: list[Booked], expected: list[str]) -> None:
    assert attributed(seen, *reservations) == expected


def session(start: str, end: str) -> Session:
    return Session((Interval(datetime.fromisoformat(start), datetime.fromisoformat(end)),))


def test_a_month_ends_at_local_midnight() -> None:
    cut = pieces(session("2026-10-31T14:00Z", "2026-10-31T16:30Z"), [], TOKYO)
    assert [(each.interval.start.hour, each.running_seconds) for each in cut] == [(14, 3600), (15, 5400)]


def test_in_the_month_of_a_clock_change_the_cut_is_at_local_midnight_too() -> None:
    """New York leaves daylight time on 1 November 2026: October ends at 04:00 UTC, November at 05:00 UTC."""
    cut = pieces(session("2026-11-01T03:30Z", "2026-11-01T06:30Z"), [], NEW_YORK)
    assert [(f"{each.interval.start:%H:%M}", each.running_seconds) for each in cut] == [
        ("03:30", 1800),
        ("04:00", 9000),
    ]
    cut = pieces(session("2026-12-01T04:30Z", "2026-12-01T05:30Z"), [], NEW_YORK)
    assert [each.running_seconds for each in cut] == [1800, 1800]


@given(
    st.lists(st.integers(1, 10_000_000), min_size=1, max_size=20), st.lists(st.integers(0, 100_000_000), max_size=10)
)
def test_the_pieces_of_a_session_add_up_to_it(lengths: list[int], edges: list[int]) -> None:
    cursor, bouts = DAY, []
    for length in lengths:
        bouts.append(Interval.of(cursor, timedelta(microseconds=length)))
        cursor = bouts[-1].end + timedelta(milliseconds=100)
    whole = sum((each.end - each.start for each in bouts), timedelta(0))
    cut = pieces(Session(tuple(bouts)), [DAY + timedelta(microseconds=edge) for edge in edges], TOKYO)
    assert sum(each.running_seconds for each in cut) == whole // timedelta(seconds=1)
    assert all(a.interval.end <= b.interval.start for a, b in pairwise(cut))


def test_a_decision_counts_on_its_evidence_only_and_the_later_one_prevails() -> None:
    (found,) = sessions(states("9:00 running 9:30"), quarter)
    (usage,) = attribute("cmm-1", found, [], TOKYO)

    def decision(number: int, evidence: bytes, resolution: Resolution, member_id: str | None) -> Decision:
        return Decision(number, usage.started_at, usage.ended_at, evidence, resolution, member_id, None, None)

    first = decision(1, usage.evidence_hash, Resolution.ASSIGN, "m01")
    second = decision(2, usage.evidence_hash, Resolution.WAIVE, None)
    other = decision(3, b"another", Resolution.ASSIGN, "m02")
    assert [each.member_id for each in decide([usage], [first])[0]] == ["m01"]
    assert decide([usage], [first, second])[0][0].kind == "waived"
    assert decide([usage], [first, second])[1].outdated == frozenset()
    usages, findings = decide([usage], [other])
    assert (usages, findings.outdated, findings.settled) == ([usage], {3}, frozenset())
    assert decide([usage], [other, decision(4, usage.evidence_hash, Resolution.WAIVE, None)])[1].outdated == frozenset()


def stayed(start: str, end: str) -> Interval:
    return Interval(clock(start), clock(end))


@pytest.mark.parametrize(
    ("seen", "visits", "expected"),
    [
        pytest.param("9:00 idle 11:00", [stayed("9:10", "9:50")], ["9:10-9:50 0"], id="nothing ran"),
        pytest.param(
            "9:00 idle 9:20 running 9:30 idle 11:00", [stayed("9:10", "9:50")], ["9:10-9:50 10"], id="ran meanwhile"
        ),
        pytest.param("9:00 running 9:20 idle 11:00", [stayed("9:10", "9:50")], ["9:00-9:50 20"], id="ran before"),
        pytest.param("9:00 unknown 11:00", [stayed("9:10", "9:50")], ["9:10-9:50 0"], id="whatever the signal says"),
        pytest.param(
            "9:00 running 9:10 idle 9:20 running 9:30",
            [stayed("9:15", "9:40")],
            ["9:00-9:10 10", "9:15-9:40 10"],
            id="nothing bridges a check-in",
        ),
        pytest.param(
            "9:00 running 9:10 idle 9:20 running 9:30",
            [stayed("9:00", "9:15")],
            ["9:00-9:15 10", "9:20-9:30 10"],
            id="nor a check-out",
        ),
        pytest.param(
            "9:00 running 9:40",
            [stayed("9:00", "9:20"), stayed("9:20", "9:50")],
            ["9:00-9:50 40"],
            id="running through a hand-over is one stretch, to be cut by the reservations",
        ),
    ],
)
def test_occupied_is_from_check_in_to_check_out(seen: str, visits: list[Interval], expected: list[str]) -> None:
    found = sessions(states(seen), quarter, visits)
    usages = [usage for session in found for usage in attribute("cmm-1", session, [], TOKYO)]
    assert [line.rsplit(" ", 2)[0] for line in shown(usages)] == expected
