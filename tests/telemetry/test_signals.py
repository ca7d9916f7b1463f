"""A state from several channels: hand-checked rules, and the same rows in any order of arrival."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coop.database import Connection
from coop.identity import SYSTEM
from coop.interval import Interval
from telemetry.states.live import current_state, quiet_since, states
from telemetry.states.model import LAMPS, State, StateRule
from telemetry.states.rule_row import from_json, to_json
from telemetry.states.rules import RuleInvalid, set_rule
from telemetry.states.store import rules
from tests.telemetry.signals import MACHINE, POWER, START, Signal, at, attach, channel, signal

WITH_STANDBY = StateRule(
    "power", "power", on_watts=200, off_watts=100, on_seconds=60, off_seconds=120, gap_seconds=300, standby_watts=5
)
CONTACT = StateRule("contact", "contact", gap_seconds=900)
EXECUTION = StateRule("execution", "execution")
WORD_BEFORE_POWER = StateRule("first", conditions=(EXECUTION, POWER))
CONTACT_OR_POWER = StateRule(
    "first", conditions=(StateRule("contact", "contact", gap_seconds=900, otherwise=None), WITH_STANDBY)
)
RULES = {
    "standby": WITH_STANDBY,
    "contact": CONTACT,
    "lamps": LAMPS,
    "word before power": WORD_BEFORE_POWER,
    "contact or power": CONTACT_OR_POWER,
}

VALUES: dict[str, Sequence[float | str]] = {
    "power": [0.0, 5.0, 50.0, 150.0, 900.0],
    "contact": [0.0, 1.0],
    "execution": ["ACTIVE", "FEED_HOLD", "UNAVAILABLE"],
    "lamp_red": ["on", "off", "blink"],
    "lamp_yellow": ["on", "off"],
    "lamp_green": ["on", "off"],
    "availability": ["online", "offline"],
}


def listening(conn: Connection, rule: StateRule) -> dict[str, Signal]:
    """A machine with this rule, and one device with every channel."""
    first = signal(conn, rule)
    return {name: Signal(conn, channel(conn, f"{MACHINE}-plug", name)) for name in VALUES} | {"": first}


def told(tool: dict[str, Signal], *readings: tuple[float, str, float | str]) -> list[tuple[float, float, str]]:
    """The state intervals in minutes of readings (minute, channel, value)."""
    for minute, name, value in readings:
        tool[name].send([(at(minute), value)])
    tool[""].derive()
    minutes = timedelta(minutes=1)
    return [((a - START) / minutes, (b - START) / minutes, state) for a, b, state, _ in tool[""].states()]


def test_at_or_below_standby_it_is_off_and_that_moves_no_end_of_running(conn: Connection) -> None:
    tool = listening(conn, WITH_STANDBY)
    readings = [(0, 900.0), (4, 50.0), (5, 5.0), (6, 5.0), (7, 5.0), (8, 5.0), (12, 6.0), (14, 900.0), (16, 900.0)]
    assert told(tool, *((minute, "power", watts) for minute, watts in readings)) == [
        (0, 4, "running"),
        (4, 5, "idle"),
        (5, 12, "off"),
        (12, 14, "idle"),
        (14, 16, "running"),
    ]


def test_a_contact_runs_while_it_is_closed(conn: Connection) -> None:
    tool = listening(conn, CONTACT)
    found = told(tool, (0, "contact", 0.0), (10, "contact", 1.0), (20, "contact", 0.0), (36, "contact", 0.0))
    assert found == [(0, 10, "idle"), (10, 20, "running"), (20, 36, "unknown")]


def test_a_signal_tower_is_a_fault_before_it_runs_and_off_when_all_is_dark(conn: Connection) -> None:
    tool = listening(conn, LAMPS)
    assert told(tool, (0, "lamp_green", "on")) == []
    found = told(
        tool,
        (1, "lamp_red", "off"),
        (2, "lamp_yellow", "off"),
        (3, "lamp_red", "blink"),
        (4, "lamp_red", "off"),
        (5, "lamp_green", "off"),
        (6, "lamp_yellow", "on"),
        (7, "lamp_yellow", "on"),
    )
    assert found == [(0, 3, "running"), (3, 4, "fault"), (4, 5, "running"), (5, 6, "off"), (6, 7, "idle")]


def test_a_lamp_that_was_never_heard_of_may_be_lit(conn: Connection) -> None:
    tool = listening(conn, LAMPS)
    assert told(tool, (0, "lamp_red", "off"), (1, "lamp_yellow", "off"), (2, "lamp_red", "off")) == [(0, 2, "unknown")]


def test_the_first_that_is_not_unknown_wins(conn: Connection) -> None:
    tool = listening(conn, WORD_BEFORE_POWER)
    found = told(
        tool,
        (0, "power", 900.0),
        (1, "execution", "FEED_HOLD"),
        (2, "execution", "UNAVAILABLE"),
        (4, "power", 900.0),
        (5, "execution", "ACTIVE"),
        (6, "power", 50.0),
    )
    assert found == [(0, 1, "running"), (1, 2, "idle"), (2, 5, "running"), (5, 6, "running")]
    assert [native for *_, native in tool[""].states()] == [None, "FEED_HOLD", None, "ACTIVE"]


def test_it_runs_if_the_contact_is_closed_or_the_power_is_high(conn: Connection) -> None:
    tool = listening(conn, CONTACT_OR_POWER)
    found = told(
        tool,
        (0, "contact", 0.0),
        (0, "power", 900.0),
        (2, "power", 50.0),
        (4, "power", 50.0),
        (5, "contact", 1.0),
        (6, "contact", 0.0),
        (7, "power", 50.0),
    )
    assert found == [(0, 2, "running"), (2, 5, "idle"), (5, 6, "running"), (6, 7, "idle")]


@pytest.mark.parametrize(
    ("rule", "name", "value", "unknown_from"),
    [(POWER, "power", 900.0, 2), (EXECUTION, "execution", "ACTIVE", 4)],
    ids=["a number since the last one", "a word, which holds, since the notice"],
)
def test_a_device_that_is_lost_is_unknown_until_its_next_reading(
    conn: Connection, rule: StateRule, name: str, value: float | str, unknown_from: int
) -> None:
    tool = listening(conn, rule)
    readings = [(0, name, value), (2, name, value), (4, "availability", "offline"), (5, "availability", "online")]
    assert told(tool, *readings) == [(0, unknown_from, "running"), (unknown_from, 4, "unknown")][: 4 - unknown_from + 1]
    assert current_state(conn, MACHINE, at(5)).state is State.UNKNOWN
    assert told(tool, (6, name, value), (7, name, value))[-2:] == [(unknown_from, 6, "unknown"), (6, 7, "running")]


def test_what_waited_at_the_broker_says_nothing_of_when_it_came(conn: Connection) -> None:
    tool = listening(conn, POWER)
    told(tool, (0, "power", 50.0), (1, "power", 50.0))
    conn.execute(
        "INSERT INTO telemetry.reading (channel_id, at, tie, value, received_at, queued)"
        " VALUES (%s, %s, 0, 900, now(), true)",
        [tool["power"].channel_id, at(2)],
    )
    assert told(tool, (3, "power", 50.0)) == [(0, 3, "idle")]


def test_another_device_is_not_missed(conn: Connection) -> None:
    """Only who is heard can be lost."""
    tool = listening(conn, POWER)
    other = Signal(conn, attach(conn, "reader", MACHINE, "availability"))
    other.send([(at(1), "offline")])
    assert told(tool, (0, "power", 900.0), (2, "power", 900.0)) == [(0, 2, "running")]


@pytest.mark.parametrize("rule", [*RULES.values(), POWER], ids=[*RULES, "power"])
def test_a_rule_is_the_same_after_json(rule: StateRule) -> None:
    assert from_json(to_json(rule)) == rule


@pytest.mark.parametrize(
    "rule",
    [
        StateRule("power", "power", on_watts=100, off_watts=100, gap_seconds=300),
        StateRule("power", "power", on_watts=200, off_watts=100),
        replace(WITH_STANDBY, standby_watts=100),
        replace(WITH_STANDBY, otherwise=State.OFF),
        replace(CONTACT, otherwise=State.RUNNING),
        replace(CONTACT, on_seconds=-1),
        StateRule("first"),
        StateRule("first", conditions=(LAMPS, POWER)),
        StateRule("first", conditions=(EXECUTION, StateRule("power", "power", on_watts=200, gap_seconds=300))),
        StateRule("thunder", "power"),
    ],
    ids=str,
)
def test_a_rule_that_says_nothing_clear_is_refused(conn: Connection, rule: StateRule) -> None:
    signal(conn)
    with pytest.raises(RuleInvalid):
        set_rule(conn, SYSTEM, MACHINE, rule, at(0), at(0))


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_is_set_is_what_holds(conn: Connection, rule: StateRule) -> None:
    signal(conn)
    set_rule(conn, SYSTEM, MACHINE, rule, at(0), at(0))
    assert rules(conn, MACHINE)[-1][-1] == rule


def test_quiet_is_quiet_whether_idle_or_off(conn: Connection) -> None:
    """Booking asks since when a machine did not run, not since when it is off."""
    tool = listening(conn, WITH_STANDBY)
    told(tool, (0, "power", 900.0), (2, "power", 50.0), (5, "power", 50.0), (6, "power", 1.0), (9, "power", 1.0))
    current = current_state(conn, MACHINE, at(9))
    assert (current.state, current.since, current.signal_until) == (State.OFF, at(6), at(14))
    assert quiet_since(conn, current) == at(2)


steps = st.lists(
    st.tuples(st.sampled_from([0, 30, 60, 240, 300, 301, 1800, 3600]), st.integers(0, 99), st.integers(0, 99)),
    min_size=1,
    max_size=40,
)


def spoken(rule: StateRule, drawn: list[tuple[int, int, int]]) -> list[tuple[str, datetime, float | str, int]]:
    """Readings of the channels that the rule hears, and notices of loss."""
    channels = sorted({each.channel for each in rule.conditions or (rule,)} | {"availability"})
    when, readings = START, []
    for number, (step, which, value) in enumerate(drawn):
        when += timedelta(seconds=step)
        name = channels[which % len(channels)]
        readings.append((name, when, VALUES[name][value % len(VALUES[name])], number))
    return readings


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_live_and_recomputed_are_the_same_in_any_order_of_arrival(conn: Connection, rule: StateRule) -> None:
    tool = listening(conn, rule)
    tool[""].reserve(at(20), at(50), "m01")
    conn.commit()

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        readings = spoken(rule, data.draw(steps))
        now = readings[-1][1] + timedelta(seconds=data.draw(st.sampled_from([0, 100, 301, 1000])))

        def send(some: list[tuple[str, datetime, float | str, int]]) -> None:
            for name, when, value, tie in some:
                tool[name].send([(when, value, tie)])
            tool[""].derive()

        with conn.transaction(force_rollback=True):
            send(readings)
            recomputed = tool[""].all_derived(), current_state(conn, MACHINE, now)
        shuffled = data.draw(st.permutations(readings))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(readings)), max_size=6)))
        with conn.transaction(force_rollback=True):
            for begin, end in zip([0, *cuts], [*cuts, len(readings)], strict=True):
                send(shuffled[begin:end])
            live = tool[""].all_derived(), current_state(conn, MACHINE, now)
        assert live == recomputed

    holds()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_is_told_live_is_what_is_known_later(conn: Connection, rule: StateRule) -> None:
    """Up to a moment from which nothing is pending any more, what follows changes nothing of what was said."""
    tool = listening(conn, rule)
    conn.commit()

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        readings = spoken(rule, data.draw(steps))
        with conn.transaction(force_rollback=True):
            for name, when, value, tie in readings:
                tool[name].send([(when, value, tie)])
            tool[""].derive()
            last = readings[-1][1]
            later = last + timedelta(hours=2)
            window = Interval(START, later)
            before = states(conn, MACHINE, window, later)
            for name in {name for name, *_ in readings} - {"availability"}:
                tool[name].send([(later, VALUES[name][0], 99)])
            tool[""].derive()
            assert states(conn, MACHINE, window, later) == before

    holds()
