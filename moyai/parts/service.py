"""One of our own processes (`moyai serve`, `ingest`, `work`) as a part that can be started, watched and stopped."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx2
import psutil

from moyai.parts.process import PartFailed, alive, end, last_line, recall, remember, spawn

START_SECONDS = 30.0
DRAIN_SECONDS = 30.0


class Service:
    """`moyai <name> ...` with its log `<name>.log` and its pid file in `folder`.

    The environment carries the settings, so that no password is on a command line; `url` is where it answers
    `/healthz` and `/readyz`.
    """

    def __init__(
        self, name: str, arguments: list[str], *, environment: Mapping[str, str], url: str, folder: Path
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.url = url
        self._command = [sys.executable, "-m", "moyai", name, *arguments]
        self._environment = dict(environment)
        self._pid_file = folder / f"{name}.pid"
        self._process: psutil.Process | None = None

    @property
    def pid(self) -> int | None:
        """Its process number while it runs."""
        return self._process.pid if self.alive() and self._process else None

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and alive(self._process)

    def start(self) -> None:
        """Start it, without waiting."""
        self._process = spawn(self._command, log=self.log, env=self._environment)
        remember(self._pid_file, self._process, self._command)

    def wait_until_alive(self) -> None:
        """Return when it answers; raise `PartFailed` when it ends before or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not self._answers("/healthz"):
            if not self.alive() or time.monotonic() > deadline:
                raise PartFailed(part=self.name, log=self.log, reason=last_line(self.log))
            time.sleep(0.05)

    def ready(self) -> bool:
        """Whether it can work now: its database answers; `ingest` has subscribed, once there is a cooperative."""
        return self._answers("/readyz")

    def _answers(self, path: str) -> bool:
        try:
            return httpx2.get(self.url + path, timeout=5, trust_env=False).status_code == httpx2.codes.OK
        except httpx2.HTTPError:
            return False

    def stop(self) -> None:
        """Let it drain and end."""
        if self._process is not None:
            end(self._process, seconds=DRAIN_SECONDS)
            self._process = None
        self._pid_file.unlink(missing_ok=True)


def end_orphan(name: str, folder: Path) -> None:
    """Let the process that a killed owner of `folder` left behind drain and end: its settings may be old."""
    orphan = recall(folder / f"{name}.pid")
    if orphan is not None:
        end(orphan, seconds=DRAIN_SECONDS)
