"""The nouns of the queue, and the rule that says what could be done about a problem."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from coop.interval import Interval


class ProblemKind(StrEnum):
    """What is wrong."""

    NOBODY = "nobody"
    TWO = "two"
    SENSOR_DISAGREES = "sensor_disagrees"
    NO_SIGNAL = "no_signal"
    DECISION_OUTDATED = "decision_outdated"
    RAN_WITHOUT_SIGNAL = "ran_without_signal"
    CLOSED_MONTH_CHANGED = "closed_month_changed"
    REPORTED = "reported"


class Because(StrEnum):
    """Why something is suggested."""

    CHECKED_IN = "checked_in"
    WITHIN = "within"
    BEFORE = "before"
    AFTER = "after"
    MAINTENANCE = "maintenance"
    TEST = "test"
    AS_IT_IS = "as_it_is"


class Does(StrEnum):
    """What a suggestion does: assign the usage to a reservation, charge nobody, or leave all as it is."""

    ASSIGN = "assign"
    WAIVE = "waive"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A reservation near the problem, whose it is, and when its person was checked in."""

    reservation_id: UUID
    when: Interval
    member_id: str
    member_name: str
    person_id: UUID | None
    person_name: str | None
    came_at: datetime | None
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that could be done in one step."""

    does: Does
    because: Because
    neighbour: Neighbour | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something open. `usage_id` is the usage that can be decided about, if there is one; what somebody reported has
    their name and their member's, and `text` in its detail."""

    id: int
    kind: ProblemKind
    machine_id: str
    when: Interval
    opened_at: datetime
    usage_id: UUID | None
    reservation_id: UUID | None
    decision_id: int | None
    detail: Mapping[str, Any]
    reporter_name: str | None = None
    reporter_member_name: str | None = None


NEAR = timedelta(hours=1)
"""Who was checked in this close to it may know of it."""

MOST_ASSIGNED = 3
_ASSIGNS = frozenset({ProblemKind.NOBODY, ProblemKind.TWO, ProblemKind.SENSOR_DISAGREES, ProblemKind.DECISION_OUTDATED})
_MUST_BE_DECIDED = frozenset({ProblemKind.NOBODY, ProblemKind.DECISION_OUTDATED})


def suggestions(problem: Problem, neighbours: Sequence[Neighbour]) -> list[Suggestion]:
    """What could be done, the likeliest first.

    A usage goes to whoever was checked in, or had reserved that time, or the time nearest before or after; or nobody is
    charged. What is no question of whose it was can be left as it is, by saying why.
    """
    found: list[Suggestion] = []
    if problem.usage_id is not None and problem.kind in _ASSIGNS:
        others = [each for each in neighbours if each.reservation_id != problem.reservation_id]
        ranked = sorted(others, key=lambda each: (*_rank(problem.when, each), each.when.start, each.reservation_id))
        found += [Suggestion(Does.ASSIGN, _because(problem.when, each), each) for each in ranked[:MOST_ASSIGNED]]
        found += [Suggestion(Does.WAIVE, because) for because in (Because.MAINTENANCE, Because.TEST)]
    if problem.kind not in _MUST_BE_DECIDED:
        found.append(Suggestion(Does.SETTLE, Because.AS_IT_IS))
    return found


def who_may_know(problem: Problem, neighbours: Sequence[Neighbour]) -> list[Neighbour]:
    """Whom to ask, the likeliest first: each person once, of a reservation without a person its member."""
    asked: dict[object, Neighbour] = {}
    for each in sorted(neighbours, key=lambda each: (*_rank(problem.when, each), each.when.start)):
        asked.setdefault(each.person_id or each.member_id, each)
    return list(asked.values())[:MOST_ASSIGNED]


def _because(when: Interval, near: Neighbour) -> Because:
    if (
        near.came_at is not None
        and near.came_at <= when.end + NEAR
        and (near.left_at or near.when.end) >= when.start - NEAR
    ):
        return Because.CHECKED_IN
    if near.when.overlaps(when):
        return Because.WITHIN
    return Because.BEFORE if near.when.end <= when.start else Because.AFTER


def _rank(when: Interval, near: Neighbour) -> tuple[int, timedelta]:
    because = _because(when, near)
    distance = max(when.start - near.when.end, near.when.start - when.end, timedelta(0))
    return (0 if because is Because.CHECKED_IN else 1 if because is Because.WITHIN else 2), distance
