"""Edit the rules: the office says from which local day on, and the next request obeys. The past is not rewritten."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg import errors

from booking import store
from booking.model import Conditions
from booking.rules.quota import Counted, Span
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, Invalid, NotFound
from coop.identity import Viewer
from coop.machines import MachineUnknown
from coop.queries import load
from coop.register import cooperative

SQL = load("booking.rules")


class RuleInThePast(Invalid):
    """A rule begins today or later."""

    code = "booking.rule_in_the_past"


class FiguresContradict(Invalid):
    """The figures of a rule contradict each other."""

    code = "booking.figures_contradict"


class RuleOverlaps(Conflict):
    """Somebody entered a rule for the same days meanwhile."""

    code = "booking.rule_overlaps"


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of what a machine asks; it decides on local days in `[valid_from, valid_until)`."""

    valid_from: date
    valid_until: date | None
    granularity_minutes: int
    shortest_minutes: int
    longest_minutes: int
    horizon_days: int
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class Limit:
    """A quota on local days in `[valid_from, valid_until)`; `machine_id` None: all machines together."""

    machine_id: str | None
    counted: Counted
    span: Span
    most: int
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class LimitWanted:
    """A quota from a local day on; `most` None ends the one there is."""

    machine_id: str | None
    counted: Counted
    span: Span
    most: int | None
    valid_from: date


@dataclass(frozen=True, slots=True)
class Priority:
    """A member who comes first on a machine: `owner` or `committed`."""

    machine_id: str
    member_id: str
    reason: str
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class NonmemberUse:
    """Non-members' use in percent of members' use in the fiscal year (員外利用), and when to warn and to deny."""

    percent: Decimal
    warn_percent: Decimal
    deny_percent: Decimal
    told_at: datetime


def policies(conn: Connection, machine_id: str) -> list[Policy]:
    """All versions of what a machine asks, by their first day; raises `MachineUnknown`."""
    found = [_policy(row) for row in conn.execute(SQL["policies"], {"machine_id": machine_id})]
    if not found:
        raise MachineUnknown(machine=machine_id)
    return found


def change_policy(
    conn: Connection, viewer: Viewer, machine_id: str, valid_from: date, changes: Mapping[str, Any], now: datetime
) -> Policy:
    """Let a machine ask for something else from a local day on; what `changes` does not name stays as it was.

    The version lasts until the next one that was entered already. Raises `MachineUnknown`, `RuleInThePast`,
    `FiguresContradict` or `RuleOverlaps`.
    """
    not_past(conn, valid_from, now)
    values = {"machine_id": machine_id, "valid_from": valid_from}
    conn.execute(store.SQL["lock_resources"], {"resource_ids": [machine_id]})
    row = conn.execute(SQL["policy_on"], values).fetchone()
    if row is None:
        raise MachineUnknown(machine=machine_id)
    before = _policy(row)
    asked = {name: getattr(before, name) for name in Policy.__slots__ if name != "conditions"}
    asked |= {name: getattr(before.conditions, name) for name in Conditions.__slots__}
    asked |= {**changes, "machine_id": machine_id, "valid_from": valid_from}
    with named_rules():
        conn.execute(SQL["end_policy"], values)
        conn.execute(SQL["add_policy"], asked)
    detail: dict[str, object] = {
        "valid_from": str(valid_from),
        **{name: _plain(value) for name, value in changes.items()},
    }
    audit.record(conn, "policy.changed", viewer=viewer, subject=f"machine:{machine_id}", now=now, detail=detail)
    return next(each for each in policies(conn, machine_id) if each.valid_from == valid_from)


def quotas(conn: Connection) -> list[Limit]:
    """All quotas there are, were and will be."""
    return [Limit(row[0], Counted(row[1]), Span(row[2]), *row[3:]) for row in conn.execute(SQL["quotas"])]


