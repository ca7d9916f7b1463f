"""What becomes of each occurrence of a series: shown before it is done, or why nothing was done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from booking import projection
from booking.model import Reservation
from booking.rules.policy import SlotDenied
from coop.database import Connection
from coop.errors import Conflict, MoyaiError
from coop.identity import Viewer
from coop.interval import Interval
from coop.messages import translate


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of an occurrence: it gets `slot`, or none. `refusal` says why not its own time, `wanted`.

    `recurrence_id` is the start that the rule gave it, `nearest` the free slot next to a time that is refused.
    """

    recurrence_id: datetime
    wanted: Interval
    slot: Interval | None
    reservation: Reservation | None = None
    refusal: MoyaiError | None = None
    nearest: Interval | None = None

    @property
    def name(self) -> str:
        """`booked`, `alternative` or `skipped`."""
        if self.slot is None:
            return "skipped"
        return "booked" if self.slot == self.wanted else "alternative"


class SeriesRefused(Conflict):
    """Some occurrences cannot be had as they were asked for, so nothing was changed.

    `occurrences` of the problem document has every outcome.
    """

    code = "booking.series_refused"

    def __init__(self, outcomes: Sequence[Outcome], viewer: Viewer) -> None:
        super().__init__(
            extra={"occurrences": [said(each, viewer) for each in outcomes]},
            refused=sum(each.refusal is not None for each in outcomes),
            count=len(outcomes),
        )
        self.outcomes = list(outcomes)


def attempt(
    conn: Connection, recurrence_id: datetime, wanted: Interval, use_case: Callable[[], Reservation]
) -> Outcome:
    """The outcome of one occurrence's `use_case`; what it refuses leaves the transaction as it was."""
    try:
        with conn.transaction():
            return Outcome(recurrence_id, wanted, wanted, use_case())
    except (SlotDenied, Conflict) as refusal:
        return Outcome(recurrence_id, wanted, None, refusal=refusal)


def preview(conn: Connection, use_case: Callable[[], list[Outcome]]) -> list[Outcome]:
    """The outcomes of `use_case`, exactly as they would be now, with nothing kept."""
    with conn.transaction(force_rollback=True):
        try:
            outcomes = use_case()
        except SeriesRefused as refused:
            outcomes = refused.outcomes
    return [replace(each, reservation=None) for each in outcomes]


def said(outcome: Outcome, viewer: Viewer) -> dict[str, Any]:
    """An outcome, JSON-ready, with the reason in the viewer's language."""
    refusal = outcome.refusal
    return {
        "recurrence_id": projection.written(outcome.recurrence_id),
        "outcome": outcome.name,
        "wanted": projection.span(outcome.wanted),
        "slot": projection.span(outcome.slot) if outcome.slot else None,
        "nearest": projection.span(outcome.nearest) if outcome.nearest else None,
        "reservation_id": str(outcome.reservation.id) if outcome.reservation else None,
        "refusal": _said(refusal, viewer) if refusal else None,
    }


def _said(refusal: MoyaiError, viewer: Viewer) -> dict[str, Any]:
    detail = translate(refusal.code, viewer.locale, **refusal.params)
    return {"code": refusal.code, "detail": detail, **refusal.extra}
