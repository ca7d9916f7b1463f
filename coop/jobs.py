"""The job queue: tasks are enqueued on the caller's own connection and run by `moyai work`.

A job is committed with what it tells of, or not at all; it runs at least once, so a task bears being run twice.
"""

import logging
from datetime import UTC, datetime, timedelta

import procrastinate
from procrastinate import App, JobContext
from procrastinate.types import JSONValue

from coop import database
from coop.database import Connection
from coop.queries import load
from coop.settings import Settings

log = logging.getLogger("coop.jobs")

SQL = load("coop")
ANSWERS_KEPT = timedelta(days=7)
FAILURES_KEPT = timedelta(days=1)
_DEFERS = App(connector=procrastinate.SyncPsycopgConnector())  # never opened: jobs go through the caller's connection


def enqueue(conn: Connection, task: str, *, lock: str | None = None, **arguments: JSONValue) -> None:
    """Have `task` run once this transaction commits; jobs with the same `lock` run one after the other, in order."""
    _DEFERS.configure_task(task, lock=lock, connection=conn).defer(**arguments)


def create_app() -> App:
    """The application with every task of the ground; `moyai work` opens it on the database of its settings."""
    app = App(connector=procrastinate.PsycopgConnector())

    @app.periodic(cron="17 * * * *")
    @app.task(name="coop.forget_old", queueing_lock="coop.forget_old", pass_context=True)
    def forget_old(context: JobContext, timestamp: int) -> None:
        """Clear expired sessions, old idempotency answers and sign-in failures."""
        del timestamp
        settings: Settings = context.additional_context["settings"]
        now = datetime.now(UTC)
        with database.open_pool(settings, size=1) as pool:
            database.run(
                pool,
                lambda conn: conn.execute(
                    SQL["forget_old"],
                    {"now": now, "answers_before": now - ANSWERS_KEPT, "failures_before": now - FAILURES_KEPT},
                ),
            )

    @app.periodic(cron="* * * * *")
    @app.task(name="coop.retry_stalled", queueing_lock="coop.retry_stalled", pass_context=True)
    async def retry_stalled(context: JobContext, timestamp: int) -> None:
        """Run the jobs of killed workers again."""
        del timestamp
        for job in await context.app.job_manager.get_stalled_jobs():
            log.info("job.retried id=%s task=%s", job.id, job.task_name)
            await context.app.job_manager.retry_job(job)

    return app
