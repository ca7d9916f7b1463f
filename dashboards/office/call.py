"""What a caller wants, understood as far as it was said: who, which machine, when, and what is free instead."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel

import booking
from billing.tariffs import quote
from booking.search import ranking
from booking.search.ranking import PartNeeds
from coop import machines, people, register
from coop.database import Connection
from coop.errors import Invalid
from coop.identity import Viewer
from coop.interval import Interval, local_midnight
from coop.machines import Machine
from coop.register import Member
from dashboards.office import spoken
from dashboards.office.table import plain

CALLERS, OFFERS, COMPARED = 9, 9, 5
AHEAD = timedelta(days=14)
USUAL_MINUTES = 60
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(?:[x×*](\d+(?:\.\d+)?))?(?:[x×*](\d+(?:\.\d+)?))?(?:mm)?")


class NotYetSaid(Invalid):
    """Who calls, which machine and when must be understood before it can be booked."""

    code = "telephone.not_yet_said"


class Said(BaseModel):
    """The form as it stands; `pick` and `take` are the caller and the slot that were chosen by their number."""

    caller: str = ""
    member_id: str = ""
    person_id: str = ""
    machine: str = ""
    day: str = ""
    start: str = ""
    length: str = ""
    purpose: str = ""
    pick: str = ""
    take: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """A member, and which of its people calls; None: nobody is named."""

    member_id: str
    member: str
    person_id: UUID | None = None
    person: str | None = None

    @property
    def key(self) -> str:
        """As `pick` says it."""
        return f"{self.member_id}/{self.person_id or ''}"

    @property
    def label(self) -> str:
        """As the form shows it."""
        return " · ".join(filter(None, (self.member, self.person)))


@dataclass(frozen=True, slots=True)
class Offer:
    """A slot of a machine that is free."""

    machine_id: str
    machine: str
    slot: Interval

    @property
    def key(self) -> str:
        """As `take` says it."""
        return f"{self.machine_id}/{self.slot.start.isoformat()}/{self.slot.end.isoformat()}"


@dataclass(frozen=True, slots=True)
class Heard:
    """What is understood. `unclear` names fields that say something nobody understands, `missing` the first one that
    is still to be asked; `free` is whether the slot can be had, None while there is none."""

    said: Said
    caller: Caller | None
    callers: Sequence[Caller]
    machines: Sequence[Machine]
    machine_id: str | None
    slot: Interval | None
    free: bool | None
    price: quote.Price | None
    offers: Sequence[Offer]
    unclear: frozenset[str]
    missing: str


def heard(conn: Connection, viewer: Viewer, said: Said, now: datetime, locale: str) -> Heard:
    """Understand what was said so far; what was picked by its number fills the form."""
    zone = register.cooperative(conn).time_zone
    everybody = _callers(conn, viewer, now, zone)
    said = _picked(said, everybody, zone)
    caller, found = _caller(said, everybody)
    there = [each for each in machines.machines(conn) if each.in_service]
    asked = _machines(there, said.machine)
    today = now.astimezone(zone).date()
    day, start, length = spoken.day(said.day, today), spoken.clock(said.start), spoken.length(said.length)
    slot = _slot(day, start, length, zone)
    parts = (("day", said.day, day), ("start", said.start, start), ("length", said.length, length))
    unclear = frozenset(name for name, words, understood in parts if words.strip() and understood is None)
    unclear |= {"machine"} if said.machine.strip() and not asked else frozenset()
    machine_id = asked[0].id if len(asked) == 1 else None
    member_id = caller.member_id if caller else None
    free = _is_free(conn, machine_id, member_id, slot, now) if machine_id and slot else None
    minutes = (length.minutes if length and length.minutes else None) or USUAL_MINUTES
    wanted = timedelta(minutes=minutes) if slot is None else slot.end - slot.start
    window = _window(day, slot, zone, now)
    offers = [] if free or not said.machine.strip() else _offers(conn, asked, member_id, wanted, window, now, locale)
    price = None
    if machine_id and slot:
        price = quote.price(conn, machine_id, slot, is_member=quote.is_member(conn, member_id))
    stands = {"caller": caller, "machine": machine_id, "day": day, "start": start, "length": length}
    missing = next((name for name, each in stands.items() if each is None), "")
    return Heard(said, caller, found, asked, machine_id, slot, free, price, offers, unclear, missing)


def _callers(conn: Connection, viewer: Viewer, now: datetime, zone: ZoneInfo) -> list[tuple[Caller, str, str]]:
    """Whoever may call, with the words and the digits by which they are found."""
    today = now.astimezone(zone).date()
    found: list[tuple[Caller, str, str]] = []
    known = {each.id: each for each in register.members(conn, viewer) if not each.left_on or each.left_on > today}
    named: dict[str, list[Caller]] = {}
    for person in people.people_of(conn, viewer):
        member = known.get(person.member_id or "")
        if member is not None and person.active:
            named.setdefault(member.id, []).append(Caller(member.id, member.name, person.id, person.name))
    for member in known.values():
        callers = (*named.get(member.id, ()), Caller(member.id, member.name))
        found += [(caller, _words(member, caller), _digits(member.telephone)) for caller in callers]
    return found


def _words(member: Member, caller: Caller) -> str:
    return plain(f"{member.id} {member.name} {member.kana} {caller.person or ''} {caller.label}")


def _digits(text: str) -> str:
    return re.sub(r"\D", "", unicodedata.normalize("NFKC", text))


def _picked(said: Said, everybody: Sequence[tuple[Caller, str, str]], zone: ZoneInfo) -> Said:
    """The form with what was chosen by its number written into it."""
    changes: dict[str, Any] = {"pick": "", "take": ""}
    for caller, _, _ in everybody:
        if said.pick == caller.key:
            changes |= {"member_id": caller.member_id, "person_id": str(caller.person_id or ""), "caller": caller.label}
    machine_id, _, times = said.take.partition("/")
    try:
        start, end = (datetime.fromisoformat(each).astimezone(zone) for each in times.split("/"))
    except ValueError:
        return said.model_copy(update=changes)
    minutes = int((end - start).total_seconds() // 60)
    changes |= {"machine": machine_id, "day": f"{start:%Y/%m/%d}", "start": f"{start:%H:%M}", "length": f"{minutes}分"}
    return said.model_copy(update=changes)


def _caller(said: Said, everybody: Sequence[tuple[Caller, str, str]]) -> tuple[Caller | None, list[Caller]]:
    """Who calls, if that is sure; else who it could be."""
    for caller, _, _ in everybody:
        if (caller.member_id, str(caller.person_id or ""), caller.label) == (
            said.member_id,
            said.person_id,
            said.caller.strip(),
        ):
            return caller, []
    wanted, digits = plain(said.caller).split(), _digits(said.caller)
    if not wanted:
        return None, []
    by_number = len(digits) >= 3 and not re.search(r"[^\d\s()+ー-]", unicodedata.normalize("NFKC", said.caller))
    found = [
        caller
        for caller, words, telephone in everybody
        if (by_number and digits in telephone) or all(word in words for word in wanted)
    ]
    return (found[0], []) if len(found) == 1 else (None, found[:CALLERS])


def _machines(there: Sequence[Machine], said: str) -> list[Machine]:
    """The machines that are called so, or that take a part of the size that was said (300x200x100)."""
    wanted = plain(said).split()
    exact = [each for each in there if wanted == [plain(each.id)]]
    if exact or not wanted:
        return exact
    sizes = [_SIZE.fullmatch(word) for word in wanted]
    words = [word for word, size in zip(wanted, sizes, strict=True) if size is None]
    x, y, z = next((size.groups() for size in sizes if size), (None, None, None))
    needs = PartNeeds(x_mm=_mm(x), y_mm=_mm(y), z_mm=_mm(z))
    return [
        each
        for each in there
        if all(word in plain(f"{each.id} {each.kind} {each.name_ja} {each.name_en} {each.model}") for word in words)
        and ranking.answer(ranking.screen(each, needs)) is not ranking.Answer.NO
    ]


def _mm(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _slot(day: date | None, start: time | None, length: spoken.Length | None, zone: ZoneInfo) -> Interval | None:
    if day is None or start is None or length is None:
        return None
    begins = datetime.combine(day, start, zone)
    ends = begins + timedelta(minutes=length.minutes or 0)
    if length.until is not None:
        ends = datetime.combine(day, length.until, zone)
    return Interval(begins, ends) if ends > begins else None


def _window(day: date | None, slot: Interval | None, zone: ZoneInfo, now: datetime) -> Interval:
    """Where slots are looked for: from the slot, the day, or now on."""
    if slot is not None:
        return Interval.of(max(slot.start, now), AHEAD)
    if day is not None:
        begins, ends = (local_midnight(day + timedelta(days=n), zone) for n in (0, 1))
        if ends > now:
            return Interval(max(begins, now), ends)
    return Interval.of(now, AHEAD)


def _is_free(conn: Connection, machine_id: str, member_id: str | None, slot: Interval, now: datetime) -> bool:
    terms = booking.for_member(conn, booking.terms(conn, machine_id), member_id)
    return any(each.start <= slot.start and slot.end <= each.end for each in booking.free_slots(conn, terms, slot, now))


def _offers(
    conn: Connection,
    asked: Sequence[Machine],
    member_id: str | None,
    length: timedelta,
    window: Interval,
    now: datetime,
    locale: str,
) -> list[Offer]:
    """The first free slots of the machines in question, by time."""
    found: list[Offer] = []
    for machine in asked[:COMPARED]:
        terms = booking.for_member(conn, booking.terms(conn, machine.id), member_id)
        count = OFFERS if len(asked) == 1 else 3
        slots = booking.next_free(conn, terms, length, after=window.start, now=now, count=count)
        found += [Offer(machine.id, machine.name(locale), slot) for slot in slots if slot.end <= window.end]
    return sorted(found, key=lambda each: (each.slot, each.machine_id))[:OFFERS]
