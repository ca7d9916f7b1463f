"""Does a device still report? Pure: it promises a message in every `expected_seconds`; three missed is offline."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MISSED = 3


class Liveness(StrEnum):
    """`said_goodbye`: the broker spoke its last will, or it announced that it leaves."""

    NEVER = "never"
    ONLINE = "online"
    OFFLINE = "offline"
    SAID_GOODBYE = "said_goodbye"


@dataclass(frozen=True, slots=True)
class Heard:
    """What was last heard: any reading, and the last word about being there at all (`online`, `offline` or none)."""

    last_at: datetime | None
    word: str | None = None
    word_at: datetime | None = None


def liveness(heard: Heard, expected_seconds: int, now: datetime) -> Liveness:
    """How it stands with a device at `now`, all times being the ingester's."""
    if heard.last_at is None:
        return Liveness.NEVER
    if heard.word == "offline" and heard.word_at is not None and heard.word_at >= heard.last_at:
        return Liveness.SAID_GOODBYE
    missed = timedelta(seconds=MISSED * expected_seconds)
    return Liveness.ONLINE if now - heard.last_at <= missed else Liveness.OFFLINE
