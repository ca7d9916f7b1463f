"""Recurrence rules against the examples of RFC 5545, section 3.8.5.3, and across clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from booking.series.recurrence import (
    RuleInvalid,
    RulePartUnsupported,
    SeriesTooLong,
    StartNotInRule,
    occurrences,
    parse,
    shifted,
)
from coop.interval import Interval

NEW_YORK, BERLIN, TOKYO = ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
HOUR = timedelta(hours=1)

# DTSTART's date, the rule, and the dates that the RFC prints, all at 9:00 in New York. "…" is its "forever".
RFC_5545 = [
    ("1997-09-02", "FREQ=DAILY;COUNT=10", "1997-09: 2-11"),
    (
        "1997-09-02",
        "FREQ=DAILY;UNTIL=19971224T000000Z",
        "1997-09: 2-30 | 1997-10: 1-31 | 1997-11: 1-30 | 1997-12: 1-23",
    ),
    ("1997-09-02", "FREQ=DAILY;INTERVAL=2", "1997-09: 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30 | 1997-10: 2,4,6 …"),
    ("1997-09-02", "FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09: 2,12,22 | 1997-10: 2,12"),
    (
        "1998-01-01",
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        "1998-01: 1-31 | 1999-01: 1-31 | 2000-01: 1-31",
    ),
    ("1998-01-01", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", "1998-01: 1-31 | 1999-01: 1-31 | 2000-01: 1-31"),
    ("1997-09-02", "FREQ=WEEKLY;COUNT=10", "1997-09: 2,9,16,23,30 | 1997-10: 7,14,21,28 | 1997-11: 4"),
    (
        "1997-09-02",
        "FREQ=WEEKLY;UNTIL=19971224T000000Z",
        "1997-09: 2,9,16,23,30 | 1997-10: 7,14,21,28 | 1997-11: 4,11,18,25 | 1997-12: 2,9,16,23",
    ),
    (
        "1997-09-02",
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        "1997-09: 2,16,30 | 1997-10: 14,28 | 1997-11: 11,25 | 1997-12: 9,23 | 1998-01: 6,20 | 1998-02: 3,17 …",
    ),
    (
        "1997-09-02",
        "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
        "1997-09: 2,4,9,11,16,18,23,25,30 | 1997-10: 2",
    ),
    ("1997-09-02", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "1997-09: 2,4,9,11,16,18,23,25,30 | 1997-10: 2"),
    (
        "1997-09-01",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        "1997-09: 1,3,5,15,17,19,29 | 1997-10: 1,3,13,15,17,27,29,31 | 1997-11: 10,12,14,24,26,28"
        " | 1997-12: 8,10,12,22",
    ),
    (
        "1997-09-02",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        "1997-09: 2,4,16,18,30 | 1997-10: 2,14,16",
    ),
    (
        "1997-09-05",
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        "1997-09: 5 | 1997-10: 3 | 1997-11: 7 | 1997-12: 5 | 1998-01: 2 | 1998-02: 6 | 1998-03: 6 | 1998-04: 3"
        " | 1998-05: 1 | 1998-06: 5",
    ),
    (
        "1997-09-05",
        "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
        "1997-09: 5 | 1997-10: 3 | 1997-11: 7 | 1997-12: 5",
    ),
    (
        "1997-09-07",
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "1997-09: 7,28 | 1997-11: 2,30 | 1998-01: 4,25 | 1998-03: 1,29 | 1998-05: 3,31",
    ),
    (
        "1997-09-22",
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        "1997-09: 22 | 1997-10: 20 | 1997-11: 17 | 1997-12: 22 | 1998-01: 19 | 1998-02: 16",
    ),
    (
        "1997-09-28",
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        "1997-09: 28 | 1997-10: 29 | 1997-11: 28 | 1997-12: 29 | 1998-01: 29 | 1998-02: 26 …",
    ),
    (
        "1997-09-02",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        "1997-09: 2,15 | 1997-10: 2,15 | 1997-11: 2,15 | 1997-12: 2,15 | 1998-01: 2,15",
    ),
    (
        "1997-09-30",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        "1997-09: 30 | 1997-10: 1,31 | 1997-11: 1,30 | 1997-12: 1,31 | 1998-01: 1,31 | 1998-02: 1",
    ),
    (
        "1997-09-10",
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "1997-09: 10-15 | 1999-03: 10-13",
    ),
    (
        "1997-09-02",
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        "1997-09: 2,9,16,23,30 | 1997-11: 4,11,18,25 | 1998-01: 6,13,20,27 | 1998-03: 3,10,17,24,31 …",
    ),
    (
        "1997-06-10",
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "1997-06: 10 | 1997-07: 10 | 1998-06: 10 | 1998-07: 10 | 1999-06: 10 | 1999-07: 10 | 2000-06: 10 | 2000-07: 10"
        " | 2001-06: 10 | 2001-07: 10",
    ),
    (
        "1997-03-10",
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        "1997-03: 10 | 1999-01: 10 | 1999-02: 10 | 1999-03: 10 | 2001-01: 10 | 2001-02: 10 | 2001-03: 10"
        " | 2003-01: 10 | 2003-02: 10 | 2003-03: 10",
    ),
    (
        "1997-01-01",
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "1997-01: 1 | 1997-04: 10 | 1997-07: 19 | 2000-01: 1 | 2000-04: 9 | 2000-07: 18 | 2003-01: 1 | 2003-04: 10"
        " | 2003-07: 19 | 2006-01: 1",
    ),
    ("1997-05-19", "FREQ=YEARLY;BYDAY=20MO", "1997-05: 19 | 1998-05: 18 | 1999-05: 17 …"),
    ("1997-05-12", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997-05: 12 | 1998-05: 11 | 1999-05: 17 …"),
    (
        "1997-03-13",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        "1997-03: 13,20,27 | 1998-03: 5,12,19,26 | 1999-03: 4,11,18,25 …",
    ),
    (
        "1997-06-05",
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        "1997-06: 5,12,19,26 | 1997-07: 3,10,17,24,31 | 1997-08: 7,14,21,28 | 1998-06: 4,11,18,25"
        " | 1998-07: 2,9,16,23,30 | 1998-08: 6,13,20,27 …",
    ),
    (
        "1998-02-13",
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        "1998-02: 13 | 1998-03: 13 | 1998-11: 13 | 1999-08: 13 | 2000-10: 13 …",
    ),
    (
        "1997-09-13",
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "1997-09: 13 | 1997-10: 11 | 1997-11: 8 | 1997-12: 13 | 1998-01: 10 | 1998-02: 7 | 1998-03: 7 | 1998-04: 11"
        " | 1998-05: 9 | 1998-06: 13 …",
    ),
    (
        "1996-11-05",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "1996-11: 5 | 2000-11: 7 | 2004-11: 2 …",
    ),
    ("1997-09-04", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09: 4 | 1997-10: 7 | 1997-11: 6"),
    (
        "1997-09-29",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        "1997-09: 29 | 1997-10: 30 | 1997-11: 27 | 1997-12: 30 | 1998-01: 29 | 1998-02: 26 | 1998-03: 30 …",
    ),
    ("1997-08-05", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08: 5,10,19,24"),
    ("1997-08-05", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08: 5,17,19,31"),
    ("2007-01-15", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01: 15,30 | 2007-02: 15 | 2007-03: 15,30"),
]


def dates(printed: str) -> list[str]:
    found = []
    for line in printed.rstrip("… ").split(" | "):
        month, days = line.split(": ")
        for each in days.split(","):
            low, _, high = each.partition("-")
            found += [f"{month}-{day:02}" for day in range(int(low), int(high or low) + 1)]
    return found


def starts(rule: str, first: str, zone: ZoneInfo, *, days: int = 3700, most: int = 400) -> list[str]:
    """The local starts that `rule` gives, from the local time `first` on."""
    slot = Interval.of(datetime.fromisoformat(first).replace(tzinfo=zone), HOUR)
    found = occurrences(parse(rule), slot, zone, slot.start + timedelta(days=days), most=most)
    assert all(each.end - each.start == HOUR for each in found)
    return [f"{each.start.astimezone(zone):%Y-%m-%dT%H:%M}" for each in found]


@pytest.mark.parametrize(("first", "rule", "printed"), RFC_5545, ids=[f"{each[1]} from {each[0]}" for each in RFC_5545])
def test_the_examples_of_the_rfc(first: str, rule: str, printed: str) -> None:
    expected = [f"{each}T09:00" for each in dates(printed)]
    days = 90 if "DAILY" in rule and "INTERVAL=2" in rule else 3700
    found = starts(rule, f"{first}T09:00", NEW_YORK, days=days, most=1000)
    assert found[: len(expected)] == expected
    assert parse(rule).endless == printed.endswith("…")
    if not parse(rule).endless:
        assert found == expected


def test_the_local_time_stays_when_the_clock_changes() -> None:
    slot = Interval.of(datetime(2026, 10, 19, 9, tzinfo=BERLIN), HOUR)
    found = occurrences(parse("FREQ=WEEKLY;COUNT=3"), slot, BERLIN, slot.end, most=10)
    assert [each.start for each in found] == [
        datetime(2026, 10, 19, 7, tzinfo=UTC),
        datetime(2026, 10, 26, 8, tzinfo=UTC),
        datetime(2026, 11, 2, 8, tzinfo=UTC),
    ]


def test_a_skipped_local_time_is_no_occurrence_and_is_not_counted() -> None:
    # Berlin has no 02:30 on 2026-03-29, New York none on 2026-03-08 (RFC 5545, 3.3.10).
    assert starts("FREQ=DAILY;COUNT=3", "2026-03-28T02:30", BERLIN) == [
        "2026-03-28T02:30",
        "2026-03-30T02:30",
        "2026-03-31T02:30",
    ]
    assert starts("FREQ=DAILY;UNTIL=20260309", "2026-03-07T02:30", NEW_YORK) == ["2026-03-07T02:30", "2026-03-09T02:30"]


def test_of_a_repeated_local_time_the_first_is_meant() -> None:
    slot = Interval.of(datetime(2026, 10, 24, 2, 30, tzinfo=BERLIN), HOUR)
    found = occurrences(parse("FREQ=DAILY;COUNT=3"), slot, BERLIN, slot.end, most=10)
    assert [each.start for each in found] == [
        datetime(2026, 10, 24, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
    ]


def test_a_night_over_the_clock_change_is_as_long_as_the_others() -> None:
    night = Interval.of(datetime(2026, 10, 23, 22, tzinfo=BERLIN), 8 * HOUR)
    found = occurrences(parse("FREQ=DAILY;COUNT=3"), night, BERLIN, night.end, most=10)
    assert [each.seconds for each in found] == [8 * 3600] * 3
    assert found[1].end.astimezone(BERLIN).hour == 5


def test_midnight_in_tokyo_is_the_day_before_in_utc() -> None:
    assert starts("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", "2026-09-30T00:00", TOKYO) == [
        "2026-09-30T00:00",
        "2026-10-31T00:00",
        "2026-11-30T00:00",
    ]
    assert starts("FREQ=WEEKLY;BYDAY=MO;UNTIL=20261012", "2026-09-28T00:15", TOKYO)[-1] == "2026-10-12T00:15"


def test_until_is_inclusive() -> None:
    assert len(starts("FREQ=DAILY;UNTIL=20261003T000000Z", "2026-10-01T09:00", TOKYO)) == 3
    assert len(starts("FREQ=DAILY;UNTIL=20261002T235959Z", "2026-10-01T09:00", TOKYO)) == 2
    assert len(starts("FREQ=DAILY;UNTIL=20261003", "2026-10-01T23:45", TOKYO)) == 3


def test_an_endless_rule_ends_with_the_horizon_and_a_long_one_is_refused() -> None:
    assert len(starts("FREQ=DAILY", "2026-10-01T09:00", TOKYO, days=90)) == 91
    assert len(starts("FREQ=DAILY;COUNT=400", "2026-10-01T09:00", TOKYO)) == 400
    with pytest.raises(SeriesTooLong) as refused:
        starts("FREQ=DAILY;COUNT=401", "2026-10-01T09:00", TOKYO)
    assert refused.value.params == {"most": 400}
    with pytest.raises(SeriesTooLong):
        starts("FREQ=DAILY;UNTIL=99991231T235959Z", "2026-10-01T09:00", TOKYO)
    assert starts("FREQ=YEARLY;INTERVAL=999;COUNT=2", "2026-10-01T09:00", TOKYO) == ["2026-10-01T09:00"]


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ("", ""),
        ("BYDAY=MO", "FREQ"),
        ("FREQ=FORTNIGHTLY", "FREQ=FORTNIGHTLY"),
        ("FREQ=WEEKLY;FREQ=DAILY", "FREQ=DAILY"),
        ("FREQ=WEEKLY;INTERVAL=0", "INTERVAL=0"),
        ("FREQ=WEEKLY;COUNT=0", "COUNT=0"),
        ("FREQ=WEEKLY;COUNT=-3", "COUNT=-3"),
        ("FREQ=WEEKLY;COUNT=３", "COUNT=３"),
        ("FREQ=WEEKLY;COUNT=3;UNTIL=20261001", "UNTIL=20261001"),
        ("FREQ=WEEKLY;UNTIL=20261332", "UNTIL=20261332"),
        ("FREQ=WEEKLY;UNTIL=20261001T090000", "UNTIL=20261001T090000"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY=XX"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY=1MO"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "BYDAY=1MO"),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY=0MO"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY=1"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY=32"),
        ("FREQ=MONTHLY;BYWEEKNO=3", "BYWEEKNO=3"),
        ("FREQ=MONTHLY;BYYEARDAY=3", "BYYEARDAY=3"),
        ("FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY=367"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS=1"),
        ("FREQ=WEEKLY;BYMONTH=13", "BYMONTH=13"),
        ("FREQ=WEEKLY;X-OURS=1", "X-OURS=1"),
        ("FREQ=WEEKLY;", ""),
        ("FREQ=WEEKLY;WKST=MO,TU", "WKST=MO,TU"),
    ],
)
def test_a_wrong_part_is_named(rule: str, named: str) -> None:
    with pytest.raises(RuleInvalid) as refused:
        parse(rule)
    assert refused.value.params == {"part": named}


@pytest.mark.parametrize(
    "part",
    ["FREQ=HOURLY", "FREQ=MINUTELY", "FREQ=SECONDLY", "BYHOUR=9", "BYMINUTE=0,20", "BYSECOND=0", "RSCALE=HEBREW"],
)
def test_what_no_reservation_needs_is_named_as_such(part: str) -> None:
    with pytest.raises(RulePartUnsupported) as refused:
        parse(part if part.startswith("FREQ") else f"FREQ=DAILY;{part}")
    assert refused.value.params == {"part": part}


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        ("FREQ=WEEKLY;BYDAY=MO", "2026-10-01T09:00"),  # a Thursday
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "2026-10-01T09:00"),  # never
        ("FREQ=MONTHLY;BYDAY=2TH", "2026-10-01T09:00"),  # the first
        ("FREQ=MONTHLY;BYDAY=TH;BYSETPOS=9", "2026-10-01T09:00"),
        ("FREQ=DAILY;UNTIL=20260901", "2026-10-01T09:00"),
    ],
)
def test_the_first_slot_must_be_one_of_the_rule(rule: str, first: str) -> None:
    with pytest.raises(StartNotInRule):
        starts(rule, first, TOKYO)


def test_a_rule_reads_the_same_with_its_name_and_in_small_letters() -> None:
    assert parse(" rrule:freq=weekly;byday=tu ").text == "FREQ=WEEKLY;BYDAY=TU"


def test_a_shift_keeps_the_local_clock() -> None:
    before = datetime(2026, 3, 28, 10, tzinfo=BERLIN)
    assert shifted(before, timedelta(days=7), BERLIN) == datetime(2026, 4, 4, 10, tzinfo=BERLIN)
    # 02:30 does not exist on the 29th: read with the offset before the gap, it is 01:30 UTC.
    assert shifted(datetime(2026, 3, 28, 2, 30, tzinfo=BERLIN), timedelta(days=1), BERLIN) == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )


@given(
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 12),
    st.integers(1, 30),
    st.sampled_from([NEW_YORK, BERLIN, TOKYO]),
    st.integers(0, 400_000),
)
def test_every_occurrence_comes_later_at_the_same_local_time(
    frequency: str, interval: int, count: int, zone: ZoneInfo, quarters: int
) -> None:
    first = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarters)
    assume(first.astimezone(zone).fold == 0)  # a rule cannot name the second of two equal local times
    slot = Interval.of(first, HOUR)
    found = occurrences(parse(f"FREQ={frequency};INTERVAL={interval};COUNT={count}"), slot, zone, first, most=30)
    assert found[0] == slot
    assert len(found) <= count
    assert [each.start for each in found] == sorted({each.start for each in found})
    assert {each.start.astimezone(zone).time() for each in found} == {first.astimezone(zone).time()}
