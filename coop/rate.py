"""How many requests a minute: of one person or program, and of one place that nobody is signed in at."""

import time
from dataclasses import dataclass, field

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from coop.errors import Throttled


class TooManyRequests(Throttled):
    """More requests in a minute than anybody sends by hand."""

    code = "coop.too_many_requests"


@dataclass(frozen=True, slots=True)
class Rate:
    """Counts in this process. 0 a minute: no limit."""

    requests_per_minute: int
    entries_per_minute: int
    _limiter: SlidingWindowCounterRateLimiter = field(
        default_factory=lambda: SlidingWindowCounterRateLimiter(MemoryStorage())
    )

    def request(self, who: str) -> None:
        """Count a request; raises `TooManyRequests`."""
        self._hit(self.requests_per_minute, "request", who)

    def entry(self, source: str) -> None:
        """Count an attempt to come in; raises `TooManyRequests`."""
        self._hit(self.entries_per_minute, "entry", source)

    def _hit(self, most: int, what: str, who: str) -> None:
        if most == 0:
            return
        item = RateLimitItemPerMinute(most)
        if not self._limiter.hit(item, what, who):
            until = self._limiter.get_window_stats(item, what, who).reset_time
            raise TooManyRequests(retry_after_seconds=max(1, round(until - time.time())))
