"""One pool a process, one transaction a use case."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import errors
from psycopg_pool import ConnectionPool, PoolTimeout

from coop.errors import Unavailable
from coop.settings import Settings

log = logging.getLogger("coop.database")

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]
Pool: TypeAlias = ConnectionPool[Connection]
Result = TypeVar("Result")

ATTEMPTS = 4  # the first and three more, for deadlocks and serialization failures


class DatabaseAway(Unavailable):
    """The database does not answer; nothing was changed."""

    code = "coop.database_away"


def open_pool(settings: Settings, *, size: int | None = None) -> Pool:
    """A pool of connections of the application role, in UTC; it connects in the background and reconnects by itself."""
    settings.require("database_url")
    return ConnectionPool(
        settings.database_url,
        min_size=1,
        max_size=size or settings.pool_size,
        kwargs={"options": "-c TimeZone=UTC"},
        open=True,
        timeout=10,
    )


@contextmanager
def transaction(pool: Pool) -> Iterator[Connection]:
    """A connection in one transaction: committed at the end, rolled back on any exception."""
    with pool.connection() as conn, conn.transaction():
        yield conn


def run(pool: Pool, use_case: Callable[[Connection], Result]) -> Result:
    """Run `use_case` in one transaction, again (three times at most) after a deadlock or serialization failure.

    Raises `DatabaseAway` when the database cannot be reached.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction(pool) as conn:
                return use_case(conn)
        except (errors.DeadlockDetected, errors.SerializationFailure) as clash:
            log.info("transaction.retried attempt=%s sqlstate=%s", attempt, clash.sqlstate)
            if attempt == ATTEMPTS:
                raise DatabaseAway() from clash
        except (psycopg.OperationalError, PoolTimeout) as away:
            log.warning("database.away error=%s", type(away).__name__)
            raise DatabaseAway() from away
    raise AssertionError("the loop returns or raises")
