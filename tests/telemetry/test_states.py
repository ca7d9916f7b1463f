"""States from readings: hand-checked cases, and agreement with a reading-by-reading account of the same rule."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.states.fold import SECOND, Change, Run, fold, hold, intervals, number_runs, take_over
from telemetry.states.model import State, StateRule
from telemetry.states.signals import Signal, signals_of

(POWER,) = signals_of(
    StateRule("power", "power", on_watts=200, off_watts=100, on_seconds=60, off_seconds=120, gap_seconds=300)
)
(WORDS,) = signals_of(StateRule("execution", "execution"))
R, I, U = State.RUNNING, State.IDLE, State.UNKNOWN  # noqa: E741  # one letter a state keeps the tables readable


def seconds(rule: Signal, *readings: tuple[int, float | str]) -> list[tuple[int, int, State]]:
    """The state intervals of readings at whole seconds."""
    runs: list[Run] = [(at * SECOND, at * SECOND, float(v) if not isinstance(v, str) else v) for at, v in readings]
    changes, carry = fold(rule, None, runs)
    assert carry is not None
    turns = [(at, said or State.UNKNOWN, native) for at, said, native in changes]
    return [(a // SECOND, b // SECOND, state) for a, b, state, _ in intervals(turns, carry.last_at)]


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        pytest.param([(0, 50), (60, 50)], [(0, 60, I)], id="idle"),
        pytest.param([(0, 250), (60, 250)], [(0, 60, R)], id="the first reading decides at once"),
        pytest.param([(0, 150), (60, 150)], [(0, 60, I)], id="between the thresholds at first is not running"),
        pytest.param([(0, 50), (60, 200), (120, 200)], [(0, 60, I), (60, 120, R)], id="on, dated back"),
        pytest.param([(0, 50), (60, 250), (119, 50), (180, 50)], [(0, 180, I)], id="59 s are too short"),
        pytest.param([(0, 50), (60, 250), (120, 50), (180, 50)], [(0, 60, I), (60, 180, R)], id="60 s run"),
        pytest.param(
            [(0, 250), (60, 100), (120, 100), (180, 100)], [(0, 60, R), (60, 180, I)], id="off, dated back"
        ),
        pytest.param(
            [(0, 250), (60, 50), (120, 150), (180, 50), (240, 50), (299, 250)],
            [(0, 299, R)],
            id="a reading between ends what was pending: 60 s and 119 s do not add up",
        ),
        pytest.param(
            [(0, 50), (60, 250), (90, 150), (120, 250), (180, 250)], [(0, 120, I), (120, 180, R)], id="for on as well"
        ),
        pytest.param([(0, 250), (300, 250)], [(0, 300, R)], id="a gap of exactly gap_seconds is none"),
        pytest.param([(0, 250), (301, 250), (302, 250)], [(0, 301, U), (301, 302, R)], id="a gap is unknown"),
        pytest.param(
            [(0, 250), (60, 250), (400, 150), (460, 150)], [(0, 60, R), (60, 400, U), (400, 460, I)], id="then idle"
        ),
        pytest.param(
            [(0, 50), (60, 250), (400, 250), (430, 50), (490, 50)],
            [(0, 60, I), (60, 400, U), (400, 490, R)],
            id="what was pending is forgotten in a gap",
        ),
        pytest.param([(0, 50)], [], id="nothing beyond the last evidence"),
    ],
)  # fmt: skip
def test_power(readings: list[tuple[int, float]], expected: list[tuple[int, int, State]]) -> None:
    assert seconds(POWER, *readings) == expected


def test_a_machines_own_word_holds_until_its_next() -> None:
    said = seconds(
        WORDS, (0, "ACTIVE"), (90_000, "FEED_HOLD"), (90_010, "UNAVAILABLE"), (90_020, "READY"), (90_030, "ACTIVE")
    )
    assert said == [(0, 90_000, R), (90_000, 90_010, I), (90_010, 90_020, U), (90_020, 90_030, I)]


def test_two_words_at_one_time_are_the_later_one() -> None:
    assert seconds(WORDS, (0, "READY"), (10, "ACTIVE"), (10, "READY"), (20, "READY")) == [(0, 20, I)]


def test_without_a_reading_the_state_goes_on_for_the_gap_and_then_is_unknown_since_the_last_one() -> None:
    _, carry = fold(POWER, None, [(0, 0, 250.0)])
    assert carry is not None
    assert hold(POWER, carry, 300 * SECOND) == ([], carry)
    changes, after = hold(POWER, carry, 301 * SECOND)
    assert (changes, after.said) == ([(0, U, None)], U)


def test_what_is_pending_counts_once_it_was_held_long_enough() -> None:
    _, carry = fold(POWER, None, [(0, 0, 50.0), (10 * SECOND, 10 * SECOND, 250.0)])
    assert carry is not None
    assert hold(POWER, carry, 69 * SECOND)[1].said is I
    assert hold(POWER, carry, 70 * SECOND)[0] == [(10 * SECOND, R, None)]


def test_a_new_rule_judges_the_last_value_anew_and_another_device_says_nothing_yet() -> None:
    (lower,) = signals_of(StateRule("power", "power", on_watts=120, off_watts=80, gap_seconds=300))
    assert take_over(lower, 60, 150.0).said is R
    assert take_over(lower, 60, None).said is U


readings_of_power = st.lists(
    st.tuples(
        st.sampled_from([1, 20, 40, 60, 61, 119, 120, 240, 300, 301, 4000]),
        st.sampled_from([50.0, 100.0, 150.0, 200.0, 900.0]),
    ),
    min_size=1,
    max_size=60,
).map(lambda steps: [(sum(step for step, _ in steps[: index + 1]), watts) for index, (_, watts) in enumerate(steps)])


def second_by_second(readings: list[tuple[int, float]]) -> dict[int, State]:
    """The rule's text, followed naively: look at every second what was held for how long."""
    found: dict[int, State] = {}
    state, since, level = U, 0, 0
    for (at, watts), following in zip(readings, [*readings[1:], None], strict=True):
        new_level = 1 if watts >= 200 else -1 if watts <= 100 else 0
        if state is U:
            state = R if new_level == 1 else I
            since = at
        elif new_level != level:
            since = at
        level = new_level
        until = following[0] if following else at
        if until - at > 300:
            found |= dict.fromkeys(range(at, until), U)
            state = U
            continue
        for second in range(at, until):
            found[second] = state
        against = {R: -1, I: 1}[state]
        if level == against and until - since >= (120 if state is R else 60):
            state = I if state is R else R
            found |= dict.fromkeys(range(since, until), state)
    return found


