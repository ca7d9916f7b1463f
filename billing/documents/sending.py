"""The jobs of documents: issue a month's, and mail each to who of the member gets it."""

import logging
from datetime import UTC, datetime
from uuid import UUID, uuid5

from babel.dates import format_date, format_skeleton
from procrastinate import App, JobContext

from billing.documents import store
from billing.documents.frozen import FrozenMonth
from billing.documents.issue import ISSUE_TASK, MAIL_TASK, issue_some
from billing.documents.model import Document
from billing.documents.store import SQL
from billing.store import first_day
from booking.messages.sending import Backoff
from booking.messages.words import Notice
from coop import mail
from coop.database import Connection, Pool, run
from coop.identity import SYSTEM
from coop.messages import translate
from coop.settings import Settings

log = logging.getLogger("billing.documents")


def register(app: App) -> None:
    """Add the tasks that issue and mail documents."""

    @app.task(name=ISSUE_TASK, pass_context=True, retry=Backoff())
    def issue_documents(context: JobContext, month: str) -> None:
        issue_all(context.additional_context["pool"], month)

    @app.task(name=MAIL_TASK, pass_context=True, retry=Backoff())
    def mail_document(context: JobContext, document_id: str, person_id: str) -> None:
        pool, settings = context.additional_context["pool"], context.additional_context["settings"]
        send(pool, settings, UUID(document_id), UUID(person_id), datetime.now(UTC))


def issue_all(pool: Pool, month: str) -> None:
    """Issue what a month still wants, some documents in each transaction."""
    frozen = FrozenMonth(month)
    while run(pool, lambda conn: issue_some(conn, frozen, datetime.now(UTC))):
        log.info("issue.went_on month=%s", month)


def send(pool: Pool, settings: Settings, document_id: UUID, person_id: UUID, now: datetime) -> None:
    """Mail a document's kept bytes to a person, unless it was mailed; raises `MailServerAway` to be tried again."""
    if not settings.smtp_url:
        return
    written = run(pool, lambda conn: _letter(conn, settings, document_id, person_id))
    if written is None:
        return
    try:
        mail.send(settings.smtp_url, mail.compose(written, now))
    except mail.AddressRefused:
        log.warning("mail.refused document=%s person=%s", document_id, person_id)
        return
    sent = {"document_id": document_id, "person_id": person_id, "now": now}
    run(pool, lambda conn: conn.execute(SQL["mark_mailed"], sent))


def _letter(conn: Connection, settings: Settings, document_id: UUID, person_id: UUID) -> mail.Letter | None:
    """The letter; None when it was sent already or the person is no longer of the member."""
    document = store.document(conn, SYSTEM, document_id)
    values = {"document_id": document_id, "person_id": person_id}
    people = conn.execute(SQL["readers"], {"member_id": document.member_id}).fetchall()
    reader = next((each for each in people if each[0] == person_id), None)
    if reader is None or conn.execute(SQL["mailed"], values).fetchone() is not None:
        return None
    _, name, address, locale, _ = reader
    issuer = store.issuer(conn)
    notice = _notice(document, issuer.name, locale, settings)
    return mail.Letter(
        from_name=issuer.name,
        from_address=settings.mail_from,
        to_name=name,
        to_address=address,
        subject=notice.subject,
        text=notice.text,
        html=notice.html,
        message_id=str(uuid5(document_id, str(person_id))),
        files=tuple(
            (f"{document.number}-{each}.pdf", store.kept(conn, document, each)[0]) for each in document.locales
        ),
    )


def _notice(document: Document, issuer: str, locale: str, settings: Settings) -> Notice:
    title = translate(f"billing.document.title.{document.kind}", locale)
    headline = f"{title} {document.number}"
    said = {
        "word.period": format_skeleton("yMMMM", first_day(document.month), locale=locale),
        f"total.{document.kind}": f"¥{document.total_yen:,}",
        "word.due_label": format_date(document.due_on, format="long", locale=locale) if document.due_on else "",
    }
    return Notice(
        subject=f"{headline} ({issuer})",
        headline=headline,
        brief=headline,
        lines=tuple((translate(f"billing.document.{name}", locale), value) for name, value in said.items() if value),
        link=f"{settings.base_url}/api/v1/documents/{document.id}/file",
        footer=translate("message.footer", locale, cooperative=issuer),
    )
