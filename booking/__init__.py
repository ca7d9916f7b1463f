"""Booking: who may use which machine when.

Promises: a machine is never promised twice, because one exclusion constraint over claims decides; a refusal names every
reason, or what is in the way and the next free slots; a move keeps the calendar UID; nobody learns from a reservation
what they may not know. Use cases take a connection and never commit.
"""

from booking.approval import NotPending, approve, decline
from booking.cancel import cancel
from booking.fitness.evidence import record_temperature
from booking.free import free_slots, next_free, room_until
from booking.handover import announce_late, hand_over
from booking.listing import Page, find, on_board, reservations_of
from booking.model import Holder, Reservation, Status, Terms
from booking.move import AlreadyEnded, HasBegun, extend, may_change, move, shorten, swap
from booking.outages import Outage, OutageKind, close, reopen
from booking.projection import Seen, seen
from booking.reserve import Wish, book, reserve
from booking.rules.calendar import Calendar
from booking.rules.closures import calendars
from booking.rules.edit import NonmemberUse, nonmember_use, tell_nonmember_use
from booking.rules.facts import Preparation, for_member
from booking.rules.policy import SlotDenied
from booking.services.any_of import reserve_any
from booking.services.commission import Step, take_step
from booking.services.define import Resource, resources
from booking.services.loan import lend, loans, take_back
from booking.services.model import ServiceKind
from booking.store import HolderUnknown, terms
from booking.taken import SlotTaken

__all__ = [
    "AlreadyEnded",
    "Calendar",
    "HasBegun",
    "Holder",
    "HolderUnknown",
    "NonmemberUse",
    "NotPending",
    "Outage",
    "OutageKind",
    "Page",
    "Preparation",
    "Reservation",
    "Resource",
    "Seen",
    "ServiceKind",
    "SlotDenied",
    "SlotTaken",
    "Status",
    "Step",
    "Terms",
    "Wish",
    "announce_late",
    "approve",
    "book",
    "calendars",
    "cancel",
    "close",
    "decline",
    "extend",
    "find",
    "for_member",
    "free_slots",
    "hand_over",
    "lend",
    "loans",
    "may_change",
    "move",
    "next_free",
    "nonmember_use",
    "on_board",
    "record_temperature",
    "reopen",
    "reservations_of",
    "reserve",
    "reserve_any",
    "resources",
    "room_until",
    "seen",
    "shorten",
    "swap",
    "take_back",
    "take_step",
    "tell_nonmember_use",
    "terms",
]
