"""A strict reader of iCalendar files: line ends, folding and the properties that RFC 5545 asks for.

It reads octets by the grammar of the RFC and shares nothing with the library that wrote them.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

NAME = re.compile(r"[A-Za-z0-9-]+")
PARAMETER = re.compile(r';([A-Za-z0-9-]+)=("[^"\x00-\x08\x0a-\x1f\x7f]*"|[^";:,\x00-\x08\x0a-\x1f\x7f]*)')
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
UTC = re.compile(r"\d{8}T\d{6}Z")
LOCAL = re.compile(r"\d{8}T\d{6}")
DURATION = re.compile(r"P(\d+W|\d+D|(\d+D)?T(\d+H)?(\d+M)?(\d+S)?)")
ONCE = {
    "VCALENDAR": ({"VERSION", "PRODID"}, {"CALSCALE", "METHOD", "NAME", "REFRESH-INTERVAL", "X-WR-CALNAME"}),
    "VTIMEZONE": ({"TZID"}, {"LAST-MODIFIED", "TZURL"}),
    "STANDARD": ({"DTSTART", "TZOFFSETFROM", "TZOFFSETTO"}, {"TZNAME"}),
    "DAYLIGHT": ({"DTSTART", "TZOFFSETFROM", "TZOFFSETTO"}, {"TZNAME"}),
    "VEVENT": (
        {"UID", "DTSTAMP", "DTSTART"},
        {
            *("CLASS", "CREATED", "DESCRIPTION", "DTEND", "LAST-MODIFIED", "LOCATION", "ORGANIZER", "PRIORITY"),
            *("SEQUENCE", "STATUS", "SUMMARY", "TRANSP", "URL", "ATTENDEE"),
        },
    ),
    "VFREEBUSY": ({"UID", "DTSTAMP"}, {"DTSTART", "DTEND", "ORGANIZER", "URL"}),
}


@dataclass
class Component:
    """A component with its properties as (name, parameters, value) and what it contains."""

    name: str
    properties: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    components: list["Component"] = field(default_factory=list)

    def value(self, name: str) -> str | None:
        return next((value for each, _, value in self.properties if each == name), None)

    def all(self, name: str) -> list["Component"]:
        return [each for each in self.components if each.name == name]


def read(file: bytes) -> Component:
    """The calendar in `file`; raises `AssertionError` for whatever the RFC does not allow."""
    calendar = _read(_unfold(file))
    _check(calendar, {zone.value("TZID") for zone in calendar.all("VTIMEZONE")})
    uids = [event.value("UID") for event in calendar.all("VEVENT")]
    assert len(uids) == len(set(uids)), "two events with one UID"
    return calendar


def unfolded(file: bytes) -> str:
    """The text of `file` with its folds undone, so that nothing hides in one."""
    return file.decode().replace("\r\n ", "")


def _unfold(file: bytes) -> list[str]:
    assert file.endswith(b"\r\n"), "the last line has no end"
    for octets in file[:-2].split(b"\r\n"):
        assert b"\r" not in octets, octets
        assert b"\n" not in octets, octets
        assert 0 < len(octets) <= 75, octets
        octets.decode()  # a fold may not cut a character in two
    return unfolded(file)[:-2].split("\r\n")


def _read(lines: list[str]) -> Component:
    open_: list[Component] = []
    for line in lines:
        name, parameters, value = _split(line)
        if name == "BEGIN":
            component = Component(value)
            if open_:
                open_[-1].components.append(component)
            open_.append(component)
        elif name == "END":
            closed = open_.pop()
            assert closed.name == value, line
            if not open_:
                assert line is lines[-1], "something follows the calendar"
                return closed
        else:
            open_[-1].properties.append((name, parameters, value))
    raise AssertionError("the calendar has no end")


def _split(line: str) -> tuple[str, dict[str, str], str]:
    assert not CONTROL.search(line), line
    name = NAME.match(line)
    assert name, line
    place, parameters = name.end(), {}
    while parameter := PARAMETER.match(line, place):
        parameters[parameter[1].upper()] = parameter[2].strip('"')
        place = parameter.end()
    assert line[place : place + 1] == ":", line
    return name[0].upper(), parameters, line[place + 1 :]


def _check(component: Component, zones: set[str | None]) -> None:
    needed, at_most_once = ONCE[component.name]
    counted = Counter(name for name, _, _ in component.properties)
    assert needed <= set(counted), f"{component.name} without {needed - set(counted)}"
    for name in needed | at_most_once:
        assert counted[name] <= 1, f"{name} twice"
    for name, parameters, value in component.properties:
        if name in {"DTSTAMP", "LAST-MODIFIED", "CREATED"}:
            assert UTC.fullmatch(value), (name, value)
        elif name in {"DTSTART", "DTEND"} and component.name in {"VEVENT", "VFREEBUSY"}:
            assert UTC.fullmatch(value) or (LOCAL.fullmatch(value) and parameters.get("TZID") in zones), (name, value)
        elif name == "DTSTART":
            assert LOCAL.fullmatch(value), "an onset is local time"
        elif name == "REFRESH-INTERVAL":
            assert parameters["VALUE"] == "DURATION", parameters
            assert DURATION.fullmatch(value), value
        elif name in {"SUMMARY", "LOCATION", "DESCRIPTION", "NAME"}:
            assert re.fullmatch(r"(?:[^\\;,]|\\[\\;,Nn])*", value), f"not escaped: {value}"
        elif name == "FREEBUSY":
            assert all(re.fullmatch(rf"{UTC.pattern}/{UTC.pattern}", each) for each in value.split(",")), value
    for each in component.components:
        _check(each, zones)
