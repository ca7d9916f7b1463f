"""Thresholds out of power alone: what must hold for every machine, and what a person would say of a few."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.thresholds.proposal import Doubt, Proposal, between, propose

MEASURED = st.floats(0.001, 5000)
WATTS = st.lists(MEASURED | st.sampled_from([0.0, 0.4, 60.0, 61.0, 400.0, 900.0]), min_size=30, max_size=200)


def day(*levels: tuple[float, int], noise: float = 0.03, seed: int = 1) -> list[float]:
    """Readings scattered around each (watts, how many)."""
    random = np.random.default_rng(seed)
    return [float(watts * math.exp(noise * random.standard_normal())) for watts, count in levels for _ in range(count)]


def test_a_measuring_machine_with_a_clear_standby() -> None:
    found = propose(day((60, 700), (400, 300)))
    assert [round(level.watts, -1) for level in found.levels] == [60, 400]
    assert [round(level.share, 2) for level in found.levels] == [0.7, 0.3]
    assert found.off_watts is not None
    assert found.on_watts is not None
    assert 65 < found.off_watts < 155 < found.on_watts < 380
    assert (found.clear, found.doubt, found.standby_watts) == (True, None, None)


def test_switched_off_at_night_is_not_standby() -> None:
    found = propose(day((0.4, 900), (60, 400), (400, 150)))
    assert found.off_watts is not None
    assert found.on_watts is not None
    assert found.standby_watts is not None
    assert 0.4 < found.standby_watts < 55 < 65 < found.off_watts < found.on_watts < 380
    assert found.clear


def test_measuring_at_two_speeds_is_measuring() -> None:
    found = propose(day((60, 600), (300, 200), (900, 200)))
    assert found.on_watts is not None
    assert 65 < found.on_watts < 290


@pytest.mark.parametrize(
    ("watts", "doubt"),
    [
        ([60.0] * 29, Doubt.TOO_FEW),
        ([0.0] * 500, Doubt.NO_POWER),
        ([math.nan] * 500, Doubt.TOO_FEW),
        (day((60, 500)), Doubt.ONE_LEVEL),
        (day((60, 500), noise=0.4), Doubt.OVERLAP),
        (day((60, 500), (90, 500), noise=0.14), Doubt.OVERLAP),
    ],
    ids=["few", "none", "no numbers", "one", "one that wanders", "two that overlap"],
)
def test_what_cannot_be_told_apart_is_said(watts: Sequence[float], doubt: Doubt) -> None:
    found = propose(watts)
    assert (found.on_watts, found.off_watts, found.doubt) == (None, None, doubt)


def test_off_and_on_alone_may_be_off_and_idle() -> None:
    found = propose(day((0.3, 500), (60, 500)))
    assert (found.doubt, found.clear) == (Doubt.OFF_OR_IDLE, False)
    assert found.on_watts is not None


def test_switching_on_is_no_level() -> None:
    calm = propose(day((60, 700), (400, 300)))
    spiky = propose([*day((60, 700), (400, 300)), 5000.0, 4800.0])
    assert calm.on_watts is not None
    assert spiky.on_watts == pytest.approx(calm.on_watts, rel=0.05)


def test_time_counts_not_readings() -> None:
    """A plug that reports on change says little while nothing changes."""
    watts = day((60, 60), (400, 60))
    found = propose(watts, [90.0] * 60 + [10.0] * 60)
    assert [round(level.share, 2) for level in found.levels] == [0.9, 0.1]


def test_less_than_any_plug_can_tell_is_nothing() -> None:
    assert propose([0.0] * 29 + [5e-324]).doubt is Doubt.NO_POWER
    assert between([0.0], [5e-324]).doubt is Doubt.NO_POWER


@given(WATTS, st.integers(-6, 10))
def test_the_unit_does_not_matter(watts: list[float], power: int) -> None:
    scaled = propose([each * 2.0**power for each in watts])
    found = propose(watts)
    assert (scaled.doubt, scaled.clear, scaled.depth) == (found.doubt, found.clear, found.depth)
    assert [level.share for level in scaled.levels] == [level.share for level in found.levels]
    for ours, theirs in ((scaled.on_watts, found.on_watts), (scaled.off_watts, found.off_watts)):
        assert ours == (theirs if theirs is None else pytest.approx(theirs * 2.0**power))


@given(WATTS, st.randoms())
def test_the_order_does_not_matter(watts: list[float], random: object) -> None:
    shuffled = list(watts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own Random
    assert propose(shuffled) == propose(watts)


@given(WATTS)
def test_thresholds_lie_in_order_between_the_levels(watts: list[float]) -> None:
    _in_order(propose(watts))


@given(st.lists(st.floats(0, 5000), max_size=9), st.lists(st.floats(0, 5000), max_size=9))
def test_what_a_person_showed_is_kept_apart(idle: list[float], measuring: list[float]) -> None:
    found = between(idle, measuring)
    _in_order(found)
    if found.off_watts is not None and found.on_watts is not None:
        assert max(idle) < found.off_watts
        assert found.on_watts < min(measuring)
    else:
        assert not idle or not measuring or max(idle) * 1.05 >= min(measuring)


def _in_order(found: Proposal) -> None:
    assert (found.on_watts is None) == (found.off_watts is None)
    assert found.on_watts is not None or found.doubt is not None
    assert [level.watts for level in found.levels] == sorted(level.watts for level in found.levels) or found.doubt
    if found.on_watts is not None and found.off_watts is not None:
        assert 0 < found.off_watts < found.on_watts
        assert found.standby_watts is None or 0 < found.standby_watts < found.off_watts
    assert 0 <= found.depth <= 1
    assert sum(level.share for level in found.levels) <= 1 + 1e-9
