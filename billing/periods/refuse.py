"""What a second person is asked about, before the answer; and the answer no, with its reason. Yes is in `approve`."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from billing import store
from billing.model import Period
from billing.periods.approve import LinkInvalid, NotDrafted, SecondPersonNeeded
from billing.periods.settle import PeriodClosed, period
from billing.store import first_day
from coop import audit
from coop.database import Connection
from coop.errors import Forbidden
from coop.identity import Role, Viewer
from coop.paging import WHOLE, Slice
from coop.queries import load

SQL = load("billing.periods")


@dataclass(frozen=True, slots=True)
class Offer:
    """The draft that the holder of a link decides about, in whose name, and until when."""

    period: Period
    person_id: UUID
    expires_at: datetime

    @property
    def director(self) -> Viewer:
        """The director as who the holder of the link looks at the draft."""
        return Viewer(self.person_id, None, frozenset({Role.DIRECTOR}))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Who did not agree to a draft, and why. `standing`: that draft is still the one of the month."""

    id: UUID
    refused_at: datetime
    refused_by: UUID
    how: str
    words: str
    standing: bool


def offer(conn: Connection, secret: str, now: datetime) -> Offer:
    """What a link is about; looking uses nothing up. Raises `LinkInvalid` as `approve.use_link` does."""
    row = conn.execute(SQL["offer"], {"secret_hash": _digest(secret), "now": now}).fetchone()
    if row is None:
        raise LinkInvalid()
    first, draft_hash, person_id, expires_at = row
    found = period(conn, f"{first:%Y-%m}")
    if found.status.final or found.draft_hash != draft_hash:
        raise LinkInvalid()
    return Offer(found, person_id, expires_at)


def refuse_by_link(conn: Connection, secret: str, words: str, now: datetime) -> Period:
    """Whoever holds the link does not agree, in the name of whom it was made out to; the link is used up."""
    offered = offer(conn, secret, now)
    if not conn.execute(SQL["use_approval_link"], {"secret_hash": _digest(secret), "now": now}).rowcount:
        raise LinkInvalid()
    return _enter(conn, offered.director, offered.period.month, "link", words, now)


def refuse(conn: Connection, viewer: Viewer, month: str, words: str, now: datetime) -> Period:
    """The viewer does not agree to the draft as it is. Raises `NotDrafted`, `PeriodClosed`, `SecondPersonNeeded`."""
    viewer.require(Role.DIRECTOR)
    return _enter(conn, viewer, month, "person", words, now)


def refusals(conn: Connection, viewer: Viewer, month: str, part: Slice = WHOLE) -> list[Refusal]:
    """Why a month was not agreed to, newest first; raises `PeriodUnknown`."""
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    period(conn, month)
    rows = conn.execute(SQL["refusals"], {"month": first_day(month)} | part.values("after_refused", "after_id"))
    return [Refusal(*row) for row in rows]


def _enter(conn: Connection, viewer: Viewer, month: str, how: str, words: str, now: datetime) -> Period:
    if store.lock_period(conn, month).final:
        raise PeriodClosed(month=month)
    found = period(conn, month)
    if found.draft_hash is None:
        raise NotDrafted(month=month)
    if viewer.person_id is None:
        raise Forbidden()
    if viewer.person_id == found.drafted_by:
        raise SecondPersonNeeded(month=month)
    values = {
        "id": uuid4(),
        "month": first_day(month),
        "draft_hash": found.draft_hash,
        "how": how,
        "refused_by": viewer.person_id,
        "now": now,
        "words": words,
    }
    conn.execute(SQL["add_refusal"], values)
    detail: dict[str, object] = {"how": how, "draft_hash": found.draft_hash.hex()}
    audit.record(conn, "period.refused", viewer=viewer, subject=f"period:{month}", now=now, detail=detail)
    return found


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
