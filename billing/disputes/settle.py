"""Ask about a line of a closed month, answer, propose to adjust or waive it, and agree as a second person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from pydantic import TypeAdapter

from billing import store
from billing.disputes.model import Action, Dispute, Step
from billing.explain.line import issued
from billing.model import AdjustmentReason, Line
from billing.periods import adjust
from billing.periods.approve import SecondPersonNeeded
from billing.store import first_day
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, Invalid, NotFound
from coop.identity import SEES_MONEY, Role, Viewer
from coop.money import Yen
from coop.paging import WHOLE, Slice
from coop.queries import load

SQL = load("billing.disputes")
_STEPS = TypeAdapter(tuple[Step, ...])


class NotClosedYet(Conflict):
    """A draft is corrected, not disputed."""

    code = "billing.dispute_of_draft"


class NothingProposed(Conflict):
    """There is no proposal that waits for a second person."""

    code = "billing.nothing_proposed"


class ProposalWaits(Conflict):
    """A proposal waits for its second person."""

    code = "billing.proposal_waits"


class MoreThanTheLine(Invalid):
    """A line can be given back once, and not more than it charged."""

    code = "billing.more_than_the_line"


def ask(conn: Connection, viewer: Viewer, statement_id: UUID, n: int, words: str, now: datetime) -> Dispute:
    """Question line `n` of a statement; about a line already questioned, ask further.

    Raises `NotFound` for a statement that is not the viewer's, `NotClosedYet`.
    """
    of = issued(conn, viewer, statement_id)
    if not of.status.final:
        raise NotClosedYet(month=of.month)
    _line(conn, viewer, statement_id, n)
    values = {
        "id": uuid4(),
        "statement_id": statement_id,
        "n": n,
        "month": first_day(of.month),
        "member_id": of.statement.member_id,
        "now": now,
    }
    conn.execute(SQL["open_dispute"], values)
    row = conn.execute(SQL["dispute_of_line"], values).fetchone()
    assert row is not None
    return _take(conn, viewer, row[0], Action.ASKED, words, now)


def answer(conn: Connection, viewer: Viewer, dispute_id: UUID, words: str, now: datetime) -> Dispute:
    """The office answers; the charge stays as it is unless more is asked or proposed."""
    viewer.require(Role.OFFICE)
    if _held(conn, viewer, dispute_id).last.action is Action.PROPOSED:
        raise ProposalWaits()
    return _take(conn, viewer, dispute_id, Action.ANSWERED, words, now)


def propose(
    conn: Connection,
    viewer: Viewer,
    dispute_id: UUID,
    reason: AdjustmentReason,
    amount_yen: Yen,
    words: str,
    now: datetime,
) -> Dispute:
    """Propose that the next month changes the line by `amount_yen` (negative: gives back), for a second person.

    Raises `ProposalWaits`, `MoreThanTheLine`.
    """
    viewer.require(Role.OFFICE)
    found = _held(conn, viewer, dispute_id)
    if found.last.action is Action.PROPOSED:
        raise ProposalWaits()
    _within(conn, viewer, found, reason, amount_yen)
    return _take(conn, viewer, dispute_id, Action.PROPOSED, words, now, reason=reason, amount_yen=amount_yen)


def decide(conn: Connection, viewer: Viewer, dispute_id: UUID, agrees: bool, words: str, now: datetime) -> Dispute:
    """Another person than who proposed agrees, which writes the adjustment of the next month, or refuses.

    Raises `NothingProposed`, `SecondPersonNeeded`, `MoreThanTheLine`.
    """
    viewer.require(Role.OFFICE, Role.DIRECTOR)
    found = _held(conn, viewer, dispute_id)
    proposal = found.last
    if proposal.action is not Action.PROPOSED or proposal.reason is None or proposal.amount_yen is None:
        raise NothingProposed()
    if viewer.person_id is None or viewer.person_id == proposal.taken_by:
        raise SecondPersonNeeded(month=found.month)
    if not agrees:
        return _take(conn, viewer, dispute_id, Action.REFUSED, words, now)
    _within(conn, viewer, found, proposal.reason, proposal.amount_yen)
    line = _line(conn, viewer, found.statement_id, found.n)
    adjustment = adjust.of_line(found.month, line, proposal.reason, proposal.amount_yen, proposal.words)
    adjust.add(conn, viewer, adjust.next_month(conn), [adjustment], now)
    return _take(conn, viewer, dispute_id, Action.AGREED, words, now, adjustment_id=adjustment.id)


def disputes(conn: Connection, viewer: Viewer, part: Slice = WHOLE) -> list[Dispute]:
    """Disputes, newest first: all for the office, a member's own for its people."""
    return _read(conn, viewer, None, part)


