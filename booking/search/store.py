"""All machines at once in the database: what they ask, where they have room, who somebody is to them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from booking.model import Terms
from booking.rules.facts import with_conditions
from booking.rules.policy import Facts
from booking.search.ranking import PartNeeds
from booking.services.model import Mark, Need, Service, ServiceKind
from booking.services.store import ASKS_FOR_NOTHING, hours_of
from booking.store import terms_of_row
from booking.training.qualification import Qualification
from coop import machines
from coop.database import Connection
from coop.identity import Viewer
from coop.interval import Interval
from coop.paging import WHOLE, Slice
from coop.queries import load

SQL = load("booking.search")
Gap = tuple[datetime, datetime]
"""A start and an end: there are too many to make intervals of all."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Who somebody is to all machines; their quotas are counted when they book."""

    facts: Facts
    first_on: frozenset[str] = frozenset()
    by_kind: Mapping[str, Qualification] = field(default_factory=dict)

    def to(self, terms: Terms) -> Facts:
        """What is known of them for one machine."""
        return replace(
            self.facts, has_priority=terms.machine_id in self.first_on, qualification=self.by_kind.get(terms.kind)
        )


@dataclass(frozen=True, slots=True)
class Demand:
    """Searches of one sort that found nothing: how often, for how many minutes, and how often no machine could."""

    machine_kind: str | None
    site: str | None
    service: ServiceKind
    by_member: bool
    searches: int
    minutes: int
    without_machine: int
    last_at: datetime

    @property
    def place(self) -> tuple[int, str, str, str, str]:
        """Where it stands in the list: the most frequent first."""
        by_member = "true" if self.by_member else "false"
        return -self.searches, self.machine_kind or "", self.site or "", self.service.value, by_member


def terms_of_all(conn: Connection, machine_ids: Sequence[str], kind: ServiceKind) -> dict[str, Terms]:
    """What machines ask where they offer the service, by machine: a few statements for any number of them."""
    values = {"machine_ids": list(machine_ids), "kind": kind.value}
    with conn.pipeline():
        rows = conn.execute(SQL["terms_of_all"], values)
        exceptions = conn.execute(load("booking.rules")["calendar_exceptions"], values)
        needs = conn.execute(SQL["services_of_all"], values)
        hours = machines.opening_hours(conn, machine_ids)
        special: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for row in exceptions:
            special[row[0]].append(row)
        services = _services(conn, kind, needs.fetchall())
        found = rows.fetchall()
    return {
        row[0]: replace(
            with_conditions(terms_of_row(row[0], row[1:9], hours.get(row[0], [])), row[9:], special[row[0]]),
            service=services.get(row[0], Service(kind)),
        )
        for row in found
        if row[0] in services or kind in ASKS_FOR_NOTHING
    }


def _services(conn: Connection, kind: ServiceKind, rows: Iterable[tuple[Any, ...]]) -> dict[str, Service]:
    needs: dict[str, list[Need]] = defaultdict(list)
    approval: dict[str, int | None] = {}
    for machine_id, minutes, name, optional, units, *marks in rows:
        approval[machine_id] = minutes
        if name is not None and not optional:
            needs[machine_id].append(Need(name, tuple(units), *Mark.pair(*marks)))
    all_units = sorted({unit for each in needs.values() for need in each for unit in need.units})
    hours = hours_of(conn, all_units) if all_units else {}
    return {
        machine_id: Service(
            kind,
            tuple(needs[machine_id]),
            minutes,
            {unit: hours[unit] for need in needs[machine_id] for unit in need.units if unit in hours},
        )
        for machine_id, minutes in approval.items()
    }


def gaps_of_all(
    conn: Connection, machines: Sequence[Terms], window: Interval, length: timedelta, most: int | None
) -> dict[str, list[Gap]]:
    """Where slots of `length` have room beside what is taken, the first `most` of each machine (None: all) by time.

    Opening hours are not looked at.
    """
    values = {
        "machine_ids": [each.machine_id for each in machines],
        "from": window.start,
        "until": window.end,
        "longest_set_up": max((each.set_up for each in machines), default=timedelta(0)),
        "longest_tear_down": max((each.tear_down for each in machines), default=timedelta(0)),
        "length": length,
        "most": most,
    }
    found: dict[str, list[Gap]] = defaultdict(list)
    for machine_id, start, end in conn.execute(SQL["gaps_of_all"], values).fetchall():
        found[machine_id].append((start, end))
    return found


def standing_of_all(conn: Connection, viewer: Viewer, kinds: Iterable[str], start: datetime, day: datetime) -> Standing:
    """Who the viewer is to all machines, from `start` on; the part they bring begins to soak now."""
    values = {"member_id": viewer.member_id, "person_id": viewer.person_id, "day": day.date(), "start": start}
    with conn.pipeline():
        standing = conn.execute(SQL["standing_of_all"], values)
        granted = conn.execute(SQL["qualifications_of_all"], values | {"kinds": sorted(set(kinds))})
        row, levels = standing.fetchone(), granted.fetchall()
    assert row is not None, "the statement gives one row"
    is_member, percent, warn, deny, first_on = row
    gauge: tuple[Decimal, Decimal, Decimal] | None = None if percent is None else (percent, warn, deny)
    facts = Facts(is_member=is_member, nonmember_use=gauge, soaks_from=day)
    return Standing(facts, frozenset(first_on), {kind: Qualification(*of) for kind, *of in levels})


def log_unmet_demand(
    conn: Connection,
    needs: PartNeeds,
    window: Interval,
    length: timedelta,
    service: ServiceKind,
    *,
    by_member: bool,
    candidates: int,
    now: datetime,
) -> None:
    """Remember that nothing was found, and not who searched or what for."""
    asked = {name: getattr(needs, name) for name in PartNeeds.__slots__ if name not in {"kind", "site", "material"}}
    values = {
        "now": now,
        "by_member": by_member,
        "kind": needs.kind,
        "site": needs.site,
        "needs": Jsonb({name: str(value) for name, value in asked.items() if value is not None}),
        "from": window.start,
        "until": window.end,
        "length_minutes": int(length.total_seconds()) // 60,
        "service": service.value,
        "candidates": candidates,
    }
    conn.execute(SQL["log_unmet_demand"], values)


def unmet_demand(conn: Connection, window: Interval, part: Slice = WHOLE) -> list[Demand]:
    """What was searched within `window` and not found, the most frequent first."""
    values = {"from": window.start, "until": window.end}
    values |= part.values("after_count", "after_kind", "after_site", "after_service", "after_member")
    rows = conn.execute(SQL["unmet_demand"], values)
    return [Demand(kind, site, ServiceKind(service), *rest) for kind, site, service, *rest in rows]
