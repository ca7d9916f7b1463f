"""A PostgreSQL 17 with TimescaleDB of its own: for the tests on one, and for those who kill it."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import psycopg

from moyai.parts.process import alive, as_user, end, free_port, last_line, spawn
from tests.parts import debian

_START_SECONDS = 60


class TimescaleCluster:
    """One cluster in `folder`, on a loopback port that it keeps over restarts, with both roles and a database `moyai`.

    `durable=True` keeps its promises over `kill`; without it commits do not wait for the disk, which tests need not.
    """

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.data = folder / "cluster"
        self.log = folder / "postgres.log"
        self.port = free_port()
        self._durable = durable
        self._user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None  # PostgreSQL refuses root
        self._process: psutil.Process | None = None

    @property
    def owner_url(self) -> str:
        return self._url("moyai_owner", "moyai")

    @property
    def app_url(self) -> str:
        return self._url("moyai_app", "moyai")

    def start(self) -> None:
        """Make the cluster if there is none; return when it answers, recovered."""
        new = not self.data.is_dir()
        if new:
            self._initialise()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "timezone": "UTC",
            "max_connections": 200,
            "jit": "off",  # the part comes without LLVM
            "shared_preload_libraries": "timescaledb",
            "timescaledb.telemetry_level": "off",
            "timescaledb.max_background_workers": 0,  # one would hold the template database open
            "fsync": self._durable,
            "synchronous_commit": self._durable,
            "full_page_writes": self._durable,
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command: list[str | Path] = [debian.POSTGRES_BIN / "postgres", "-D", self.data, *words]
        self._process = spawn(command, log=self.log, cwd=self.data, user=self._user)
        self._wait_until_ready(self._process)
        if new:
            with psycopg.connect(self._url("postgres", "postgres"), autocommit=True) as conn:
                conn.execute("CREATE ROLE moyai_owner LOGIN CREATEDB")
                conn.execute("CREATE ROLE moyai_app LOGIN")
                conn.execute("CREATE DATABASE moyai OWNER moyai_owner")

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            end(self._process, signal.SIGINT)
            self._process = None

    def kill(self) -> None:
        """End the postmaster and its servers as a power cut would."""
        assert self._process is not None
        servers = self._process.children(recursive=True)
        end(self._process, signal.SIGKILL)
        for server in servers:
            end(server, signal.SIGKILL)
        self._process = None

    def _initialise(self) -> None:
        self.data.mkdir(mode=0o700)
        if self._user is not None:
            shutil.chown(self.data, self._user, pwd.getpwuid(self._user).pw_gid)
        quick = ("--username=postgres", "--auth=trust", "--no-sync", "--no-instructions")
        locale = ("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8")
        initdb = (debian.POSTGRES_BIN / "initdb", "-D", self.data, *quick, *locale)
        subprocess.run(initdb, cwd=self.data, check=True, capture_output=True, text=True, **as_user(self._user))

    def _wait_until_ready(self, postmaster: psutil.Process) -> None:
        deadline = time.monotonic() + _START_SECONDS
        lock = self.data / "postmaster.pid"
        while True:
            lines = lock.read_text().splitlines() if lock.is_file() else []
            if len(lines) >= 8 and lines[0] == str(postmaster.pid) and lines[7].strip() == "ready":
                return
            if not alive(postmaster) or time.monotonic() > deadline:
                raise RuntimeError(f"TimescaleDB did not start: {last_line(self.log)}")
            time.sleep(0.01)

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"
