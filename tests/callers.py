"""People who call the API in tests: each with a role, a member, and a token of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx2
from fastapi.testclient import TestClient

from coop import database, people, register
from coop.database import Pool
from coop.identity import Role, Viewer
from coop.register import Cooperative, Member
from coop.settings import Settings
from moyai.application import create_app

COOPERATIVE = Cooperative("test", "試験協同組合", ZoneInfo("Asia/Tokyo"), "T7123456789012", "")


@dataclass(frozen=True, slots=True)
class Caller:
    """One person at the API: `get`, `post`, … as they would call it."""

    client: TestClient
    token: str | None
    viewer: Viewer

    def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= options.pop("headers", {})
        self.client.cookies.clear()
        return self.client.request(method, path, headers=headers, follow_redirects=False, **options)

    def __getattr__(self, name: str) -> Any:
        if name not in {"get", "post", "patch", "delete", "put"}:
            raise AttributeError(name)
        return partial(self.request, name.upper())

    @property
    def person_id(self) -> UUID:
        assert self.viewer.person_id is not None
        return self.viewer.person_id


class Callers:
    """An application on a database of one's own, and the people who call it."""

    def __init__(self, client: TestClient, pool: Pool) -> None:
        self.client = client
        self.pool = pool
        self._number = 0

    def member(self, member_id: str, name: str | None = None, **more: Any) -> str:
        """Enter a member."""
        entered = Member(member_id, name or f"{member_id}製作所", joined_on=date(2020, 4, 1), **more)
        with database.transaction(self.pool) as conn:
            register.add_member(conn, entered)
        return member_id

    def person(self, role: Role, member_id: str | None = None, *, name: str | None = None, **more: Any) -> Caller:
        """Enter a person of `role` and give them a token."""
        if role is Role.ANONYMOUS:
            return self.nobody
        self._number += 1
        now = datetime.now(UTC)
        with database.transaction(self.pool) as conn:
            person_id = people.add_person(
                conn,
                name=name or f"{role.value} {self._number}",
                email=f"p{self._number}@{member_id or 'kumiai'}.example",
                roles=[role],
                member_id=member_id,
                **more,
            )
            viewer = Viewer(person_id, member_id, frozenset({role}))
            _, secret = people.add_token(conn, viewer, name="test", now=now)
        return Caller(self.client, secret, viewer)

    @property
    def nobody(self) -> Caller:
        """Somebody who is not signed in."""
        return Caller(self.client, None, Viewer(None, None, frozenset({Role.ANONYMOUS})))


@contextmanager
def callers(app_url: str) -> Iterator[Callers]:
    """A founded cooperative behind the real application; requests go through HTTP's own code, without a socket."""
    app = create_app(
        Settings(
            database_url=app_url,
            secret_key="k" * 32,
            second_factor_for_office=False,
            requests_per_minute=0,
            entries_per_minute=0,
        )
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        pool: Pool = app.state.pool
        with database.transaction(pool) as conn:
            register.found(conn, COOPERATIVE, datetime.now(UTC))
        yield Callers(client, pool)
