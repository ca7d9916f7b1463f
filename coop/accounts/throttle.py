"""How often something may be guessed wrong: counted in the database, for every process alike."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from coop.database import Connection
from coop.errors import Throttled
from coop.queries import load

SQL = load("coop.accounts")


class SignInThrottled(Throttled):
    """Too many wrong passwords or codes."""

    code = "coop.sign_in_throttled"


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most `most` failures of one subject within `window`."""

    what: str
    most: int
    window: timedelta

    def is_open(self, conn: Connection, subject: str, now: datetime) -> bool:
        """Whether the subject may try once more."""
        values = {"email_hash": self._key(subject), "since": now - self.window}
        row = conn.execute(SQL["count_failures"], values).fetchone()
        return row is None or row[0] < self.most

    def check(self, conn: Connection, subject: str, now: datetime) -> None:
        """Raise `SignInThrottled` when the subject failed too often."""
        if not self.is_open(conn, subject, now):
            minutes = int(self.window.total_seconds() // 60)
            raise SignInThrottled(minutes=minutes, retry_after_seconds=minutes * 60)

    def failed(self, conn: Connection, subject: str, now: datetime) -> None:
        """Count a failure; it must be committed although the person is refused."""
        conn.execute(SQL["add_failure"], {"email_hash": self._key(subject), "at": now})

    def forget(self, conn: Connection, subject: str) -> None:
        """What was right clears the count."""
        conn.execute(SQL["forget_failures"], {"email_hash": self._key(subject)})

    def _key(self, subject: str) -> bytes:
        return hashlib.sha256(f"{self.what} {subject}".encode()).digest()


ADDRESS = Throttle("address", 10, timedelta(minutes=15))
"""Wrong passwords for one e-mail address or sign-in name, whether or not it exists."""
SOURCE = Throttle("source", 100, timedelta(minutes=15))
"""Wrong passwords from one place: a whole factory may sit behind it."""
CODE = Throttle("code", 5, timedelta(minutes=15))
"""Wrong codes of one person."""
RESET = Throttle("reset", 3, timedelta(hours=1))
"""Letters to one address that ask for a new password."""


def source_of(host: str | None) -> str:
    """Where a request comes from: an IPv4 address, or the /64 network that one household or factory has."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return host or "unknown"
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)
