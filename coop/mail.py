"""Mail: one letter, composed and handed to the mail server."""

import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from urllib.parse import unquote, urlsplit

from coop.errors import Unavailable

TIMEOUT_SECONDS = 20.0


class MailServerAway(Unavailable):
    """The mail server does not take the letter now."""

    code = "coop.mail_server_away"


class AddressRefused(Exception):
    """The mail server says that it will never deliver to this address; trying again is of no use."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent to whom. `calendar` is an iCalendar file with its method (`REQUEST`, `CANCEL`), `files` are PDFs."""

    from_name: str
    from_address: str
    to_name: str
    to_address: str
    subject: str
    text: str
    html: str
    message_id: str
    calendar: tuple[str, bytes] | None = None
    files: tuple[tuple[str, bytes], ...] = ()


def compose(letter: Letter, now: datetime) -> EmailMessage:
    """The letter as a MIME message: plain text, the same as HTML, and the files attached."""
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(letter.from_name, letter.from_address)
    message["To"] = _address(letter.to_name, letter.to_address)
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{letter.message_id}@{letter.from_address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    if letter.calendar is not None:
        method, file = letter.calendar
        message.add_attachment(
            file, "text", "calendar", filename="reservation.ics", params={"method": method, "charset": "utf-8"}
        )
    for name, pdf in letter.files:
        message.add_attachment(pdf, "application", "pdf", filename=name)
    return message


def send(smtp_url: str, message: EmailMessage) -> None:
    """Hand `message` to the server at `smtp_url`; raises `MailServerAway` or `AddressRefused`."""
    parts = urlsplit(smtp_url)
    host = parts.hostname or "localhost"
    secure = parts.scheme == "smtps"
    context = ssl.create_default_context()
    try:
        with (
            smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_SECONDS, context=context)
            if secure
            else smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT_SECONDS)
        ) as server:
            server.ehlo_or_helo_if_needed()
            if not secure and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo_or_helo_if_needed()
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as refused:
        codes = {code for code, _ in refused.recipients.values()}
        if all(500 <= code < 600 for code in codes):
            raise AddressRefused(*sorted(codes)) from refused
        raise MailServerAway() from refused
    except (OSError, smtplib.SMTPException) as away:
        raise MailServerAway() from away


def _address(name: str, address: str) -> str:
    return formataddr((" ".join(name.split()), address))
