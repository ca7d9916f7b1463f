"""Usage renewed around what changed: whole sessions, with reservations and decisions applied."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from booking.fitness.evidence import WalkUp, tell_walk_ups
from coop import register
from coop.database import Connection
from coop.interval import Interval, merge, month_of
from telemetry.findings.sweep import announce_closed
from telemetry.states import store as store_states
from telemetry.states.evidence import moment
from telemetry.states.fold import HOUR
from telemetry.usage import store as store_usage
from telemetry.usage.attribution import EARLY_GRACE, attribute, decide
from telemetry.usage.closed import closed_until
from telemetry.usage.meters import Meters
from telemetry.usage.model import Usage, UsageKind
from telemetry.usage.sessions import Session, sessions

_NEARBY = timedelta(hours=1)
_MANY = 24 * HOUR


def account(conn: Connection, machine_id: str, stretches: Iterable[tuple[int, int]]) -> int:
    """Renew the usages of a machine around `stretches` (microseconds, ends included); return how many rows changed."""
    zone = register.cooperative(conn).time_zone
    machine = _Machine(conn, machine_id)
    stretches = list(stretches)
    meters = Meters(conn, machine_id, many=any(until - since > _MANY for since, until in stretches))
    reach = max(machine.longest_bridge, EARLY_GRACE) + timedelta.resolution
    reached = [meters.reach(since, until) for since, until in stretches]
    windows = [Interval(moment(since) - reach, moment(until) + reach) for since, until in reached]
    changed, renewed_until = 0, moment(0)
    for window in merge(windows, gap=_NEARBY):
        if window.end <= renewed_until:
            continue
        whole, found = machine.whole(window)
        renewed_until = whole.end
        booked = store_usage.booked(conn, machine_id, whole)
        usages = [usage for session in found for usage in attribute(machine_id, session, booked, zone)]
        usages, findings = decide(usages, store_usage.decisions(conn, machine_id, whole))
        usages = [_measured(meters, usage) for usage in usages]
        was = store_usage.usages(conn, machine_id, whole)
        changed += store_usage.replace_usages(conn, was, usages)
        _announce(conn, machine_id, was, usages, zone)
        _tell_walk_ups(conn, machine_id, was, usages)
        store_usage.note_findings(conn, findings.outdated, findings.settled)
    return changed


def _measured(meters: Meters, usage: Usage) -> Usage:
    during = Interval(usage.started_at, usage.ended_at)
    return replace(usage, energy_kwh=meters.energy_kwh(during), parts=meters.parts(during))


def _announce(
    conn: Connection, machine_id: str, was: Iterable[Usage], becomes: Iterable[Usage], zone: ZoneInfo
) -> None:
    """Say what changed in a month that billing closed, as far as anything is charged by it."""
    closed = closed_until(conn)
    before = {replace(each, energy_kwh=None, parts=None) for each in was if closed and each.started_at < closed}
    after = {replace(each, energy_kwh=None, parts=None) for each in becomes if closed and each.started_at < closed}
    change_seconds: Counter[Interval] = Counter()
    for sign, usages in ((-1, before - after), (1, after - before)):
        for each in usages:
            change_seconds[month_of(each.started_at, zone)] += sign * each.running_seconds
    for month, running_seconds in change_seconds.items():
        announce_closed(conn, machine_id, month, running_seconds)


def _tell_walk_ups(conn: Connection, machine_id: str, was: Iterable[Usage], becomes: Iterable[Usage]) -> None:
    """Booking is told of uses without a reservation that somebody was named for: a failed check recalls them too."""
    before = {each.id: each for each in was if each.kind is UsageKind.ASSIGNED and each.reservation_id is None}
    after = {each.id: each for each in becomes if each.kind is UsageKind.ASSIGNED and each.reservation_id is None}
    known = [
        WalkUp(each.id, Interval(each.started_at, each.ended_at), each.member_id, each.person_id)
        for each in after.values()
        if each.member_id is not None and before.get(each.id) != each
    ]
    gone = sorted(before.keys() - after.keys())
    if gone or known:
        tell_walk_ups(conn, machine_id, gone, known)


class _Machine:
    """What is stored of one machine around a stretch."""

    def __init__(self, conn: Connection, machine_id: str) -> None:
        self.conn, self.machine_id = conn, machine_id
        self.rules = store_states.rules(conn, machine_id)
        self.longest_bridge = max(
            (timedelta(seconds=rule.bridge_seconds) for _, _, rule in self.rules), default=timedelta(0)
        )

    def bridge(self, at: datetime) -> timedelta:
        """How long an idle gap that begins at `at` must be to end an occupied stretch."""
        for since, until, rule in self.rules:
            if (since is None or since <= at) and (until is None or at < until):
                return timedelta(seconds=rule.bridge_seconds)
        return timedelta(0)

    def whole(self, window: Interval) -> tuple[Interval, list[Session]]:
        """`window` widened until no session, stored usage or decision reaches over its edges, with its sessions."""
        while True:
            found = self._sessions(window)
            over = [Interval(each.start, each.end) for each in found]
            over += [Interval(u.started_at, u.ended_at) for u in store_usage.usages(self.conn, self.machine_id, window)]
            over += [
                Interval(d.started_at, d.ended_at) for d in store_usage.decisions(self.conn, self.machine_id, window)
            ]
            wider = Interval(min(each.start for each in [window, *over]), max(each.end for each in [window, *over]))
            if wider == window:
                return window, found
            window = wider

    def _sessions(self, window: Interval) -> list[Session]:
        """The sessions that overlap `window`, whole: we look further while one begins or ends too near to where the
        look ends, unless the states themselves begin or end there."""
        margin = max(self.longest_bridge, _NEARBY)
        while True:
            since, until = window.start - margin, window.end + margin
            states = store_states.states(self.conn, self.machine_id, since, until)
            visits = store_usage.visits(self.conn, self.machine_id, Interval(since, until))
            occupied = sessions(states, self.bridge, visits)
            found = [each for each in occupied if each.start < window.end and window.start < each.end]
            if not found or not states:
                return found
            first, last = states[0].started_at, states[-1].ended_at
            left = first <= since and found[0].start - max(first, since) <= self.longest_bridge
            right = last >= until and min(last, until) - found[-1].end <= self.longest_bridge
            if not left and not right:
                return found
            margin *= 4
