"""A second person agrees to a draft: signed in, by a link that works once, or on paper. A changed draft has none."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from psycopg import errors

from billing import store
from billing.model import Period, Status
from billing.periods.settle import PeriodClosed, period
from billing.store import first_day
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, Forbidden, Invalid, NotFound
from coop.identity import Role, Viewer
from coop.queries import load

SQL = load("billing.periods")
MOST_PAPER_BYTES = 5_000_000
_PAPERS = (b"%PDF-", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


class NotDrafted(Conflict):
    """There is no draft to approve."""

    code = "billing.not_drafted"


class SecondPersonNeeded(Forbidden):
    """Who drafted a month does not approve it."""

    code = "billing.second_person_needed"


class ApproverUnknown(Invalid):
    """Only a director of the cooperative approves a month."""

    code = "billing.approver_unknown"


class LinkInvalid(NotFound):
    """The link was used, has expired, or is of a draft that changed since."""

    code = "billing.approval_link_invalid"


class PaperInvalid(Invalid):
    """The signed paper is a PDF, PNG or JPEG file."""

    code = "billing.paper_invalid"


def approve(conn: Connection, viewer: Viewer, month: str, now: datetime) -> Period:
    """The viewer agrees to the draft as it is; again changes nothing.

    Raises `NotDrafted`, `PeriodClosed`, `SecondPersonNeeded`, `PeriodUnknown`.
    """
    viewer.require(Role.DIRECTOR)
    if viewer.person_id is None:
        raise Forbidden()
    drafted = _drafted(conn, month)
    return _enter(conn, viewer, drafted, "person", viewer.person_id, now)


def make_link(
    conn: Connection, viewer: Viewer, month: str, person_id: UUID, now: datetime, lasts: timedelta
) -> tuple[str, datetime]:
    """A secret by which the director `person_id` approves this draft once, without signing in; and when it ends.

    The secret cannot be shown again. Raises as `approve` does, and `ApproverUnknown`.
    """
    viewer.require(Role.OFFICE)
    drafted = _drafted(conn, month)
    _may_approve(conn, person_id, drafted)
    secret, expires_at = secrets.token_urlsafe(32), now + lasts
    values = {
        "secret_hash": _digest(secret),
        "month": first_day(month),
        "draft_hash": drafted.draft_hash,
        "person_id": person_id,
        "made_by": viewer.person_id,
        "now": now,
        "expires_at": expires_at,
    }
    conn.execute(SQL["add_approval_link"], values)
    detail: dict[str, object] = {"person_id": str(person_id), "expires_at": expires_at.isoformat()}
    audit.record(conn, "period.approval_link_made", viewer=viewer, subject=f"period:{month}", now=now, detail=detail)
    return secret, expires_at


def may_be_asked(conn: Connection, month: str, person_id: UUID) -> None:
    """Raise as `make_link` does unless `person_id` may approve the draft of `month`."""
    _may_approve(conn, person_id, _drafted(conn, month))


def use_link(conn: Connection, secret: str, now: datetime) -> Period:
    """Whoever holds the link approves in the name of whom it was made out to; raises `LinkInvalid`, `PeriodClosed`."""
    row = conn.execute(SQL["approval_link"], {"secret_hash": _digest(secret), "now": now}).fetchone()
    if row is None:
        raise LinkInvalid()
    month, draft_hash, person_id = f"{row[0]:%Y-%m}", row[1], row[2]
    drafted = _drafted(conn, month)
    used = conn.execute(SQL["use_approval_link"], {"secret_hash": _digest(secret), "now": now}).rowcount
    if not used or drafted.draft_hash != draft_hash:
        raise LinkInvalid()
    _may_approve(conn, person_id, drafted)
    director = Viewer(person_id, None, frozenset({Role.DIRECTOR}))
    return _enter(conn, director, drafted, "link", person_id, now)


def file_paper(conn: Connection, viewer: Viewer, month: str, person_id: UUID, paper: bytes, now: datetime) -> Period:
    """Keep the paper on which the director `person_id` approved this draft.

    Raises as `make_link` does, and `PaperInvalid`.
    """
    viewer.require(Role.OFFICE)
    if not paper.startswith(_PAPERS) or len(paper) > MOST_PAPER_BYTES:
        raise PaperInvalid(megabytes=MOST_PAPER_BYTES // 1_000_000)
    drafted = _drafted(conn, month)
    _may_approve(conn, person_id, drafted)
    return _enter(conn, viewer, drafted, "paper", person_id, now, paper)


def paper_of(conn: Connection, viewer: Viewer, month: str) -> bytes:
    """The signed paper of the approval that stands; raises `NotFound` when it was given otherwise or not at all."""
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    row = conn.execute(SQL["approval_paper"], {"month": first_day(month)}).fetchone()
    if row is None:
        raise NotFound()
    paper: bytes = row[0]
    return paper


def _drafted(conn: Connection, month: str) -> Period:
    """The draft, held until the transaction ends."""
    if store.lock_period(conn, month) is Status.CLOSED:
        raise PeriodClosed(month=month)
    found = period(conn, month)
    if found.draft_hash is None:
        raise NotDrafted(month=month)
    return found


def _may_approve(conn: Connection, person_id: UUID, drafted: Period) -> None:
    if conn.execute(SQL["is_director"], {"person_id": person_id}).fetchone() is None:
        raise ApproverUnknown()
    if person_id == drafted.drafted_by:
        raise SecondPersonNeeded(month=drafted.month)


def _enter(
    conn: Connection,
    viewer: Viewer,
    drafted: Period,
    how: str,
    person_id: UUID,
    now: datetime,
    paper: bytes | None = None,
) -> Period:
    if drafted.status is Status.APPROVED:
        return drafted
    values = {
        "id": uuid4(),
        "month": first_day(drafted.month),
        "draft_hash": drafted.draft_hash,
        "how": how,
        "approved_by": person_id,
        "drafted_by": drafted.drafted_by,
        "entered_by": viewer.person_id,
        "now": now,
        "paper": paper,
    }
    try:
        with conn.transaction():
            conn.execute(SQL["add_approval"], values)
    except errors.CheckViolation as refused:
        if refused.diag.constraint_name == "approval_by_a_second_person":
            raise SecondPersonNeeded(month=drafted.month) from None
        raise
    assert drafted.draft_hash is not None
    detail: dict[str, object] = {"how": how, "person_id": str(person_id), "draft_hash": drafted.draft_hash.hex()}
    if paper is not None:
        detail["paper_sha256"] = hashlib.sha256(paper).hexdigest()
    subject = f"period:{drafted.month}"
    audit.record(conn, "period.approved", viewer=viewer, subject=subject, now=now, detail=detail)
    return period(conn, drafted.month)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
