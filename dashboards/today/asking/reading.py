"""What was read so far of a request, and the text that is left."""

import re
from dataclasses import dataclass, field
from datetime import date, time

from coop.errors import Invalid


class NotRead(Invalid):
    """Some words of a quick request are not understood; `words` says which."""

    code = "asking.not_read"


@dataclass(slots=True)
class Reading:
    """What was found so far, and the text that is left."""

    text: str
    today: date
    days: tuple[date, date] | None = None
    starts: time | None = None
    ends: time | None = None
    part: tuple[time, time] | None = None
    at_once: bool = False
    minutes: int | None = None
    found: dict[str, str] = field(default_factory=dict)

    def take(self, pattern: str) -> re.Match[str] | None:
        """The first place of the text that is like `pattern`; it is read, so it is left out from now on."""
        match = re.search(pattern, self.text)
        if match:
            self.text = f"{self.text[: match.start()]} {self.text[match.end() :]}"
        return match


def whole(pattern: str) -> str:
    """The pattern, not within a longer Latin word."""
    return rf"(?<![a-z0-9])(?:{pattern})(?![a-z])"
