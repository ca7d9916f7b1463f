"""Keeps the embedded broker's users what the table of accounts says: whoever changes an account need not know it."""

import logging
from datetime import UTC, datetime
from threading import Event, Thread

import psycopg

from coop.database import Connection
from coop.errors import MoyaiError
from moyai.parts.broker import BrokerUser, EmbeddedBroker, TopicUnusable
from telemetry.devices.accounts import admitted

log = logging.getLogger("moyai.accounts")

LOOK_SECONDS = 1.0


class Accounts:
    """Looks at the accounts in `database_url` each second between `start` and `stop`; `service` is always let in."""

    def __init__(self, broker: EmbeddedBroker, service: BrokerUser, database_url: str) -> None:
        self._broker = broker
        self._service = service
        self._database_url = database_url
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="accounts", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; nobody is let in or put out after this returns."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._database_url, autocommit=True, connect_timeout=5) as conn:
                    while not self._stop.wait(LOOK_SECONDS):
                        self._broker.admit(users(conn, self._service))
            except (psycopg.Error, OSError, MoyaiError) as failure:
                log.warning("accounts.waits error=%s", type(failure).__name__)
                self._stop.wait(LOOK_SECONDS)


def users(conn: Connection, service: BrokerUser) -> list[BrokerUser]:
    """The service and who holds an account now that the embedded broker can hold: its topics have no dots or spaces."""
    found = [service]
    for each in admitted(conn, datetime.now(UTC)):
        user = BrokerUser(each.username, each.password_hash, each.rights)
        try:
            user.as_config()
        except TopicUnusable:
            log.warning("accounts.left_out username=%s reason=topic", each.username)
        else:
            found.append(user)
    return found
