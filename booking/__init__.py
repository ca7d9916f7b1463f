"""Booking: who may use which machine when.

Promises: a machine is never promised twice, because one exclusion constraint over claims decides; a refusal names every
reason, or what is in the way and the next free slots; a move keeps the calendar UID; nobody learns from a reservation
what they may not know. Use cases take a connection and never commit.
"""

from booking.cancel import cancel
from booking.free import free_slots, next_free
from booking.listing import Page, find, on_board, reservations_of
from booking.model import Holder, Reservation, Status, Terms
from booking.move import AlreadyEnded, HasBegun, extend, move, shorten, swap
from booking.policy import SlotDenied
from booking.projection import Seen, seen
from booking.reserve import Wish, book, reserve
from booking.store import HolderUnknown, terms
from booking.taken import SlotTaken

__all__ = [
    "AlreadyEnded",
    "HasBegun",
    "Holder",
    "HolderUnknown",
    "Page",
    "Reservation",
    "Seen",
    "SlotDenied",
    "SlotTaken",
    "Status",
    "Terms",
    "Wish",
    "book",
    "cancel",
    "find",
    "free_slots",
    "move",
    "next_free",
    "on_board",
    "reservations_of",
    "reserve",
    "seen",
    "terms",
]