@given(readings_of_power)
def test_the_fold_agrees_with_a_second_by_second_account(readings: list[tuple[int, float]]) -> None:
    folded = seconds(POWER, *readings)
    assert {s: state for a, b, state in folded for s in range(a, b)} == second_by_second(readings)


@given(readings_of_power, st.integers(0, 60))
def test_runs_and_any_cut_fold_to_the_same(readings: list[tuple[int, float]], cut: int) -> None:
    at = np.array([when * SECOND for when, _ in readings], dtype=np.int64)
    watts = np.array([value for _, value in readings], dtype=np.float64)
    whole: list[Run] = [(int(a), int(a), float(w)) for a, w in zip(at, watts, strict=True)]
    changes, carry = fold(POWER, None, whole)
    first, between = fold(POWER, None, number_runs(POWER, at[:cut], watts[:cut]))
    second, last = fold(POWER, between, number_runs(POWER, at[cut:], watts[cut:]))
    joined: list[Change] = [*first, *second]
    assert (joined, last) == (changes, carry)
    if carry is not None:
        found = intervals([(at, said or U, native) for at, said, native in changes], carry.last_at)
        assert all(a < b for a, b, *_ in found)
        assert all(left[1] == right[0] and left[2] is not right[2] for left, right in pairwise(found))
