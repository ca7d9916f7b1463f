"""Use that came, or came to be known otherwise, after its month was closed: what the next month charges for it.

The closed month's own rules are applied to what is known of the machine now; the difference to what its lines said,
less what months closed since have charged for it already, is the adjustment. A divided cost is not divided anew: the
difference in use is charged at the rate that the closed month came to, which goes to the pool's carry-over.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID, uuid5

from billing import store
from billing.calculation import Settling
from billing.costs.model import Allocation
from billing.model import Adjustment, AdjustmentReason, Line, LineKind, MachineMonth, Rules
from billing.periods import adjust
from billing.periods.evidence import MACHINE, RULES, read_machine, read_rules
from billing.periods.gather import gather
from billing.store import first_day
from coop.database import Connection
from coop.identity import Viewer
from coop.queries import load
from coop.register import cooperative

SQL = load("billing.periods")
_NAMESPACE = UUID("0d0c6c3e-6f52-4b3e-8a0e-2d6d3f1b7a55")


class Charged(NamedTuple):
    """What months closed since have charged already."""

    seconds: int
    yen: int


Before = Mapping[tuple[str, AdjustmentReason, str | None, str | None], Charged]
"""By member, reason, pool and key of the use."""


def collect(conn: Connection, viewer: Viewer, month: str, now: datetime) -> None:
    """Find anew what `month` charges for closed months; only the next month to close takes it."""
    first = first_day(month)
    conn.execute(SQL["forget_late"], {"month": first})
    if conn.execute(SQL["collects_late"], {"month": first}).fetchone() != (True,):
        return
    changed: dict[str, list[str]] = defaultdict(list)
    zone = {"time_zone": cooperative(conn).time_zone.key}
    for source, machine_id in conn.execute(SQL["changed_after_close"], zone):
        changed[source].append(machine_id)
    for source, machine_ids in changed.items():
        if source < month:
            adjust.add(conn, viewer, month, _of_month(conn, month, source, machine_ids), now)


def _of_month(conn: Connection, month: str, source: str, machine_ids: Iterable[str]) -> Iterator[Adjustment]:
    frozen = store.evidence(conn, source, RULES)
    if frozen is None:
        return
    rules = read_rules(zlib.decompress(frozen))
    wanted = {MACHINE + machine_id for machine_id in machine_ids}
    current = [read_machine(part.content) for part in gather(conn, source) if part.name in wanted]
    shares = store.lines_of(conn, source, None)
    for known in current:
        then = store.evidence(conn, source, MACHINE + known.machine_id)
        before = _before(conn, source, known.machine_id)
        closed = read_machine(zlib.decompress(then)) if then else MachineMonth(known.machine_id)
        said = store.lines_of(conn, source, known.machine_id)
        yield from fees(month, rules, said, known, before)
        yield from realised(month, rules, shares, closed, known, before)


def _before(conn: Connection, source: str, machine_id: str) -> Before:
    values = {"source_month": first_day(source), "machine_id": machine_id}
    return {
        (member, AdjustmentReason(reason), pool, key): Charged(seconds, yen)
        for member, reason, pool, key, seconds, yen in conn.execute(SQL["late_before"], values)
    }


def fees(month: str, rules: Rules, said: Iterable[Line], known: MachineMonth, before: Before) -> Iterator[Adjustment]:
    """What each use costs by the closed month's rules less what its line said and what was adjusted since."""
    was = {_key(line): line for line in said}
    now = {_key(line): line for line in Settling(rules).machine(known)}
    reason = AdjustmentReason.LATE_USE
    adjusted = {(member, key) for member, why, _, key in before if why is reason and key}
    for member, key in sorted(set(was) | set(now) | adjusted):
        old, new = was.get((member, key)), now.get((member, key))
        line = new or old
        if line is None:  # it came late and went again
            continue
        since = before.get((member, reason, None, key), Charged(0, 0))
        was_yen, now_yen = old.amount_yen if old else 0, new.amount_yen if new else 0
        yen = now_yen - was_yen - since.yen
        if yen:
            was_seconds, now_seconds = (each.quantity_seconds if each else 0 for each in (old, new))
            yield Adjustment(
                _id(month, rules.month, member, known.machine_id, key), rules.month, old.n if old else None, member,
                reason, line.kind, known.machine_id, None, now_seconds - was_seconds - since.seconds, yen,
                line.tax_rate,
                {"key": key, "was_yen": was_yen, "now_yen": now_yen, "adjusted_yen": since.yen},
            )  # fmt: skip


def realised(
    month: str, rules: Rules, shares: Iterable[Line], closed: MachineMonth, known: MachineMonth, before: Before
) -> Iterator[Adjustment]:
    """What more or less use would have borne of divided costs at the rate that the closed month came to."""
    was, now = used(closed), used(known)
    lines = [line for line in shares if line.kind is LineKind.SHARE]
    for pool in rules.pools:
        divided = [line for line in lines if line.pool_id == pool.id]
        rate = rate_of(divided)
        if not (rate and pool.counts(known.machine_id)):
            continue
        for member in sorted(set(was) | set(now)):
            since = before.get((member, AdjustmentReason.LATE_SHARE, pool.id, "use"), Charged(0, 0))
            seconds = now.get(member, 0) - was.get(member, 0)
            yen = int(rate * seconds) - since.yen
            if yen:
                n = next((line.n for line in divided if line.member_id == member), None)
                yield Adjustment(
                    _id(month, rules.month, member, known.machine_id, pool.id), rules.month, n, member,
                    AdjustmentReason.LATE_SHARE, LineKind.SHARE, known.machine_id, pool.id,
                    seconds - since.seconds, yen, divided[0].tax_rate,
                    {"key": "use", "yen_per_hour": float(rate * 3600), "adjusted_yen": since.yen},
                )  # fmt: skip


def rate_of(shares: Iterable[Line]) -> Fraction:
    """What a second of use bore of a pool in a closed month, out of what its share lines were divided by."""
    of_part: dict[str, Fraction] = {}
    for line in shares:
        of_part[line.explanation["part"]] = sum(
            (
                Fraction(line.explanation["divided_yen"]) * Fraction(each["part"]) / Fraction(each["total"])
                for each in line.explanation["weights"]
                if each["by"] == Allocation.BY_USE
            ),
            Fraction(0),
        )
    return sum(of_part.values(), Fraction(0))


def used(month: MachineMonth) -> Mapping[str, int]:
    """Each member's seconds on the machine, as costs are divided by."""
    seconds: dict[str, int] = defaultdict(int)
    for usage in month.usages:
        if usage.member_id is not None and usage.charged:
            seconds[usage.member_id] += usage.interval.seconds
    return seconds


def _key(line: Line) -> tuple[str, str]:
    """The use that a line is of: its reservation, or the moment it began."""
    assert line.interval is not None
    of = line.explanation.get("reservation_id") or line.interval.start.isoformat()
    return line.member_id, f"{line.kind}:{of}"


def _id(*parts: str) -> UUID:
    return uuid5(_NAMESPACE, " ".join(parts))
