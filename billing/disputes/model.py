"""Nouns of a dispute: a line, and the steps that were taken about it. Where it stands follows from its last step."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing.model import AdjustmentReason
from coop.money import Yen


class Action(StrEnum):
    """What was done: the member asks, the office answers or proposes, a second person agrees or refuses."""

    ASKED = "asked"
    ANSWERED = "answered"
    PROPOSED = "proposed"
    AGREED = "agreed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Step:
    """The `n`th step. A proposal says why (`correction` or `waiver`) and by how much the line should change."""

    n: int
    action: Action
    words: str
    taken_at: datetime
    taken_by: UUID | None
    reason: AdjustmentReason | None = None
    amount_yen: Yen | None = None
    adjustment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A questioned line with its steps, the first of which asks."""

    id: UUID
    statement_id: UUID
    n: int
    month: str
    member_id: str
    opened_at: datetime
    steps: tuple[Step, ...]

    @property
    def last(self) -> Step:
        """Where it stands."""
        return self.steps[-1]
