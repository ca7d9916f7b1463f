"""A cooperative to look at: the example's factories and machines, some days of its last month closed, and today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg

from billing.documents.frozen import FrozenMonth
from billing.documents.issue import issue, issue_some
from coop import people
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.interval import Interval, local_midnight, month_of
from moyai.demo.cooperative import EXAMPLE
from moyai.demo.founding import found, office_of
from moyai.demo.model import SharedMachine
from moyai.demo.month import Api, book
from moyai.demo.plan import PlannedUse, plan_month
from telemetry.derive import derive
from telemetry.ingest import store
from telemetry.model import Message, Reading

ZONE = EXAMPLE.cooperative.time_zone
DAYS = 3
MEMBER = "m01"
DOCUMENTS = 2
MINUTE = timedelta(minutes=1)
ARRIVING, LEAVING = timedelta(minutes=25), timedelta(minutes=12)
"""How long before and after the uses of a day a machine is switched on."""
UNBOOKED = "vision-1"
"""The machine that somebody used this hour without a word to anybody."""


@dataclass(frozen=True, slots=True)
class Town:
    """A cooperative behind the server at `url`: its people's ids by e-mail address, and its closed month."""

    url: str
    ids: dict[str, UUID]
    month: str


def settle(app_url: str, url: str) -> Town:
    """Fill an empty, migrated database behind the server at `url`, through the doors and use cases of every day."""
    now = datetime.now(UTC)
    this = month_of(now, ZONE)
    last = month_of(this.start - MINUTE, ZONE)
    with psycopg.connect(app_url, options="-c TimeZone=UTC") as conn:
        ids = found(conn, EXAMPLE, [last, this], now, "ja")
        office = Viewer(ids[office_of(EXAMPLE)], None, frozenset({Role.OFFICE}))
        _, token = people.add_token(conn, office, name="town", now=now)
        conn.commit()
        store.prepare(conn)
        town = Town(url, ids, f"{last.start.astimezone(ZONE):%Y-%m}")
        with Api(url, token) as api:
            _last_month(conn, api, town, last, now)
            _issue(conn, office, town.month, now)
            _today(conn, api, town, now)
    return town


def _last_month(conn: Connection, api: Api, town: Town, last: Interval, now: datetime) -> None:
    """Its first days on which somebody of `MEMBER` comes, as the example plans them, closed."""
    planned = _planned(last)
    busy = sorted({_day(use) for use in planned if use.member_id == MEMBER})[:DAYS]
    uses = [use for use in planned if _day(use) in busy]
    book(api, uses, town.ids, lambda: None)
    _report(conn, uses, [], now)
    bounds = f"from={last.start:%Y-%m-%dT%H:%M:%SZ}&to={last.end:%Y-%m-%dT%H:%M:%SZ}"
    for usage in api.every(f"/usage?{bounds}&kind=unassigned"):
        api.call("POST", f"/usage/{usage['id']}/decision", {"resolution": "waive", "reason": "試運転"})
    for step in ("draft", "close"):
        api.call("POST", f"/periods/{town.month}/{step}")


def _issue(conn: Connection, office: Viewer, label: str, now: datetime) -> None:
    """Some of the month's documents: each is typeset, and a register of two shows what one of twenty does."""
    issue(conn, office, label, now)
    issue_some(conn, FrozenMonth(label), now, most=DOCUMENTS)
    conn.commit()


def _today(conn: Connection, api: Api, town: Town, now: datetime) -> None:
    """What is booked today and tomorrow, what the machines said until now, and a use that nobody booked."""
    window = Interval(local_midnight(now.astimezone(ZONE).date(), ZONE), now + timedelta(days=2))
    uses = [
        use
        for use in _planned(month_of(now, ZONE))
        if use.slot is not None and window.covers(use.slot) and use.machine_id != UNBOOKED
    ]
    book(api, uses, town.ids, lambda: None)
    _report(conn, uses, [Interval(now - 70 * MINUTE, now - 25 * MINUTE)], now)


def _planned(when: Interval) -> list[PlannedUse]:
    local = when.start.astimezone(ZONE)
    return list(plan_month(EXAMPLE, local.year, local.month).uses)


def _day(use: PlannedUse) -> date:
    return use.begins.start.astimezone(ZONE).date()


def _report(conn: Connection, uses: Sequence[PlannedUse], unbooked: Sequence[Interval], now: datetime) -> None:
    """A reading a minute of each machine until `now`, stored and derived."""
    for shared in EXAMPLE.machines:
        stays = [use for use in uses if use.machine_id == shared.id and use.occupied is not None]
        runs = [run for use in stays for run in use.running]
        on = [use.occupied for use in stays if use.occupied is not None]
        if shared.id == UNBOOKED:
            runs, on = [*runs, *unbooked], [*on, *unbooked]
        readings = _readings(shared, on, runs, now)
        if readings:
            message = Message(0, 0, False, False, "", b"", now)
            store.enter(conn, [(message, readings)], {})
            derive(conn, shared.id)
        conn.commit()


def _readings(shared: SharedMachine, on: Sequence[Interval], runs: Sequence[Interval], now: datetime) -> list[Reading]:
    def watts(moment: datetime) -> float:
        return shared.running_watts if any(run.contains(moment) for run in runs) else shared.idle_watts

    minutes = {moment for each in on for moment in _minutes(each.start - ARRIVING, min(each.end + LEAVING, now))}
    return [
        Reading(shared.id, "power", moment, number, watts(moment), None, now)
        for number, moment in enumerate(sorted(minutes), start=1)
    ]


def _minutes(start: datetime, end: datetime) -> list[datetime]:
    first = start.replace(second=0, microsecond=0)
    return [first + each * MINUTE for each in range((end - first) // MINUTE)]
