"""The command line. Each command says what it does, with examples; a failure is one line and an exit code."""

import os
import sys

import psycopg
import typer
from typer.exceptions import TyperException

from coop.database import DatabaseAway
from coop.errors import MoyaiError
from coop.messages import translate
from coop.settings import Settings
from moyai import cli_errands, cli_processes
from moyai.terminal import fail, locale, say, write_down

FAILED, UNFORESEEN, INTERRUPTED = 1, 70, 130
PROCESSES = ("up", "serve", "ingest", "work")

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


@app.callback()
def before(context: typer.Context) -> None:
    """Find what an `up` on the data folder runs, for whatever the environment does not say."""
    if context.invoked_subcommand not in {"up", "demo"}:
        from moyai.up import environment_of

        for name, value in environment_of(Settings.from_environment().data_folder).items():
            os.environ.setdefault(name, value)


for command in (cli_processes.up, cli_processes.serve, cli_processes.ingest, cli_processes.work):
    app.command()(command)
for errand in (cli_errands.migrate, cli_errands.doctor, cli_errands.token, cli_errands.replay):
    app.command()(errand)


def add_rooms() -> None:
    """Add the rooms' own commands. They bring pandas and more, which processes that run for months do without."""
    import billing.cli
    import billing.documents.cli
    import billing.explain.cli
    import billing.ledger.cli
    import billing.year.cli
    import booking.cli
    import coop.accounts.cli
    import dashboards.cli
    import moyai.backup_command
    import moyai.demo.command
    import telemetry.devices.cli
    import telemetry.ingest.cli
    import telemetry.storage.cli

    app.command()(moyai.demo.command.demo)
    app.command("import")(booking.cli.import_file)
    app.command("export")(booking.cli.export_file)
    app.command()(billing.cli.settle)
    app.command("approve")(billing.cli.approve_period)
    app.command("verify")(billing.cli.verify_periods)
    app.command()(billing.explain.cli.audit)
    app.command()(billing.ledger.cli.journal)
    app.add_typer(billing.documents.cli.app, name="documents")
    app.add_typer(billing.year.cli.app, name="year")
    app.command()(moyai.backup_command.backup)
    app.command()(moyai.backup_command.restore)
    app.command()(telemetry.devices.cli.broker)
    app.add_typer(coop.accounts.cli.app, name="person")
    app.add_typer(telemetry.devices.cli.app, name="device")
    app.add_typer(dashboards.cli.app, name="report")
    app.add_typer(telemetry.storage.cli.app, name="telemetry")
    telemetry.storage.cli.app.command()(telemetry.ingest.cli.rejects)
    telemetry.storage.cli.app.command()(telemetry.ingest.cli.replay_rejects)


def main() -> None:
    """The console script: run a command; turn every failure into one line on stderr and an exit code."""
    try:
        if sys.argv[1:2] not in [[name] for name in PROCESSES]:
            add_rooms()
        code = app(standalone_mode=False)
    except MoyaiError as failure:
        fail(translate(failure.code, locale(), **failure.params), FAILED)
    except TyperException as misuse:
        fail(misuse.format_message(), misuse.exit_code)
    except psycopg.OperationalError:
        fail(translate(DatabaseAway.code, locale()), FAILED)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(INTERRUPTED)
    except Exception:  # noqa: BLE001  # the edge of the process: written to a file that the line names
        fail(say("moyai.unforeseen", file=write_down()), UNFORESEEN)
    sys.exit(code if isinstance(code, int) else 0)
