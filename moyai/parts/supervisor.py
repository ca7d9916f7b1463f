"""Starts a part again when it ended by itself."""

import logging
import time
from collections.abc import Mapping
from threading import Event, Thread
from typing import Protocol

from coop.errors import MoyaiError

log = logging.getLogger("moyai.supervisor")

LOOK_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0


class Part(Protocol):
    """What can be started, watched and stopped."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def alive(self) -> bool: ...


class Backoff:
    """How long to wait before the next start: doubled at each failure, forgotten after a steady minute."""

    def __init__(self) -> None:
        self._pause = FIRST_PAUSE_SECONDS
        self._started_at = float("-inf")

    def may_start(self, now: float) -> bool:
        """Whether a part that is not running may be started at `now` (monotonic seconds); if so, counts it."""
        if now - self._started_at >= STEADY_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        elif now - self._started_at < self._pause:
            return False
        else:
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        self._started_at = now
        return True


class Supervisor:
    """Watches `parts` in a thread between `start` and `stop`. It never stops a part."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = dict(parts)
        self._backoffs = {name: Backoff() for name in parts}
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; nothing is started after this returns."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            for name, part in self._parts.items():
                if not part.alive() and not self._stop.is_set() and self._backoffs[name].may_start(time.monotonic()):
                    self._start_again(name, part)

    def _start_again(self, name: str, part: Part) -> None:
        log.warning("part.ended part=%s", name)
        try:
            part.start()
        except (MoyaiError, OSError) as failure:
            log.error("part.not_started part=%s reason=%s", name, failure)
        else:
            log.warning("part.started part=%s", name)
