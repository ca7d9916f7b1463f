"""Depreciation against the National Tax Agency's published example (No. 2106), and what must always hold."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.costs import depreciation
from billing.costs.model import Asset, Method

CMM = Asset(UUID(int=1), "cmm-1", "測定機", "CMM", date(2026, 4, 1), 1_000_000, Method.STRAIGHT_LINE, 10)
DECLINING = [200_000, 160_000, 128_000, 102_400, 81_920, 65_536, 65_536, 65_536, 65_536, 65_535]


@pytest.mark.parametrize(
    ("method", "published"), [("straight_line", [100_000] * 9 + [99_999]), ("declining", DECLINING)]
)
def test_ten_years_of_a_million_yen_as_published(method: str, published: list[int]) -> None:
    assert list(depreciation.years(replace(CMM, method=Method(method)))) == published


def test_a_subsidy_is_deducted_before_and_the_first_year_counts_its_months() -> None:
    """3,000,000 less 2,000,000 subsidised, 5 years, from October: 6 of 12 months of 200,000, and one yen stays."""
    asset = replace(CMM, cost_yen=3_000_000, subsidy_yen=2_000_000, useful_life_years=5, acquired_on=date(2026, 10, 20))
    assert list(depreciation.years(asset)) == [100_000, 200_000, 200_000, 200_000, 200_000, 99_999]
    months = [depreciation.month(asset, date(2026, month, 1)) for month in (9, 10, 11, 12)]
    assert months == [0, 16_666, 16_667, 16_667]


@given(
    st.builds(
        Asset,
        st.just(UUID(int=1)),
        st.just("p"),
        st.just("x"),
        st.just("x"),
        st.dates(date(2013, 1, 1), date(2060, 12, 31)),
        st.integers(2, 10**9),
        st.sampled_from(Method),
        st.integers(2, 20),
        st.just(0),
        st.integers(1, 12),
    )
)
def test_months_sum_to_all_but_one_yen_and_never_go_below_zero(asset: Asset) -> None:
    first = asset.acquired_on.year
    months = [
        depreciation.month(asset, date(year, month, 1))
        for year in range(first - 1, first + 26)
        for month in range(1, 13)
    ]
    assert sum(months) == asset.cost_yen - 1
    assert min(months) >= 0
