"""Usages, reservations and decisions around a stretch of one machine, in rows."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from coop.database import Connection
from coop.interval import Interval
from coop.queries import load
from telemetry.usage.model import Booked, Decision, Resolution, Usage, UsageKind

SQL = load("telemetry.usage")


def usages(conn: Connection, machine_id: str, window: Interval) -> list[Usage]:
    """The usages of a machine that overlap `window`."""
    return [usage_of(row) for row in conn.execute(SQL["usages_between"], _around(machine_id, window))]


def replace_usages(conn: Connection, was: Sequence[Usage], becomes: Sequence[Usage]) -> int:
    """Write the difference; return how many rows went or came."""
    known = set(was)
    gone = sorted(each.id for each in known.difference(becomes))
    fresh = [each for each in becomes if each not in known]
    if gone:
        conn.execute(SQL["drop_usages"], {"ids": gone})
    if fresh:
        with conn.cursor().copy(SQL["copy_usages"]) as copy:
            for each in fresh:
                copy.write_row([getattr(each, name) for name in Usage.__slots__])
    return len({*gone, *(each.id for each in fresh)})


def usage(conn: Connection, usage_id: UUID) -> Usage | None:
    """One usage."""
    row = conn.execute(SQL["usage"], {"id": usage_id}).fetchone()
    return usage_of(row) if row else None


def booked(conn: Connection, machine_id: str, window: Interval) -> list[Booked]:
    """The reservations of a machine that count and overlap `window`."""
    return [Booked(*row) for row in conn.execute(SQL["booked_between"], _around(machine_id, window))]


def visits(conn: Connection, machine_id: str, window: Interval) -> list[Interval]:
    """From when to when people were checked in at a machine within their reservations, and have left."""
    return [Interval(*row) for row in conn.execute(SQL["visits_between"], _around(machine_id, window))]


def decisions(conn: Connection, machine_id: str, window: Interval) -> list[Decision]:
    """What people decided about stretches that overlap `window`, in order."""
    rows = conn.execute(SQL["decisions_between"], _around(machine_id, window))
    return [
        Decision(number, start, end, bytes(evidence), Resolution(resolution), *whose)
        for number, start, end, evidence, resolution, *whose in rows
    ]


def note_findings(conn: Connection, outdated: Iterable[int], settled: Iterable[int]) -> None:
    """Open a finding for each outdated decision that has none, and close those of the settled."""
    if ids := sorted(outdated):
        conn.execute(SQL["open_findings"], {"ids": ids})
    if ids := sorted(settled):
        conn.execute(SQL["close_findings"], {"ids": ids})


def _around(machine_id: str, window: Interval) -> dict[str, Any]:
    return {"machine_id": machine_id, "since": window.start, "until": window.end}


def usage_of(row: tuple[Any, ...]) -> Usage:
    """A usage as it stands in a row."""
    values = dict(zip(Usage.__slots__, row, strict=True))
    return Usage(**values | {"kind": UsageKind(values["kind"]), "evidence_hash": bytes(values["evidence_hash"])})
