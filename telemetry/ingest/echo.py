"""How far behind the present the broker's messages are: we say something to ourselves through the same queue.

A broker delivers a session's messages in order, so what comes after our message was published after we sent it. A
message without a time of its own that comes long after the last echo may have waited: its receipt says nothing of when
it was said. Times are seconds of a monotonic clock, and handed in.
"""

from dataclasses import dataclass

EVERY_SECONDS = 1.0
BEHIND_SECONDS = 5.0


@dataclass(slots=True)
class Echo:
    """What one connection says to itself on `topic`; one message at a time is under way."""

    topic: str
    _number: int = 0
    _sent_at: float | None = None
    _heard_until: float | None = None
    _next_at: float = 0.0

    def begin(self) -> None:
        """A connection begins: whatever comes may have waited, and what was said on the last one does not count."""
        self._number += 1
        self._sent_at = self._heard_until = None
        self._next_at = 0.0

    def due(self, now: float) -> bytes | None:
        """What to publish now, if anything."""
        if self._sent_at is not None or now < self._next_at:
            return None
        self._sent_at = now
        return b"%d" % self._number

    def hear(self, payload: bytes, now: float) -> None:
        """Our message came back."""
        if self._sent_at is not None and payload == b"%d" % self._number:
            self._heard_until, self._sent_at = self._sent_at, None
            self._next_at = now + EVERY_SECONDS
            self._number += 1

    def returned(self) -> bool:
        """Whether all that waited when the connection began has come."""
        return self._heard_until is not None

    def behind(self, now: float) -> bool:
        """Whether what comes now may have waited."""
        return self._heard_until is None or now - self._heard_until > BEHIND_SECONDS
