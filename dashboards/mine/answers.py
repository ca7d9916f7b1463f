"""What a person answers on their page by one button: an offer, a place in the waitlist, a seat in a training."""

from collections.abc import Callable
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from booking.training import sessions as training
from booking.waitlist import ask as waitlist
from booking.waitlist import offer
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import MoyaiError

router = APIRouter(include_in_schema=False)

TOLD = frozenset({"booking.offer_over", "booking.training_full", "booking.training_begun"})
"""What can come between a button and its answer."""


@router.post("/offers/{offer_id}/accept")
def accept(offer_id: UUID, door: Entrance) -> Response:
    """Take what is offered: it is a reservation now."""
    try:
        taken = door.run(lambda conn: offer.accept(conn, door.viewer, offer_id, door.now))
    except MoyaiError as refused:
        return _refused(refused)
    return RedirectResponse(f"/reservations?made={taken.id}", status_code=303)


@router.post("/offers/{offer_id}/decline")
def decline(offer_id: UUID, door: Entrance) -> Response:
    """Let the next have it, and go on waiting."""
    return _do(door, "declined", lambda conn: offer.decline(conn, door.viewer, offer_id, door.now))


@router.post("/waitlist/{request_id}/withdraw")
def withdraw(request_id: UUID, door: Entrance) -> Response:
    """Wait no longer."""
    return _do(door, "withdrawn", lambda conn: waitlist.withdraw(conn, door.viewer, request_id, door.now))


@router.post("/trainings/{training_id}/join")
def join(training_id: UUID, door: Entrance) -> Response:
    """Take a seat in a training."""
    return _do(door, "joined", lambda conn: training.sign_up(conn, door.viewer, training_id, door.now))


@router.post("/trainings/{training_id}/leave")
def leave(training_id: UUID, door: Entrance) -> Response:
    """Give the seat back."""
    return _do(door, "left", lambda conn: training.leave(conn, door.viewer, training_id, door.now))


def _do(door: Door, done: str, use_case: Callable[[Connection], object]) -> Response:
    try:
        door.run(use_case)
    except MoyaiError as refused:
        return _refused(refused)
    return RedirectResponse(f"/me?done={done}", status_code=303)


def _refused(refused: MoyaiError) -> Response:
    """Say it on my page, where what became of it stands; anything else is a page of its own."""
    if refused.code not in TOLD:
        raise refused
    return RedirectResponse(f"/me?{urlencode({'refused': refused.code})}", status_code=303)
