"""A Mosquitto of its own, set up as production is: persistent, and neither dropping nor throttling by default."""

import signal
import subprocess
from pathlib import Path

import psutil

from moyai.parts.process import end, free_port, spawn, wait_for_port
from tests.parts import debian

USER, PASSWORD = "moyai", "only-for-tests"


class Mosquitto:
    """One broker in `folder`, on a loopback port that it keeps over restarts; sessions are saved at `stop`.

    It sends at most `window` messages that are not acknowledged.
    """

    def __init__(self, folder: Path, window: int = 2000) -> None:
        self._window = window
        self.host = "127.0.0.1"
        self.port = free_port()
        self.url = f"mqtt://{USER}:{PASSWORD}@{self.host}:{self.port}"
        self.log = folder / "mosquitto.log"
        self._folder = folder
        self._process: psutil.Process | None = None

    def start(self) -> None:
        """Return when it listens."""
        configuration = self._folder / "mosquitto.conf"
        if not configuration.is_file():
            configuration.write_text(self._configuration())
        self._process = spawn([debian.MOSQUITTO, "-c", configuration], log=self.log)
        wait_for_port(self.port, self._process, part="mosquitto", log=self.log)

    def stop(self) -> None:
        """End it in order: it saves sessions and queued messages."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would: what came since its last save is gone."""
        self._end(signal.SIGKILL)

    def _end(self, sign: signal.Signals) -> None:
        if self._process is not None:
            end(self._process, sign)
            self._process = None

    def _configuration(self) -> str:
        passwords = self._folder / "passwords"
        subprocess.run(
            [debian.MOSQUITTO_PASSWD, "-b", "-c", passwords, USER, PASSWORD], check=True, capture_output=True
        )
        settings = {
            "listener": f"{self.port} {self.host}",
            "user": "root",  # only means something to root: stay who you are, the folder is ours
            "allow_anonymous": "false",
            "password_file": passwords,
            "persistence": "true",
            "persistence_location": f"{self._folder}/",
            "max_inflight_messages": self._window,
            "max_queued_messages": 10_000_000,
            "queue_qos0_messages": "true",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())
