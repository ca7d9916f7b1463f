"""Import somebody else's calendar (RFC 5545) as reservations of a machine: rules are expanded, errors named."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Component, vDDDTypes

from booking import store
from booking.rules.policy import latest_end
from booking.series import recurrence
from booking.tables.importing import Finding, Imported, Record, enter_all
from booking.tables.registering import enter_reservation, lock_reservations
from coop import people
from coop.database import Connection
from coop.errors import Invalid, MoyaiError
from coop.identity import Role, Viewer
from coop.interval import Interval, local_midnight
from coop.tables import MOST_BYTES, MOST_ROWS, FileTooLarge

MOST_OCCURRENCES = 10_000
MOST_PURPOSE = 500


class CalendarUnreadable(Invalid):
    """The file is no iCalendar."""

    code = "booking.calendar_unreadable"


class PropertyWrong(Invalid):
    """A property of an event is missing, stands twice, or says what cannot be."""

    code = "booking.property_wrong"


class ZoneUnknown(Invalid):
    """A time is of a time zone that neither the file nor the world knows."""

    code = "booking.zone_unknown"


@dataclass(frozen=True, slots=True)
class Entry:
    """One time of an event; `row` counts the events of the file. Every copy of a calendar gives it the same `key`."""

    row: int
    key: str
    when: Interval
    summary: str
    organizer: str | None


def import_calendar(
    conn: Connection,
    viewer: Viewer,
    content: bytes,
    machine_id: str,
    member_id: str,
    now: datetime,
    *,
    since: datetime,
    dry_run: bool,
) -> Imported:
    """Reserve `machine_id` when the calendar is busy after `since`: for the organizer, if we know one, else the member.

    What was imported before moves with its entry. A dry run says what would become of it and keeps nothing.
    Raises `CalendarUnreadable`, `FileTooLarge`, `MachineUnknown`, and `ImportRefused` if an entry is wrong.
    """
    viewer.require(Role.OFFICE)
    terms = store.terms(conn, machine_id)
    entries, findings = read(content, terms.zone, since, latest_end(terms, now))
    known = {each.organizer: people.person_called(conn, each.organizer) for each in entries if each.organizer}
    records = []
    for entry in entries:
        person = known.get(entry.organizer or "")
        values = {
            "uid": entry.key,
            "machine_id": machine_id,
            "member_id": None if person and person.active else member_id,
            "person_email": person.email if person and person.active else None,
            "starts_at": entry.when.start,
            "ends_at": entry.when.end,
            "purpose": entry.summary,
        }
        records.append(Record(entry.row, values))
    lock_reservations(conn, [record.values for record in records])
    return enter_all(conn, viewer, enter_reservation, records, findings, now, dry_run=dry_run)


def read(content: bytes, zone: ZoneInfo, since: datetime, horizon: datetime) -> tuple[list[Entry], list[Finding]]:
    """What an iCalendar file keeps busy after `since`, and what of it cannot be understood, event by event.

    Rules are expanded as far as `horizon`, in the time zone that the file names; times without one are local in `zone`.
    Cancelled events and those that leave the time free are left out. Raises `CalendarUnreadable` or `FileTooLarge`.
    """
    if len(content) > MOST_BYTES:
        raise FileTooLarge(megabytes=MOST_BYTES // 1_000_000, rows=MOST_ROWS)
    try:
        events = list(chain.from_iterable(each.walk("VEVENT") for each in Calendar.from_ical(content, multiple=True)))
    except ValueError:
        raise CalendarUnreadable() from None
    entries: list[Entry] = []
    findings: list[Finding] = []
    changed = {
        (str(each.get("UID")), _moment(place.dt, zone))
        for each in events
        if not each.errors and isinstance(place := each.get("RECURRENCE-ID"), vDDDTypes)
    }
    for row, each in enumerate(events, start=1):
        findings += [Finding(row, name, PropertyWrong.code, {"name": name}) for name, _ in each.errors]
        try:
            if not each.errors and _busy(each):
                entries += (entry for entry in _entries(row, each, zone, horizon, changed) if entry.when.end > since)
        except MoyaiError as refused:
            about = refused.params.get("name", _ABOUT.get(refused.code))
            findings.append(Finding(row, str(about), refused.code, refused.params))
        if len(entries) > MOST_ROWS:
            raise FileTooLarge(megabytes=MOST_BYTES // 1_000_000, rows=MOST_ROWS)
    return entries, findings


def _entries(
    row: int, event: Component, zone: ZoneInfo, horizon: datetime, changed: set[tuple[str, datetime]]
) -> Iterator[Entry]:
    """The times of one event: its own, or those of its rule and dates without the ones that are excluded or changed."""
    uid = _printable(_one(event, "UID", needed=True))
    first, local = _first(event, zone)
    summary = _printable(event.get("SUMMARY", ""))[:MOST_PURPOSE]
    organizer = _printable(event.get("ORGANIZER", "")).lower().removeprefix("mailto:") or None
    place = _one(event, "RECURRENCE-ID")
    if place is not None:
        yield Entry(row, _key(uid, _moment(place.dt, zone)), first, summary, organizer)
        return
    rule = _one(event, "RRULE")
    if rule is None and "RDATE" not in event:
        yield Entry(row, uid, first, summary, organizer)
        return
    slots = [first]
    if rule is not None:
        checked = recurrence.parse(rule.to_ical().decode())
        slots = recurrence.occurrences(checked, first, local, horizon, most=MOST_OCCURRENCES)
    starts = {slot.start for slot in slots} | set(_dates(event, "RDATE", zone))
    left_out = set(_dates(event, "EXDATE", zone))
    for start in sorted(starts - left_out):
        if (uid, start) not in changed:
            yield Entry(row, _key(uid, start), Interval.of(start, first.end - first.start), summary, organizer)


def _first(event: Component, zone: ZoneInfo) -> tuple[Interval, tzinfo]:
    """The first time of an event and the time zone in which it repeats."""
    starts, ends, length = _one(event, "DTSTART", needed=True), _one(event, "DTEND"), _one(event, "DURATION")
    for name, moment in (("DTSTART", starts), ("DTEND", ends)):
        named = moment.params.get("TZID") if moment is not None else None
        if named and isinstance(moment.dt, datetime) and moment.dt.tzinfo is None:
            raise ZoneUnknown(name=name, zone=named)
    start = _moment(starts.dt, zone)
    if ends is not None:
        end = _moment(ends.dt, zone)
    elif length is not None:
        end = start + length.dt
    elif isinstance(starts.dt, datetime):
        raise PropertyWrong(name="DTEND")
    else:
        end = _moment(starts.dt + timedelta(days=1), zone)
    return Interval(start, end), getattr(starts.dt, "tzinfo", None) or zone


def _dates(event: Component, name: str, zone: ZoneInfo) -> Iterator[datetime]:
    lists: Any = event.get(name, [])
    for each in lists if isinstance(lists, list) else [lists]:
        for value in each.dts:
            yield _moment(value.dt[0] if isinstance(value.dt, tuple) else value.dt, zone)


def _one(event: Component, name: str, *, needed: bool = False) -> Any:
    """The property `name`, which stands at most once."""
    found = event.get(name)
    if isinstance(found, list) or (needed and found is None):
        raise PropertyWrong(name=name)
    return found


def _busy(event: Component) -> bool:
    return str(event.get("STATUS")).upper() != "CANCELLED" and str(event.get("TRANSP")).upper() != "TRANSPARENT"


def _printable(found: Any) -> str:
    return "".join(each for each in str(found) if each.isprintable())


def _key(uid: str, place: datetime) -> str:
    return f"{uid} {place:%Y%m%dT%H%M%SZ}"


def _moment(value: Any, zone: ZoneInfo) -> datetime:
    """A DATE or DATE-TIME in UTC; a day begins at midnight, and a floating time is local, in `zone`."""
    try:
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
        return local_midnight(value, zone)
    except (OverflowError, TypeError):  # the year 1 or 9999; a duration where a time should stand
        raise PropertyWrong(name="DTSTART") from None


_ABOUT = {
    "coop.empty_interval": "DTEND",
    "booking.rule_invalid": "RRULE",
    "booking.rule_part_unsupported": "RRULE",
    "booking.start_not_in_rule": "RRULE",
    "booking.series_too_long": "RRULE",
}
"""Which property an error of a whole event is about."""
