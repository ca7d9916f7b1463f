"""Days, times and lengths as callers say them; what is not understood is nothing, never a guess."""

from datetime import date, time

import pytest

from dashboards.office.spoken import Length, clock, day, length

MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("今日", date(2026, 11, 23)),
        ("明日", date(2026, 11, 24)),
        ("あさって", date(2026, 11, 25)),
        ("来週火", date(2026, 12, 1)),
        ("来週の火曜日", date(2026, 12, 1)),
        ("再来週金曜", date(2026, 12, 11)),
        ("今週金", date(2026, 11, 27)),
        ("火曜", date(2026, 11, 24)),
        ("月曜", date(2026, 11, 30)),  # said on a Monday
        ("１１／２５", date(2026, 11, 25)),
        ("11月25日", date(2026, 11, 25)),
        ("1/5", date(2027, 1, 5)),
        ("2027/2/1", date(2027, 2, 1)),
        ("25日", date(2026, 11, 25)),
        ("5日", date(2026, 12, 5)),
        ("3日後", date(2026, 11, 26)),
        ("Tomorrow", date(2026, 11, 24)),
        ("next tue", date(2026, 12, 1)),
        ("friday", date(2026, 11, 27)),
        ("2/30", None),
        ("いつか", None),
        ("2026/13/1", None),
        ("", None),
    ],
)
def test_days(said: str, meant: date | None) -> None:
    assert day(said, MONDAY) == meant


def test_a_day_of_the_next_month_may_not_exist() -> None:
    assert day("30日", date(2027, 1, 31)) is None
    assert day("10日", date(2026, 12, 31)) == date(2027, 1, 10)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("9", time(9)),
        ("９時半", time(9, 30)),
        ("14:30", time(14, 30)),
        ("14時15分", time(14, 15)),
        ("2時", time(14)),
        ("午前2時", time(2)),
        ("午後2時半", time(14, 30)),
        ("0930", time(9, 30)),
        ("12", time(12)),
        ("2pm", time(14)),
        ("24:00", None),
        ("9:75", None),
        ("朝", None),
    ],
)
def test_times(said: str, meant: time | None) -> None:
    assert clock(said) == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2時間", Length(120)),
        ("1時間半", Length(90)),
        ("1.5時間", Length(90)),
        ("1時間30分", Length(90)),
        ("90分", Length(90)),
        ("90", Length(90)),
        ("2", Length(120)),
        ("2h", Length(120)),
        ("11時まで", Length(until=time(11))),
        ("until 11:30", Length(until=time(11, 30))),
        ("半", Length(30)),
        ("0", None),
        ("長め", None),
    ],
)
def test_lengths(said: str, meant: Length | None) -> None:
    assert length(said) == meant
