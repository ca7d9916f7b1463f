"""What the pages of a month read."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from billing import store
from billing.documents import issue
from billing.documents.model import Progress
from billing.explain import line
from billing.ledger import store as ledger
from billing.model import ControlTotals, Period, PoolResult, Rules
from billing.periods import finish, settle
from billing.periods.comparison import Change, comparison
from billing.periods.refuse import Refusal, refusals
from billing.store import Issued, first_day
from coop import register
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Viewer
from coop.interval import Interval, month_of
from coop.money import Yen
from coop.queries import load
from dashboards.closing.checklist import Afterwards, Step, checklist
from dashboards.reports.page import report

SQL = load("dashboards.closing")


@dataclass(frozen=True, slots=True)
class Month:
    """A month in the list: `period` None is one that nobody has begun."""

    month: str
    period: Period | None
    statements: int
    total_yen: Yen


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a machine with a device was not heard within its open hours."""

    machine_id: str
    seconds: int
    open_seconds: int


@dataclass(frozen=True, slots=True)
class Closing:
    """A drafted or closed month with all that its page says. `compared` are the month before and the changes since."""

    period: Period
    rules: Rules
    steps: list[Step]
    silences: list[Silence]
    compared: tuple[str, list[Change]]
    refused: list[Refusal]
    directors: Mapping[UUID, str]
    names: Mapping[UUID, str]
    members: Mapping[str, str]
    statements: list[Issued]
    pools: tuple[PoolResult, ...]
    afterwards: Afterwards

    @property
    def total_yen(self) -> Yen:
        """What all statements come to, tax included."""
        return sum(each.statement.total_yen for each in self.statements)

    @property
    def control(self) -> ControlTotals:
        """The control totals; a drafted month has them."""
        assert self.period.control is not None
        return self.period.control


def months(conn: Connection, now: datetime) -> list[Month]:
    """Every month that was begun, newest first, and the last one and this one even if nobody has."""
    zone = register.cooperative(conn).time_zone
    this = month_of(now, zone)
    last = month_of(this.start - timedelta(days=1), zone)
    known = {each.month: each for each in store.periods(conn)}
    totals = {name: (count, yen) for name, count, yen in conn.execute(SQL["totals"])}
    labels = {f"{each.start.astimezone(zone):%Y-%m}" for each in (this, last)}
    return [Month(each, known.get(each), *totals.get(each, (0, 0))) for each in sorted({*known, *labels}, reverse=True)]


def begun(conn: Connection, month: str) -> Period | None:
    """The month, if it was ever drafted."""
    found = store.periods(conn, month)
    return found[0] if found and found[0].drafted_at is not None else None


def closing(conn: Connection, viewer: Viewer, month: str, now: datetime) -> Closing:
    """All that the page of a month says; raises `PeriodUnknown` for one that nobody drafted."""
    period = settle.period(conn, month)
    rules = line.rules(conn, month)
    silences = [] if period.status.final else _silences(conn, rules.interval, now)
    afterwards = _afterwards(conn, period)
    needed = finish.ruled(conn).get(settle.UNAPPROVED, settle.APPROVAL_NEEDED)
    refused = [each for each in refusals(conn, viewer, month) if each.standing]
    people = {period.drafted_by, period.approved_by, period.closed_by, *(each.refused_by for each in refused)}
    return Closing(
        period,
        rules,
        checklist(period, len(silences), afterwards, approval_needed=needed),
        silences,
        comparison(conn, viewer, month),
        refused,
        {key: name for key, name in conn.execute(SQL["directors"]) if key != period.drafted_by},
        names(conn, [each for each in people if each]),
        {each.id: each.name for each in register.members(conn, viewer)},
        store.statements(conn, viewer, month=month),
        store.pool_results(conn, month),
        afterwards,
    )


def sums(changes: Iterable[Change]) -> dict[str, Yen]:
    """The parts of all changes together, by name."""
    found = list(changes)
    parts = ("before_yen", "now_yen", "hours_yen", "rate_yen", "fixed_yen", "adjustment_yen")
    return {name: sum(getattr(each, name) for each in found) for name in parts}


def names(conn: Connection, people: Collection[UUID]) -> Mapping[UUID, str]:
    """What these people are called."""
    return dict(conn.execute(SQL["names"], {"ids": list(people)}).fetchall())


def _afterwards(conn: Connection, period: Period) -> Afterwards:
    row = conn.execute(SQL["mailed"], {"month": first_day(period.month)}).fetchone()
    assert row is not None
    open_yen = sum(each.open_yen for each in ledger.open_items(conn) if each.month == period.month)
    return Afterwards(progress(conn, period.month), row[1], row[0], open_yen)


def progress(conn: Connection, month: str) -> Progress | None:
    """How far the issue of a month is; None when nobody has asked for it."""
    try:
        return issue.progress(conn, month)
    except NotFound:
        return None


def _silences(conn: Connection, within: Interval, now: datetime) -> list[Silence]:
    """Machines with a device that were not heard for a minute or more, the longest first."""
    heard = {row[0] for row in conn.execute(SQL["heard"], {"start": within.start, "end": within.end})}
    seen = report(conn, within, now=now).to_dict("index")
    found = [
        Silence(str(machine), int(row["unknown"]), int(row["open"]))
        for machine, row in seen.items()
        if machine in heard
    ]
    return sorted((each for each in found if each.seconds >= 60), key=lambda each: (-each.seconds, each.machine_id))
