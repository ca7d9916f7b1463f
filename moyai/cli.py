"""The command line. Each command says what it does, with examples; a failure is one line and an exit code."""

import logging
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from typer.exceptions import TyperException

from coop.database import DatabaseAway
from coop.errors import MoyaiError
from coop.messages import translate
from coop.settings import Settings

FAILED, MISUSED, UNFORESEEN, INTERRUPTED = 1, 2, 70, 130

app = typer.Typer(
    name="moyai",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help="""Shared machines for a cooperative: reservations, the machines' own reports, and who owes what.

`moyai demo` shows everything with an example cooperative; `moyai up` runs your own. Settings are
read from `MOYAI_*` variables; commands find by
themselves what an `up` on the same data folder runs.""",
    epilog="Exit codes: 0 done · 1 not done, the line says why · 2 the command line is wrong · 70 unforeseen, "
    "the line names a file with the details · 130 interrupted.",
)

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
HealthPort = Annotated[int, typer.Option(help="Port of /healthz and /readyz; 0 picks a free one.")]
HealthHost = Annotated[str, typer.Option(help="Address of /healthz and /readyz.")]


@app.callback()
def before(context: typer.Context) -> None:
    """Find what an `up` on the data folder runs, for whatever the environment does not say."""
    if context.invoked_subcommand not in {"up", "demo"}:
        from moyai.up import environment_of

        for name, value in environment_of(Settings.from_environment().data_folder).items():
            os.environ.setdefault(name, value)


@app.command()
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
    _log_to_stderr(logging.WARNING)
    for sign in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(sign) is not signal.SIG_IGN:
            signal.signal(sign, signal.default_int_handler)
    console = Console(stderr=True)
    progress = console.status(_say("moyai.up.starting"))
    progress.start()
    try:
        with running(settings, lambda part: progress.update(_say("moyai.up.step", part=part))) as everything:
            progress.stop()
            console.print(_say("moyai.up.ready", url=everything.http_url, folder=settings.data_folder))
            Event().wait()
    except KeyboardInterrupt:
        console.print(_say("moyai.up.stopped"))
    finally:
        progress.stop()


@app.command()
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

    settings = _on(Settings.from_environment(), host, port).require("database_url", "secret_key")
    uvicorn.run(
        "moyai.application:create_app",
        factory=True,
        host=settings.http_host,
        port=settings.http_port,
        workers=workers,
        access_log=False,
        server_header=False,
        proxy_headers=settings.https,
        timeout_graceful_shutdown=10,
    )


@app.command()
def ingest(health_port: HealthPort = 0, health_host: HealthHost = "127.0.0.1") -> None:
    """Listen to the machines over MQTT and write their readings; acknowledge only what is committed.

    Needs MOYAI_DATABASE_URL and MOYAI_MQTT_URL; one is enough for a cooperative. /healthz answers while the process
    lives; /readyz when it has subscribed, with its counters. Ctrl-C or SIGTERM writes what has arrived, then ends.

    **Example**

        moyai ingest --health-port 8001
    """
    from telemetry.ingest import Ingester

    from moyai.health import serving

    settings = Settings.from_environment().require("database_url", "mqtt_url")
    _log_to_stderr(logging.INFO)
    ingester = Ingester(settings)

    def state() -> dict[str, object]:
        metrics = ingester.metrics
        return {"ready": metrics.connected, **asdict(metrics)}

    with _stop_event() as stop, serving(health_host, health_port, state):
        ingester.run(stop)


@app.command()
def work(health_port: HealthPort = 0, health_host: HealthHost = "127.0.0.1") -> None:
    """Derive usage from readings and run jobs (mail, releases, documents). Needs MOYAI_DATABASE_URL.

    Any number may run against one database. /healthz answers while the process lives, /readyz when its database
    answers. Ctrl-C or SIGTERM finishes the jobs under way, 20 s at most.

    **Example**

        moyai work --health-port 8002
    """
    from moyai.health import database_answers, serving
    from moyai.work import run

    settings = Settings.from_environment().require("database_url")
    _log_to_stderr(logging.INFO)
    with _stop_event() as stop, serving(health_host, health_port, lambda: {"ready": database_answers(settings)}):
        run(settings, stop)


@app.command()
def migrate() -> None:
    """Bring the database's schema to this version. Needs MOYAI_DATABASE_OWNER_URL; safe to run twice at once.

    **Example**

        MOYAI_DATABASE_OWNER_URL=postgresql://moyai_owner:...@db/moyai moyai migrate
    """
    from coop.migrate import migrate as apply_missing

    applied = apply_missing(Settings.from_environment().require("database_owner_url").database_owner_url)
    for each in applied:
        typer.echo(each)
    typer.echo(_say("moyai.migrate.done", count=len(applied)))


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Findings as JSON, for programs.")] = False) -> None:
    """Look at everything that Moyai stands on, and say how to mend what is wrong.

    Versions, TimescaleDB and what it enables, roles, migrations, the broker and its window, clocks, time zone, disk,
    sentences, files. Exit code 1 when something is wrong; a warning alone is 0.

    **Examples**

        moyai doctor
        moyai doctor --json | jq '.[] | select(.level != "ok")'
    """
    from moyai.doctor import examine, show

    if show(examine(Settings.from_environment()), locale(), as_json=as_json):
        raise typer.Exit(FAILED)


def main() -> None:
    """The console script: run a command; turn every failure into one line on stderr and an exit code."""
    try:
        code = app(standalone_mode=False)
    except MoyaiError as failure:
        _fail(translate(failure.code, locale(), **failure.params), FAILED)
    except TyperException as misuse:
        _fail(misuse.format_message(), misuse.exit_code)
    except psycopg.OperationalError:
        _fail(translate(DatabaseAway.code, locale()), FAILED)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(INTERRUPTED)
    except Exception:  # noqa: BLE001  # the edge of the process: written to a file that the line names
        _fail(_say("moyai.unforeseen", file=_write_down()), UNFORESEEN)
    sys.exit(code if isinstance(code, int) else 0)


def locale() -> str:
    """The language of messages in this terminal: `ja` or `en`."""
    named = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ja" if named.startswith("ja") else "en"


def _say(key: str, **params: object) -> str:
    return translate(key, locale(), **params)


def _fail(line: str, code: int) -> None:
    Console(stderr=True, soft_wrap=True).print(" ".join(line.split()), style="red", markup=False, highlight=False)
    sys.exit(code)


def _write_down() -> Path:
    """Put the exception under way into the data folder's `errors.log`; into the temporary folder if that cannot be."""
    text = f"{datetime.now(UTC).isoformat()} moyai {' '.join(sys.argv[1:2])}\n{traceback.format_exc()}\n"
    data_folder = Path(os.environ.get("MOYAI_DATA_FOLDER", "moyai-data"))
    for folder in (data_folder, Path(tempfile.gettempdir())):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (folder / "errors.log").open("a", encoding="utf-8") as stream:
                stream.write(text)
        except OSError:
            continue
        return (folder / "errors.log").resolve()
    return Path("-")


def _on(settings: Settings, host: str | None, port: int | None) -> Settings:
    host = settings.http_host if host is None else host
    return replace(settings, http_host=host, http_port=settings.http_port if port is None else port)


def _log_to_stderr(level: int) -> None:
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")


@contextmanager
def _stop_event() -> Iterator[Event]:
    """An event that SIGTERM and Ctrl-C set."""
    stop = Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    yield stop


if __name__ == "__main__":
    main()
