"""Somebody else's calendar: time zones of its own, rules, exceptions, and what is wrong with it."""

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from booking.tables.ical_import import CalendarUnreadable, import_calendar, read
from booking.tables.importing import ImportRefused
from coop import people
from coop.database import Connection
from coop.errors import Forbidden
from coop.identity import Role, Viewer
from coop.machines import Machine, OpeningHours, add_machine
from tests.booking.places import settle_in

TOKYO = ZoneInfo("Asia/Tokyo")
SINCE = datetime(2026, 10, 1, tzinfo=UTC)
HORIZON = datetime(2026, 12, 31, tzinfo=UTC)

# As Outlook writes it: a time zone under a name of its own, with its rules; folded lines; an exception and a change.
OUTLOOK = """\
BEGIN:VCALENDAR
PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN
VERSION:2.0
METHOD:PUBLISH
BEGIN:VTIMEZONE
TZID:W. Europe Standard Time of ours
BEGIN:STANDARD
DTSTART:16011028T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
CLASS:PUBLIC
UID:040000008200E00074C5B7101A82E008
DTSTART;TZID="W. Europe Standard Time of ours":20261012T090000
DTEND;TZID="W. Europe Standard Time of ours":20261012T100000
RRULE:FREQ=WEEKLY;COUNT=5;BYDAY=MO
EXDATE;TZID="W. Europe Standard Time of ours":20261019T090000
SUMMARY;LANGUAGE=ja:治具の測定と
 そのあと
ORGANIZER;CN="P1":MAILTO:P1@m.example
END:VEVENT
BEGIN:VEVENT
UID:040000008200E00074C5B7101A82E008
RECURRENCE-ID;TZID="W. Europe Standard Time of ours":20261102T090000
DTSTART;TZID="W. Europe Standard Time of ours":20261103T140000
DTEND;TZID="W. Europe Standard Time of ours":20261103T150000
SUMMARY:moved by a day
END:VEVENT
BEGIN:VEVENT
UID:floating
DTSTART:20261014T130000
DURATION:PT90M
SUMMARY:local
END:VEVENT
BEGIN:VEVENT
UID:gone
DTSTART:20261015T010000Z
DTEND:20261015T020000Z
STATUS:CANCELLED
END:VEVENT
BEGIN:VEVENT
UID:free
DTSTART:20261015T010000Z
DTEND:20261015T020000Z
TRANSP:TRANSPARENT
END:VEVENT
BEGIN:VEVENT
UID:past
DTSTART:20200106T000000Z
DTEND:20200106T010000Z
RRULE:FREQ=MONTHLY;BYDAY=1MO
END:VEVENT
END:VCALENDAR
"""


def event(*lines: str) -> bytes:
    body = "\r\n".join(("BEGIN:VEVENT", *lines, "END:VEVENT"))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{body}\r\nEND:VCALENDAR\r\n".encode()


