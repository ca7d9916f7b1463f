"""Calendars as they are written: RFC 5545 to the octet, times in true time zones, read by other people's programs."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
import vobject
from dateutil import tz
from hypothesis import given
from hypothesis import strategies as st

from booking.messages import ics
from booking.messages.ics import Entry, Method, Standing
from booking.messages.vtimezone import vtimezone
from coop.interval import Interval
from tests.booking import calendars

TOKYO = ZoneInfo("Asia/Tokyo")
NEW_YORK = ZoneInfo("America/New_York")
NINE = datetime(2026, 10, 1, 0, tzinfo=UTC)
SLOT = Interval.of(NINE, timedelta(hours=2))


def entry(**more: object) -> Entry:
    return Entry(**({"uid": "u-1", "when": SLOT, "summary": "三次元測定機", "stamp": NINE} | more))  # type: ignore[arg-type]


def test_an_event_is_what_the_rfc_asks_for() -> None:
    file = ics.feed(
        "予約", TOKYO, [entry(sequence=3, location="大田区", url="https://moyai.example/reservations?a=1;b=2")]
    )
    calendar = calendars.read(file)
    assert (calendar.value("VERSION"), calendar.value("NAME")) == ("2.0", "予約")
    assert calendar.value("REFRESH-INTERVAL") == "PT15M"
    event = calendar.all("VEVENT")[0]
    assert ("DTSTART", {"TZID": "Asia/Tokyo"}, "20261001T090000") in event.properties
    assert ("DTEND", {"TZID": "Asia/Tokyo"}, "20261001T110000") in event.properties
    assert (event.value("SEQUENCE"), event.value("STATUS")) == ("3", "CONFIRMED")


def test_another_program_reads_the_same() -> None:
    file = ics.feed("予約", TOKYO, [entry(description="1, 2; 3\\4\n五")])
    event = vobject.readOne(file.decode()).vevent
    assert event.summary.value == "三次元測定機"
    assert event.description.value == "1, 2; 3\\4\n五"
    assert event.dtstart.value.astimezone(UTC) == NINE
    assert event.dtend.value.astimezone(UTC) == SLOT.end


@given(
    st.text(min_size=1, max_size=300), st.text(st.characters(min_codepoint=0x3041, max_codepoint=0x30FF), max_size=90)
)
def test_any_text_is_folded_between_characters(anything: str, kana: str) -> None:
    calendar = calendars.read(ics.feed(kana or "x", TOKYO, [entry(summary=kana, description=anything)]))
    assert (calendar.all("VEVENT")[0].value("SUMMARY") or "") == kana


def test_the_reader_refuses_what_the_rfc_does() -> None:
    good = ics.feed("予約", TOKYO, [entry(summary="測" * 60)])
    for bad in (
        good.replace(b"\r\n", b"\n"),
        good.replace(b"\r\n ", b""),
        good.replace(b"UID:u-1\r\n", b""),
        good.replace(b"BEGIN:VTIMEZONE", b"BEGIN:VTIMEZONE\r\nTZID:x"),
        good.replace(b"20261001T090000", b"20261001T090000+0900"),
        good.replace("測".encode(), b"a,b", 1),
    ):
        with pytest.raises((AssertionError, UnicodeDecodeError)):
            calendars.read(bad)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Europe/London", "Australia/Lord_Howe"])
def test_a_time_zone_says_what_the_clock_shows(zone: str) -> None:
    """Read by dateutil's own interpreter of VTIMEZONE, each half hour of two years, against the tz database."""
    written = vtimezone(ZoneInfo(zone), 2026, 2027).to_ical().decode()
    read = tz.tzical(StringIO(written)).get()
    known = ZoneInfo(zone)
    local, end = (datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (2026, 2028))
    while local < end:
        real = local.replace(tzinfo=known)
        exists = real.astimezone(UTC).astimezone(known).replace(tzinfo=None) == local
        twice = real.utcoffset() != real.replace(fold=1).utcoffset()
        if exists and not twice:
            assert local.replace(tzinfo=read).utcoffset() == real.utcoffset(), local
        local += timedelta(minutes=30)


def test_the_onset_stands_in_the_old_offset() -> None:
    """RFC 5545 3.6.5: the example for New York starts daylight time at 02:00, not at 03:00."""
    changes = [
        (each.name, each["dtstart"].dt.isoformat(), each["tzoffsetfrom"].to_ical(), each["tzoffsetto"].to_ical())
        for each in vtimezone(NEW_YORK, 2007, 2007).subcomponents[1:]
    ]
    assert changes == [
        ("DAYLIGHT", "2007-03-11T02:00:00", "-0500", "-0400"),
        ("STANDARD", "2007-11-04T02:00:00", "-0400", "-0500"),
    ]


def test_the_hour_that_a_clock_repeats_is_unambiguous() -> None:
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # 01:30 for the first time
    for start in (first, first + timedelta(hours=1)):
        file = ics.feed("x", NEW_YORK, [entry(when=Interval.of(start, timedelta(minutes=15)))])
        assert vobject.readOne(file.decode()).vevent.dtstart.value.astimezone(UTC) == start


def test_a_letter_asks_the_calendar_program() -> None:
    file = ics.letter(
        Method.CANCEL, TOKYO, entry(standing=Standing.CANCELLED, sequence=4), "moyai@kumiai.example", "p@m.example"
    )
    calendar = calendars.read(file)
    event = calendar.all("VEVENT")[0]
    assert (calendar.value("METHOD"), event.value("STATUS"), event.value("SEQUENCE")) == ("CANCEL", "CANCELLED", "4")
    assert event.value("ORGANIZER") == "mailto:moyai@kumiai.example"
    assert event.value("ATTENDEE") == "mailto:p@m.example"


def test_busy_time_is_cut_to_its_window() -> None:
    window = Interval.of(NINE, timedelta(hours=6))
    taken = [Interval.of(NINE - timedelta(hours=1), timedelta(hours=2)), Interval.of(SLOT.end, timedelta(hours=1))]
    calendar = calendars.read(ics.busy("busy-1", window, taken, NINE))
    busy = [value for name, _, value in calendar.all("VFREEBUSY")[0].properties if name == "FREEBUSY"]
    assert busy == ["20261001T000000Z/20261001T010000Z", "20261001T020000Z/20261001T030000Z"]
