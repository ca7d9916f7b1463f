"""What is known of all machines today, for one viewer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import booking
from booking.outages import outages
from coop import machines
from coop.database import Connection
from coop.identity import Viewer
from coop.interval import Interval, local_midnight
from coop.machines import Machine
from dashboards.store import states_within
from dashboards.today.model import Board, Card, Claimed, Signal, card
from telemetry.states.live import current_states

LOOK_AHEAD = timedelta(days=7)
A_GRANULE = timedelta(hours=1)  # a slot under way since the last grid line can still be booked
SHOWN_WHEN_CLOSED = (8, 18)  # local hours of the picture of a machine that does not open today


@dataclass(frozen=True, slots=True)
class Day:
    """What is known of all machines today, by machine, for somebody of `member_id`."""

    now: datetime
    member_id: str | None
    zone: ZoneInfo
    whole: Interval
    calendars: Mapping[str, booking.Calendar]
    claims: Mapping[str, Sequence[Claimed]]
    states: Mapping[str, Sequence[tuple[str, Interval]]]
    signals: Mapping[str, Signal]


def board(conn: Connection, viewer: Viewer, zone: ZoneInfo, now: datetime, locale: str) -> Board:
    """All machines in service as `viewer` may see them at `now`: of others' reservations only that they are there."""
    in_service = [each for each in machines.machines(conn) if each.in_service]
    found = cards(conn, viewer, in_service, zone, now, locale)
    return Board(now, sorted(found, key=lambda each: each.place(now)))


def cards(
    conn: Connection, viewer: Viewer, known: Sequence[Machine], zone: ZoneInfo, now: datetime, locale: str
) -> list[Card]:
    """The cards of `known`, as `viewer` may see them at `now`."""
    midnight = local_midnight(now.astimezone(zone).date(), zone)
    whole = Interval(midnight, local_midnight((now.astimezone(zone) + timedelta(days=1)).date(), zone))
    day = Day(
        now=now,
        member_id=viewer.member_id,
        zone=zone,
        whole=whole,
        calendars=booking.calendars(conn),
        claims=claims(conn, viewer, [each.id for each in known], whole),
        states=states_within(conn, whole),
        signals={each.machine_id: Signal(each.state.value, each.since) for each in current_states(conn, now)},
    )
    return [_card(conn, each, day, locale) for each in known]


def _card(conn: Connection, machine: Machine, day: Day, locale: str) -> Card:
    opened = day.calendars[machine.id].open_intervals(day.whole)
    first, last = SHOWN_WHEN_CLOSED
    window = (
        Interval(opened[0].start, opened[-1].end)
        if opened
        else Interval(day.whole.start + timedelta(hours=first), day.whole.start + timedelta(hours=last))
    )
    ahead = Interval(day.now - A_GRANULE, day.now + LOOK_AHEAD)
    terms = booking.for_member(conn, booking.terms(conn, machine.id), day.member_id)
    slots = booking.free_slots(conn, terms, ahead, day.now)
    return card(
        machine.id,
        machine.name(locale),
        kind=machine.kind,
        site=machine.site,
        now=day.now,
        window=window,
        opened=opened,
        claims=day.claims.get(machine.id, []),
        signal=day.signals.get(machine.id, Signal("unknown", None)),
        states=day.states.get(machine.id, []),
        free=slots[0] if slots else None,
    )


def claims(conn: Connection, viewer: Viewer, machine_ids: Sequence[str], window: Interval) -> dict[str, list[Claimed]]:
    """What takes machines within `window`, by machine: what stops them first, then reservations by start."""
    found: dict[str, list[Claimed]] = {machine_id: [] for machine_id in machine_ids}
    for outage in outages(conn, window):
        if outage.resource_id in found:
            found[outage.resource_id].append(Claimed(outage.during, outage.reason, mine=False, outage=True))
    for machine_id, taken in booking.on_board(conn, viewer, machine_ids, window).items():
        found[machine_id] += [
            Claimed(each.when, each.member_name, mine=each.member_id is not None and each.member_id == viewer.member_id)
            for each in taken
        ]
    return found
