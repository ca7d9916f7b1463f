"""What was found, as it is told: what can be booked, whom to ask, what cannot, and what comes nearest."""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.tariffs import quote
from billing.tariffs.quote import Price
from booking.search.find import Found
from booking.search.ranking import Answer, PartNeeds, mpe_um
from coop.database import Connection
from coop.identity import Viewer

PRICED = 20
"""Of so many machines the price is told; the first are those that can be booked."""


@dataclass(frozen=True, slots=True)
class Told:
    """A machine with the price of its first slot; `priced` is False where none was asked for."""

    found: Found
    price: Price | None
    priced: bool
    mpe: str | None


@dataclass(frozen=True, slots=True)
class Answers:
    """All that was found: `free` can be booked now, `busy` could do it but have no slot, `misses` cannot, the nearest
    first."""

    free: Sequence[Told]
    busy: Sequence[Told]
    misses: Sequence[Told]


def answers(conn: Connection, viewer: Viewer, found: Sequence[Found], needs: PartNeeds) -> Answers:
    """`found` in three parts, with prices for the first of what can be booked."""
    is_member = quote.is_member(conn, viewer.member_id)
    told = []
    for number, each in enumerate(found):
        priced = bool(each.slots) and number < PRICED
        price = quote.price(conn, each.machine.id, each.slots[0], is_member=is_member) if priced else None
        error = mpe_um(each.machine, needs)
        told.append(Told(each, price, priced, None if error is None else f"{error:.1f}"))
    free = [each for each in told if each.found.slots]
    cannot = [each for each in told if not each.found.slots and each.found.answer is Answer.NO]
    busy = [each for each in told if not each.found.slots and each.found.answer is not Answer.NO]
    return Answers(free, busy, sorted(cannot, key=lambda each: _away(each.found)))


def _away(found: Found) -> tuple[int, int]:
    """How many reasons speak against it; those to ask about count less."""
    return sum(not each.warns for each in found.reasons), len(found.reasons)
