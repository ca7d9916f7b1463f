"""The letters that let people in: written when they are sent, so that no secret waits in the queue."""

import html
import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

from babel.dates import format_datetime
from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job

from coop import mail
from coop.accounts import links, passwords
from coop.accounts.links import MAIL_TASK, RESET_TASK, Kind
from coop.database import Connection, Pool, run
from coop.messages import translate
from coop.queries import load
from coop.register import cooperative as own_cooperative
from coop.settings import Settings

log = logging.getLogger("coop.accounts")

SQL = load("coop.accounts")
ATTEMPTS = 6


class _Soon(BaseRetryStrategy):
    """Again after one, two, four … minutes; somebody waits for the letter."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        del exception
        return RetryDecision(retry_in={"minutes": 2**job.attempts}) if job.attempts < ATTEMPTS else None


def register(app: App) -> None:
    """Add the tasks that mail links."""

    @app.task(name=RESET_TASK, pass_context=True, retry=_Soon())
    def begin_reset(context: JobContext, email: str) -> None:
        pool, settings = context.additional_context["pool"], context.additional_context["settings"]
        run(pool, lambda conn: passwords.begin_reset(conn, email, settings.secret_key, datetime.now(UTC)))

    @app.task(name=MAIL_TASK, pass_context=True, retry=_Soon())
    def mail_entry_link(context: JobContext, link_id: str) -> None:
        pool, settings = context.additional_context["pool"], context.additional_context["settings"]
        send(pool, settings, UUID(link_id), datetime.now(UTC))


def send(pool: Pool, settings: Settings, link_id: UUID, now: datetime) -> None:
    """Mail a link to its person while it works; raises `MailServerAway` to be tried again."""
    if not settings.smtp_url:
        return
    written = run(pool, lambda conn: _letter(conn, settings, link_id, now))
    if written is None:
        return
    try:
        mail.send(settings.smtp_url, mail.compose(written, now))
    except mail.AddressRefused:
        log.warning("mail.refused link=%s", link_id)


def _letter(conn: Connection, settings: Settings, link_id: UUID, now: datetime) -> mail.Letter | None:
    row = conn.execute(SQL["link_to_mail"], {"id": link_id, "now": now}).fetchone()
    if row is None:
        return None
    written, name, address, locale, expires_at = row
    kind, cooperative = Kind(written), own_cooperative(conn)
    until = format_datetime(expires_at.astimezone(cooperative.time_zone) - timedelta(seconds=1), "short", locale=locale)
    said = {"cooperative": cooperative.name, "name": name, "until": until}
    subject = translate(f"letter.{kind}.subject", locale, **said)
    text = translate(f"letter.{kind}.text", locale, **said)
    after = translate(f"letter.{kind}.after", locale, **said)
    link = links.address_of(kind, link_id, settings.secret_key, settings.base_url)
    return mail.Letter(
        from_name=cooperative.name,
        from_address=settings.mail_from,
        to_name=name,
        to_address=address,
        subject=subject,
        text=f"{text}\n\n{link}\n\n{after}\n\n-- \n{cooperative.name}\n",
        html=f'<p>{html.escape(text)}</p><p><a href="{link}">{link}</a></p><p>{html.escape(after)}</p>'
        f"<p><small>{html.escape(cooperative.name)}</small></p>",
        message_id=str(link_id),
    )
