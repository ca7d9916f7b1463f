"""A commissioned measurement step by step: the part is received, the work quoted, measured, delivered, returned."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from booking.listing import find
from booking.model import Status
from booking.move import AlreadyEnded, lock_to_change
from booking.services.model import ServiceKind
from booking.tell import tell
from coop.database import Connection
from coop.errors import Conflict, Forbidden, Invalid
from coop.identity import Role, Viewer
from coop.queries import load

SQL = load("booking.services")
STANDS = frozenset({Status.CONFIRMED, Status.IN_USE, Status.DONE})


class Step(StrEnum):
    """The steps in their order."""

    RECEIVED = "received"
    QUOTED = "quoted"
    MEASURED = "measured"
    DELIVERED = "delivered"
    RETURNED = "returned"


ORDER = tuple(Step)
WHO = {step: frozenset({Role.OPERATOR, Role.OFFICE}) for step in Step} | {Step.MEASURED: frozenset({Role.OPERATOR})}
"""Who may take a step: only an operator says that something was measured."""


class NotCommissioned(Conflict):
    """The reservation is not for a commissioned measurement."""

    code = "booking.not_commissioned"


class StepOutOfTurn(Conflict):
    """Steps are taken once and in their order; `next` is the one to come, or `-`."""

    code = "booking.step_out_of_turn"


class QuoteNeeded(Invalid):
    """A quote has an amount, no other step has."""

    code = "booking.quote_needed"


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken, and by whom. `quote_yen` is the amount, without tax, of the quote."""

    step: Step
    at: datetime
    by_id: UUID | None
    quote_yen: int | None


def steps(conn: Connection, viewer: Viewer, reservation_id: UUID) -> list[Taken]:
    """The steps taken so far, in their order; raises `NotFound` or `NotCommissioned`."""
    if find(conn, viewer, reservation_id).service is not ServiceKind.COMMISSIONED:
        raise NotCommissioned()
    return _steps(conn, reservation_id)


def take_step(
    conn: Connection,
    viewer: Viewer,
    reservation_id: UUID,
    step: Step,
    now: datetime,
    *,
    quote_yen: int | None = None,
    version: int | None = None,
) -> list[Taken]:
    """Take the next step; all steps taken so far.

    Raises `NotFound`, `Forbidden`, `PreconditionFailed`, `NotCommissioned`, `AlreadyEnded`, `StepOutOfTurn` or
    `QuoteNeeded`.
    """
    if not viewer.has(*WHO[step]):
        raise Forbidden()
    reservation, _ = lock_to_change(conn, viewer, reservation_id, version)
    if reservation.service is not ServiceKind.COMMISSIONED:
        raise NotCommissioned()
    if reservation.status not in STANDS:
        raise AlreadyEnded()
    before = _steps(conn, reservation_id)
    following = ORDER[len(before)] if len(before) < len(ORDER) else None
    if step is not following:
        raise StepOutOfTurn(next=following.value if following else "-")
    if (step is Step.QUOTED) != (quote_yen is not None):
        raise QuoteNeeded()
    taken = Taken(step, now, viewer.person_id, quote_yen)
    values = {"reservation_id": reservation_id, "step": step.value, "now": now, "by_id": viewer.person_id}
    conn.execute(SQL["add_commission_step"], values | {"quote_yen": quote_yen})
    tell(conn, f"commission.{step.value}", viewer, reservation, now)
    return [*before, taken]


def _steps(conn: Connection, reservation_id: UUID) -> list[Taken]:
    rows = conn.execute(SQL["commission_steps"], {"reservation_id": reservation_id})
    return [Taken(Step(step), at, by_id, quote_yen) for step, at, by_id, quote_yen in rows]