def set_quota(conn: Connection, viewer: Viewer, wanted: LimitWanted, now: datetime) -> list[Limit]:
    """Limit holders from a local day on; all quotas after it. Raises `RuleInThePast` or `MachineUnknown`."""
    not_past(conn, wanted.valid_from, now)
    key = {"machine_id": wanted.machine_id, "holder": wanted.counted.value, "span": wanted.span.value}
    _replace(conn, "quota", {**key, "most": wanted.most, "valid_from": wanted.valid_from}, add=wanted.most is not None)
    subject = f"machine:{wanted.machine_id}" if wanted.machine_id else "cooperative"
    detail: dict[str, object] = {**key, "most": wanted.most, "valid_from": str(wanted.valid_from)}
    audit.record(conn, "quota.set", viewer=viewer, subject=subject, now=now, detail=detail)
    return quotas(conn)


def priorities(conn: Connection, machine_id: str) -> list[Priority]:
    """Who comes first on a machine, was and will."""
    return [Priority(*row) for row in conn.execute(SQL["priorities"], {"machine_id": machine_id})]


def set_priority(
    conn: Connection,
    viewer: Viewer,
    machine_id: str,
    member_id: str,
    reason: str | None,
    valid_from: date,
    now: datetime,
) -> list[Priority]:
    """Let a member come first as `owner` or `committed` from a local day on; None ends it.

    Raises `RuleInThePast`, `MachineUnknown` or `NotFound` (of the member).
    """
    not_past(conn, valid_from, now)
    values = {"machine_id": machine_id, "member_id": member_id, "reason": reason, "valid_from": valid_from}
    _replace(conn, "priority", values, add=reason is not None)
    detail: dict[str, object] = {"valid_from": str(valid_from), "member_id": member_id, "reason": reason}
    audit.record(conn, "priority.set", viewer=viewer, subject=f"machine:{machine_id}", now=now, detail=detail)
    return priorities(conn, machine_id)


def nonmember_use(conn: Connection) -> NonmemberUse | None:
    """The gauge as it was last told; None: never."""
    row = conn.execute(SQL["nonmember_use"]).fetchone()
    return None if row is None else NonmemberUse(*row)


def tell_nonmember_use(conn: Connection, viewer: Viewer, told: NonmemberUse) -> NonmemberUse:
    """Set the gauge; the next non-member's request obeys it. Raises `FiguresContradict`."""
    with named_rules():
        conn.execute(SQL["tell_nonmember_use"], {name: getattr(told, name) for name in NonmemberUse.__slots__})
    detail: dict[str, object] = {
        "percent": str(told.percent),
        "warn": str(told.warn_percent),
        "deny": str(told.deny_percent),
    }
    audit.record(conn, "nonmember_use.told", viewer=viewer, subject="nonmember_use", now=told.told_at, detail=detail)
    return told


def not_past(conn: Connection, day: date, now: datetime) -> None:
    """Raise `RuleInThePast` for a local day before today."""
    today = now.astimezone(cooperative(conn).time_zone).date()
    if day < today:
        raise RuleInThePast(today=str(today))


@contextmanager
def named_rules() -> Iterator[None]:
    """What the schema refuses, as the room's errors."""
    try:
        yield
    except errors.ExclusionViolation:
        raise RuleOverlaps() from None
    except errors.CheckViolation as violation:
        raise FiguresContradict(rule=violation.diag.constraint_name) from None
    except errors.ForeignKeyViolation as violation:
        if violation.diag.constraint_name == "priority_member_exists":
            raise NotFound() from None
        raise MachineUnknown() from None


def _replace(conn: Connection, what: str, values: dict[str, Any], *, add: bool) -> None:
    """End the rule of the same key on a day, forget those that were to begin later, and enter the new one."""
    with named_rules():
        conn.execute(SQL[f"forget_{what}"], values)
        conn.execute(SQL[f"end_{what}"], values)
        if add:
            conn.execute(SQL[f"add_{what}"], values)


def _policy(row: tuple[Any, ...]) -> Policy:
    since, until, granularity, shortest, longest, horizon, *asked = row
    return Policy(since, until, granularity, shortest, longest, horizon, Conditions(*asked))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
