"""Money: published divisions, and what every division keeps."""

import itertools
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop.money import NegativeWeight, NoWeight, round_down, round_half_up, split_by_largest_remainder

weights = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.integers(0, 10**9), min_size=1, max_size=12)


def parts(amount: int, by: Mapping[str, int]) -> list[int]:
    return [share.yen for share in split_by_largest_remainder(amount, by).values()]


@pytest.mark.parametrize(
    ("amount", "by", "expected"),
    [
        (100, {"a": 1, "b": 2, "c": 3}, [17, 33, 50]),
        (100, {"a": 1, "b": 10, "c": 100}, [1, 9, 90]),
        (100_000, {"a": 1, "b": 1, "c": 1}, [33_334, 33_333, 33_333]),
        (5, {"b": 1, "a": 1}, [2, 3]),  # the tie goes to the smaller key, wherever it stands
        (10, {"A": 6, "B": 6, "C": 2}, [4, 4, 2]),  # Alabama: with one more, C has one less
        (11, {"A": 6, "B": 6, "C": 2}, [5, 5, 1]),
        (7, {"a": 0, "b": 1}, [0, 7]),
        (0, {"a": 1, "b": 1}, [0, 0]),
        (0, {"a": 0}, [0]),
        (-100, {"a": 1, "b": 2, "c": 3}, [-17, -33, -50]),
    ],
)
def test_known_divisions(amount: int, by: Mapping[str, int], expected: list[int]) -> None:
    assert parts(amount, by) == expected


@given(st.integers(-(10**12), 10**12), weights)
def test_parts_sum_to_the_whole_and_stay_within_a_yen_of_their_quota(amount: int, by: dict[str, int]) -> None:
    if sum(by.values()) == 0:
        by["a"] = 1
    shares = split_by_largest_remainder(amount, by)
    assert sum(share.yen for share in shares.values()) == amount
    total = sum(by.values())
    for key, share in shares.items():
        assert abs(share.yen * total - amount * by[key]) < total
        assert share.quota == Fraction(amount * by[key], total)


@given(st.integers(0, 10**9), weights)
def test_the_order_of_the_weights_does_not_matter(amount: int, by: dict[str, int]) -> None:
    by["a"] = by.get("a", 0) + 1
    backwards = dict(reversed(by.items()))
    shares = split_by_largest_remainder(amount, by)
    assert split_by_largest_remainder(amount, backwards) == shares


@given(st.integers(0, 10**9), weights, st.integers(1, 10**6))
def test_a_heavier_weight_never_gets_less(amount: int, by: dict[str, int], more: int) -> None:
    by["a"] = by.get("a", 0) + 1
    before = split_by_largest_remainder(amount, by)["a"].yen
    assert split_by_largest_remainder(amount, by | {"a": by["a"] + more})["a"].yen >= before


@given(st.integers(0, 10**9), weights)
def test_who_weighs_more_never_gets_less_than_who_weighs_less(amount: int, by: dict[str, int]) -> None:
    by["a"] = by.get("a", 0) + 1
    shares = split_by_largest_remainder(amount, by)
    ordered = sorted(by, key=lambda key: by[key])
    assert all(shares[low].yen <= shares[high].yen for low, high in itertools.pairwise(ordered) if by[low] < by[high])


def test_nothing_to_go_by_is_refused() -> None:
    with pytest.raises(NoWeight):
        split_by_largest_remainder(1, {"a": 0})
    with pytest.raises(NoWeight):
        split_by_largest_remainder(1, {})
    with pytest.raises(NegativeWeight):
        split_by_largest_remainder(1, {"a": 2, "b": -1})


@pytest.mark.parametrize(
    ("exact", "yen"), [("0.49", 0), ("0.5", 1), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("-0.49", 0), ("7500", 7500)]
)
def test_a_fee_is_rounded_to_the_nearest_yen_halves_away_from_zero(exact: str, yen: int) -> None:
    assert round_half_up(Decimal(exact)) == yen
    assert round_half_up(Fraction(exact)) == yen


@given(st.fractions(-(10**9), 10**9))
def test_rounding_moves_by_half_a_yen_at_most(exact: Fraction) -> None:
    assert abs(round_half_up(exact) - exact) <= Fraction(1, 2)


@pytest.mark.parametrize(("exact", "yen"), [("31.5", 31), ("31.999", 31), ("31", 31), ("-0.1", -1)])
def test_tax_is_the_floor(exact: str, yen: int) -> None:
    assert round_down(Decimal(exact)) == yen
