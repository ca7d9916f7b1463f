"""Who may use machines of a kind alone, and who may instruct: levels with an end, that lapse without use."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from coop.interval import Interval

INSTRUCTS_FROM = 3
"""The level from which on a person may instruct others."""


@dataclass(frozen=True, slots=True)
class Qualification:
    """What a person was granted for a kind of machine. `valid_until` None: without end.

    `last_used_at` is the end of their last reservation on such a machine before the slot in question, or the grant;
    `lapse_after_days` without use end the qualification (None: never).
    """

    level: int
    valid_until: datetime | None = None
    last_used_at: datetime | None = None
    lapse_after_days: int | None = None

    def ends_at(self) -> datetime | None:
        """When it ends by date or by non-use, whichever is first; None: never."""
        ends = [] if self.valid_until is None else [self.valid_until]
        if self.lapse_after_days is not None and self.last_used_at is not None:
            ends.append(self.last_used_at + timedelta(days=self.lapse_after_days))
        return min(ends, default=None)

    def lapsed(self, when: Interval) -> bool:
        """Whether the person was away from such machines too long when `when` starts."""
        if self.lapse_after_days is None or self.last_used_at is None:
            return False
        return when.start > self.last_used_at + timedelta(days=self.lapse_after_days)

    def expired(self, when: Interval) -> bool:
        """Whether it ends by date before `when` does."""
        return self.valid_until is not None and self.valid_until < when.end

    def level_during(self, when: Interval) -> int:
        """The level that holds for all of `when`; 0: none."""
        return 0 if self.expired(when) or self.lapsed(when) else self.level