def test_a_calendar_of_outlook_is_read_with_its_own_time_zone() -> None:
    entries, findings = read(OUTLOOK.replace("\n", "\r\n").encode(), TOKYO, SINCE, HORIZON)
    assert findings == []
    assert [(f"{each.when.start:%m-%d %H:%M}", each.when.seconds // 60, each.summary) for each in entries] == [
        ("10-12 07:00", 60, "治具の測定とそのあと"),
        ("10-26 08:00", 60, "治具の測定とそのあと"),  # winter time has begun, the 19th is left out
        ("11-09 08:00", 60, "治具の測定とそのあと"),
        ("11-03 13:00", 60, "moved by a day"),
        ("10-14 04:00", 90, "local"),
        ("10-05 00:00", 60, ""),
        ("11-02 00:00", 60, ""),
        ("12-07 00:00", 60, ""),
    ]
    assert entries[0].organizer == "p1@m.example"
    assert len({each.key for each in entries}) == 8
    assert entries[3].key == "040000008200E00074C5B7101A82E008 20261102T080000Z"


def test_a_day_is_a_local_day_and_known_zones_need_no_definition() -> None:
    whole = event("UID:1", "DTSTART;VALUE=DATE:20261012", "DTEND;VALUE=DATE:20261014")
    [day], _ = read(whole, TOKYO, SINCE, HORIZON)
    assert (day.when.start.isoformat(), day.when.seconds) == ("2026-10-11T15:00:00+00:00", 2 * 86400)
    named = event("UID:1", "DTSTART;TZID=Tokyo Standard Time:20261012T090000", "DTEND:20261012T010000Z")
    [hour], _ = read(named, ZoneInfo("UTC"), SINCE, HORIZON)
    assert (hour.when.start.hour, hour.when.seconds) == (0, 3600)
    dates = event(
        "UID:1",
        "DTSTART;TZID=Asia/Tokyo:20261012T090000",
        "DURATION:PT1H",
        "RDATE;TZID=Asia/Tokyo:20261013T100000,20261014T110000",
    )
    assert [each.when.start.hour for each in read(dates, TOKYO, SINCE, HORIZON)[0]] == [0, 1, 2]


@pytest.mark.parametrize(
    ("lines", "column", "code"),
    [
        (("DTSTART:20261012T090000Z", "DURATION:PT1H"), "UID", "booking.property_wrong"),
        (("UID:1", "DURATION:PT1H"), "DTSTART", "booking.property_wrong"),
        (("UID:1", "DTSTART:20261012T090000Z"), "DTEND", "booking.property_wrong"),
        (("UID:1", "DTSTART:20261x", "DURATION:PT1H"), "DTSTART", "booking.property_wrong"),
        (("UID:1", "DTSTART;TZID=Nowhere:20261012T090000", "DURATION:PT1H"), "DTSTART", "booking.zone_unknown"),
        (("UID:1", "DTSTART:20261012T090000Z", "DTEND:20261012T090000Z"), "DTEND", "coop.empty_interval"),
        (
            ("UID:1", "DTSTART:20261012T090000Z", "DURATION:PT1H", "RRULE:FREQ=HOURLY"),
            "RRULE",
            "booking.rule_part_unsupported",
        ),
        (
            ("UID:1", "DTSTART:20261012T090000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;BYDAY=TU"),
            "RRULE",
            "booking.start_not_in_rule",
        ),
        (
            ("UID:1", "DTSTART:20261012T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"),
            "RRULE",
            "booking.property_wrong",
        ),
    ],
)
def test_what_is_wrong_is_named_by_event_and_property(lines: tuple[str, ...], column: str, code: str) -> None:
    good = "BEGIN:VEVENT\r\nUID:0\r\nDTSTART:20261101T000000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\nBEGIN:VEVENT"
    content = event(*lines).replace(b"BEGIN:VEVENT", good.encode(), 1)
    entries, findings = read(content, TOKYO, SINCE, HORIZON)
    assert [(each.row, each.column, each.code) for each in findings] == [(2, column, code)]
    assert len(entries) == 1


@pytest.mark.parametrize("content", [b"hello", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\r\nX;=\r\nEND:VCALENDAR"])
def test_what_is_no_calendar_is_refused(content: bytes) -> None:
    with pytest.raises(CalendarUnreadable):
        read(content, TOKYO, SINCE, HORIZON)


def office(conn: Connection) -> Viewer:
    person_id = people.add_person(conn, name="O", email="o@kumiai.example", roles=[Role.OFFICE])
    return Viewer(person_id, None, frozenset({Role.OFFICE}))


def bring(conn: Connection, who: Viewer, content: str, *, dry_run: bool = False) -> Any:
    return import_calendar(conn, who, content.encode(), "cmm-1", "m02", SINCE, since=SINCE, dry_run=dry_run).counts


def test_a_calendar_becomes_reservations_once_and_moves_with_its_entries(conn: Connection) -> None:
    place = settle_in(conn, machines=1, members=2)
    who = office(conn)
    assert bring(conn, who, OUTLOOK, dry_run=True) == {"added": 8}
    assert conn.execute("SELECT count(*) FROM booking.reservation").fetchone() == (0,)
    assert bring(conn, who, OUTLOOK) == {"added": 8}
    assert bring(conn, who, OUTLOOK) == {"unchanged": 8}
    whose = conn.execute("SELECT member_id, person_id, count(*) FROM booking.reservation GROUP BY 1, 2 ORDER BY 1")
    assert whose.fetchall() == [("m01", place.engineers[0].person_id, 3), ("m02", None, 5)]
    before = conn.execute("SELECT id, uid FROM booking.reservation ORDER BY id").fetchall()
    assert bring(conn, who, OUTLOOK.replace("20261103T1", "20261104T1")) == {"changed": 1, "unchanged": 7}
    assert conn.execute("SELECT id, uid FROM booking.reservation ORDER BY id").fetchall() == before
    with pytest.raises(Forbidden):
        bring(conn, place.engineers[0], OUTLOOK)


def test_what_the_machine_does_not_allow_is_named_and_nothing_is_entered(conn: Connection) -> None:
    settle_in(conn, machines=0, members=2)
    hours = [OpeningHours("cmm-1", day, time(9), time(18)) for day in range(1, 8)]
    add_machine(conn, Machine("cmm-1", "cmm", "測定機", "CMM"), hours)
    conn.commit()
    who = office(conn)
    with pytest.raises(ImportRefused) as refused:
        bring(conn, who, OUTLOOK)
    findings = refused.value.extra["findings"]
    assert {(each["row"], each["code"]) for each in findings} == {(2, "booking.outside_opening_hours")}
    assert len(findings) == 1
    conn.rollback()
    assert conn.execute("SELECT count(*) FROM booking.reservation").fetchone() == (0,)


def test_a_rule_ends_with_the_horizon() -> None:
    content = event("UID:1", "DTSTART;TZID=Asia/Tokyo:20200101T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY")
    entries, findings = read(content, TOKYO, SINCE, HORIZON)
    assert findings == []
    assert (len(entries), entries[0].when.start) == (92, datetime(2026, 10, 1, tzinfo=UTC))
