"""When many machines are open within a window, worked out once for all that keep the same hours."""

from dataclasses import dataclass, field
from typing import Any

from booking.model import Terms
from coop.interval import Interval


@dataclass(frozen=True, slots=True)
class Opened:
    """The open intervals of machines within `window`."""

    window: Interval
    _known: dict[tuple[Any, ...], list[Interval]] = field(default_factory=dict)

    def of(self, terms: Terms) -> list[Interval]:
        """When the machine of `terms` is open, by time."""
        hours = tuple(
            (each.iso_weekday, each.opens, each.closes, each.valid_from, each.valid_until) for each in terms.hours
        )
        alike = (hours, terms.zone.key, terms.closings, terms.exceptions)
        if alike not in self._known:
            self._known[alike] = terms.calendar.open_intervals(self.window)
        return self._known[alike]
