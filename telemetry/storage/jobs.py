"""What time brings about: hours are reckoned each minute, old readings let go each night."""

from datetime import UTC, datetime

from procrastinate import App, JobContext

from coop.settings import Settings
from telemetry.storage import forget, rollups


def register(app: App) -> None:
    """Add both to the tasks of `app`."""

    @app.periodic(cron="* * * * *")
    @app.task(name="telemetry.rollups", lock="telemetry.rollups", queueing_lock="telemetry.rollups", pass_context=True)
    def renew_rollups(context: JobContext, timestamp: int) -> None:
        """Reckon the hours of which something changed."""
        del timestamp
        rollups.renew_waiting(context.additional_context["pool"])

    @app.periodic(cron="23 18 * * *")  # 03:23 in Japan
    @app.task(name="telemetry.forget", lock="telemetry.forget", queueing_lock="telemetry.forget", pass_context=True)
    def forget_readings(context: JobContext, timestamp: int) -> None:
        """Let go the readings that are old enough and whose months are closed."""
        del timestamp
        settings: Settings = context.additional_context["settings"]
        forget.forget(context.additional_context["pool"], settings.keep_readings_months, datetime.now(UTC))
