"""Weekly hours, written and read."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop.cells import CellMalformed
from coop.messages import LOCALES
from coop.weekly import Week, read

NINE, NOON, ONE, FIVE = time(9), time(12), time(13), time(17, 15)


@pytest.mark.parametrize(
    "written",
    [
        "Mo-We 09:00-12:00,13:00-17:15; Sa 9:00-24:00",
        "月-水 09:00-12:00、13:00-17:15；土 09:00-24:00",
        "mo,tu,we 9:00〜12:00, 13:00~17:15\nsa 09:00-24:00",
        "月，火-水 ９：００－１２：００,13:00-17:15; 土 9:00-24:00;",
    ],
)
def test_the_same_week_in_many_hands(written: str) -> None:
    both = [(day, *span) for day in (1, 2, 3) for span in ((NINE, NOON), (ONE, FIVE))]
    assert read(written) == Week((*both, (6, NINE, time.max)))
    assert read(written).written("en") == "Mo-We 09:00-12:00,13:00-17:15; Sa 09:00-24:00"


@pytest.mark.parametrize(
    "written",
    [
        "always",
        "Mo",
        "09:00-12:00",
        "Xx 09:00-12:00",
        "Mo 12:00-09:00",
        "Mo 25:00-26:00",
        "Mo 9-12",
        "Fr-Mo 09:00-10:00",
        "Mo 9:00-12:00,11:00-13:00",
    ],
)
def test_what_is_no_week_is_refused(written: str) -> None:
    with pytest.raises(CellMalformed):
        read(written)


@st.composite
def weeks(draw: st.DrawFn) -> Week:
    hours = []
    for day in draw(st.sets(st.integers(1, 7))):
        edges = sorted(draw(st.sets(st.integers(0, 1440), min_size=2, max_size=6)))
        for start, end in zip(edges[::2], edges[1::2], strict=False):
            hours.append((day, time(start // 60, start % 60), time.max if end == 1440 else time(end // 60, end % 60)))
    return Week(tuple(sorted(hours)))


@given(weeks(), st.sampled_from(LOCALES))
def test_a_week_is_read_as_it_was_written(week: Week, locale: str) -> None:
    assert read(week.written(locale)) == week
