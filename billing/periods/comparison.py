"""A month beside the one before, by what moved it: hours, rate, fixed costs, adjustments."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from billing.model import LineKind
from billing.periods.settle import period
from billing.store import first_day
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.money import Yen
from coop.queries import load

SQL = load("billing.periods")


@dataclass(frozen=True, slots=True)
class Amount:
    """What a member's lines of one kind and machine add up to in a month."""

    member_id: str
    kind: LineKind
    machine_id: str | None
    quantity_seconds: int
    amount_yen: Yen


@dataclass(frozen=True, slots=True)
class Change:
    """A member's month beside the one before, tax-exclusive; the four drivers add up to the difference.

    `hours_yen` is what more or fewer hours would have cost at the earlier rate, `rate_yen` what the same hours cost
    more or less; all of a machine that was not used before is hours. `fixed_yen` is shares of costs.
    """

    member_id: str
    before_yen: Yen
    now_yen: Yen
    hours_yen: Yen
    rate_yen: Yen
    fixed_yen: Yen
    adjustment_yen: Yen


def comparison(conn: Connection, viewer: Viewer, month: str) -> tuple[str, list[Change]]:
    """The calendar month before, and each member's change since; raises `PeriodUnknown`."""
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    period(conn, month)
    before = f"{first_day(month) - timedelta(days=1):%Y-%m}"
    amounts: dict[str, list[Amount]] = {before: [], month: []}
    for name, found in amounts.items():
        for member, kind, *rest in conn.execute(SQL["amounts_of_month"], {"month": first_day(name)}):
            found.append(Amount(member, LineKind(kind), *rest))
    return before, changes(amounts[before], amounts[month])


def changes(before: Iterable[Amount], now: Iterable[Amount]) -> list[Change]:
    """The change of each member, by its key."""
    was, then = _grouped(before), _grouped(now)
    found = []
    for member in sorted({*was, *then}):
        old, new = was.get(member, {}), then.get(member, {})
        drivers = {"hours": 0, "rate": 0, "fixed": 0, "adjustment": 0}
        for key in {*old, *new}:
            (old_seconds, old_yen), (new_seconds, new_yen) = old.get(key, (0, 0)), new.get(key, (0, 0))
            if key[0] is LineKind.ADJUSTMENT:
                drivers["adjustment"] += new_yen - old_yen
            elif key[0] is LineKind.SHARE:
                drivers["fixed"] += new_yen - old_yen
            else:
                hours = int(Fraction(old_yen * (new_seconds - old_seconds), old_seconds)) if old_seconds else new_yen
                drivers["hours"] += hours
                drivers["rate"] += new_yen - old_yen - hours
        sums = [sum(yen for _, yen in amounts.values()) for amounts in (old, new)]
        found.append(Change(member, *sums, *drivers.values()))
    return found


_Key = tuple[LineKind, str | None]


def _grouped(amounts: Iterable[Amount]) -> Mapping[str, Mapping[_Key, tuple[int, Yen]]]:
    grouped: dict[str, dict[_Key, tuple[int, Yen]]] = defaultdict(dict)
    for each in amounts:
        grouped[each.member_id][(each.kind, each.machine_id)] = (each.quantity_seconds, each.amount_yen)
    return grouped
