"""What is known of one machine for its page, as a viewer may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import booking
from billing.model import Tariff
from billing.tariffs import edit, quote
from billing.tariffs.quote import Price
from booking.fitness import evidence
from booking.fitness.evidence import Calibration, Known
from booking.model import Terms
from booking.presence import store as presence
from booking.presence.rules import PresenceRule
from booking.search.store import standing_of_all
from booking.training import sessions
from booking.training.sessions import Training
from coop import machines, pictures
from coop.database import Connection
from coop.identity import Viewer
from coop.interval import Interval, local_midnight
from coop.machines import Machine
from dashboards.store import states_within
from dashboards.today.model import Card, Signal, Span, since_then, spans_of
from dashboards.today.offers import price_of
from dashboards.today.store import cards, claims
from telemetry.states.live import current_states

WEEK = 7
SLOT = timedelta(hours=1)
SHOWN_SLOTS = 4
USUAL_HOURS = (time(8), time(18))


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the week's picture; all days are drawn over the same hours."""

    window: Interval
    spans: Sequence[Span]


@dataclass(frozen=True, slots=True)
class Offered:
    """A slot that can be had, and what it costs whoever looks."""

    when: Interval
    price: Price | None


@dataclass(frozen=True, slots=True)
class About:
    """All that the page of a machine says. `level` is what the viewer was granted for machines of its kind."""

    machine: Machine
    card: Card
    terms: Terms
    presence: PresenceRule
    slots: Sequence[Offered]
    week: Sequence[Day]
    fitness: Known
    certificate: Calibration | None
    tariffs: Sequence[Tariff]
    is_member: bool
    level: int
    trainings: Sequence[Training]
    digest: str | None


def about(conn: Connection, viewer: Viewer, machine_id: str, zone: ZoneInfo, now: datetime, locale: str) -> About:
    """One machine; raises `MachineUnknown`."""
    machine = machines.machine(conn, machine_id)
    [card] = cards(conn, viewer, [machine], zone, now, locale)
    terms = booking.for_member(conn, booking.terms(conn, machine_id), viewer.member_id)
    free = booking.next_free(conn, terms, SLOT, after=now - SLOT, now=now, count=SHOWN_SLOTS)
    return About(
        machine=machine,
        card=card,
        terms=terms,
        presence=presence.rule(conn, machine_id)[0],
        slots=[Offered(slot, price_of(conn, viewer, machine_id, slot)) for slot in free],
        week=_week(conn, viewer, terms, zone, now),
        fitness=evidence.known(conn, machine_id),
        certificate=next(iter(evidence.calibrations(conn, machine_id)), None),
        tariffs=edit.in_force(conn, machine_id, None, now),
        is_member=quote.is_member(conn, viewer.member_id),
        level=_level(conn, viewer, machine.kind, now),
        trainings=[each for each in sessions.trainings(conn, viewer, now) if each.machine_kind == machine.kind],
        digest=pictures.pictured(conn).get(machine_id),
    )


def _level(conn: Connection, viewer: Viewer, kind: str, now: datetime) -> int:
    granted = standing_of_all(conn, viewer, [kind], now, now).by_kind.get(kind)
    return granted.level_during(Interval.of(now, SLOT)) if granted else 0


def _week(conn: Connection, viewer: Viewer, terms: Terms, zone: ZoneInfo, now: datetime) -> list[Day]:
    """Today and the six days after it, each over the hours in which the machine opens at all."""
    first = now.astimezone(zone).date()
    days = [first + timedelta(days=number) for number in range(WEEK)]
    whole = Interval(local_midnight(first, zone), local_midnight(first + timedelta(days=WEEK), zone))
    opened = terms.calendar.open_intervals(whole)
    opens, closes = _hours(opened, zone)
    taken = claims(conn, viewer, [terms.machine_id], whole)[terms.machine_id]
    states = states_within(conn, whole).get(terms.machine_id, [])
    told = next((each for each in current_states(conn, now) if each.machine_id == terms.machine_id), None)
    signal = Signal(told.state.value, told.since) if told else Signal("unknown", None)
    seen = [*states, *since_then(states, signal, whole, now)]
    windows = [
        Interval(
            datetime.combine(day, opens, tzinfo=zone),
            local_midnight(day + timedelta(days=1), zone)
            if closes == time.max
            else datetime.combine(day, closes, tzinfo=zone),
        )
        for day in days
    ]
    return [Day(window, spans_of(window, opened, taken, seen, now)) for window in windows]


def _hours(opened: Sequence[Interval], zone: ZoneInfo) -> tuple[time, time]:
    if not opened:
        return USUAL_HOURS
    starts = [each.start.astimezone(zone) for each in opened]
    ends = [each.end.astimezone(zone) for each in opened]
    overnight = any(
        start.date() != (end - timedelta(seconds=1)).date() for start, end in zip(starts, ends, strict=True)
    )
    if overnight or any(end.time() == time(0) for end in ends):
        return (time(0) if overnight else min(each.time() for each in starts)), time.max
    return min(each.time() for each in starts), max(each.time() for each in ends)
