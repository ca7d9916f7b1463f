"""The job queue: tasks are enqueued on the caller's own connection and run by `moyai work`."""

from datetime import UTC, datetime, timedelta

import procrastinate
from procrastinate import App, JobContext

from coop import database
from coop.queries import load
from coop.settings import Settings

SQL = load("coop")
ANSWERS_KEPT = timedelta(days=7)
FAILURES_KEPT = timedelta(days=1)


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

    return app
