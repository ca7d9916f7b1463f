"""The board's decisions: what a machine is called, when it counts as usable, and what its picture shows."""

from datetime import UTC, datetime, timedelta

import pytest

from coop.interval import Interval
from dashboards.today.model import Board, Card, Claimed, Signal, board_state, card, spans_of

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def hours(start: float, end: float) -> Interval:
    return Interval(NOON + timedelta(hours=start), NOON + timedelta(hours=end))


BOOKED = Claimed(hours(-1, 1), None, mine=False)
OUTAGE = Claimed(hours(-1, 1), None, mine=False, outage=True)


@pytest.mark.parametrize(
    ("signal", "claim", "called"),
    [
        ("running", None, "running"),
        ("running", BOOKED, "running"),
        ("idle", None, "idle"),
        ("idle", BOOKED, "reserved"),
        ("off", None, "idle"),
        ("fault", BOOKED, "fault"),
        ("unknown", None, "unknown"),
        ("unknown", BOOKED, "unknown"),
        ("running", OUTAGE, "fault"),
        ("something new", None, "unknown"),
    ],
)
def test_what_a_machine_is_called(signal: str, claim: Claimed | None, called: str) -> None:
    assert board_state(Signal(signal, NOON), claim, opened=True) == called


def machine(signal: str, *claims: Claimed, free: Interval | None) -> Card:
    return card(
        "cmm-1",
        "CMM-1",
        now=NOON,
        window=hours(-4, 6),
        opened=[hours(-4, 6)],
        claims=claims,
        signal=Signal(signal, None),
        states=[],
        free=free,
    )


def test_only_a_machine_known_to_stand_still_is_promised() -> None:
    now_free = hours(0, 2)
    board = Board(
        NOON,
        [
            machine("idle", free=now_free),
            machine("running", free=now_free),  # somebody uses it without a booking
            machine("unknown", free=now_free),
            machine("idle", BOOKED, free=hours(1, 2)),
            machine("idle", free=None),
        ],
    )
    assert (board.usable_now, board.silent) == (1, 1)


def test_the_picture_shows_use_only_up_to_now() -> None:
    spans = spans_of(hours(-4, 6), [], [BOOKED], [("running", hours(-2, 3)), ("idle", hours(-3, -2))], NOON)
    assert [(each.kind, each.interval) for each in spans] == [("used", hours(-2, 0)), ("booked", hours(-1, 1))]


def test_a_machine_never_heard_is_hatched_since_the_morning() -> None:
    kinds = {each.kind: each.interval for each in machine("unknown", free=None).spans}
    assert kinds["unknown"] == hours(-4, 0)


def test_the_button_offers_an_hour_of_a_longer_stretch() -> None:
    assert (
        "start=2026-11-23T03%3A00%3A00%2B00%3A00&end=2026-11-23T04%3A00"
        in machine("idle", free=hours(0, 9)).reserve_href
    )


def test_a_machine_at_rest_outside_its_hours_is_closed_and_never_free() -> None:
    assert board_state(Signal("idle", NOON), None, opened=False) == "closed"
    assert board_state(Signal("running", NOON), None, opened=False) == "running"
    assert board_state(Signal("unknown", None), None, opened=False) == "unknown"