def dispute(conn: Connection, viewer: Viewer, dispute_id: UUID) -> Dispute:
    """One dispute; raises `NotFound` for one that is not there or not the viewer's."""
    found = _read(conn, viewer, dispute_id, WHOLE)
    if not found:
        raise NotFound()
    return found[0]


def of_line(conn: Connection, viewer: Viewer, statement_id: UUID, n: int) -> Dispute | None:
    """What line `n` of a statement was questioned as; None where nobody asked, or the viewer may not know."""
    row = conn.execute(SQL["dispute_of_line"], {"statement_id": statement_id, "n": n}).fetchone()
    found = _read(conn, viewer, row[0], WHOLE) if row else []
    return found[0] if found else None


def _read(conn: Connection, viewer: Viewer, dispute_id: UUID | None, part: Slice) -> list[Dispute]:
    own_only = not viewer.has(*SEES_MONEY)
    if own_only and not viewer.sees_money_of(viewer.member_id):
        return []
    values = {"id": dispute_id, "member_id": viewer.member_id if own_only else None}
    rows: Sequence[Any] = conn.execute(SQL["disputes"], values | part.values("after_opened", "after_id")).fetchall()
    return [
        Dispute(identifier, statement_id, n, month, member_id, opened_at, _STEPS.validate_python(steps))
        for identifier, statement_id, n, month, member_id, opened_at, steps in rows
    ]


def _held(conn: Connection, viewer: Viewer, dispute_id: UUID) -> Dispute:
    """One dispute whose steps nobody else adds to before the transaction ends."""
    conn.execute(SQL["lock_dispute"], {"dispute_id": dispute_id})
    return dispute(conn, viewer, dispute_id)


def _line(conn: Connection, viewer: Viewer, statement_id: UUID, n: int) -> Line:
    lines = store.lines(conn, issued(conn, viewer, statement_id).statement, n)
    if not lines:
        raise NotFound()
    return lines[0]


def _within(conn: Connection, viewer: Viewer, of: Dispute, reason: AdjustmentReason, amount_yen: Yen) -> None:
    """A waiver gives back, and nothing gives back more than the line charged, all its adjustments together."""
    line = _line(conn, viewer, of.statement_id, of.n)
    values = {"month": first_day(of.month), "member_id": of.member_id, "n": of.n}
    row = conn.execute(SQL["adjusted_before"], values).fetchone()
    assert row is not None
    left = line.amount_yen + row[0] + amount_yen
    if amount_yen == 0 or (amount_yen < 0 and left < 0) or (reason is AdjustmentReason.WAIVER and amount_yen > 0):
        raise MoreThanTheLine(yen=f"{max(line.amount_yen + row[0], 0):,}")


def _take(
    conn: Connection,
    viewer: Viewer,
    dispute_id: UUID,
    action: Action,
    words: str,
    now: datetime,
    *,
    reason: AdjustmentReason | None = None,
    amount_yen: Yen | None = None,
    adjustment_id: UUID | None = None,
) -> Dispute:
    conn.execute(SQL["lock_dispute"], {"dispute_id": dispute_id})
    before = dispute(conn, viewer, dispute_id).steps
    values = {
        "dispute_id": dispute_id,
        "n": len(before) + 1,
        "action": action,
        "words": words,
        "now": now,
        "taken_by": viewer.person_id,
        "reason": reason,
        "amount_yen": amount_yen,
        "adjustment_id": adjustment_id,
    }
    conn.execute(SQL["add_step"], values)
    detail: dict[str, object] = {"n": len(before) + 1}
    if amount_yen is not None:
        detail |= {"reason": reason, "amount_yen": amount_yen}
    if adjustment_id is not None:
        detail["adjustment_id"] = str(adjustment_id)
    audit.record(conn, f"dispute.{action}", viewer=viewer, subject=f"dispute:{dispute_id}", now=now, detail=detail)
    return dispute(conn, viewer, dispute_id)
