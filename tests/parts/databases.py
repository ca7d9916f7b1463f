"""A migrated database as a template, and a clone of it for each test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import psycopg
from psycopg.conninfo import conninfo_to_dict

from coop.migrate import migrate


@dataclass(frozen=True, slots=True)
class Database:
    """One empty, migrated cooperative's database, as its two roles see it."""

    owner_url: str
    app_url: str


class Template:
    """Migrates the database behind these two URLs once, then clones it; its owner may create databases."""

    def __init__(self, owner_url: str, app_url: str) -> None:
        self._owner_url, self._app_url = owner_url, app_url
        self._name = conninfo_to_dict(owner_url)["dbname"]
        self._numbers = count(1)
        migrate(owner_url)
        self._administer(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")

    @contextmanager
    def clone(self, *, migrated: bool = True) -> Iterator[Database]:
        """A database that lives as long as the block. Who leaves a connection to it open fails here."""
        name = f"test_{next(self._numbers)}"
        template = self._name if migrated else "template1"
        self._administer(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")  # quicker without fsync
        yield Database(_within(self._owner_url, name), _within(self._app_url, name))
        self._administer(f"DROP DATABASE {name}")

    def _administer(self, statement: str) -> None:
        with psycopg.connect(_within(self._owner_url, "postgres"), autocommit=True) as conn:
            conn.execute(statement)


def _within(url: str, database: str) -> str:
    head, _, _ = url.rpartition("/")
    return f"{head}/{database}"
