"""Every rule at its boundary: the last value that is allowed and the first that is not."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from booking.model import Conditions, Fitness, Terms
from booking.rules.calendar import CalendarException, HolidayClosing
from booking.rules.policy import Facts, Question, consider, earliest_start, fit, judge, latest_end
from booking.rules.quota import Counted, Quota, Span
from booking.training.qualification import Qualification
from coop.interval import Interval
from coop.machines import OpeningHours

TOKYO = ZoneInfo("Asia/Tokyo")
ALWAYS = tuple(OpeningHours("cmm-1", day, time(0), time.max) for day in range(1, 8))
TERMS = Terms("cmm-1", True, timedelta(0), timedelta(0), 15, 15, 1440, 30, ALWAYS, TOKYO, kind="cmm")
MONDAY = "2026-10-05"


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO)


NOW = local(f"{MONDAY}T09:00")


def slot(start: str, end: str) -> Interval:
    return Interval(local(start), local(end))


TEN = slot(f"{MONDAY}T10:00", f"{MONDAY}T12:00")


def asked(wanted: Interval = TEN, *, facts: Facts | None = None, **more: Any) -> Question:
    """The slot from ten to noon, asked for at nine, where only what is named matters."""
    conditions = Conditions(**{name: more.pop(name) for name in list(more) if name in Conditions.__slots__})
    fitness = Fitness(**{name: more.pop(name) for name in list(more) if name in Fitness.__slots__})
    terms = replace(TERMS, conditions=conditions, fitness=fitness)
    return Question(wanted, terms, NOW, facts=facts or Facts(), **more)


def denied(question: Question) -> list[str]:
    return [each.code.removeprefix("booking.") for each in judge(question)]


def warned(question: Question) -> list[str]:
    return [each.code.removeprefix("booking.") for each in consider(question) if each.warns]


@pytest.mark.parametrize(
    ("notice", "start", "expected"),
    [(60, "10:00", []), (61, "10:00", ["notice_too_short"]), (0, "09:00", []), (1440, "09:15", ["notice_too_short"])],
)
def test_notice(notice: int, start: str, expected: list[str]) -> None:
    assert denied(asked(slot(f"{MONDAY}T{start}", f"{MONDAY}T12:00"), notice_minutes=notice)) == expected


def test_notice_counts_for_a_new_start_only() -> None:
    longer = slot(f"{MONDAY}T10:00", f"{MONDAY}T13:00")
    assert denied(asked(longer, held=TEN, notice_minutes=120)) == []
    later = slot(f"{MONDAY}T10:15", f"{MONDAY}T12:15")
    assert denied(asked(later, held=TEN, notice_minutes=120)) == ["notice_too_short"]
    entered_afterwards = slot(f"{MONDAY}T07:00", f"{MONDAY}T08:00")
    assert denied(asked(entered_afterwards, records_past=True, notice_minutes=120)) == []


@pytest.mark.parametrize(
    ("cancel", "wanted", "expected"),
    [
        (60, ("11:00", "13:00"), []),
        (61, ("11:00", "13:00"), ["gives_back_too_late"]),
        (61, ("10:00", "13:00"), []),
        (61, ("10:00", "11:30"), ["gives_back_too_late"]),
        (0, ("11:00", "13:00"), []),
    ],
)
def test_a_move_gives_time_back_by_the_deadline_of_a_cancellation(
    cancel: int, wanted: tuple[str, str], expected: list[str]
) -> None:
    moved = slot(f"{MONDAY}T{wanted[0]}", f"{MONDAY}T{wanted[1]}")
    assert denied(asked(moved, held=TEN, cancel_minutes=cancel)) == expected
    assert denied(asked(moved, held=TEN, cancel_minutes=cancel, records_past=True)) == []


@pytest.mark.parametrize(
    ("facts", "last_day", "days"),
    [
        (Facts(), "2026-11-04", 30),
        (Facts(has_priority=True), "2026-12-04", 60),
        (Facts(is_member=False), "2026-10-12", 7),
        (Facts(is_member=False, has_priority=True), "2026-10-12", 7),
    ],
)
def test_owners_book_earlier_and_nonmembers_later(facts: Facts, last_day: str, days: int) -> None:
    last = slot(f"{last_day}T22:00", f"{last_day}T23:00")
    horizons = {"priority_horizon_days": 60, "nonmember_horizon_days": 7}
    assert denied(asked(last, facts=facts, **horizons)) == []
    [beyond] = judge(asked(Interval.of(last.start + timedelta(days=1), timedelta(hours=1)), facts=facts, **horizons))
    assert (beyond.code, beyond.params) == ("booking.beyond_horizon", {"days": days})


def test_a_priority_never_shortens_the_horizon() -> None:
    last = slot("2026-11-04T22:00", "2026-11-04T23:00")
    assert denied(asked(last, facts=Facts(has_priority=True), priority_horizon_days=7)) == []


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        (Quota(Counted.PERSON, Span.AT_ONCE, most=2, used=1), []),
        (Quota(Counted.PERSON, Span.AT_ONCE, most=2, used=2), ["person_quota_at_once"]),
        (Quota(Counted.MEMBER, Span.AT_ONCE, most=0, used=0), ["member_quota_at_once"]),
        (Quota(Counted.MEMBER, Span.WEEK, most=600, used=480), []),
        (Quota(Counted.MEMBER, Span.WEEK, most=600, used=481), ["member_quota_week"]),
        (Quota(Counted.PERSON, Span.MONTH, most=119, used=0), ["person_quota_month"]),
        (Quota(Counted.PERSON, Span.MONTH, most=120, used=0), []),
    ],
)
def test_quotas(quota: Quota, expected: list[str]) -> None:
    assert denied(asked(facts=Facts(quotas=(quota,)))) == expected


def test_what_is_over_is_not_had_at_once() -> None:
    full = Facts(quotas=(Quota(Counted.PERSON, Span.AT_ONCE, most=2, used=2),))
    yesterday = slot("2026-10-04T10:00", "2026-10-04T12:00")
    assert denied(asked(yesterday, facts=full, records_past=True)) == []


@pytest.mark.parametrize(
    ("facts", "allowed", "denials", "warnings"),
    [
        (Facts(is_member=False), True, [], []),
        (Facts(is_member=False), False, ["members_only"], []),
        (Facts(is_member=True), False, [], []),
        (Facts(is_member=False, nonmember_use=(Decimal("15.9"), Decimal(16), Decimal(20))), True, [], []),
        (
            Facts(is_member=False, nonmember_use=(Decimal(16), Decimal(16), Decimal(20))),
            True,
            [],
            ["nonmember_limit_near"],
        ),
        (
            Facts(is_member=False, nonmember_use=(Decimal(20), Decimal(16), Decimal(20))),
            True,
            ["nonmember_limit_reached"],
            [],
        ),
        (Facts(is_member=True, nonmember_use=(Decimal(30), Decimal(16), Decimal(20))), True, [], []),
    ],
)
def test_nonmembers(facts: Facts, allowed: bool, denials: list[str], warnings: list[str]) -> None:
    question = asked(facts=facts, nonmembers_allowed=allowed)
    assert (denied(question), warned(question)) == (denials, warnings)


NOON = local(f"{MONDAY}T12:00")
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (None, ["qualification_missing"]),
        (Qualification(1), ["qualification_missing"]),
        (Qualification(2), []),
        (Qualification(3), []),
        (Qualification(2, valid_until=NOON), []),
        (Qualification(2, valid_until=NOON - timedelta(seconds=1)), ["qualification_expires"]),
        (Qualification(2, last_used_at=TEN.start - 90 * DAY, lapse_after_days=90), []),
        (
            Qualification(2, last_used_at=TEN.start - 90 * DAY - timedelta(seconds=1), lapse_after_days=90),
            ["qualification_lapsed"],
        ),
        (Qualification(1, valid_until=NOON - DAY), ["qualification_missing"]),
    ],
)
def test_a_machine_that_asks_for_level_two(own: Qualification | None, expected: list[str]) -> None:
    facts = Facts(qualification=own)
    assert denied(asked(facts=facts, required_level=2)) == expected
    assert denied(asked(facts=facts, required_level=2, alone=False)) == []
    assert denied(asked(facts=facts)) == []


@pytest.mark.parametrize(
    ("trainee", "instructor", "free", "expected"),
    [
        (Qualification(1), None, True, ["instructor_needed"]),
        (Qualification(1), Qualification(2), True, ["instructor_needed"]),
        (Qualification(1), Qualification(3), True, []),
        (Qualification(1), Qualification(3), False, ["instructor_taken"]),
        (Qualification(1), Qualification(3, valid_until=NOON - timedelta(minutes=1)), True, ["instructor_needed"]),
        (None, Qualification(3), True, ["qualification_missing"]),
        (Qualification(2), None, True, []),
    ],
)
def test_a_trainee_needs_an_instructor(
    trainee: Qualification | None, instructor: Qualification | None, free: bool, expected: list[str]
) -> None:
    facts = Facts(qualification=trainee, instructor=instructor, instructor_is_free=free, instructors=("高橋",))
    assert denied(asked(facts=facts, required_level=2, supervised_level=1)) == expected
    [first, *_] = [*judge(asked(facts=facts, required_level=2, supervised_level=1)), None]
    if first is not None and expected == ["instructor_needed"]:
        assert first.params["instructors"] == "高橋"


@pytest.mark.parametrize(
    ("until", "wanted", "expected"),
    [
        (None, TEN, ["calibration_ends"]),
        (date(2026, 10, 4), TEN, ["calibration_ends"]),
        (date(2026, 10, 5), TEN, []),
        (date(2026, 10, 5), slot(f"{MONDAY}T22:00", "2026-10-06T00:00"), []),
        (date(2026, 10, 5), slot(f"{MONDAY}T22:00", "2026-10-06T00:15"), ["calibration_ends"]),
    ],
)
def test_calibration_is_valid_at_the_end_of_the_slot(until: date | None, wanted: Interval, expected: list[str]) -> None:
    assert denied(asked(wanted, calibration_required=True, calibrated_until=until)) == expected
    assert denied(asked(wanted, calibrated_until=until)) == []


def test_the_free_time_ends_with_the_calibration() -> None:
    ends = asked(calibration_required=True, calibrated_until=date(2026, 10, 10)).terms
    assert latest_end(ends, NOW) == local("2026-10-11T00:00")
    assert latest_end(asked(calibration_required=True).terms, NOW) < NOW
    assert latest_end(asked(calibrated_until=date(2026, 10, 10)).terms, NOW) == local("2026-11-05T00:00")


def test_a_failed_check_denies_every_slot() -> None:
    failed = asked(failed_at=local(f"{MONDAY}T08:00"))
    assert denied(failed) == ["check_failed"]
    assert denied(replace(failed, wanted=slot("2026-10-20T10:00", "2026-10-20T12:00"))) == ["check_failed"]
    assert not fit(failed.terms)
    assert fit(asked().terms)


@pytest.mark.parametrize(
    ("passed", "wanted", "warnings"),
    [
        (f"{MONDAY}T00:00", TEN, []),
        ("2026-10-04T23:59", TEN, ["check_missing"]),
        (None, TEN, ["check_missing"]),
        (None, slot("2026-10-06T00:00", "2026-10-06T02:00"), []),
    ],
)
def test_a_slot_today_wants_the_check_of_today(passed: str | None, wanted: Interval, warnings: list[str]) -> None:
    question = asked(wanted, daily_check_required=True, passed_at=local(passed) if passed else None)
    assert (denied(question), warned(question)) == ([], warnings)


@pytest.mark.parametrize(
    ("celsius", "at", "said", "earliest"),
    [
        ("19.0", "08:30", False, "09:00"),
        ("18.9", "08:30", True, "10:30"),
        ("21.0", "08:30", False, "09:00"),
        ("21.1", "08:30", True, "10:30"),
        ("25", "08:00", False, "10:00"),
    ],
)
def test_the_room_is_within_limits(celsius: str, at: str, said: bool, earliest: str) -> None:
    """A temperature counts for slots that start within two hours of it: that of eight no longer for ten."""
    limits = {"coldest_celsius": Decimal(19), "warmest_celsius": Decimal(21)}
    known = {"celsius": Decimal(celsius), "celsius_at": local(f"{MONDAY}T{at}")}
    warns = asked(**limits, **known)
    assert (denied(warns), warned(warns)) == ([], ["room_temperature"] if said else [])
    denies = asked(**limits, **known, temperature_denies=True)
    assert (denied(denies), warned(denies)) == (["room_temperature"] if said else [], [])
    assert earliest_start(denies.terms, NOW) == local(f"{MONDAY}T{earliest}")
    assert denied(asked(**known)) == []


@pytest.mark.parametrize(
    ("soaks_from", "said"), [(None, True), (f"{MONDAY}T05:00", False), (f"{MONDAY}T05:00:01", True)]
)
def test_a_part_soaks_for_five_hours(soaks_from: str | None, said: bool) -> None:
    facts = Facts(soaks_from=local(soaks_from) if soaks_from else None)
    warns = asked(facts=facts, soak_minutes=300)
    assert (denied(warns), warned(warns)) == ([], ["soak_too_short"] if said else [])
    denies = asked(facts=facts, soak_minutes=300, soak_denies=True)
    assert denied(denies) == (["soak_too_short"] if said else [])
    for each in judge(denies):
        assert each.params == {"minutes": 300, "bring_by": "2026-10-05 05:00"}


def test_all_reasons_come_at_once() -> None:
    facts = Facts(is_member=False, quotas=(Quota(Counted.PERSON, Span.WEEK, 60, 60),))
    question = asked(
        slot(f"{MONDAY}T10:05", f"{MONDAY}T10:10"),
        facts=facts,
        notice_minutes=120,
        nonmembers_allowed=False,
        required_level=1,
        calibration_required=True,
        failed_at=NOW,
        soak_minutes=60,
        soak_denies=True,
    )
    question = replace(question, terms=replace(question.terms, in_service=False, hours=()))
    assert denied(question) == [
        "out_of_service",
        "notice_too_short",
        "outside_opening_hours",
        "off_grid",
        "too_short",
        "person_quota_week",
        "members_only",
        "qualification_missing",
        "calibration_ends",
        "check_failed",
        "soak_too_short",
    ]


def test_a_closed_day_and_a_holiday_deny() -> None:
    """12 October 2026 is スポーツの日."""
    holiday = slot("2026-10-12T10:00", "2026-10-12T12:00")
    closes = replace(TERMS, closings=(HolidayClosing("JP", date(2026, 1, 1)),))
    [denial] = judge(Question(holiday, closes, NOW))
    assert (denial.code, denial.params) == ("booking.outside_opening_hours", {"open": "-"})
    assert judge(Question(holiday, TERMS, NOW)) == []
    inventory = CalendarException(slot(f"{MONDAY}T11:00", f"{MONDAY}T13:00"), opens=False)
    [denial] = judge(Question(TEN, replace(TERMS, exceptions=(inventory,)), NOW))
    assert denial.params == {"open": "00:00–11:00, 13:00–24:00"}
