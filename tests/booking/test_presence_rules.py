"""The rules of presence and of the interlock, as tables."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.presence.interlock import Deny, Form, Interlock, OnLoss, Permit, Situation, commands, decide
from booking.presence.rules import Absence, PresenceRule, Signal, Step, step
from coop.interval import Interval

START = datetime(2026, 10, 1, tzinfo=UTC)


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


SLOT = Interval(START, minute(120))
RULE = PresenceRule()  # asked after 10 minutes, released after 20
IDLE = Signal(idle_since=minute(-60), valid_until=minute(25))

SIGNALS = {
    "idle since before the start, heard of after the cutoff": (IDLE, Step.RELEASE),
    "idle, and its word holds until the next": (Signal(idle_since=minute(-60)), Step.RELEASE),
    "idle from the start on, heard of at the very cutoff": (
        Signal(idle_since=START, valid_until=minute(20)),
        Step.RELEASE,
    ),
    "silent since a moment before the cutoff": (Signal(idle_since=minute(-60), valid_until=minute(19.9)), Step.WAIT),
    "never heard of": (Signal(), Step.WAIT),
    "unknown now": (Signal(valid_until=minute(25)), Step.WAIT),
    "unknown for a while after the start": (Signal(idle_since=minute(5), valid_until=minute(25)), Step.WAIT),
    "ran a moment after the start": (Signal(idle_since=minute(0.1), valid_until=minute(25)), Step.WAIT),
    "running": (Signal(running_since=minute(15), valid_until=minute(25)), Step.WAIT),
    "was running when last heard of": (Signal(running_since=minute(15), valid_until=minute(16)), Step.WAIT),
}


@pytest.mark.parametrize(("signal", "expected"), SIGNALS.values(), ids=SIGNALS.keys())
def test_only_valid_and_idle_through_the_cutoff_releases(signal: Signal, expected: Step) -> None:
    assert step(Absence(SLOT, asked_at=minute(10)), RULE, signal, minute(21)) is expected


ABSENCES = {
    "before it is time to ask": (Absence(SLOT), RULE, 9.9, Step.WAIT),
    "asked at the minute": (Absence(SLOT), RULE, 10, Step.ASK),
    "asked by a sweep that comes late": (Absence(SLOT), RULE, 47, Step.ASK),
    "asked, and given time": (Absence(SLOT, asked_at=minute(10)), RULE, 19.9, Step.WAIT),
    "released at the minute": (Absence(SLOT, asked_at=minute(10)), RULE, 20, Step.RELEASE),
    "released by a sweep that comes late": (Absence(SLOT, asked_at=minute(10)), RULE, 24, Step.RELEASE),
    "asked late: has its ten minutes nevertheless": (Absence(SLOT, asked_at=minute(14)), RULE, 23.9, Step.WAIT),
    "asked late, ten minutes later": (Absence(SLOT, asked_at=minute(14)), RULE, 24, Step.RELEASE),
    "on the way": (Absence(SLOT, asked_at=minute(10), coming_at=minute(12)), RULE, 24, Step.WAIT),
    "said to be late, not asked yet": (Absence(SLOT, expected_at=minute(15)), RULE, 24, Step.WAIT),
    "said to be late, asked": (Absence(SLOT, expected_at=minute(14)), RULE, 24, Step.ASK),
    "said to be late, asked before": (Absence(SLOT, minute(15), minute(10)), RULE, 24, Step.WAIT),
    "over": (Absence(SLOT, asked_at=minute(10)), RULE, 120, Step.WAIT),
    "not released on this machine": (Absence(SLOT, asked_at=minute(10)), PresenceRule(releases=False), 24, Step.WAIT),
}


@pytest.mark.parametrize(("absence", "rule", "now", "expected"), ABSENCES.values(), ids=ABSENCES.keys())
def test_who_does_not_come_is_asked_first(absence: Absence, rule: PresenceRule, now: float, expected: Step) -> None:
    forever = Signal(idle_since=minute(-60))
    assert step(absence, rule, forever, minute(now)) is expected


@given(
    asked=st.none() | st.integers(-5, 60),
    idle=st.none() | st.integers(-60, 60),
    valid=st.none() | st.integers(-60, 200),
    now=st.integers(-5, 130),
)
def test_nobody_is_released_unasked_or_on_an_unknown_signal(
    asked: int | None, idle: int | None, valid: int | None, now: int
) -> None:
    absence = Absence(SLOT, asked_at=None if asked is None else minute(asked))
    signal = Signal(
        idle_since=None if idle is None else minute(idle), valid_until=None if valid is None else minute(valid)
    )
    if step(absence, RULE, signal, minute(now)) is Step.RELEASE:
        assert asked is not None
        assert now >= asked + 10
        assert 20 <= now < 120
        assert idle is not None
        assert idle <= 0
        assert valid is None or valid >= 20


LOCK, STRICT = Interlock("cmm-1"), Interlock("cmm-1", needs_check_in=True)
FREE = Situation(Signal(idle_since=START), in_service=True, is_open=True, in_use=False, due=False, qualified=True)


def situation(**more: object) -> Situation:
    values = {name: getattr(FREE, name) for name in Situation.__slots__}
    return Situation(**values | more)  # type: ignore[arg-type]  # a table of its fields


RUNS, SILENT = Signal(running_since=START), Signal(idle_since=START, valid_until=minute(-1))

PERMITS = {
    "nobody booked": (LOCK, situation(), Permit(False, Deny.NO_BOOKING)),
    "closed": (LOCK, situation(is_open=False), Permit(False, Deny.OPENING_HOURS)),
    "out of service": (LOCK, situation(in_service=False, due=True), Permit(False, Deny.OUT_OF_SERVICE)),
    "booked": (LOCK, situation(due=True), Permit(True)),
    "booked, qualification lapsed": (LOCK, situation(due=True, qualified=False), Permit(False, Deny.NO_QUALIFICATION)),
    "booked, nobody came": (STRICT, situation(due=True), Permit(False, Deny.NOT_CHECKED_IN)),
    "booked and there": (STRICT, situation(due=True, in_use=True), Permit(True)),
    "runs without a booking": (LOCK, situation(signal=RUNS), Permit(True)),
    "runs while out of service": (LOCK, situation(signal=RUNS, in_service=False), Permit(True)),
    "unknown without a booking": (LOCK, situation(signal=Signal()), Permit(True)),
    "silent without a booking": (LOCK, situation(signal=SILENT), Permit(True)),
    "in use past closing": (LOCK, situation(in_use=True, is_open=False), Permit(True)),
}


@pytest.mark.parametrize(("lock", "now", "expected"), PERMITS.values(), ids=PERMITS.keys())
def test_only_a_new_start_is_ever_withheld(lock: Interlock, now: Situation, expected: Permit) -> None:
    assert decide(lock, now, minute(1)) == expected


def test_devices_are_told_in_their_own_words() -> None:
    yes, no = Permit(True), Permit(False, Deny.NO_BOOKING)
    [shown] = commands(Interlock("cmm-1", on_network_loss=OnLoss.STAY), no, "demo")
    assert (shown.topic, shown.retain) == ("moyai/demo/cmm-1/command/enable", True)
    assert json.loads(shown.payload) == {"enable": False, "reason": "no_booking", "on_network_loss": "stay"}
    shown, switch = commands(Interlock("cmm-1", Form.SHELLY, "shellyplus1-a8032abe54dc"), yes, "demo")
    assert (shown.topic, switch.topic) == ("moyai/demo/cmm-1/command/enable", "shellyplus1-a8032abe54dc/rpc")
    assert json.loads(switch.payload)["method"] == "Switch.Set"
    shown, switch = commands(Interlock("cmm-1", Form.TASMOTA, "tasmota_3F2A"), no, "demo")
    assert json.loads(shown.payload)["reason"] == "no_booking", "a display beside it says why not"
    assert (switch.topic, switch.payload, switch.retain) == ("cmnd/tasmota_3F2A/POWER", b"OFF", True)


@pytest.mark.parametrize(
    ("on_loss", "permit", "params"),
    [
        (OnLoss.ENABLE, Permit(True), {"on": True}),
        (OnLoss.ENABLE, Permit(False, Deny.NO_BOOKING), {"on": False, "toggle_after": 300}),
        (OnLoss.WITHHOLD, Permit(True), {"on": True, "toggle_after": 300}),
        (OnLoss.WITHHOLD, Permit(False, Deny.NO_BOOKING), {"on": False}),
        (OnLoss.STAY, Permit(True), {"on": True}),
        (OnLoss.STAY, Permit(False, Deny.NO_BOOKING), {"on": False}),
    ],
)
def test_a_shelly_that_hears_nothing_does_what_was_set(on_loss: OnLoss, permit: Permit, params: dict[str, Any]) -> None:
    """`toggle_after`: Shelly Gen2 `Switch.Set`, the seconds after which the switch flips back."""
    _, switch = commands(Interlock("cmm-1", Form.SHELLY, "shelly", on_loss), permit, "demo")
    assert json.loads(switch.payload)["params"] == {"id": 0, **params}
    assert switch.retain is (on_loss is OnLoss.STAY), "a word of yesterday must not withhold a start"
