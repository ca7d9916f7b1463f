"""`moyai up`: everything that a cooperative needs, in one folder and under one owner.

Started in the order in which they need each other: database, migrations, broker, `work`, `ingest`, `serve`; stopped
the other way round, so that each drains into those that still run.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TextIO

import orjson
import psycopg

from coop.errors import Conflict, Unavailable
from coop.migrate import migrate
from coop.settings import Settings
from moyai.parts.accounts import Accounts, users
from moyai.parts.broker import BrokerUser, EmbeddedBroker
from moyai.parts.postgres import EmbeddedPostgres
from moyai.parts.private import private_folder, secret, write_private
from moyai.parts.process import PartFailed, free_port, last_line, listens
from moyai.parts.service import Service, end_orphan
from moyai.parts.supervisor import Part, Supervisor
from telemetry.devices.accounts import EMBEDDED

Say = Callable[[str], None]
SERVICES = ("work", "ingest", "serve")


class AlreadyUp(Conflict):
    """Another `moyai up` works on this folder."""

    code = "moyai.already_up"


class PortTaken(Unavailable):
    """Something else listens on the port of the HTTP server."""

    code = "moyai.port_taken"


@dataclass(frozen=True, slots=True)
class Running:
    """What is up: the settings that reach it, the page to open, and the parts by name."""

    settings: Settings
    http_url: str
    parts: dict[str, Part]

    def wait_until_ready(self, seconds: float = 30.0) -> None:
        """Return when every process can work (`ingest` only after a cooperative is founded); or raise `PartFailed`."""
        deadline = time.monotonic() + seconds
        for name, part in self.parts.items():
            while isinstance(part, Service) and not part.ready():
                if time.monotonic() > deadline:
                    raise PartFailed(part=name, log=part.log, reason=last_line(part.log))
                time.sleep(0.05)


@contextmanager
def running(settings: Settings, say: Say = lambda _: None) -> Iterator[Running]:
    """Bring everything up in `settings.data_folder`, keep it up during the block, and stop it in order.

    What `settings` leaves empty is brought along: the database, the broker, the secret key. What an `up` that was
    killed left behind is adopted (database, broker) or drained and started anew. Raises `AlreadyUp`, `PortTaken` or
    `PartFailed`; `say` is told each step.
    """
    folder = private_folder(settings.data_folder.resolve())
    with ExitStack() as stack:
        lock = stack.enter_context(_only_one(folder))
        parts: dict[str, Part] = {}

        def bring_up(name: str, part: Part) -> None:
            say(name)
            parts[name] = part
            stack.callback(part.stop)
            part.start()

        settings = replace(
            settings, data_folder=folder, secret_key=settings.secret_key or secret(folder / "secret_key")
        )
        if not settings.database_url:
            postgres = EmbeddedPostgres(folder / "postgres")
            bring_up("postgres", postgres)
            settings = replace(settings, database_url=postgres.app_url, database_owner_url=postgres.owner_url)
        settings.require("database_owner_url")
        say("migrate")
        migrate(settings.database_owner_url)
        if not settings.mqtt_url:
            password = secret(private_folder(folder / "broker") / "moyai.password")
            ours = BrokerUser("moyai", password)
            with psycopg.connect(settings.database_url) as conn:
                broker = EmbeddedBroker(folder / "broker", users=users(conn, ours))
            bring_up("broker", broker)
            settings = replace(settings, mqtt_url=broker.url, mqtt_version=3, mqtt_admin_url=EMBEDDED)
            accounts = Accounts(broker, ours, settings.database_url)
            accounts.start()
            stack.callback(accounts.stop)

        run_folder = private_folder(folder / "run")
        for name in SERVICES:
            end_orphan(name, run_folder)
        settings = replace(settings, http_port=settings.http_port or free_port())
        require_free(settings.http_host, settings.http_port)
        services = [_service(name, settings, run_folder) for name in SERVICES]
        for service in services:
            bring_up(service.name, service)
        for service in services:
            service.wait_until_alive()
        supervisor = Supervisor(parts)
        supervisor.start()
        stack.callback(supervisor.stop)
        http_url = f"http://{_reachable(settings.http_host)}:{settings.http_port}"
        _write(lock, {"pid": os.getpid(), "url": http_url})
        write_private(run_folder / "environment.json", orjson.dumps(_environment(settings)).decode())
        stack.callback((run_folder / "environment.json").unlink, missing_ok=True)
        yield Running(settings, http_url, parts)


def require_free(host: str, port: int) -> None:
    """Raise `PortTaken` when something already listens where our HTTP server wants to."""
    if port and listens(port, _reachable(host)):
        raise PortTaken(host=host, port=port)


def environment_of(folder: Path) -> dict[str, str]:
    """The `MOYAI_*` variables that reach what an `up` on `folder` runs; none when it does not run.

    With them `moyai token` or `moyai doctor` in another terminal needs no setting at all.
    """
    try:
        known: dict[str, str] = orjson.loads((folder / "run" / "environment.json").read_bytes())
    except OSError:
        return {}
    return known


def _environment(settings: Settings) -> dict[str, str]:
    return {f"MOYAI_{each.name.upper()}": str(getattr(settings, each.name)) for each in fields(settings)}


def _service(name: str, settings: Settings, folder: Path) -> Service:
    """One of our own processes; it reads the settings from its environment."""
    if name == "serve":
        arguments, host, port = [], _reachable(settings.http_host), settings.http_port
    else:
        host, port = "127.0.0.1", free_port()
        arguments = ["--health-port", str(port)]
    return Service(
        name,
        arguments,
        environment={**os.environ, **_environment(settings)},
        url=f"http://{host}:{port}",
        folder=folder,
    )


def _reachable(host: str) -> str:
    """Where a browser on this machine finds a server that listens on `host`."""
    return "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104  # compared, not bound


@contextmanager
def _only_one(folder: Path) -> Iterator[TextIO]:
    """Hold the folder's lock, which the kernel lets go when this process ends in whatever way."""
    with (folder / "up.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read()
            known = orjson.loads(holder) if holder else {}
            raise AlreadyUp(folder=folder, pid=known.get("pid", "?"), url=known.get("url", "?")) from None
        _write(lock, {"pid": os.getpid(), "url": "-"})
        yield lock


def _write(lock: TextIO, content: dict[str, object]) -> None:
    lock.truncate(0)
    lock.write(orjson.dumps(content).decode())
    lock.flush()
