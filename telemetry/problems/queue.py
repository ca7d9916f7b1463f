"""The queue as the office and the operators see it, and saying of a problem that all is well as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from coop import audit
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import Role, Viewer
from coop.interval import Interval
from coop.paging import WHOLE, Slice
from coop.queries import load
from telemetry.decisions import ReasonMissing
from telemetry.problems.model import Does, Neighbour, Problem, ProblemKind, Suggestion, suggestions, who_may_know

SQL = load("telemetry.problems")

AROUND = timedelta(days=1)
"""Who had the machine this long before or after may know."""


class ProblemUnknown(NotFound):
    """There is no such problem open: somebody has dealt with it, or it went by itself."""

    code = "telemetry.problem_unknown"


class DecisionNeeded(Conflict):
    """Whose usage it was has to be decided: it cannot be left as it is."""

    code = "telemetry.decision_needed"


@dataclass(frozen=True, slots=True)
class Entry:
    """A problem with what could be done about it, and whom to ask."""

    problem: Problem
    suggestions: Sequence[Suggestion]
    may_know: Sequence[Neighbour]


def queue(
    conn: Connection,
    viewer: Viewer,
    *,
    machine_id: str | None = None,
    kind: ProblemKind | None = None,
    part: Slice = WHOLE,
) -> list[Entry]:
    """What is open, by time."""
    viewer.require(Role.OFFICE, Role.OPERATOR)
    values = part.values("after_at", "after_id") | {"id": None, "machine_id": machine_id, "kind": kind}
    return [_entry(conn, _problem(row)) for row in conn.execute(SQL["problems"], values).fetchall()]


def entry(conn: Connection, viewer: Viewer, problem_id: int) -> Entry:
    """One problem; raises `ProblemUnknown`."""
    viewer.require(Role.OFFICE, Role.OPERATOR)
    values = WHOLE.values("after_at", "after_id") | {"id": problem_id, "machine_id": None, "kind": None}
    row = conn.execute(SQL["problems"], values).fetchone()
    if row is None:
        raise ProblemUnknown()
    return _entry(conn, _problem(row))


def settle(conn: Connection, viewer: Viewer, problem_id: int, now: datetime, *, reason: str) -> None:
    """Say that a problem is well as it is, and why; it is not raised again while nothing changes.

    Raises `ProblemUnknown`, `DecisionNeeded`, `ReasonMissing`.
    """
    found = entry(conn, viewer, problem_id)
    if not reason.strip():
        raise ReasonMissing()
    if all(each.does is not Does.SETTLE for each in found.suggestions):
        raise DecisionNeeded()
    changed = conn.execute(SQL["settle"], {"id": problem_id, "now": now, "settled_by": viewer.person_id}).rowcount
    if not changed:
        raise ProblemUnknown()
    detail: dict[str, object] = {
        "kind": found.problem.kind.value,
        "machine": found.problem.machine_id,
        "start": found.problem.when.start.isoformat(),
        "end": found.problem.when.end.isoformat(),
        "reason": reason.strip(),
    }
    audit.record(conn, "problem.settled", viewer=viewer, subject=f"problem:{problem_id}", now=now, detail=detail)


def _entry(conn: Connection, problem: Problem) -> Entry:
    values = {
        "machine_id": problem.machine_id,
        "since": problem.when.start - AROUND,
        "until": problem.when.end + AROUND,
    }
    near = [
        Neighbour(reservation_id, Interval(start, end), *rest)
        for reservation_id, start, end, *rest in conn.execute(SQL["neighbours"], values)
    ]
    return Entry(problem, suggestions(problem, near), who_may_know(problem, near))


def _problem(row: tuple[Any, ...]) -> Problem:
    number, kind, machine_id, start, end, *rest = row
    return Problem(number, ProblemKind(kind), machine_id, Interval(start, end), *rest)
