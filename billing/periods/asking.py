"""A director is asked by mail to look at a draft, with a link that approves it once."""

import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

from babel.dates import format_datetime, format_skeleton
from procrastinate import App, JobContext

from billing import store
from billing.model import Status
from billing.periods.approve import make_link, may_be_asked
from billing.periods.settle import period
from billing.store import first_day
from booking.messages.sending import Backoff
from booking.messages.words import Notice
from coop import audit, mail, people
from coop.database import Connection, Pool, run
from coop.identity import SYSTEM, Role, Viewer
from coop.jobs import enqueue
from coop.messages import translate
from coop.register import cooperative
from coop.settings import Settings

ASK_TASK = "billing.ask_for_approval"
log = logging.getLogger("billing.periods")


def ask(conn: Connection, viewer: Viewer, month: str, person_id: UUID, now: datetime, lasts: timedelta) -> None:
    """Have the director `person_id` asked by mail. The link is made when the letter is written, and stored nowhere.

    Raises as `make_link` does.
    """
    viewer.require(Role.OFFICE)
    may_be_asked(conn, month, person_id)
    days = lasts // timedelta(days=1)
    asked_by = str(viewer.person_id) if viewer.person_id else None
    enqueue(conn, ASK_TASK, month=month, person_id=str(person_id), days=days, asked_by=asked_by)
    detail: dict[str, object] = {"person_id": str(person_id)}
    audit.record(conn, "period.approval_asked", viewer=viewer, subject=f"period:{month}", now=now, detail=detail)


def register(app: App) -> None:
    """Add the task that writes the letter."""

    @app.task(name=ASK_TASK, pass_context=True, retry=Backoff())
    def ask_for_approval(context: JobContext, month: str, person_id: str, days: int, asked_by: str | None) -> None:
        pool, settings = context.additional_context["pool"], context.additional_context["settings"]
        by = Viewer(UUID(asked_by) if asked_by else None, None, frozenset({Role.OFFICE}))
        send(pool, settings, by, month, UUID(person_id), timedelta(days=days), datetime.now(UTC))


def send(
    pool: Pool, settings: Settings, by: Viewer, month: str, person_id: UUID, lasts: timedelta, now: datetime
) -> None:
    """Write the letter with a fresh link and hand it to the mail server; raises `MailServerAway` to be tried again.

    Each try makes a link of its own; what was approved or closed meanwhile is asked for no more.
    """
    if not settings.smtp_url:
        return

    def written(conn: Connection) -> mail.Letter | None:
        return _letter(conn, settings, by, month, person_id, lasts, now)

    letter = run(pool, written)
    if letter is None:
        return
    try:
        mail.send(settings.smtp_url, mail.compose(letter, now))
    except mail.AddressRefused:
        log.warning("mail.refused period=%s person=%s", month, person_id)


def _letter(
    conn: Connection,
    settings: Settings,
    by: Viewer,
    month: str,
    person_id: UUID,
    lasts: timedelta,
    now: datetime,
) -> mail.Letter | None:
    director = next((each for each in people.people_of(conn, SYSTEM) if each.id == person_id and each.active), None)
    if director is None or period(conn, month).status is not Status.DRAFT:
        return None
    secret, expires_at = make_link(conn, by, month, person_id, now, lasts)
    total = sum(each.statement.total_yen for each in store.statements(conn, SYSTEM, month=month))
    coop = cooperative(conn)
    label = format_skeleton("yMMMM", first_day(month), locale=director.locale)
    headline = translate("billing.approval.headline", director.locale, month=label)
    until = format_datetime(expires_at, "medium", locale=director.locale, tzinfo=coop.time_zone)
    notice = Notice(
        subject=f"{headline} ({coop.name})",
        headline=headline,
        brief=headline,
        lines=(
            (translate("billing.approval.total", director.locale), f"¥{total:,}"),
            (translate("billing.approval.until", director.locale), until),
        ),
        link=f"{settings.base_url}/approve/{secret}",
        footer=translate("billing.approval.footer", director.locale, cooperative=coop.name),
    )
    return mail.Letter(
        from_name=coop.name,
        from_address=settings.mail_from,
        to_name=director.name,
        to_address=director.email,
        subject=notice.subject,
        text=notice.text,
        html=notice.html,
        message_id=f"approval-{month}-{person_id}-{now:%Y%m%d%H%M%S%f}",
    )
