"""Processes that we start and may have to find again: who they are, whether they live, how they end."""

import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import psutil

from coop.errors import Unavailable
from moyai.parts.private import write_private

KILL_SECONDS = 5.0
LOG_BYTES = 10_000_000  # a longer log is put aside as `<name>.1` at the next start


class PartFailed(Unavailable):
    """A part did not start, or ended while it started; its log says why."""

    code = "moyai.part_failed"


def spawn(
    argv: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
) -> psutil.Popen:
    """Start `argv`, its output appended to `log`, in a process group of its own: a Ctrl-C is ours to pass on."""
    if log.is_file() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
    with log.open("ab") as out:
        return psutil.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            process_group=0,
            **as_user(user),
        )


def as_user(user: int | None) -> dict[str, Any]:
    """The arguments that make `subprocess` start something as this user; none for ourselves."""
    return {} if user is None else {"user": user, "group": user_group(user), "extra_groups": []}


def user_group(user: int) -> int:
    """The group of a user, by number."""
    return pwd.getpwuid(user).pw_gid


def alive(process: psutil.Process) -> bool:
    """Whether it still runs. A child of ours that ended is collected; somebody else's, not yet collected, has ended."""
    if isinstance(process, psutil.Popen):
        return process.poll() is None
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def end(process: psutil.Process, sign: signal.Signals = signal.SIGTERM, seconds: float = 10.0) -> None:
    """Ask it to end with `sign`; kill it when it has not ended after `seconds`. Returns when it is gone."""
    for each, patience in ((sign, seconds), (signal.SIGKILL, KILL_SECONDS)):
        deadline = time.monotonic() + patience
        with suppress(psutil.NoSuchProcess):
            process.send_signal(each)
        while alive(process) and time.monotonic() < deadline:
            time.sleep(0.01)
        if not alive(process):
            return
    raise psutil.TimeoutExpired(seconds + KILL_SECONDS, process.pid)


def remember(pid_file: Path, process: psutil.Process, command: Sequence[str | Path]) -> None:
    """Write down who `process` is: its number alone may belong to somebody else after a restart.

    `command` is handed in, for a process that has only just been started may not show its own yet.
    """
    known = {"pid": process.pid, "started_at": process.create_time(), "command": [str(word) for word in command]}
    write_private(pid_file, orjson.dumps(known).decode())


def recall(pid_file: Path) -> psutil.Process | None:
    """The process that was remembered, if the very same one (number, start time and command line) still runs."""
    try:
        known = orjson.loads(pid_file.read_bytes())
        process = psutil.Process(known["pid"])
        same = abs(process.create_time() - known["started_at"]) < 1 and process.cmdline() == known["command"]
    except (OSError, psutil.Error, orjson.JSONDecodeError, KeyError):
        return None
    return process if same and alive(process) else None


def wait_for_port(port: int, process: psutil.Process, *, part: str, log: Path, seconds: float = 10.0) -> None:
    """Return when something listens on the loopback `port`; raise `PartFailed` if the process ends or time is up."""
    deadline = time.monotonic() + seconds
    while not listens(port):
        if not alive(process) or time.monotonic() > deadline:
            raise PartFailed(part=part, log=log, reason=last_line(log))
        time.sleep(0.01)


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a connection to host and port is accepted."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A loopback port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kept_port(file: Path) -> int:
    """The port that is kept in `file`, so that a part has the same one after a restart; chosen at the first call."""
    return int(file.read_text()) if file.is_file() else move_port(file)


def move_port(file: Path) -> int:
    """Choose a free port anew and keep it in `file`."""
    port = free_port()
    write_private(file, str(port))
    return port


def last_line(log: Path) -> str:
    """The last line of a log, for a one-line message."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.is_file() else []
    return lines[-1] if lines else "-"
