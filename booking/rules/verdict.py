"""What the rules say of a slot, told to whoever asked: refused with every reason, or allowed with warnings."""

from dataclasses import replace
from uuid import UUID

from booking import projection
from booking.model import Denial, Holder
from booking.rules.facts import Preparation, facts
from booking.rules.policy import Question, SlotDenied, consider
from coop.database import Connection
from coop.identity import Viewer


def obey(
    conn: Connection,
    viewer: Viewer,
    question: Question,
    holder: Holder,
    *,
    but_for: UUID | None = None,
    preparation: Preparation | None = None,
) -> tuple[Denial, ...]:
    """What is to be considered about a slot for `holder`; the locks are held.

    `but_for` is the reservation that is moved there: it is not counted, and keeps its preparation unless another is
    given. Raises `SlotDenied` with every reason against the slot, if there is any.
    """
    known = facts(conn, question.terms, holder, question.wanted, question.now, but_for=but_for, preparation=preparation)
    said = consider(replace(question, facts=known))
    denials = [each for each in said if not each.warns]
    if denials:
        reasons = [projection.reason(each, viewer) for each in denials]
        raise SlotDenied(machine=question.terms.machine_id, extra={"reasons": reasons})
    return tuple(said)
