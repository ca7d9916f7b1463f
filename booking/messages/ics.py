"""Reservations written as iCalendar: RFC 5545 with the calendar properties of RFC 7986. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, FreeBusy, vCalAddress, vPeriod

from booking.messages.vtimezone import vtimezone
from coop.interval import Interval

PRODUCT = "-//Moyai//Moyai//EN"
REFRESH = timedelta(minutes=15)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")  # RFC 5545 3.1 allows none of them in a text


class Standing(StrEnum):
    """What a calendar says of an event (STATUS)."""

    CONFIRMED = "CONFIRMED"
    TENTATIVE = "TENTATIVE"
    CANCELLED = "CANCELLED"


class Method(StrEnum):
    """What a mailed calendar asks its reader's program to do (RFC 5546)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event. `sequence` rises with every change of what is known under `uid`; `stamp` is when it last changed."""

    uid: str
    when: Interval
    summary: str
    stamp: datetime
    sequence: int = 0
    standing: Standing = Standing.CONFIRMED
    created_at: datetime | None = None
    location: str = ""
    description: str = ""
    url: str = ""


def feed(name: str, zone: ZoneInfo, entries: Sequence[Entry]) -> bytes:
    """A calendar to subscribe to, called `name`, with local times of `zone`; equal entries give equal bytes."""
    calendar = _calendar(zone, entries)
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", zone.key)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT15M")
    for entry in entries:
        calendar.add_component(_event(entry, zone))
    return bytes(calendar.to_ical(sorted=False))


def letter(method: Method, zone: ZoneInfo, entry: Entry, organizer: str, attendee: str) -> bytes:
    """One event as it is attached to a mail from the address `organizer` to `attendee`."""
    calendar = _calendar(zone, [entry])
    calendar.add("method", method.value)
    event = _event(entry, zone)
    event.add("organizer", vCalAddress(f"mailto:{organizer}"))
    event.add("attendee", vCalAddress(f"mailto:{attendee}"), parameters={"PARTSTAT": "ACCEPTED", "RSVP": "FALSE"})
    calendar.add_component(event)
    return bytes(calendar.to_ical(sorted=False))


def busy(uid: str, window: Interval, taken: Iterable[Interval], stamp: datetime) -> bytes:
    """When something is taken within `window`, and nothing else (VFREEBUSY); `taken` is merged and sorted."""
    calendar = _calendar(None, [])
    times = FreeBusy()
    times.add("uid", uid)
    times.add("dtstamp", _utc(stamp))
    times.add("dtstart", _utc(window.start))
    times.add("dtend", _utc(window.end))
    for each in taken:
        within = each.intersect(window)
        if within:
            period = vPeriod((_utc(within.start), _utc(within.end)))
            times.add("freebusy", period, parameters={"FBTYPE": "BUSY"})
    calendar.add_component(times)
    return bytes(calendar.to_ical(sorted=False))


def _calendar(zone: ZoneInfo | None, entries: Sequence[Entry]) -> Calendar:
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODUCT)
    calendar.add("calscale", "GREGORIAN")
    if zone is not None and entries:
        first = min(entry.when.start for entry in entries).astimezone(zone).year
        last = max(entry.when.end for entry in entries).astimezone(zone).year
        calendar.add_component(vtimezone(zone, first, last))
    return calendar


def _event(entry: Entry, zone: ZoneInfo) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", _utc(entry.stamp))
    event.add("last-modified", _utc(entry.stamp))
    if entry.created_at is not None:
        event.add("created", _utc(entry.created_at))
    event.add("sequence", entry.sequence)
    event.add("dtstart", _local(entry.when.start, zone))
    event.add("dtend", _local(entry.when.end, zone))
    for name, text in (("summary", entry.summary), ("location", entry.location), ("description", entry.description)):
        if text:
            event.add(name, _CONTROL.sub("", text))
    if entry.url:
        event.add("url", entry.url)
    event.add("status", entry.standing.value)
    event.add("transp", "TRANSPARENT" if entry.standing is Standing.CANCELLED else "OPAQUE")
    event.add("class", "PRIVATE")
    return event


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Local time, or UTC in the hour that the clock repeats: calendars read a local time there as the first one."""
    local = moment.astimezone(zone)
    return _utc(moment) if local.fold else local


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
