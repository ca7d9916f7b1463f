"""A cooperative to look at: the example's factories and machines, some days of its last month closed, and today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import psycopg

from billing.documents.frozen import FrozenMonth
from billing.documents.issue import issue, issue_some
from billing.periods.approve import approve
from billing.periods.settle import close, draft
from coop import people
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.interval import Interval, local_midnight, month_of
from moyai.demo.cooperative import EXAMPLE
from moyai.demo.founding import found, staff
from moyai.demo.model import SharedMachine
from moyai.demo.month import Api, book
from moyai.demo.plan import PlannedUse, Story, plan_month
from telemetry.derive import derive
from telemetry.findings.sweep import sweep
from telemetry.ingest import store
from telemetry.model import Message, Reading

ZONE = EXAMPLE.cooperative.time_zone
DAYS = 3
MEMBER = "m01"
DOCUMENTS = 2
MINUTE = timedelta(minutes=1)
ARRIVING, LEAVING = timedelta(minutes=25), timedelta(minutes=12)
"""How long before and after the uses of a day a machine is switched on."""
UNBOOKED, SILENT, BUSY = "vision-1", "hardness-1", "cmm-1"
"""Today nobody booked what the first does, the second says nothing, and the third runs."""
ENGINEER = "onodera@takahashi-seimitsu.example"


Signals: TypeAlias = dict[str, tuple[list[Interval], list[Interval]]]
"""By machine: when it is switched on, and when it runs."""


@dataclass(frozen=True, slots=True)
class Town:
    """A cooperative behind the server at `url`: its people's ids by e-mail address, and its closed month."""

    url: str
    ids: dict[str, UUID]
    month: str


def settle(app_url: str, url: str, *, closed: bool = True) -> Town:
    """Fill an empty, migrated database behind the server at `url`, through the doors and use cases of every day.

    Without `closed` the last month still waits for its draft.
    """
    now = datetime.now(UTC)
    this = month_of(now, ZONE)
    last = month_of(this.start - MINUTE, ZONE)
    with psycopg.connect(app_url, options="-c TimeZone=UTC") as conn:
        ids = found(conn, EXAMPLE, [last, this], now, "ja")
        office = Viewer(ids[staff(EXAMPLE, Role.OFFICE)], None, frozenset({Role.OFFICE}))
        director = Viewer(ids[staff(EXAMPLE, Role.DIRECTOR)], None, frozenset({Role.DIRECTOR}))
        _, secret = people.add_token(conn, office, name="town", now=now)
        conn.commit()
        store.prepare(conn)
        town = Town(url, ids, f"{last.start.astimezone(ZONE):%Y-%m}")
        with Api(url, secret) as api:
            _last_month(conn, api, town, last, now)
            if closed:
                draft(conn, office, town.month, now)
                approve(conn, director, town.month, now)
                close(conn, office, town.month, now)
                _issue(conn, office, town.month, now)
            _today(conn, api, town, now)
    return town


def _last_month(conn: Connection, api: Api, town: Town, last: Interval, now: datetime) -> None:
    """Its first days on which somebody of `MEMBER` comes, as the example plans them."""
    planned = _planned(last)
    busy = sorted({_day(use) for use in planned if use.member_id == MEMBER})[:DAYS]
    uses = [use for use in planned if _day(use) in busy]
    book(api, uses, town.ids, lambda: None)
    _report(conn, _used(uses), now)
    bounds = f"from={last.start:%Y-%m-%dT%H:%M:%SZ}&to={last.end:%Y-%m-%dT%H:%M:%SZ}"
    for usage in api.every(f"/usage?{bounds}&kind=unassigned"):
        api.call("POST", f"/usage/{usage['id']}/decision", {"resolution": "waive", "reason": "試運転"})


def _issue(conn: Connection, office: Viewer, label: str, now: datetime) -> None:
    """Some of the month's documents: each is typeset, and a register of two shows what one of twenty does."""
    issue(conn, office, label, now)
    issue_some(conn, FrozenMonth(label), now, most=DOCUMENTS)
    conn.commit()


def _today(conn: Connection, api: Api, town: Town, now: datetime) -> None:
    """What is booked today and tomorrow, what the machines said until now, and what somebody has to look at."""
    window = Interval(local_midnight(now.astimezone(ZONE).date(), ZONE), now + timedelta(days=2))
    uses = [use for use in _planned(month_of(now, ZONE)) if use.slot is not None and window.covers(use.slot)]
    book(api, [use for use in uses if use.machine_id not in {UNBOOKED, BUSY}], town.ids, lambda: None)
    for machine_id in ("cmm-2", "ct-1"):
        free = api.call("GET", f"/machines/{machine_id}/free?minutes=90")[-1]
        slot = Interval.of(datetime.fromisoformat(free["starts_at"]), timedelta(minutes=90))
        own = PlannedUse("own", Story.NORMAL, machine_id, MEMBER, ENGINEER, slot, None, ())
        book(api, [own], town.ids, lambda: None)
    on = {shared.id: [Interval(now - 300 * MINUTE, now)] for shared in EXAMPLE.machines if shared.id != SILENT}
    runs = {UNBOOKED: [Interval(now - 180 * MINUTE, now - 120 * MINUTE)], BUSY: [Interval(now - 40 * MINUTE, now)]}
    _report(conn, {machine_id: (on[machine_id], runs.get(machine_id, [])) for machine_id in on}, now)
    sweep(conn, now)
    conn.commit()


def _planned(when: Interval) -> list[PlannedUse]:
    local = when.start.astimezone(ZONE)
    return list(plan_month(EXAMPLE, local.year, local.month).uses)


def _day(use: PlannedUse) -> date:
    return use.begins.start.astimezone(ZONE).date()


def _used(uses: Sequence[PlannedUse]) -> Signals:
    """When each machine was switched on for these uses, and when it ran."""
    signals: Signals = {}
    for use in uses:
        if use.occupied is not None:
            on, runs = signals.setdefault(use.machine_id, ([], []))
            on.append(Interval(use.occupied.start - ARRIVING, use.occupied.end + LEAVING))
            runs += use.running
    return signals


def _report(conn: Connection, signals: Signals, now: datetime) -> None:
    """A reading a minute of each machine, stored and derived."""
    for shared in EXAMPLE.machines:
        if shared.id in signals:
            readings = _readings(shared, *signals[shared.id], now)
            message = Message(0, 0, redelivered=False, retained=False, topic="", payload=b"", received_at=now)
            store.enter(conn, [(message, readings)], {})
            derive(conn, shared.id)
            conn.commit()


def _readings(shared: SharedMachine, on: Sequence[Interval], runs: Sequence[Interval], now: datetime) -> list[Reading]:
    def watts(moment: datetime) -> float:
        return shared.running_watts if any(run.contains(moment) for run in runs) else shared.idle_watts

    minutes = {moment for each in on for moment in _minutes(each)}
    return [
        Reading(shared.id, "power", moment, number, watts(moment), None, now)
        for number, moment in enumerate(sorted(minutes), start=1)
    ]


def _minutes(when: Interval) -> list[datetime]:
    first = when.start.replace(second=0, microsecond=0)
    return [first + each * MINUTE for each in range((when.end - first) // MINUTE)]
