"""The commands that stay: `up`, `serve`, `ingest`, `work`. Each imports what it runs only when it runs."""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from threading import Event
from typing import Annotated

import typer
from rich.console import Console

from coop.settings import Settings
from moyai.logs import configuration, to_stderr
from moyai.terminal import interruptible, say

Data = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the database, the broker, keys and logs.", show_default="./moyai-data"),
]
Host = Annotated[
    str | None, typer.Option(help="Address to listen on; 0.0.0.0 for every one.", show_default="127.0.0.1")
]
Port = Annotated[
    int | None, typer.Option(help="Port of the pages and the API; 0 picks a free one.", show_default="8000")
]
HealthPort = Annotated[int, typer.Option(help="Port of /healthz, /readyz and /metrics; 0 picks a free one.")]
HealthHost = Annotated[str, typer.Option(help="Address of /healthz, /readyz and /metrics.")]


def up(data: Data = None, host: Host = None, port: Port = None) -> None:
    """Run everything here: database, broker, pages, ingest and jobs, until Ctrl-C.

    What MOYAI_DATABASE_URL (with MOYAI_DATABASE_OWNER_URL) and MOYAI_MQTT_URL do not name is brought along and keeps
    its data in the data folder. A part that ends by itself is started again. One `up` works on a folder; after a
    power cut or kill -9 the next one recovers.

    **Examples**

        moyai up
        moyai up --data /srv/moyai --host 0.0.0.0 --port 80
    """
    from moyai.up import running

    if data is not None:
        os.environ["MOYAI_DATA_FOLDER"] = str(data)
    settings = _on(Settings.from_environment(), host, port)
    to_stderr(logging.WARNING, settings.log_format)
    interruptible()
    console = Console(stderr=True)
    progress = console.status(say("moyai.up.starting"))
    progress.start()
    try:
        with running(settings, lambda part: progress.update(say("moyai.up.step", part=part))) as everything:
            progress.stop()
            console.print(say("moyai.up.ready", url=everything.http_url, folder=settings.data_folder))
            Event().wait()
    except KeyboardInterrupt:
        console.print(say("moyai.up.stopped"))
    finally:
        progress.stop()


def serve(
    host: Host = None,
    port: Port = None,
    workers: Annotated[int, typer.Option(min=1, help="Server processes that share the port.")] = 1,
) -> None:
    """Serve the pages and the API over HTTP. Needs MOYAI_DATABASE_URL and MOYAI_SECRET_KEY.

    Any number may run against one database. /healthz answers while the process lives, /readyz when its database
    answers. Ctrl-C or SIGTERM finishes the requests under way.

    **Example**

        moyai serve --host 0.0.0.0 --port 8000 --workers 4
    """
    import uvicorn

    from moyai.up import require_free

    settings = _on(Settings.from_environment(), host, port).require("database_url", "secret_key")
    require_free(settings.http_host, settings.http_port)
    uvicorn.run(
        "moyai.application:create_app",
        factory=True,
        host=settings.http_host,
        port=settings.http_port,
        workers=workers,
        access_log=False,
        log_config=configuration(logging.INFO, settings.log_format),
        server_header=False,
        proxy_headers=settings.https,
        timeout_graceful_shutdown=3,
    )


def ingest(
    slot: Annotated[int, typer.Option(min=0, help="Which of several this is; each number runs once.")] = 0,
    leave: Annotated[
        bool, typer.Option("--leave", help="Take what waits for this slot, give the slot up, and end.")
    ] = False,
    health_port: HealthPort = 0,
    health_host: HealthHost = "127.0.0.1",
) -> None:
    """Listen to the machines over MQTT and write their readings; acknowledge only what is committed.

    Needs MOYAI_DATABASE_URL and MOYAI_MQTT_URL; one is enough for a cooperative. On a broker that speaks MQTT 5 several
    share the work, each with a slot of its own; one that ends comes back under its slot, or gives it up with --leave.

    /healthz answers while the process
    lives; /readyz when it has subscribed, with its counters. Ctrl-C or SIGTERM writes what has arrived, then ends.

    **Example**

        moyai ingest --health-port 8001
        moyai ingest --slot 1
    """
    from moyai.health import ground, serving
    from moyai.metrics import OfIngester, exposition
    from telemetry.ingest.ingester import Ingester
    from telemetry.sparkplug.host import SparkplugHosts

    settings = Settings.from_environment().require("database_url", "mqtt_url")
    to_stderr(logging.INFO, settings.log_format)
    ingester, hosts = Ingester(settings, slot, leaving=leave), SparkplugHosts(settings)

    def state() -> dict[str, object]:
        metrics = ingester.metrics
        base = ground(settings)
        groups = sorted(hosts.metrics)
        return {**base, "ready": bool(base["ready"]) and metrics.connected, **asdict(metrics), "sparkplug": groups}

    def metrics() -> bytes:
        return exposition(OfIngester(lambda: ingester.metrics))

    with _stop_event() as stop, serving(health_host, health_port, state, metrics), hosts.beside(stop):
        ingester.run(stop)


def work(health_port: HealthPort = 0, health_host: HealthHost = "127.0.0.1") -> None:
    """Derive usage from readings and run jobs (mail, releases, documents). Needs MOYAI_DATABASE_URL.

    Any number may run against one database. /healthz answers while the process lives, /readyz when its database
    answers. Ctrl-C or SIGTERM finishes the jobs under way, 20 s at most.

    **Example**

        moyai work --health-port 8002
    """
    from moyai.health import asking, ground, serving
    from moyai.metrics import OfInstallation, exposition
    from moyai.work import run

    settings = Settings.from_environment().require("database_url")
    to_stderr(logging.INFO, settings.log_format)

    def metrics() -> bytes:
        return exposition(OfInstallation(asking(settings)))

    with _stop_event() as stop, serving(health_host, health_port, lambda: ground(settings), metrics):
        run(settings, stop)


def _on(settings: Settings, host: str | None, port: int | None) -> Settings:
    host = settings.http_host if host is None else host
    return replace(settings, http_host=host, http_port=settings.http_port if port is None else port)


@contextmanager
def _stop_event() -> Iterator[Event]:
    """An event that SIGTERM and Ctrl-C set."""
    stop = Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    yield stop
