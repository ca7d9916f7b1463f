"""Close and open: public holidays, closed days and extra openings, of a machine, a site or the whole cooperative."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from booking.rules.calendar import Calendar, CalendarException, HolidayClosing, public_holidays
from booking.rules.edit import named_rules, not_past
from coop import audit, machines
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Viewer
from coop.interval import Interval
from coop.paging import WHOLE, Slice
from coop.queries import load
from coop.register import cooperative

SQL = load("booking.rules")


@dataclass(frozen=True, slots=True)
class Special:
    """An exception of the calendar as the office entered it: for a machine, a site, or (both None) everything."""

    id: UUID
    machine_id: str | None
    site: str | None
    during: Interval
    opens: bool
    reason: str


def calendars(
    conn: Connection, machine_ids: list[str] | None = None, *, since: datetime | None = None
) -> dict[str, Calendar]:
    """When each machine is open, of all when none is named. Exceptions long over are known only from `since` on."""
    zone = cooperative(conn).time_zone
    hours = machines.opening_hours(conn, machine_ids)
    closings: dict[str, list[HolidayClosing]] = defaultdict(list)
    for machine_id, *closing in conn.execute(SQL["holiday_closings"]):
        closings[machine_id].append(HolidayClosing(*closing))
    exceptions: dict[str, list[CalendarException]] = defaultdict(list)
    values = {"machine_ids": machine_ids, "since": since}
    found = conn.execute(SQL["calendar_exceptions" if since is None else "calendar_exceptions_since"], values)
    for machine_id, start, end, opens in found:
        exceptions[machine_id].append(CalendarException(Interval(start, end), opens))
    known = machine_ids if machine_ids is not None else [each.id for each in machines.machines(conn)]
    return {
        each: Calendar(tuple(hours.get(each, ())), zone, tuple(closings[each]), tuple(exceptions[each]))
        for each in known
    }


def open_intervals(conn: Connection, machine_id: str, window: Interval) -> list[Interval]:
    """When a machine is open within `window`; raises `MachineUnknown`."""
    machines.machine(conn, machine_id)
    return calendars(conn, [machine_id])[machine_id].open_intervals(window)


def specials(conn: Connection, window: Interval, part: Slice = WHOLE) -> list[Special]:
    """Closures and extra openings that touch `window`, by start."""
    values = {"from": window.start, "until": window.end} | part.values("after_start", "after_id")
    rows = conn.execute(SQL["exceptions_between"], values)
    return [
        Special(key, machine_id, site, Interval(start, end), opens, reason)
        for key, machine_id, site, start, end, opens, reason in rows
    ]


def close_or_open(
    conn: Connection,
    viewer: Viewer,
    during: Interval,
    now: datetime,
    *,
    opens: bool,
    machine_id: str | None = None,
    site: str | None = None,
    reason: str = "",
) -> Special:
    """Close, or open beyond the usual hours (`opens`), a machine, a site or everything.

    Reservations that were made before stay. Raises `MachineUnknown` or `FiguresContradict`.
    """
    values = {"machine_id": machine_id, "site": site, "from": during.start, "until": during.end}
    with named_rules():
        row = conn.execute(SQL["add_exception"], values | {"opens": opens, "reason": reason}).fetchone()
    assert row is not None
    action = "calendar.opened" if opens else "calendar.closed"
    audit.record(conn, action, viewer=viewer, subject=_subject(machine_id, site), now=now, detail=_detail(during))
    return Special(row[0], machine_id, site, during, opens, reason)


def take_back(conn: Connection, viewer: Viewer, special_id: UUID, now: datetime) -> None:
    """Take a closure or extra opening back; raises `NotFound`."""
    row = conn.execute(SQL["remove_exception"], {"id": special_id}).fetchone()
    if row is None:
        raise NotFound()
    machine_id, site, start, end = row
    detail = _detail(Interval(start, end))
    audit.record(conn, "calendar.restored", viewer=viewer, subject=_subject(machine_id, site), now=now, detail=detail)


def close_on_holidays(
    conn: Connection, viewer: Viewer, machine_id: str, country: str | None, valid_from: date, now: datetime
) -> None:
    """Close a machine on the public holidays of `country` from a local day on; None: open as on other days.

    Raises `CountryUnknown`, `RuleInThePast` or `MachineUnknown`.
    """
    not_past(conn, valid_from, now)
    if country is not None:
        public_holidays(country, valid_from.year)
    values = {"machine_id": machine_id, "country": country, "valid_from": valid_from}
    with named_rules():
        conn.execute(SQL["forget_holiday_closing"], values)
        conn.execute(SQL["end_holiday_closing"], values)
        if country is not None:
            conn.execute(SQL["add_holiday_closing"], values)
    detail: dict[str, object] = {"valid_from": str(valid_from), "country": country}
    audit.record(conn, "holidays.set", viewer=viewer, subject=f"machine:{machine_id}", now=now, detail=detail)


def _subject(machine_id: str | None, site: str | None) -> str:
    return f"machine:{machine_id}" if machine_id else f"site:{site}" if site else "cooperative"


def _detail(during: Interval) -> dict[str, object]:
    return {"starts_at": during.start.isoformat(), "ends_at": during.end.isoformat()}
