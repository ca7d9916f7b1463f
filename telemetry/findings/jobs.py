"""What time brings about: every ten minutes somebody looks whether there is something to look at."""

import logging
from datetime import UTC, datetime

from procrastinate import App, JobContext

from coop import database
from telemetry.findings.sweep import sweep

NAME = "telemetry.findings"

log = logging.getLogger(NAME)


def register(app: App) -> None:
    """Add the sweep to the tasks of `app`."""

    @app.periodic(cron="*/10 * * * *")
    @app.task(
        name="telemetry.findings", lock="telemetry.findings", queueing_lock="telemetry.findings", pass_context=True
    )
    def sweep_findings(context: JobContext, timestamp: int) -> None:
        """Raise what a person must look at, and close what is no longer so."""
        del timestamp
        swept = database.run(context.additional_context["pool"], lambda conn: sweep(conn, datetime.now(UTC)))
        log.info("findings.swept raised=%s closed=%s", swept.raised, swept.closed)
