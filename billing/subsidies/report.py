"""A subsidised asset over fiscal years side by side, as municipalities publish it: sums only, and it names nobody."""

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import booking
from billing.costs.monthly import costs_of, late
from billing.model import Rules
from billing.periods.evidence import read_rules
from billing.subsidies.edit import SQL, subsidies, subsidised
from billing.subsidies.model import Month, Report, Year
from billing.year.gauge import rule
from billing.year.model import fiscal_months, fiscal_year, fiscal_year_of
from coop.database import Connection
from coop.disclosure import Part, told_sums_only, withheld
from coop.errors import NotFound
from coop.identity import Viewer
from coop.interval import Interval, merge, overlap
from coop.money import Yen
from coop.register import cooperative

YEARS = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a machine: its uses and by whom, when it was open, and of closed months costs and income."""

    uses: Sequence[tuple[Interval, str]]
    opened: Sequence[Interval]
    costs_yen: Mapping[str, Mapping[str, Yen]]
    income_yen: Mapping[str, Yen]


def report(conn: Connection, viewer: Viewer, asset_id: UUID, now: datetime) -> Report:
    """The year under way and the three before it. Raises `NotFound` for an asset that nobody granted anything for.

    Outsiders see no months, nothing of the year under way but its costs, and nothing of a year in which too few
    members used the machine.
    """
    found = subsidised(conn, viewer, asset_id)
    if not found:
        raise NotFound()
    [(asset, ja, en)] = found
    assert asset.machine_id is not None
    first, zone = rule(conn).fiscal_first_month, cooperative(conn).time_zone
    this = fiscal_year_of(now.astimezone(zone).date(), first)
    wanted = range(this - YEARS, this + 1)
    within = Interval(fiscal_year(wanted[0], first, zone).start, now)
    known = _evidence(conn, asset.machine_id, within, zone)
    years = [year_of(known, year, first, zone, now) for year in wanted]
    if told_sums_only(viewer):
        years = [_outside(conn, asset.machine_id, year, first, zone) for year in years]
    compared = (replace(year, used_before_seconds=years[n].used_seconds) for n, year in enumerate(years[1:]))
    return Report(asset, asset.machine_id, ja, en, first, tuple(subsidies(conn, asset_id)), tuple(compared))


def year_of(known: Evidence, year: int, first_month: int, zone: ZoneInfo, now: datetime) -> Year:
    """One fiscal year until `now`, added up from its months. A use belongs to the month in which it began."""
    whole = fiscal_year(year, first_month, zone)
    users = {member for interval, member in known.uses if whole.contains(interval.start)}
    begun = [each for each in fiscal_months(year, first_month, zone).items() if each[1].start < now]
    months = tuple(_month(known, name, within) for name, within in begun)
    costs: Counter[str] = Counter()
    for each in months:
        costs.update(each.costs_yen)
    return Year(
        fiscal_year=year,
        over=whole.end <= now,
        users=len(users),
        uses=sum(each.uses for each in months),
        used_seconds=sum(each.used_seconds for each in months),
        open_seconds=sum(each.open_seconds for each in months),
        used_before_seconds=None,
        closed_months=sum(each.closed for each in months),
        costs_yen=dict(sorted(costs.items())),
        income_yen=sum(each.income_yen for each in months),
        months=months,
    )


def _month(known: Evidence, name: str, within: Interval) -> Month:
    opened = overlap(known.opened, [within])
    used = overlap(merge(interval for interval, _ in known.uses), opened)
    return Month(
        name,
        name in known.costs_yen,
        sum(within.contains(interval.start) for interval, _ in known.uses),
        sum(each.seconds for each in used),
        sum(each.seconds for each in opened),
        known.costs_yen.get(name, {}),
        known.income_yen.get(name, 0),
    )


def _outside(conn: Connection, machine_id: str, year: Year, first_month: int, zone: ZoneInfo) -> Year:
    """What outsiders are told of a year: beside those of the other machines, and only once it is over."""
    whole = fiscal_year(year.fiscal_year, first_month, zone)
    used = {
        machine: Part(seconds, frozenset(members))
        for machine, seconds, members in conn.execute(SQL["used_by"], {"start": whole.start, "end": whole.end})
    }
    year = replace(year, months=())
    if year.over and machine_id not in withheld(used):
        return year
    return replace(year, users=None, uses=None, used_seconds=None, income_yen=None)


def _evidence(conn: Connection, machine_id: str, within: Interval, zone: ZoneInfo) -> Evidence:
    values = {"machine_id": machine_id, "start": within.start, "end": within.end}
    values |= {"first": within.start.astimezone(zone).date(), "until": within.end.astimezone(zone).date()}
    calendar = booking.calendars(conn, [machine_id], since=within.start)[machine_id]
    rows = conn.execute(SQL["uses"], values).fetchall()
    closed = conn.execute(SQL["closed_months"], values)
    return Evidence(
        [(Interval(start, end), member) for start, end, member in rows],
        calendar.open_intervals(within),
        _costs(machine_id, (read_rules(zlib.decompress(kept)) for _, kept in closed)),
        {_name(first): yen for first, yen in conn.execute(SQL["income"], values)},
    )


def _costs(machine_id: str, months: Iterable[Rules]) -> dict[str, dict[str, Yen]]:
    """What a machine cost in each closed month, by kind: its own costs, and those of a pool that has no other machine.

    What a cost turned out to be afterwards counts in the month that charged the difference.
    """
    found: dict[str, dict[str, Yen]] = {}
    own: set[UUID] = set()
    for rules in months:
        alone = {pool.id for pool in rules.pools if pool.machine_ids == (machine_id,)}
        sums: Counter[str] = Counter()
        for cost in costs_of(rules):
            if cost.machine_id == machine_id or (cost.machine_id is None and cost.pool_id in alone):
                own.add(cost.id)
                sums[cost.kind] += cost.amount_yen
        for pool in rules.pools:
            for actual, difference in late(rules, pool):
                if actual.cost_id in own:
                    sums[actual.kind] += difference
        found[rules.month] = dict(sums)
    return found


def _name(first: date) -> str:
    return f"{first:%Y-%m}"
