"""The audit trail as it is read: who did what to what, and when; who was acted for is named beside who acted."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from coop.audit import SQL
from coop.database import Connection
from coop.identity import SEES_MONEY, Viewer
from coop.paging import WHOLE, Slice


@dataclass(frozen=True, slots=True)
class Search:
    """What of the trail is wanted: all that is given. `period` is every month, `period:2026-10` one; so for actions."""

    subject: str | None = None
    action: str | None = None
    person_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of the trail. `actor` None: the cooperative's own jobs, or somebody who held a link."""

    id: int
    at: datetime
    actor_id: UUID | None
    actor: str | None
    on_behalf_of: UUID | None
    on_behalf_of_name: str | None
    action: str
    subject: str
    detail: Mapping[str, Any]


def trail(conn: Connection, viewer: Viewer, search: Search, part: Slice = WHOLE) -> list[Deed]:
    """What was done, last first, for who answers for the cooperative's money."""
    viewer.require(*SEES_MONEY)
    return [Deed(*row) for row in conn.execute(SQL["trail"], asdict(search) | part.values("after_id"))]


def actions(conn: Connection, viewer: Viewer) -> list[str]:
    """Every kind of action that the trail knows."""
    viewer.require(*SEES_MONEY)
    return [action for (action,) in conn.execute(SQL["trail_words"])]
